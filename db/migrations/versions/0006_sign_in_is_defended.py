"""Sign-in is defended: attempts by e-mail and address, and second factors.

Attempts are counted before anybody knows of which clinic somebody is: their table belongs to no clinic, and stays on the
coordinator when the tables are distributed. It holds keyed hashes and numbers.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_attempts")),
    )
    op.create_table(
        "second_factors",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_second_factors_clinic_id")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "user_id"], ["users.clinic_id", "users.id"], name=op.f("fk_second_factors_clinic_id_user_id")
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_second_factors")),
        sa.UniqueConstraint("clinic_id", "user_id", name=op.f("uq_second_factors_clinic_id_user_id")),
    )


def downgrade() -> None:
    op.drop_table("second_factors")
    op.drop_table("sign_in_attempts")
