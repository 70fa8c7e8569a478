"""Reminders begin with the first level, after a confirmed dry run; clinics have a letterhead, a sender of mail and a suppression list.

Workers record their heartbeat. A clinic that has sent reminders goes on sending them: a confirmation without a user is recorded for it.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_ONCE_BEFORE = "uq_message_invoices_clinic_id_policy_id_level_invoice_id_repetition"
_ONCE = "uq_message_invoices_repetition"
_REPETITION = ["clinic_id", "policy_id", "level", "invoice_id", "repetition"]
_LETTERHEAD = ("address", "phone", "sender_name", "sender_address", "reply_to")
# Clinics whose worker has sent messages, or has looked for messages of a policy in force.
_GO_ON = """insert into reminder_confirmations (clinic_id, id, confirmed_at, day, message_count, invoice_count)
    select c.clinic_id, gen_random_uuid(), now(), current_date, 0, 0 from clinics c
    where exists (select from outbound_messages m where m.clinic_id = c.clinic_id)
        or c.reminded_on is not null and exists (select from reminder_policies p where p.clinic_id = c.clinic_id and p.active)"""
# The users of the demo clinic move to a domain that is reserved for examples, unless one of these addresses is taken.
_MOVED = """update {table} set email = replace(email, '{old}', '{new}')
    where email in ('admin{old}', 'billing{old}', 'physician{old}', 'attorney{old}', 'analyst{old}') {only}
        and exists (select from clinics where short_name = 'demo')
        and not exists (select from {table} where email like '%{new}')"""
# Going down, the last of several messages of a level stays linked.
_LINKED_TWICE = """delete from message_invoices a using message_invoices b
    where (a.clinic_id, a.policy_id, a.level, a.invoice_id, a.repetition)
        = (b.clinic_id, b.policy_id, b.level, b.invoice_id, b.repetition)
        and (a.counted_from, a.id) < (b.counted_from, b.id)"""


def upgrade() -> None:
    op.add_column("message_invoices", sa.Column("counted_from", sa.Date(), nullable=True))
    op.drop_constraint(op.f(_ONCE_BEFORE), "message_invoices", type_="unique")
    op.create_unique_constraint(
        _ONCE, "message_invoices", [*_REPETITION, "counted_from"], postgresql_nulls_not_distinct=True
    )
    for name in _LETTERHEAD:
        op.add_column("clinics", sa.Column(name, sa.Text(), nullable=True))
    op.execute("""create table jobs.workers (id uuid primary key, heartbeat_at timestamp with time zone not null)""")
    _create_confirmations()
    _create_suppressions()
    op.execute(_GO_ON)
    of_demo = "and clinic_id = (select clinic_id from clinics where short_name = 'demo')"
    for table, only in (("users", of_demo), ("logins", "and only_clinic_id is null")):
        op.execute(_MOVED.format(table=table, old="@demo.clinic", new="@demo.example", only=only))


def _create_confirmations() -> None:
    op.create_table(
        "reminder_confirmations",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("invoice_count", sa.Integer(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *_ends_of("reminder_confirmations", "confirmed_by", "ended_by"),
    )
    op.create_index(
        "uq_reminder_confirmations_in_force",
        "reminder_confirmations",
        ["clinic_id"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
        postgresql_nulls_not_distinct=True,
    )


def _create_suppressions() -> None:
    op.create_table(
        "suppressed_addresses",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_by", sa.Uuid(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        *_ends_of("suppressed_addresses", "added_by", "removed_by"),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_suppressed_addresses_email_lower")),
    )
    op.create_index(
        "uq_suppressed_addresses_in_force",
        "suppressed_addresses",
        ["clinic_id", sa.literal_column("email")],
        unique=True,
        postgresql_where=sa.text("removed_at is null"),
        postgresql_nulls_not_distinct=True,
    )


def _ends_of(table: str, *users: str) -> list[sa.schema.SchemaItem]:
    """The time of recording, and the keys of a table of clinics."""
    return [
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                ["clinic_id", user], ["users.clinic_id", "users.id"], name=op.f(f"fk_{table}_clinic_id_{user}")
            )
            for user in users
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f(f"fk_{table}_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f(f"pk_{table}")),
    ]


def downgrade() -> None:
    op.execute("drop table jobs.workers")
    op.drop_table("suppressed_addresses")
    op.drop_table("reminder_confirmations")
    for name in _LETTERHEAD:
        op.drop_column("clinics", name)
    op.drop_constraint(_ONCE, "message_invoices", type_="unique")
    op.execute(_LINKED_TWICE)
    op.create_unique_constraint(op.f(_ONCE_BEFORE), "message_invoices", _REPETITION)
    op.drop_column("message_invoices", "counted_from")
