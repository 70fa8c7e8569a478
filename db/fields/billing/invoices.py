"""The SQL of invoices: every field, filter and order as an expression over the row."""

from collections.abc import Callable

from sqlalchemy import (
    Date,
    Float,
    Numeric,
    Text,
    Uuid,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from db import tables
from db.fields.base import (
    ActionList,
    ComputedList,
    Expression,
    Filter,
    JsonList,
    Many,
    One,
    Order,
    SameRow,
    View,
    amounts,
    by_id,
    name_of,
    owned,
    plain,
    there_is,
)
from db.fields.billing.coverages import EXPECTED_PAYMENTS
from db.fields.billing.denials import status_of
from db.fields.billing.issued_documents import names_invoice
from db.fields.billing.worklists import SUMS, in_worklist, is_open
from db.fields.forms.invoices import actions_of_invoice
from db.fields.forms.transitions import available
from db.fields.holds import due_on, hold_over
from db.fields.parties import TEXTS, UUIDS, attorneys_of_firms, patients_found, starts_with
from db.global_ids import id_expression
from db.row import Row
from domain.normal_forms import normal_key
from domain.reports.aging import BUCKETS, AgingBucket


def age_days(i: Row) -> Expression:
    """Days since the invoice was created, in the clinic's calendar."""
    return func.greatest(i.scope.today - i.created_on, 0)


def _by_bucket(i: Row, names: dict[AgingBucket, str]) -> Expression:
    steps = [(age_days(i) <= bucket.to_days, names[bucket.name]) for bucket in BUCKETS if bucket.to_days is not None]
    bounded = [(condition.self_group(), literal(name, literal_execute=True)) for condition, name in steps]
    return case((is_open(i), case(*bounded, else_=literal(names[BUCKETS[-1].name], literal_execute=True))), else_=None)


def _bucket(i: Row) -> Expression:
    return _by_bucket(i, {bucket.name: bucket.name.name for bucket in BUCKETS})


def _risk(i: Row) -> Expression:
    return _by_bucket(i, {bucket.name: bucket.risk.name for bucket in BUCKETS})


def _in_bucket(i: Row, wanted: Expression) -> Expression:
    """A range of creation dates, so that the worklist of a bucket can use an index."""
    ranges = []
    for bucket in BUCKETS:
        within = [i.created_on >= i.scope.today - bucket.to_days] if bucket.to_days is not None else []
        within += [i.created_on <= i.scope.today - bucket.from_days] if bucket.from_days else []
        ranges.append(and_(literal(bucket.name.value, literal_execute=True) == any_(wanted), *within))
    return and_(is_open(i), or_(*ranges))


def _search(i: Row, text: Expression) -> Expression:
    numbered, of_case, of_patient = (i.scope.row(tables.invoices) for _ in range(3))
    case_row = i.scope.row(tables.cases)
    clinic = i.scope.clinic_id
    by_number = select(numbered.id).select_from(numbered.source)
    by_case = select(of_case.id).select_from(of_case.source.join(case_row.source, by_id("case_id")(of_case, case_row)))
    by_name = select(of_patient.id).select_from(of_patient.source)
    return i.id.in_(
        union_all(
            by_number.where(numbered.clinic_id == clinic, starts_with(numbered.number, func.upper(text))),
            by_case.where(case_row.clinic_id == clinic, starts_with(case_row.number_key, text)),
            by_name.where(
                of_patient.clinic_id == clinic, of_patient.stored("patient_id").in_(patients_found(i.scope, text))
            ),
        )
    )


def _has_due_reminder(i: Row, wanted: bool) -> Expression:
    r = i.scope.row(tables.reminders)
    due = and_(
        owned("invoice_id")(i, r),
        *i.scope.known(r),
        # The status is today's; on a past day a reminder was open until it was closed.
        r.scope.lasting(r.closed_at) if r.scope.is_past else r.status == literal("scheduled", literal_execute=True),
        due_on(r) <= i.scope.today,
    )
    return there_is(r, due) if wanted else not_(there_is(r, due))


def _denied(i: Row, wanted: bool) -> Expression:
    d = i.scope.row(tables.denials)
    found = there_is(d, and_(owned("invoice_id")(i, d), *i.scope.known(d)))
    return found if wanted else not_(found)


def _has_denial_of(i: Row, wanted: Expression) -> Expression:
    d = i.scope.row(tables.denials)
    return there_is(d, and_(owned("invoice_id")(i, d), *i.scope.known(d), status_of(d) == any_(wanted)))


def _on_hold(i: Row, wanted: bool) -> Expression:
    h = i.scope.row(tables.holds)
    found = there_is(h, hold_over(i, h))
    return found if wanted else not_(found)


def _among(column: str) -> Filter:
    return Filter(lambda i, ids: i.refers_to_any(column, ids), UUIDS)


def _speaks_of(i: Row, m: Row) -> Expression:
    link = i.scope.row(tables.message_invoices)
    return there_is(
        link,
        and_(
            link.clinic_id == i.clinic_id, link.invoice_id == i.id, m.clinic_id == i.clinic_id, link.message_id == m.id
        ),
    )


FILTERS = {
    "status": Filter(lambda i, wanted: i.status == any_(wanted), TEXTS),
    "agingBucket": Filter(_in_bucket, TEXTS),
    "payerId": _among("payer_id"),
    "physicianId": _among("physician_id"),
    "facilityId": _among("facility_id"),
    "attorneyId": _among("attorney_id"),
    "firmId": Filter(lambda i, ids: i.attorney_id.in_(attorneys_of_firms(i.scope, ids)), UUIDS),
    "caseId": _among("case_id"),
    "patientId": _among("patient_id"),
    "createdFrom": Filter(lambda i, day: i.created_on >= day, Date()),
    "createdTo": Filter(lambda i, day: i.created_on <= day, Date()),
    "serviceFrom": Filter(lambda i, day: i.service_date >= day, Date()),
    "serviceTo": Filter(lambda i, day: i.service_date <= day, Date()),
    "billedMin": Filter(lambda i, amount: i.billed_amount >= amount, Numeric()),
    "billedMax": Filter(lambda i, amount: i.billed_amount <= amount, Numeric()),
    "search": Filter(_search, Text(collation="C"), normal_key),
    "hasDueReminder": Filter(_has_due_reminder),
    "denied": Filter(_denied),
    "denialStatus": Filter(_has_denial_of, TEXTS),
    "onHold": Filter(_on_hold),
    "worklist": Filter(in_worklist),
}
_CREATED = Order(lambda i: i.created_on, Date(), descending=True)
ORDERS = {
    "CREATED_ON": _CREATED,
    "SERVICE_DATE": Order(lambda i: i.service_date, Date()),
    "NUMBER": Order(lambda i: i.number, Text(collation="C")),
    "BILLED_AMOUNT": Order(lambda i: i.billed_amount, Numeric()),
    "BALANCE": Order(lambda i: i.balance, Numeric()),
    # A higher age is an earlier creation date.
    "AGE": Order(lambda i: i.created_on, Date(), is_reversed=True),
}


def _open_part(i: Row) -> Expression:
    return i.billed_amount - i.contractual_amount - i.earlier_received_amount


INVOICE = View(
    tables.invoices,
    {
        "id": lambda i: id_expression("Invoice", i.id),
        **plain(
            *("number", "version", "created_on", "service_date", "submitted_on", "fully_paid_on", "paid_on"),
            *("updated_at", "before_injury_reason"),
        ),
        **amounts("billed_amount", "agreed_amount", "received_amount", "written_off_amount", "balance"),
        **amounts("contractual_amount", "small_balance_amount", "recovered_amount"),
        **plain("responsible_since"),
        "openAmount": lambda i: cast(_open_part(i), Text),
        "documents": Many("IssuedDocument", names_invoice, lambda d: [d.issued_at.desc(), d.id]),
        "responsibilities": Many("Responsibility", owned("invoice_id"), lambda r: [r.number]),
        "replaces": One("Invoice", by_id("replaces_id")),
        "replacedBy": One("Invoice", owned("replaces_id")),
        "status": name_of("status"),
        "case": One("Case", by_id("case_id")),
        "patient": One("Patient", by_id("patient_id")),
        "payer": One("Payer", by_id("payer_id")),
        "physician": One("Physician", by_id("physician_id")),
        "facility": One("Facility", by_id("facility_id")),
        "encounter": One("Encounter", by_id("encounter_id")),
        "lines": Many("InvoiceLine", owned("invoice_id"), lambda line: [line.position]),
        "negotiation": SameRow("Negotiation"),
        "cheques": Many("ChequeAllocation", owned("invoice_id"), lambda a: [a.effective_on, a.id]),
        "expectedPayments": EXPECTED_PAYMENTS,
        "adjustments": Many("Adjustment", owned("invoice_id"), lambda a: [a.number]),
        "denials": Many("Denial", owned("invoice_id"), lambda d: [d.denied_on, d.id]),
        "internalNotes": Many("InternalNote", owned("invoice_id"), lambda n: [n.written_at, n.id]),
        "reminders": Many(
            "Reminder",
            owned("invoice_id"),
            lambda r: [due_on(r), r.id],
            {"status": Filter(lambda r, status: r.status == status, Text())},
        ),
        "outboundMessages": Many("OutboundMessage", _speaks_of, lambda m: [m.due_on.desc(), m.id.desc()]),
        "hold": One(
            "Hold", hold_over, lambda h: [h.invoice_id.is_(None), h.case_id.is_(None), h.until_on.desc(), h.id]
        ),
        "ageDays": age_days,
        "agingBucket": _bucket,
        "risk": _risk,
        "availableActions": ActionList("Action", actions_of_invoice),
        "availableTransitions": ComputedList("AvailableTransition", available),
        "history": Many("InvoiceEvent", owned("invoice_id"), lambda e: [e.seq]),
    },
    FILTERS,
    ORDERS,
    _CREATED,
    listed_as="invoices",
    found_as="invoice",
    sums=SUMS,
)


LINE = View(
    tables.invoice_lines,
    {
        "id": lambda line: id_expression("InvoiceLine", line.id),
        **plain("position", "label", "units", "bilateral", "is_repeated", cptCode="code"),
        "repeatConfirmedBy": One("User", by_id("repeat_confirmed_by")),
        **amounts("unit_price", "amount"),
        "priceTrace": SameRow("PriceTrace"),
    },
)

PRICE_TRACE = View(
    tables.invoice_lines,
    {
        "source": name_of("price_source"),
        "rate": amounts("price_rate")["priceRate"],
        **amounts("geographic_factor", "bilateral_factor"),
        **plain("override_reason", schedule="price_schedule", validFrom="price_valid_from", validTo="price_valid_to"),
    },
)


def _reduction(i: Row) -> Expression:
    return _open_part(i) - i.agreed_amount


NEGOTIATION = View(
    tables.invoices,
    {
        **amounts("floor_amount", "target_amount"),
        **plain("conditional_until"),
        "agreements": Many("Agreement", owned("invoice_id"), lambda a: [a.number]),
        "offers": Many("ReductionOffer", owned("invoice_id"), lambda o: [o.round]),
        "openOffer": One(
            "ReductionOffer",
            lambda i, o: owned("invoice_id")(i, o) & (o.status == literal("open", literal_execute=True)),
            lambda o: [o.round.desc()],
        ),
        "reductionAmount": lambda i: cast(_reduction(i), Text),
        "reductionRate": lambda i: cast(_reduction(i) / func.nullif(_open_part(i), 0), Float(53)),
    },
)

OFFER = View(
    tables.reduction_offers,
    {
        "id": lambda o: id_expression("ReductionOffer", o.id),
        **plain("round", "reason", "expires_on", "made_at"),
        **amounts("amount"),
        "party": name_of("party"),
        "status": name_of("status"),
        "madeBy": One("User", by_id("made_by")),
    },
)

NOTE = View(
    tables.internal_notes,
    {
        "id": lambda n: id_expression("InternalNote", n.id),
        **plain("body", "written_at"),
        "writtenBy": One("User", by_id("written_by")),
    },
)

EVENT = View(
    tables.invoice_events,
    {
        "id": lambda e: id_expression("InvoiceEvent", e.id),
        **plain("at", "transition"),
        "changes": JsonList("Change", "changes"),
        "by": One("User", by_id("by_user_id")),
        "fromStatus": name_of("from_status"),
        "toStatus": name_of("to_status"),
    },
)

_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def _names_payer(c: Row) -> Expression:
    """That a changed value is the stored id of a payer. Histories of coverages have the API's ids, which are no UUIDs."""
    return and_(c.field == "payerId", func.coalesce(c.after, c.before).regexp_match(_UUID))


def _with_name(column: str) -> Callable[[Row], Expression]:
    """A value of a change as a person reads it: the name of a payer, instead of its id."""

    def read(c: Row) -> Expression:
        value, payer = getattr(c, column), c.scope.row(tables.payers)
        name = select(payer.name).select_from(payer.source).where(payer.keyed(cast(value, Uuid))).scalar_subquery()
        return case((_names_payer(c), func.coalesce(name, value)), else_=value)

    return read


CHANGE = View(
    tables.changes,
    {
        "field": lambda c: case((_names_payer(c), "payer"), else_=c.field),
        "before": _with_name("before"),
        "after": _with_name("after"),
    },
)
