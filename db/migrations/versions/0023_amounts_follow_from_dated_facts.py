"""The amounts of an invoice follow from dated facts: responsible payers, agreements, adjustments and write-offs (decision 21).

Each invoice gets its responsible payers and its agreements from its history; amounts stay what they are.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TOLERANCE = "ck_clinics_small_balance_tolerance"
_COMPUTED = ("earlier_received_amount", "contractual_amount", "small_balance_amount", "recovered_amount")
_OPEN_STATUSES = "('pending_invoice', 'pending_reduction', 'pending_cheque')"
_OPEN_PART = "billed_amount - contractual_amount - earlier_received_amount"
_BALANCE = f"""case when status = 'void' then 0 else coalesce(agreed_amount, {_OPEN_PART})
    - (received_amount - earlier_received_amount) - small_balance_amount - written_off_amount end"""
_BALANCE_BEFORE = """case when status in ('void', 'paid', 'written_off') then 0
    else coalesce(agreed_amount, billed_amount) - received_amount end"""
_AGREES = """case status
    when 'pending_invoice' then agreed_amount is null and (balance > 0 or billed_amount = 0)
    when 'pending_reduction' then agreed_amount is null and balance > 0
    when 'pending_cheque' then agreed_amount is not null and balance > 0
    when 'cheque_received' then balance = 0 and (fully_paid_on is not null or billed_amount = 0)
    when 'paid' then balance = 0 and (fully_paid_on is not null or billed_amount = 0) and paid_on is not null
    when 'void' then received_amount = 0
    else balance = 0 end"""
_AGREES_BEFORE = """case status
    when 'pending_invoice' then agreed_amount is null
    when 'pending_reduction' then agreed_amount is null and submitted_on is not null
    when 'pending_cheque' then agreed_amount is not null and received_amount < agreed_amount
    when 'cheque_received' then agreed_amount is not null and received_amount = agreed_amount and fully_paid_on is not null
    when 'paid' then agreed_amount is not null and received_amount = agreed_amount and paid_on is not null
    when 'void' then received_amount = 0
    else true end"""
_AGED = "status, payer_id, balance, submitted_on, service_date, agreed_on, responsible_since"
_AGED_BEFORE = "status, payer_id, billed_amount, agreed_amount, received_amount, submitted_on, service_date, agreed_on"

# The columns whose change leaves a past state behind, and the others of a state.
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
    *("billed_amount", "agreed_amount", "received_amount", "written_off_amount", *_COMPUTED, "responsible_since"),
)
_CHANGES_BEFORE = CHANGES[:12]
STAYS = ("case_id", "patient_id", "physician_id", "facility_id", "encounter_id", "created_on", "service_date")


def _of(row: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{row}.{name}" for name in names)


def _keeping(changes: tuple[str, ...], first: str) -> tuple[str, ...]:
    return (
        f"""create or replace function keep_invoice_state() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    moment timestamptz := case when tg_op = 'INSERT' then new.recorded_at when new.updated_at is distinct from old.updated_at
        then new.updated_at else coalesce(nullif(current_setting('app.moment', true), '')::timestamptz, now()) end;
    today date := (moment at time zone (select time_zone from clinics where clinic_id = new.clinic_id))::date;
begin
    new.first_submitted_on := coalesce(new.first_submitted_on, new.submitted_on);
    {first}
    if tg_op = 'INSERT' then
        new.known_from := coalesce(new.known_from, today);
    elsif today > old.known_from then
        insert into invoice_states (clinic_id, invoice_id, known_from, known_until, {", ".join((*changes, *STAYS))})
        values (old.clinic_id, old.id, old.known_from, today, {_of("old", (*changes, *STAYS))});
        new.known_from := today;
    end if;
    return new;
