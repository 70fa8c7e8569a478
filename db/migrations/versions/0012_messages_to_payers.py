"""Messages to payers: whom a level writes to, which versions of a template there were, and how far sending has come.

A message names the policy and the number of the level, no row of the levels: those are written anew whenever a policy is saved.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
Nothing was ever written by a release to what is taken away here.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_RECIPIENTS = "'payer', 'attorney', 'billing_lead', 'address'"
CHECKS = {
    "reminder_policies": {"payer_kind_known": "payer_kind in ('attorney', 'insurance', 'patient')"},
    "reminder_levels": {
        "in_status_known": "in_status in ('pending_invoice', 'pending_reduction', 'pending_cheque')",
        "recipient_known": f"recipient in ({_RECIPIENTS})",
        "copy_to_known": f"copy_to in ({_RECIPIENTS})",
        "recipient_is_somebody": "(recipient = 'address') = (recipient_address is not null)",
        "copy_is_for_somebody": "(copy_to is not distinct from 'address') = (copy_address is not null)",
        "days_pass": "after_days >= 0 and repeat_times >= 0 and (repeat_times = 0 or repeat_days > 0)",
    },
}
# Table → column → the table that it refers to, where it does.
COLUMNS: dict[str, dict[str, tuple[Any, str | None]]] = {
    "clinics": {"reminded_on": (sa.Date(), None)},
    "reminder_templates": {"created_by": (sa.Uuid(), "users")},
    "reminder_policies": {"billing_lead_id": (sa.Uuid(), "users")},
    "reminder_levels": {"recipient_address": (sa.Text(), None), "copy_address": (sa.Text(), None)},
    "outbound_messages": {"body": (sa.Text(), None)},
    "message_invoices": {
        "policy_id": (sa.Uuid(), "reminder_policies"),
        "template_id": (sa.Uuid(), "reminder_templates"),
        "level": (sa.Integer(), None),
    },
}
INDEXES: dict[str, tuple[str, str, str | None]] = {
    "ix_outbound_messages_queued": ("outbound_messages", "next_attempt_at", "status = 'queued'"),
    "ix_outbound_messages_due": ("outbound_messages", "due_on, id", None),
    "ix_message_invoices_message": ("message_invoices", "message_id", None),
    # What staff have to act on is found without looking at everything else.
    "ix_outbound_messages_failed": ("outbound_messages", "due_on, id", "status = 'failed'"),
    "ix_invoice_events_lapsed": ("invoice_events", "invoice_id, seq", "transition = 'lapse_agreement'"),
    "ix_denials_appeal": ("denials", "appeal_due_on, invoice_id", "appeal_due_on is not null"),
}
# Whoever is to act does the clinic's billing. Billing staff do not see of an account whether that is so: the database looks.
STAFF = (
    """create function check_billing_staff() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare
    who uuid := (to_jsonb(new) ->> tg_argv[0])::uuid;
begin
    if who is not null and not exists (select from public.users u
            where u.clinic_id = new.clinic_id and u.id = who and u.active and u.role in ('admin', 'billing')) then
        raise foreign_key_violation using message = 'nobody of billing staff', constraint = tg_argv[0] || '_does_billing';
    end if;
    return new;
end $$""",
    """create trigger assignee_does_billing before insert or update of assignee_id on reminders
        for each row execute function check_billing_staff('assignee_id')""",
    """create trigger billing_lead_does_billing before insert or update of billing_lead_id on reminder_policies
        for each row execute function check_billing_staff('billing_lead_id')""",
)
_ONCE = "uq_message_invoices_clinic_id_policy_id_level_invoice_id_repetition"
_ONCE_BEFORE = "uq_message_invoices_clinic_id_level_id_invoice_id_repetition"


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, (type_, referred) in columns.items():
            op.add_column(table, sa.Column(name, type_))
            if referred:
                _refer(table, name, referred)
    op.add_column(
        "outbound_messages",
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column(
        "outbound_messages",
        sa.Column("accepted_for", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.execute("""update message_invoices m set policy_id = l.policy_id, level = l.level, template_id = l.template_id
        from reminder_levels l where (l.clinic_id, l.id) = (m.clinic_id, m.level_id)""")
    for name in COLUMNS["message_invoices"]:
        op.alter_column("message_invoices", name, nullable=False)
    op.drop_column("message_invoices", "level_id")
    op.create_unique_constraint(
        op.f(_ONCE), "message_invoices", ["clinic_id", "policy_id", "level", "invoice_id", "repetition"]
    )
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    for name, (table, keys, where) in INDEXES.items():
        op.execute(f"create index {name} on {table} (clinic_id, {keys})" + (f" where {where}" if where else ""))
    op.execute("""create unique index uq_reminder_policies_reach on reminder_policies (clinic_id, payer_kind, facility_id)
        nulls not distinct where active""")
    for statement in STAFF:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.execute("drop trigger assignee_does_billing on reminders")
    op.execute("drop trigger billing_lead_does_billing on reminder_policies")
    op.execute("drop function check_billing_staff()")
    op.drop_index("uq_reminder_policies_reach")
    for name in INDEXES:
        op.drop_index(name)
    for table, checks in CHECKS.items():
        for name in checks:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.add_column("message_invoices", sa.Column("level_id", sa.Uuid()))
    _refer("message_invoices", "level_id", "reminder_levels")
    op.execute("""update message_invoices m set level_id = l.id from reminder_levels l
        where (l.clinic_id, l.policy_id, l.level) = (m.clinic_id, m.policy_id, m.level)""")
    op.execute("delete from message_invoices where level_id is null")
    op.alter_column("message_invoices", "level_id", nullable=False)
    for name in ("accepted_for", "next_attempt_at"):
        op.drop_column("outbound_messages", name)
    for table, columns in COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)
    op.create_unique_constraint(
        op.f(_ONCE_BEFORE), "message_invoices", ["clinic_id", "level_id", "invoice_id", "repetition"]
    )


def _refer(table: str, column: str, referred: str) -> None:
    keys = ["clinic_id", column], ["clinic_id", "id"]
    op.create_foreign_key(op.f(f"fk_{table}_clinic_id_{column}"), table, referred, *keys)
