"""Figures of a past day are also computed by the days on which facts count, with all that is known now (decision 26).

The states of invoices with facts that were recorded on another day are filled after the migration, by db/ledger/restated.py.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_DAYS = ("submitted_on", "first_submitted_on", "agreed_on", "fully_paid_on", "paid_on")
_NEEDED = (
    *("billed_amount", "received_amount", "written_off_amount", "earlier_received_amount", "contractual_amount"),
    *("small_balance_amount", "recovered_amount"),
)
# The columns that restated_states computes, with their types; the others are those of the invoice.
_COMPUTED = {
    "from_on": "date",
    "until_on": "date",
    "payer_id": "uuid",
    "status": "text",
    **dict.fromkeys(_DAYS, "date"),
    "agreed_amount": "numeric",
    **dict.fromkeys(_NEEDED, "numeric"),
    "responsible_since": "date",
}
_OF_INVOICE = ("case_id", "patient_id", "physician_id", "facility_id", "encounter_id", "created_on", "service_date")
_OPEN_PART = "billed_amount - contractual_amount - earlier_received_amount"
_BALANCE = f"""case when status = 'void' then 0 else coalesce(agreed_amount, {_OPEN_PART})
    - (received_amount - earlier_received_amount) - small_balance_amount - written_off_amount end"""
_AGED = "created_on, status, payer_id, balance, submitted_on, service_date, agreed_on, responsible_since"
# Events that leave the version and the moment of the last change of an invoice as they are.
_BESIDE = (
    *("add_internal_note", "place_hold", "release_hold", "schedule_reminder", "update_reminder", "complete_reminder"),
    "cancel_reminder",
)
# What of the histories and denials of invoices the states depend on, without reasons and notes.
_STEPS = f"""create function invoice_steps(clinic uuid, ids uuid[]) returns table (invoice_id uuid, transition text,
    at timestamptz, day date, from_status text, to_status text, denied_on date, has_submission boolean, submitted_on date,
    billed numeric) language plpgsql stable security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    -- A denial of one line moves nothing; the column is of a later migration, and is looked up when the function is called.
    return query select e.invoice_id, e.transition, e.at, (e.at at time zone c.time_zone)::date, e.from_status, e.to_status, d.denied_on,
        t.has_submission, t.submitted_on, t.billed
    from invoice_events e join clinics c on c.clinic_id = e.clinic_id
    left join denials d on e.transition = 'record_denial' and d.clinic_id = e.clinic_id and d.invoice_id = e.invoice_id
        and d.recorded_at = e.at and d.line_id is null
    cross join lateral (select bool_or(x.field = 'submittedOn') as has_submission,
        max(x.after) filter (where x.field = 'submittedOn')::date as submitted_on,
        max(x.after) filter (where x.field = 'billedAmount')::numeric as billed
        from json_to_recordset(e.changes) x (field text, after text)) t
    where e.clinic_id = clinic and clinic = nullif(current_setting('app.clinic_id', true), '')::uuid
        and e.invoice_id = any(ids) and e.transition <> all('{{{",".join(_BESIDE)}}}')
    order by e.invoice_id, e.seq;
end $$"""
_FUNCTION = f"""create function restate_invoice(clinic uuid, invoice uuid, states json) returns void language plpgsql
security definer set search_path = public, pg_temp as $$
begin
    if clinic is distinct from nullif(current_setting('app.clinic_id', true), '')::uuid then
        raise exception 'the invoice is of another clinic' using errcode = 'insufficient_privilege';
    end if;
    delete from restated_states r where r.clinic_id = clinic and r.invoice_id = invoice;
    insert into restated_states (clinic_id, invoice_id, {", ".join(_OF_INVOICE)}, {", ".join(_COMPUTED)})
    select i.clinic_id, i.id, {", ".join(f"i.{name}" for name in _OF_INVOICE)}, {", ".join(f"s.{name}" for name in _COMPUTED)}
    from invoices i, json_to_recordset(states) s ({", ".join(f"{name} {kind}" for name, kind in _COMPUTED.items())})
    where i.clinic_id = clinic and i.id = invoice;
end $$"""


def _dates(names: tuple[str, ...]) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Date(), nullable=True) for name in names]


def upgrade() -> None:
    op.create_table(
        "restated_states",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("case_id", "patient_id", "payer_id")),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("physician_id", "facility_id", "encounter_id")),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        *_dates(_DAYS),
        sa.Column("billed_amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("agreed_amount", sa.Numeric(12, 2), nullable=True),
        *(sa.Column(name, sa.Numeric(12, 2), nullable=False) for name in _NEEDED[1:3]),
        *(sa.Column(name, sa.Numeric(12, 2), server_default=sa.text("0"), nullable=False) for name in _NEEDED[3:]),
        sa.Column("balance", sa.Numeric(12, 2), sa.Computed(_BALANCE, persisted=True), nullable=False),
        *_dates(("responsible_since",)),
        sa.CheckConstraint("until_on > from_on", name=op.f("ck_restated_states_lasts_a_day")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_restated_states_clinic_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "invoice_id", "from_on", name=op.f("pk_restated_states")),
    )
    op.create_index(
        "ix_restated_states_present",
        "restated_states",
        ["clinic_id", "invoice_id"],
        unique=True,
        postgresql_where=sa.text("until_on is null"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_restated_states_until", "restated_states", ["clinic_id", "until_on", "from_on"])
    op.execute(
        f"create index ix_restated_states_open on restated_states (clinic_id, until_on, from_on) include ({_AGED})"
        " where status in ('pending_invoice', 'pending_reduction', 'pending_cheque')"
    )
    op.execute(_STEPS)
    op.execute(_FUNCTION)


def downgrade() -> None:
    op.execute("drop function restate_invoice(uuid, uuid, json)")
    op.execute("drop function invoice_steps(uuid, uuid[])")
    op.drop_table("restated_states")
