"""The SQL of denials, of the steps of their lives, and of contractual adjustments."""

from typing import Any

from sqlalchemy import Text, and_, case, cast, func, literal, not_, select, tuple_

from db import tables
from db.fields.base import Expression, Many, One, View, amounts, by_id, name_of, owned, plain, same_clinic, there_is
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link
from domain.billing.claims.denials import DenialOutcome, DenialStatus

_OUTCOMES = tuple(DenialStatus(one.value) for one in DenialOutcome)


def _last(d: Row, value: Any, *statuses: DenialStatus) -> Expression:
    """A value of the last step of a denial, of those that lead to some statuses if they are given; null without one."""
    e = d.scope.row(tables.denial_events)
    wanted = [e.status.in_([literal(str(one), literal_execute=True) for one in statuses])] if statuses else []
    found = (e.clinic_id == d.scope.clinic_id, e.denial_id == d.id, *d.scope.known(e), *wanted)
    return select(value(e)).select_from(e.source).where(*found).order_by(e.number.desc()).limit(1).scalar_subquery()


def status_of(d: Row) -> Expression:
    """The status of a denial on the scope's day."""
    return func.coalesce(_last(d, lambda e: e.status), literal(str(DenialStatus.OPEN), literal_execute=True))


def _closed_on(d: Row) -> Expression:
    def day(e: Row) -> Expression:
        is_over = e.status != literal(str(DenialStatus.APPEALED), literal_execute=True)
        return case((is_over, e.happened_on))

    return _last(d, day)


def payer_of(d: Row) -> Expression:
    """The payer who was responsible for the invoice of a denial on its day."""
    r = d.scope.row(tables.responsibilities)
    then = (r.clinic_id == d.scope.clinic_id, r.invoice_id == d.invoice_id, r.from_on <= d.denied_on, *d.scope.known(r))
    return select(r.payer_id).select_from(r.source).where(*then).order_by(r.number.desc()).limit(1).scalar_subquery()


def is_first(d: Row) -> Expression:
    """That no denial of the invoice by the payer of the day came before."""
    o = d.scope.row(tables.denials)
    before = tuple_(o.denied_on, o.recorded_at, o.id) < tuple_(d.denied_on, d.recorded_at, d.id)
    same = and_(same_clinic(d, o), o.invoice_id == d.invoice_id, *d.scope.known(o))
    return not_(there_is(o, and_(same, before, payer_of(o).is_not_distinct_from(payer_of(d)))))


DENIAL = View(
    tables.denials,
    {
        "id": lambda d: id_expression("Denial", d.id),
        **plain("denied_on", "reason_code", "remark_codes", "note", "appeal_due_on"),
        **amounts("amount"),
        "group": name_of("adjustment_group"),
        "status": lambda d: func.upper(status_of(d)),
        "isFirst": is_first,
        "appealedOn": lambda d: _last(d, lambda e: e.happened_on, DenialStatus.APPEALED),
        "closedOn": _closed_on,
        # Another appeal takes nothing back of what was won.
        "amountRecovered": lambda d: cast(_last(d, lambda e: e.recovered_amount, *_OUTCOMES), Text),
        "invoice": One("Invoice", by_id("invoice_id")),
        "line": One("InvoiceLine", by_id("line_id")),
        "cheque": One("Cheque", by_id("cheque_id")),
        "events": Many("DenialEvent", owned("denial_id"), lambda e: [e.number]),
        "recordedBy": One("User", by_id("recorded_by")),
    },
)

DENIAL_EVENT = View(
    tables.denial_events,
    {
        "id": lambda e: id_expression("DenialEvent", e.id),
        **plain("number", "happened_on", "note", "recorded_at"),
        "status": name_of("status"),
        "amountRecovered": lambda e: cast(e.recovered_amount, Text),
        "documentUrl": lambda e: link(e, "documents", "Upload", e.document_id),
        "recordedBy": One("User", by_id("recorded_by")),
    },
)

ADJUSTMENT = View(
    tables.invoice_adjustments,
    {
        "id": lambda a: id_expression("Adjustment", a.id),
        **plain("number", "reason_code", "remark_codes", "note", "recorded_at", adjustedOn="effective_on"),
        **amounts("amount"),
        "kind": name_of("kind"),
        "group": name_of("adjustment_group"),
        "line": One("InvoiceLine", by_id("line_id")),
        "cheque": One("Cheque", by_id("cheque_id")),
        "decidedBy": One("User", by_id("decided_by")),
    },
)
