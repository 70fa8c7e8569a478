"""Exports list the records that they show; the access of users ends when their attorney or physician is retired.

Files of earlier releases have no such list: they expire, and the worker deletes them.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

RETIRED = (
    # Sessions end by their own trigger's notification; tokens of an identity provider have no session here, but their user has.
    """create function end_access_of_retired() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    account uuid;
begin
    for account in select u.id from users u where u.clinic_id = new.clinic_id and new.id in (u.attorney_id, u.physician_id) loop
        update sessions set revoked_at = now() where clinic_id = new.clinic_id and user_id = account and revoked_at is null;
        perform pg_notify('session_ended', '');
    end loop;
    return null;
end $$""",
    """create trigger end_access_of_retired after update of retired_at on attorneys
        for each row when (old.retired_at is null and new.retired_at is not null) execute function end_access_of_retired()""",
    """create trigger end_access_of_retired after update of active on physicians
        for each row when (old.active and not new.active) execute function end_access_of_retired()""",
)


def upgrade() -> None:
    op.add_column("exports", sa.Column("record_count", sa.BigInteger(), nullable=True))
    op.create_table(
        "export_records",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "export_id"],
            ["exports.clinic_id", "exports.id"],
            name=op.f("fk_export_records_clinic_id_export_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("clinic_id", "export_id", "table_name", "part", name=op.f("pk_export_records")),
    )
    op.execute("update exports set status = 'expired' where status = 'ready'")
    for statement in RETIRED:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for table in ("attorneys", "physicians"):
        op.execute(f"drop trigger end_access_of_retired on {table}")
    op.execute("drop function end_access_of_retired")
    op.drop_table("export_records")
    op.drop_column("exports", "record_count")
