"""What an invoice was at the end of each past day, so that the figures of that day can be told for ever.

An invoice that changes leaves what it was behind it, with the days at whose end it was so: from `known_from`, until before
`known_until`, in the clinic's calendar. What was so for less than a day leaves nothing. Histories that stand already are read
backwards: what a later event changed was before what it says. Who represented the case then, they do not tell: it counts as
having been whoever represents it now.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What changes of an invoice, and what stays, of all that figures are made of.
CHANGES = (
    *(
        "payer_id",
        "attorney_id",
        "status",
        "submitted_on",
        "first_submitted_on",
        "agreed_on",
        "fully_paid_on",
        "paid_on",
    ),
    *("billed_amount", "agreed_amount", "received_amount", "written_off_amount"),
)
STAYS = ("case_id", "patient_id", "physician_id", "facility_id", "encounter_id", "created_on", "service_date")

OPEN = "status in ('pending_invoice', 'pending_reduction', 'pending_cheque')"


def _of(row: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{row}.{name}" for name in names)


KEEPING = (
    f"""create function keep_invoice_state() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    moment timestamptz := case when tg_op = 'INSERT' then new.recorded_at when new.updated_at is distinct from old.updated_at
        then new.updated_at else coalesce(nullif(current_setting('app.moment', true), '')::timestamptz, now()) end;
    today date := (moment at time zone (select time_zone from clinics where clinic_id = new.clinic_id))::date;
begin
    new.first_submitted_on := coalesce(new.first_submitted_on, new.submitted_on);
    if tg_op = 'INSERT' then
        new.known_from := coalesce(new.known_from, today);
    elsif today > old.known_from then
        insert into invoice_states (clinic_id, invoice_id, known_from, known_until, {", ".join((*CHANGES, *STAYS))})
        values (old.clinic_id, old.id, old.known_from, today, {_of("old", (*CHANGES, *STAYS))});
        new.known_from := today;
    end if;
    return new;
