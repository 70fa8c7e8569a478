"""A transaction that changes what filters and row rules read of an invoice keeps what the invoice was, for a few minutes.

Subscribers decide by it whether the invoice has left their list (decision 36). Transactions without `app.change_id`, such as imports,
keep nothing.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_COPIED = (
    *("number", "status", "case_id", "patient_id", "payer_id", "physician_id", "facility_id", "attorney_id"),
    *("created_on", "service_date", "billed_amount"),
)
_KEPT = ", ".join(_COPIED)
_OF_INVOICE = ", ".join(f"i.{name}" for name in _COPIED)
_STATUSES = """array(select coalesce((select e.status from denial_events e where (e.clinic_id, e.denial_id) = (d.clinic_id, d.id)
            order by e.number desc limit 1), 'open')
        from denials d where (d.clinic_id, d.invoice_id) = (i.clinic_id, i.id))"""
_DUE_ON = """(select min(coalesce(r.moved_to, r.target_date)) from reminders r
        where (r.clinic_id, r.invoice_id) = (i.clinic_id, i.id) and r.status = 'scheduled')"""
_PAYERS = """coalesce((select m.group_ids from merged_payers m where m.clinic_id = i.clinic_id
        and (m.id = i.payer_id or m.survivor_id = i.payer_id) limit 1), array[i.payer_id])"""
_HELD = f"""(select max(h.until_on) from holds h where h.clinic_id = i.clinic_id and h.released_at is null
        and (h.invoice_id = i.id or h.case_id = i.case_id or h.payer_id = any({_PAYERS})))"""
# The insert of an invoice is kept after it, as one that did not exist; everything else before.
_FUNCTION = f"""create function keep_invoice_image() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare invoice uuid; is_new boolean := tg_table_name = 'invoices' and tg_op = 'INSERT';
begin
    if tg_table_name = 'invoices' then
        invoice := new.id;
    elsif tg_table_name = 'denial_events' then
        select d.invoice_id into invoice from denials d where (d.clinic_id, d.id) = (new.clinic_id, new.denial_id);
    else
        invoice := new.invoice_id;
    end if;
    insert into invoice_images (clinic_id, change_id, id, existed, {_KEPT}, denial_statuses, reminder_due_on, held_until, recorded_at)
    select i.clinic_id, current_setting('app.change_id')::uuid, i.id, not is_new, {_OF_INVOICE}, {_STATUSES}, {_DUE_ON}, {_HELD},
        clock_timestamp()
    from invoices i where (i.clinic_id, i.id) = (new.clinic_id, invoice)
    on conflict do nothing;
    return new;
end $$"""
_TOLD = "current_setting('app.change_id', true) <> ''"
_CHANGED = " or ".join(
    f"old.{name} is distinct from new.{name}" for name in _COPIED if name not in ("number", "case_id", "patient_id")
)
# Table → when its triggers fire, and for which rows.
_TRIGGERS = (
    ("invoices", "keep_invoice_image", "before update", f"({_CHANGED})"),
    ("invoices", "keep_new_invoice_image", "after insert", "true"),
    ("denials", "keep_invoice_image", "before insert", "true"),
    ("denial_events", "keep_invoice_image", "before insert", "true"),
    ("reminders", "keep_invoice_image", "before insert", "true"),
    (
        "reminders",
        "keep_changed_invoice_image",
        "before update",
        """(old.status is distinct from new.status or old.target_date is distinct from new.target_date
            or old.moved_to is distinct from new.moved_to)""",
    ),
    ("holds", "keep_invoice_image", "before insert", "new.invoice_id is not null"),
    (
        "holds",
        "keep_changed_invoice_image",
        "before update",
        """new.invoice_id is not null
            and (old.released_at is distinct from new.released_at or old.until_on is distinct from new.until_on)""",
    ),
)


def upgrade() -> None:
    uuid, day = sa.Uuid(), sa.Date()
    op.create_table(
        "invoice_images",
        sa.Column("clinic_id", uuid, nullable=False),
        sa.Column("change_id", uuid, nullable=False),
        sa.Column("id", uuid, nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("existed", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("case_id", uuid, nullable=False),
        sa.Column("patient_id", uuid, nullable=False),
        sa.Column("payer_id", uuid, nullable=False),
        sa.Column("physician_id", uuid, nullable=True),
        sa.Column("facility_id", uuid, nullable=True),
        sa.Column("attorney_id", uuid, nullable=True),
        sa.Column("created_on", day, nullable=False),
        sa.Column("service_date", day, nullable=False),
        sa.Column("billed_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("denial_statuses", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("reminder_due_on", day, nullable=True),
        sa.Column("held_until", day, nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_invoice_images_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "change_id", "id", name=op.f("pk_invoice_images")),
    )
    op.create_index("ix_invoice_images_order", "invoice_images", ["clinic_id", sa.text("id"), sa.text("position")])
    op.execute("alter table invoice_images enable row level security")
    op.execute(_FUNCTION)
    for table, name, when, changed in _TRIGGERS:
        op.execute(
            f"create trigger {name} {when} on {table} for each row when ({_TOLD} and {changed}) execute function keep_invoice_image()"
        )


def downgrade() -> None:
    for table, name, _, _ in _TRIGGERS:
        op.execute(f"drop trigger {name} on {table}")
    op.execute("drop function keep_invoice_image()")
    op.drop_table("invoice_images")
