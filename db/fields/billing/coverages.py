"""The SQL of coverages: their fields, what remains of them, what they are expected to pay, and the payer that a case proposes."""

from typing import Any

from sqlalchemy import (
    Column,
    Date,
    FromClause,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)

from db import tables
from db.fields.base import (
    Expression,
    JsonList,
    Many,
    One,
    View,
    amounts,
    by_id,
    name_of,
    owned,
    plain,
    same_clinic,
    text_of,
)
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link
from db.tables.base import listed
from domain.billing.coverages import BY_SERVICE_DAY, PAYING, CoverageStatus


def received(c: Row) -> Expression:
    """What a coverage has paid: the allocations under it, net of reversals."""
    a = c.scope.row(tables.cheque_allocations)
    return (
        select(func.coalesce(func.sum(a.amount), 0))
        .select_from(a.source)
        .where(owned("coverage_id")(c, a))
        .scalar_subquery()
    )


def _remaining(c: Row) -> Expression:
    left = c.limit_amount - received(c) - func.coalesce(c.other_payments_amount, 0)
    # Without a limit the difference is null, which greatest() would ignore.
    return cast(case((c.limit_amount.is_(None), None), else_=func.greatest(left, 0)), Numeric(12, 2))


def _in_effect(c: Row, day: Expression) -> Expression:
    begun, not_ended = c.effective_from <= day, c.effective_to > day
    return and_(or_(c.effective_from.is_(None), begun), or_(c.effective_to.is_(None), not_ended))


def proposed_payer(c: Row, p: Row, service_date: Expression | None = None) -> Expression:
    """That a payer is the one of the first active coverage of a case that was in effect on the day of injury, or of service."""
    v = c.scope.row(tables.coverages)
    is_health = v.kind == literal(BY_SERVICE_DAY.value, literal_execute=True)
    day = case((is_health, c.scope.today if service_date is None else service_date), else_=c.date_of_injury)
    is_active = v.status == literal(CoverageStatus.ACTIVE.value, literal_execute=True)
    first = select(v.payer_id).select_from(v.source).where(owned("case_id")(c, v), is_active, _in_effect(v, day))
    first = first.order_by(v.priority, v.id).limit(literal_column("1"))
    return and_(same_clinic(c, p), p.id == first.scalar_subquery())


# domain/billing/coverages.py says what is expected; this is the same for all coverages of an invoice's case at once.
_EXPECTED = f"""select c.clinic_id, i.id as invoice_id, c.id, c.priority, d.deductible as deductible_amount, p.calculated_amount,
        case when p.calculated_amount is not null then greatest(0, least(p.calculated_amount - r.here, i.balance,
            c.limit_amount - r.received - coalesce(c.other_payments_amount, 0))) end as amount
    from invoices i join cases k on k.clinic_id = i.clinic_id and k.id = i.case_id
        join coverages c on c.clinic_id = i.clinic_id and c.case_id = i.case_id and c.status in {listed(PAYING)}
        cross join lateral (select case when c.kind = '{BY_SERVICE_DAY}' then i.service_date else k.date_of_injury end as day) o
        cross join lateral (select coalesce(sum(a.amount), 0) as received,
            coalesce(sum(a.amount) filter (where a.invoice_id = i.id), 0) as here from cheque_allocations a
            where a.clinic_id = c.clinic_id and a.coverage_id = c.id) r
        cross join lateral (select case when r.received - r.here > 0 or coalesce(c.other_payments_amount, 0) > 0 then 0.00
            else coalesce(c.deductible_amount, 0.00) end as deductible) d
        cross join lateral (select case when c.pays_percent is not null then coalesce(sum(round(
                least(l.amount, greatest(0, l.together - d.deductible)) * c.pays_percent / 100, 2)), 0.00) end as calculated_amount
            from (select amount, sum(amount) over (order by position) as together from invoice_lines
                where clinic_id = i.clinic_id and invoice_id = i.id) l) p
    where i.clinic_id = :clinic_id and (c.effective_from is null or c.effective_from <= o.day)
        and (c.effective_to is null or c.effective_to > o.day)"""


class _ExpectedPayment(Row):
    """An expected payment: a row of an invoice and a coverage of its case."""

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row."""
        named = text(_EXPECTED).bindparams(bindparam("clinic_id", None, type_=Uuid()))
        return named.columns(*(column(c.name, c.type) for c in expected_payments.c)).subquery(self.alias)


# Not a table of the database: the rows are computed by each query. The id of a row is that of its coverage.
expected_payments = Table(
    "expected_payments",
    MetaData(),
    Column("clinic_id", Uuid),
    Column("invoice_id", Uuid),
    Column("id", Uuid),
    Column("priority", Integer),
    Column("deductible_amount", Numeric(12, 2)),
    Column("calculated_amount", Numeric(12, 2)),
    Column("amount", Numeric(12, 2)),
    info={"row": _ExpectedPayment},
)
EXPECTED_PAYMENTS = Many("ExpectedPayment", owned("invoice_id"), lambda e: [e.priority, e.id])
COVERAGES = Many("Coverage", owned("case_id"), lambda c: [c.priority, c.id])
PROPOSED_PAYER = One("Payer", proposed_payer, given={"serviceDate": Date()})


def _exact(name: str) -> Any:
    return lambda e: cast(cast(getattr(e, name), Numeric(12, 2)), Text)


EXPECTED_PAYMENT = View(
    expected_payments,
    {
        "coverage": One("Coverage", by_id("id")),
        "amount": _exact("amount"),
        "calculatedAmount": _exact("calculated_amount"),
        "deductibleAmount": _exact("deductible_amount"),
    },
)

COVERAGE = View(
    tables.coverages,
    {
        "id": lambda c: id_expression("Coverage", c.id),
        "case": One("Case", by_id("case_id")),
        "payer": One("Payer", by_id("payer_id")),
        "kind": name_of("kind"),
        "status": name_of("status"),
        "insuredRelationship": name_of("insured_relationship"),
        "balanceBilling": name_of("balance_billing"),
        **plain(
            *("priority", "policy_number", "claim_number", "insured_name", "adjuster_name", "adjuster_phone"),
            *("adjuster_email", "effective_from", "effective_to", "other_payments_on", "file_within_days"),
            *("exhausted_on", "closed_on", "closing_reason", "verified_at", "version"),
        ),
        "addedAt": lambda c: c.recorded_at,
        **amounts("pays_percent"),
        "limit": text_of("limit_amount"),
        "deductible": text_of("deductible_amount"),
        "otherPayments": text_of("other_payments_amount"),
        "receivedAmount": lambda c: cast(cast(received(c), Numeric(12, 2)), Text),
        "remaining": lambda c: cast(_remaining(c), Text),
        "letterUrl": lambda c: link(c, "documents", "Upload", c.letter_id),
        "closingLetterUrl": lambda c: link(c, "documents", "Upload", c.closing_letter_id),
        "verifiedBy": One("User", by_id("verified_by")),
        "history": Many("CoverageEvent", owned("coverage_id"), lambda e: [e.seq]),
    },
)

COVERAGE_EVENT = View(
    tables.coverage_events,
    {
        "id": lambda e: id_expression("CoverageEvent", e.id),
        **plain("at"),
        "action": name_of("action"),
        "changes": JsonList("Change", "changes"),
        "by": One("User", by_id("by_user_id")),
    },
)