end $$""",
    """create trigger keep_invoice_state_begun before insert on invoices for each row
        when (new.known_from is null or new.submitted_on is not null and new.first_submitted_on is null)
        execute function keep_invoice_state()""",
    f"""create trigger keep_invoice_state before update on invoices for each row
        when (({_of("old", CHANGES)}) is distinct from ({_of("new", CHANGES)})) execute function keep_invoice_state()""",
)

_DAY = "(e.at at time zone c.time_zone)::date"
# Field of the history → column, for what it tells as text.
_TOLD = {
    "payerId": ("payer_id", "uuid"),
    "submittedOn": ("submitted_on", "date"),
    "agreedOn": ("agreed_on", "date"),
    "fullyPaidOn": ("fully_paid_on", "date"),
    "paidOn": ("paid_on", "date"),
    "billedAmount": ("billed_amount", "numeric"),
    "agreedAmount": ("agreed_amount", "numeric"),
    "receivedAmount": ("received_amount", "numeric"),
    "writtenOffAmount": ("written_off_amount", "numeric"),
}
_BEFORE = ", ".join(
    f"count(*) filter (where t.field = '{field}') > 0 as has_{column}, "
    f"(array_agg(t.before order by t.seq) filter (where t.field = '{field}'))[1]::{type_} as {column}"
    for field, (column, type_) in _TOLD.items()
)
_THEN = ", ".join(f"case when b.has_{column} then b.{column} else i.{column} end" for column, _ in _TOLD.values())
PERIODS = f"""select clinic_id, invoice_id, known_from, lead(known_from) over w as known_until from (
        select distinct e.clinic_id, e.invoice_id, {_DAY} as known_from from invoice_events e join clinics c using (clinic_id)) d
    window w as (partition by clinic_id, invoice_id order by known_from)"""
FIRST_SUBMITTED = """update invoices i set first_submitted_on = s.first_on from (
        select e.clinic_id, e.invoice_id, min(t.after::date) as first_on from invoice_events e,
            json_to_recordset(e.changes) t (field text, after text)
        where e.transition = 'submit_invoice' and t.field = 'submittedOn' group by 1, 2) s
    where (s.clinic_id, s.invoice_id) = (i.clinic_id, i.id)"""
TELL = f"""insert into invoice_states (clinic_id, invoice_id, known_from, known_until, status, attorney_id, first_submitted_on,
        {", ".join(column for column, _ in _TOLD.values())}, {", ".join(STAYS)})
    select p.clinic_id, p.invoice_id, p.known_from, p.known_until, s.from_status, i.attorney_id,
        case when f.day < p.known_until then i.first_submitted_on end, {_THEN}, {_of("i", STAYS)}
    from ({PERIODS}) p join invoices i on (i.clinic_id, i.id) = (p.clinic_id, p.invoice_id) join clinics c on c.clinic_id = p.clinic_id
    cross join lateral (select e.from_status from invoice_events e where (e.clinic_id, e.invoice_id) = (p.clinic_id, p.invoice_id)
        and {_DAY} >= p.known_until order by e.seq limit 1) s
    cross join lateral (select min({_DAY}) as day from invoice_events e
        where (e.clinic_id, e.invoice_id) = (p.clinic_id, p.invoice_id) and e.transition = 'submit_invoice') f
    cross join lateral (select {_BEFORE} from (select e.seq, x.field, x.before from invoice_events e,
            json_to_recordset(e.changes) x (field text, before text)
        where (e.clinic_id, e.invoice_id) = (p.clinic_id, p.invoice_id) and {_DAY} >= p.known_until) t) b
    where p.known_until is not null"""
SINCE = f"""update invoices i set known_from = s.day from (select e.clinic_id, e.invoice_id, max({_DAY}) as day
        from invoice_events e join clinics c using (clinic_id) group by 1, 2) s
    where (s.clinic_id, s.invoice_id) = (i.clinic_id, i.id)"""


def upgrade() -> None:
    op.add_column("invoices", sa.Column("known_from", sa.Date(), nullable=True))
    op.add_column("invoices", sa.Column("first_submitted_on", sa.Date(), nullable=True))
    op.create_table(
        "invoice_states",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("known_from", sa.Date(), nullable=False),
        sa.Column("known_until", sa.Date(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("encounter_id", sa.Uuid(), nullable=True),
        sa.Column("attorney_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("submitted_on", sa.Date(), nullable=True),
        sa.Column("first_submitted_on", sa.Date(), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("fully_paid_on", sa.Date(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("billed_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("agreed_amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("received_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("written_off_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("known_until > known_from", name=op.f("ck_invoice_states_lasts_a_day")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_invoice_states_clinic_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "invoice_id", "known_from", name=op.f("pk_invoice_states")),
    )
    op.execute(FIRST_SUBMITTED)
    op.execute(
        "update invoices set first_submitted_on = submitted_on where first_submitted_on is null and submitted_on is not null"
    )
    op.execute(TELL)
    op.execute("update invoices set known_from = created_on")
    op.execute(SINCE)
    op.alter_column("invoices", "known_from", nullable=False)
    op.create_index("ix_invoice_states_until", "invoice_states", ["clinic_id", "known_until", "known_from"])
    op.execute(
        "create index ix_invoices_open on invoices (clinic_id, created_on) include (status, payer_id, billed_amount, agreed_amount,"
        f" received_amount, submitted_on, service_date, agreed_on, known_from) where {OPEN}"
    )
    op.execute(
        "create index ix_invoice_states_open on invoice_states (clinic_id, known_until, known_from) include (created_on, status,"
        f" payer_id, billed_amount, agreed_amount, received_amount, submitted_on, service_date, agreed_on) where {OPEN}"
    )
    for statement in KEEPING:
        op.execute(statement)
    op.execute("""create trigger invoice_states_append_only before update or delete on invoice_states
        for each row execute function refuse_rewriting()""")
    op.execute("""create trigger invoice_states_not_emptied before truncate on invoice_states
        for each statement execute function refuse_rewriting()""")


def downgrade() -> None:
    op.execute("drop trigger keep_invoice_state on invoices")
    op.execute("drop trigger keep_invoice_state_begun on invoices")
    op.execute("drop function keep_invoice_state()")
    op.drop_index("ix_invoices_open", table_name="invoices")
    op.drop_table("invoice_states")
    op.drop_column("invoices", "first_submitted_on")
    op.drop_column("invoices", "known_from")