end $$""",
        "drop trigger keep_invoice_state on invoices",
        f"""create trigger keep_invoice_state before update on invoices for each row
        when (({_of("old", changes)}) is distinct from ({_of("new", changes)})) execute function keep_invoice_state()""",
    )


# Besides the transitions of the release before, those of this one: they are in histories of a database that went down and up again.
_NEW_PAYER = "('change_payer', 'transfer_balance')"
_AGREES_ON = "('accept_in_full', 'agree_reduction', 'close_empty', 'revive_agreement')"
_ENDS = """case when e.transition = 'lapse_agreement' then 'lapsed' when e.transition = 'reopen_reduction' then 'reopened'
    when e.transition = 'transfer_balance' then 'transferred'
    when e.transition = 'record_denial' and e.from_status = 'pending_cheque' and e.to_status = 'pending_invoice' then 'denied' end"""
_DAY = "(e.at at time zone c.time_zone)::date"
# The payer before the first change of the payer, and after each one.
RESPONSIBILITIES = f"""insert into responsibilities (clinic_id, id, invoice_id, number, payer_id, from_on, reason, decided_by, recorded_at)
    select clinic_id, gen_random_uuid(), invoice_id, row_number() over (partition by clinic_id, invoice_id order by seq),
        payer_id, from_on, case when seq = 0 then 'first' else 'other' end, decided_by, recorded_at
    from (
        select i.clinic_id, i.id as invoice_id, 0 as seq, i.created_on as from_on, null::uuid as decided_by, i.recorded_at,
            coalesce((select t.before::uuid from invoice_events e, json_to_recordset(e.changes) t (field text, before text)
                where (e.clinic_id, e.invoice_id) = (i.clinic_id, i.id) and e.transition in {_NEW_PAYER} and t.field = 'payerId'
                order by e.seq limit 1), i.payer_id) as payer_id
        from invoices i
        union all
        select e.clinic_id, e.invoice_id, e.seq, {_DAY}, e.by_user_id, e.at, t.after::uuid
        from invoice_events e join clinics c using (clinic_id), json_to_recordset(e.changes) t (field text, after text)
        where e.transition in {_NEW_PAYER} and t.field = 'payerId') found"""
# Each agreement in the histories, and how it ended.
AGREEMENTS = f"""insert into agreements (clinic_id, id, invoice_id, number, kind, amount, agreed_on, conditional_until, recorded_at,
        ended_on, ended_at, ended_by)
    select clinic_id, gen_random_uuid(), invoice_id, row_number() over (partition by clinic_id, invoice_id order by seq),
        kind, case kind when 'negotiated' then amount end, agreed_on, until, at, next_on, next_at, next
    from (
        select *, case when transition in ('accept_in_full', 'close_empty') then 'full' else 'negotiated' end as kind from (
            select *, lead(ends) over w as next, case when lead(ends) over w is not null then lead(agreed_on) over w end as next_on,
                case when lead(ends) over w is not null then lead(at) over w end as next_at
            from (
                select e.clinic_id, e.invoice_id, e.seq, e.transition, e.to_status, e.at, {_ENDS} as ends,
                    -- A revived agreement is as old as it was before it lapsed.
                    coalesce((select t.after::date from json_to_recordset(e.changes) t (field text, after text)
                        where t.field = 'agreedOn'), {_DAY}) as agreed_on,
                    (select t.after::numeric from json_to_recordset(e.changes) t (field text, after text)
                        where t.field = 'agreedAmount') as amount,
                    (select t.after::date from json_to_recordset(e.changes) t (field text, after text)
                        where t.field = 'conditionalUntil') as until
                from invoice_events e join clinics c using (clinic_id)
                where e.transition in {_AGREES_ON} or {_ENDS} is not null) told
            window w as (partition by clinic_id, invoice_id order by seq)) steps
        where transition in {_AGREES_ON} or transition = 'transfer_balance' and to_status = 'pending_cheque') found
    where amount is not null or kind = 'full'"""
# An invoice that was imported with an agreement but without the event of it.
_WITHOUT_EVENT = """insert into agreements (clinic_id, id, invoice_id, number, kind, amount, agreed_on, conditional_until, recorded_at)
    select i.clinic_id, gen_random_uuid(), i.id, coalesce(a.last, 0) + 1, 'negotiated', i.agreed_amount, coalesce(i.agreed_on, i.created_on),
        i.conditional_until, i.recorded_at
    from invoices i left join (select clinic_id, invoice_id, max(number) as last, bool_or(ended_by is null) as stands from agreements
        group by 1, 2) a on (a.clinic_id, a.invoice_id) = (i.clinic_id, i.id)
    where i.agreed_amount is not null and not coalesce(a.stands, false)"""
WRITE_OFFS = f"""insert into write_offs (clinic_id, id, invoice_id, number, written_off_on, decided_by, recorded_at)
    select i.clinic_id, gen_random_uuid(), i.id, 1, coalesce({_DAY}, i.known_from), e.by_user_id, coalesce(e.at, i.recorded_at)
    from invoices i join clinics c using (clinic_id) left join lateral (select at, by_user_id from invoice_events e
        where (e.clinic_id, e.invoice_id) = (i.clinic_id, i.id) and e.transition = 'write_off_invoice' order by seq desc limit 1) e on true
    where i.status = 'written_off'"""
# What small balances were given up and taken back.
_ADJUSTMENTS = f"""insert into invoice_adjustments (clinic_id, id, invoice_id, number, kind, amount, effective_on, decided_by, recorded_at)
    select e.clinic_id, gen_random_uuid(), e.invoice_id, row_number() over (partition by e.clinic_id, e.invoice_id order by e.seq),
        'small_balance', t.after::numeric - t.before::numeric, {_DAY}, e.by_user_id, e.at
    from invoice_events e join clinics c using (clinic_id), json_to_recordset(e.changes) t (field text, before text, after text)
    where t.field = 'smallBalanceAmount' and t.after <> t.before"""


def _last_of(field: str) -> str:
    """The last value of an amount in the history of an invoice; 0 where no event has changed it."""
    return f"""coalesce((select t.after::numeric from invoice_events e, json_to_recordset(e.changes) t (field text, after text)
        where (e.clinic_id, e.invoice_id) = (i.clinic_id, i.id) and t.field = '{field}' order by e.seq desc limit 1), 0)"""


_OPEN_STATUS = f"""update invoices i set open_status = case
        when i.status in {_OPEN_STATUSES} then i.status
        when i.status in ('cheque_received', 'paid') then case when i.agreed_amount is null then 'pending_invoice' else 'pending_cheque' end
        when i.status = 'void' then 'pending_invoice'
        else coalesce((select e.from_status from invoice_events e where (e.clinic_id, e.invoice_id) = (i.clinic_id, i.id)
            and e.transition = 'write_off_invoice' order by e.seq desc limit 1), 'pending_invoice') end,
    responsible_since = r.from_on, earlier_received_amount = {_last_of("earlierReceivedAmount")},
    small_balance_amount = {_last_of("smallBalanceAmount")}, recovered_amount = {_last_of("recoveredAmount")}
    from (select distinct on (clinic_id, invoice_id) clinic_id, invoice_id, from_on from responsibilities
        order by clinic_id, invoice_id, number desc) r where (r.clinic_id, r.invoice_id) = (i.clinic_id, i.id)"""


def upgrade() -> None:
    op.execute("alter table invoices disable trigger user")
    for name in ("agreed_within_billed", "received_within_agreed", "status_agrees_with_ledger"):
        op.drop_constraint(op.f(f"ck_invoices_{name}"), "invoices", type_="check")
    for table in ("invoices", "invoice_states"):
        for name in _COMPUTED:
            op.add_column(table, sa.Column(name, sa.Numeric(12, 2), server_default=sa.text("0"), nullable=False))
        op.add_column(table, sa.Column("responsible_since", sa.Date(), nullable=True))
    op.add_column("invoices", sa.Column("open_status", sa.Text(), server_default="pending_invoice", nullable=False))
    op.add_column("invoices", sa.Column("replaces_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_invoices_clinic_id_replaces_id"),
        "invoices",
        "invoices",
        ["clinic_id", "replaces_id"],
        ["clinic_id", "id"],
    )
    op.create_index(
        "ix_invoices_replaces",
        "invoices",
        ["clinic_id", "replaces_id"],
        postgresql_where=sa.text("replaces_id is not null"),
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.add_column(
        "clinics",
        sa.Column("small_balance_tolerance", sa.Numeric(12, 2), server_default=sa.text("1.00"), nullable=False),
    )
    op.create_check_constraint(op.f(_TOLERANCE), "clinics", "small_balance_tolerance between 0 and 100")
    _close_cases()
    _create_tables()
    for statement in (RESPONSIBILITIES, AGREEMENTS, _WITHOUT_EVENT, WRITE_OFFS, _ADJUSTMENTS, _OPEN_STATUS):
        op.execute(statement)
    op.alter_column("invoices", "responsible_since", nullable=False)
    _replace_balance(_BALANCE)
    op.execute(
        f"alter table invoice_states add column balance numeric(12, 2) generated always as ({_BALANCE}) stored not null"
    )
    _create_checks()
    _index(_AGED, _AGED)
    for statement in _keeping(CHANGES, "new.responsible_since := coalesce(new.responsible_since, new.created_on);"):
        op.execute(statement)
    for table in ("responsibilities", "invoice_adjustments"):
        op.execute(f"""create trigger {table}_append_only before update or delete on {table}
            for each row execute function refuse_rewriting()""")
        op.execute(f"""create trigger {table}_not_emptied before truncate on {table}
            for each statement execute function refuse_rewriting()""")
    op.execute("alter table invoices enable trigger user")


def _close_cases() -> None:
    """A case can be closed without a settlement."""
    op.add_column("cases", sa.Column("closed_on", sa.Date(), nullable=True))
    op.add_column("cases", sa.Column("closed_reason", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_cases_status_known"), "cases", type_="check")
    for name, condition in {
        "status_known": "status in ('open', 'settled', 'closed')",
        "closed_has_a_day": "(status = 'closed') = (closed_on is not null)",
        "closed_reason_known": "closed_reason in ('dropped', 'lost', 'uncollectible')",
    }.items():
        op.create_check_constraint(op.f(f"ck_cases_{name}"), "cases", condition)


def _create_tables() -> None:
    _create(
        "responsibilities",
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("coverage_id", sa.Uuid(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "reason in ('first', 'exhausted', 'refused', 'deductible', 'coinsurance', 'representation_ended', 'other')",
            name=op.f("ck_responsibilities_reason_known"),
        ),
        refers={"payer_id": "payers", "document_id": "documents", "decided_by": "users"},
    )
    op.create_index("ix_responsibilities_payer", "responsibilities", ["clinic_id", "payer_id", "invoice_id"])
    _create(
        "agreements",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("conditional_until", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ended_by in ('lapsed', 'reopened', 'denied', 'transferred', 'replaced')",
            name=op.f("ck_agreements_ended_by_known"),
        ),
        sa.CheckConstraint("kind in ('full', 'negotiated', 'continued')", name=op.f("ck_agreements_kind_known")),
        sa.CheckConstraint(
            "(amount is null) = (kind <> 'negotiated')", name=op.f("ck_agreements_negotiated_has_an_amount")
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_agreements_amount_not_negative")),
        sa.CheckConstraint(
            "(ended_on is null) = (ended_by is null) and (ended_at is null) = (ended_by is null)",
            name=op.f("ck_agreements_ends_once"),
        ),
    )
    _create(
        "invoice_adjustments",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind in ('contractual', 'small_balance')", name=op.f("ck_invoice_adjustments_kind_known")),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_invoice_adjustments_amount_not_zero")),
        refers={"decided_by": "users"},
    )
    _create(
        "write_offs",
        sa.Column("written_off_on", sa.Date(), nullable=False),
        sa.Column("reversed_on", sa.Date(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("reversed_on >= written_off_on", name=op.f("ck_write_offs_reversed_after_it_was_made")),
        refers={"decided_by": "users"},
    )


def _create(name: str, *items: sa.schema.SchemaItem, refers: dict[str, str] | None = None) -> None:
    keys = {"invoice_id": "invoices", **(refers or {})}
    op.create_table(
        name,
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *items,
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f(f"fk_{name}_clinic_id")),
        *(
            sa.ForeignKeyConstraint(
                ["clinic_id", column], [f"{table}.clinic_id", f"{table}.id"], name=op.f(f"fk_{name}_clinic_id_{column}")
            )
            for column, table in keys.items()
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("clinic_id", "invoice_id", "number", name=op.f(f"uq_{name}_clinic_id_invoice_id_number")),
    )


def _replace_balance(expression: str) -> None:
    """PostgreSQL 16 cannot change the expression of a generated column; the checks that read it are made afterwards."""
    op.execute("drop index ix_invoices_balance")
    op.execute("alter table invoices drop column balance")
    op.execute(
        f"alter table invoices add column balance numeric(12, 2) generated always as ({expression}) stored not null"
    )
    op.execute("create index ix_invoices_balance on invoices (clinic_id, balance desc, id desc)")


def _create_checks() -> None:
    for name, condition in {
        "agreed_within_open_part": f"agreed_amount >= 0 and agreed_amount <= {_OPEN_PART}",
        "received_within_agreed": (
            "earlier_received_amount >= 0 and received_amount >= earlier_received_amount and balance >= 0"
        ),
        "computed_not_negative": "small_balance_amount >= 0 and recovered_amount >= 0",
        "status_agrees_with_ledger": _AGREES,
        "open_status_known": f"open_status in {_OPEN_STATUSES}",
    }.items():
        op.create_check_constraint(op.f(f"ck_invoices_{name}"), "invoices", condition)


def _index(of_invoices: str, of_states: str) -> None:
    open_ = f"status in {_OPEN_STATUSES}"
    op.execute("drop index if exists ix_invoices_open")
    op.execute("drop index if exists ix_invoice_states_open")
    op.execute(
        f"create index ix_invoices_open on invoices (clinic_id, created_on) include ({of_invoices}, known_from) where {open_}"
    )
    op.execute(
        "create index ix_invoice_states_open on invoice_states (clinic_id, known_until, known_from)"
        f" include (created_on, {of_states}) where {open_}"
    )


def downgrade() -> None:
    op.execute("alter table invoices disable trigger user")
    for statement in _keeping(_CHANGES_BEFORE, ""):
        op.execute(statement)
    for name in (
        *("agreed_within_open_part", "received_within_agreed", "computed_not_negative", "status_agrees_with_ledger"),
        "open_status_known",
    ):
        op.drop_constraint(op.f(f"ck_invoices_{name}"), "invoices", type_="check")
    _index(_AGED_BEFORE, _AGED_BEFORE)
    _replace_balance(_BALANCE_BEFORE)
    # Invoices that only this release can have (paid by several payers) do not fit the checks of the release before.
    for name, condition in {
        "agreed_within_billed": "agreed_amount > 0 and agreed_amount <= billed_amount",
        "received_within_agreed": "received_amount >= 0 and received_amount <= coalesce(agreed_amount, 0)",
        "status_agrees_with_ledger": _AGREES_BEFORE,
    }.items():
        op.execute(f"alter table invoices add constraint ck_invoices_{name} check ({condition}) not valid")
    op.drop_column("invoice_states", "balance")
    for table in ("invoices", "invoice_states"):
        for column in (*_COMPUTED, "responsible_since"):
            op.drop_column(table, column)
    op.drop_column("invoices", "open_status")
    op.drop_column("invoices", "replaces_id")
    op.drop_column("clinics", "small_balance_tolerance")
    for name in ("status_known", "closed_has_a_day", "closed_reason_known"):
        op.drop_constraint(op.f(f"ck_cases_{name}"), "cases", type_="check")
    # The release before knows no closed case: it counts as settled.
    op.execute("update cases set status = 'settled', settled_on = closed_on where status = 'closed'")
    op.create_check_constraint(op.f("ck_cases_status_known"), "cases", "status in ('open', 'settled')")
    for name in ("closed_on", "closed_reason"):
        op.drop_column("cases", name)
    for table in ("write_offs", "invoice_adjustments", "agreements", "responsibilities"):
        op.drop_table(table)
    op.execute("alter table invoices enable trigger user")
