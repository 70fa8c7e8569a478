"""The SQL of provider adjustments (PLB rows of payments), and of recoupment requests and their answers."""

from sqlalchemy import (
    Date,
    Numeric,
    Text,
    Uuid,
    and_,
    any_,
    case,
    cast,
    exists,
    literal,
    literal_column,
    or_,
    select,
)

from db import tables
from db.fields.base import (
    Expression,
    Filter,
    Many,
    One,
    Order,
    View,
    amounts,
    by_id,
    name_of,
    owned,
    plain,
    same_clinic,
)
from db.fields.parties import TEXTS, UUIDS
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link
from domain.payments.recoupment import RecoupmentStatus

PROVIDER_ADJUSTMENT = View(
    tables.provider_adjustments,
    {
        "id": lambda p: id_expression("ProviderAdjustment", p.id),
        **plain("code", "reference", "effective_on", "note"),
        **amounts("amount"),
        "reversalKind": name_of("reversal_kind"),
        "cheque": One("Cheque", by_id("cheque_id")),
        "reverses": One("ProviderAdjustment", by_id("reverses_id")),
        "recordedBy": One("User", by_id("recorded_by")),
    },
)

RECOUPMENT_ANSWER = View(
    tables.recoupment_answers,
    {
        **plain("answered_on", "due_on", "note"),
        **amounts("amount"),
        "step": name_of("step"),
        "refund": One("Refund", by_id("refund_id")),
        "providerAdjustment": One("ProviderAdjustment", by_id("provider_adjustment_id")),
        "documentUrl": lambda a: link(a, "documents", "Upload", a.document_id),
        "answeredBy": One("User", by_id("answered_by")),
    },
)


def _word(text: str) -> Expression:
    return literal(text, literal_execute=True)


def _open_amount(r: Row) -> Expression:
    is_withdrawn = r.status == _word(RecoupmentStatus.WITHDRAWN.value)
    rest = case((is_withdrawn, literal_column("0.00", Numeric(12, 2))), else_=r.amount - r.answered_amount)
    return cast(cast(rest, Numeric(12, 2)), Text)


def _may_answer(r: Row, p: Row) -> Expression:
    """That a row of a payment of the payer lowers it, answers nothing, was not reversed, and names the request, its invoice or payment."""
    scope = r.scope
    c, other, answer = (
        scope.row(table) for table in (tables.cheques, tables.provider_adjustments, tables.recoupment_answers)
    )
    i, asked = scope.row(tables.invoices), scope.row(tables.cheques)
    named = or_(
        r.reference == p.reference,
        _exists(i, i.id == r.invoice_id, i.number == p.reference),
        _exists(asked, asked.id == r.cheque_id, asked.number == p.reference),
    )
    return and_(
        same_clinic(r, p),
        r.status.in_([_word(status.value) for status in (RecoupmentStatus.OPEN, RecoupmentStatus.APPEALED)]),
        p.amount > literal_column("0"),
        p.reverses_id.is_(None),
        _exists(c, c.id == p.cheque_id, c.payer_id == r.payer_id),
        ~_exists(other, or_(other.reverses_id == p.id, other.carries_id == p.id)),
        ~_exists(answer, answer.provider_adjustment_id == p.id),
        named,
    )


def _exists(row: Row, *conditions: Expression) -> Expression:
    mine = row.clinic_id == row.scope.clinic_id
    return exists(select(literal_column("1")).select_from(row.source).where(mine, *conditions))


RECOUPMENT_REQUEST = View(
    tables.recoupment_requests,
    {
        "id": lambda r: id_expression("RecoupmentRequest", r.id),
        **plain("reference", "reason", "requested_on", "due_on", "recorded_at"),
        **amounts("amount"),
        "openAmount": _open_amount,
        "status": name_of("status"),
        "payer": One("Payer", by_id("payer_id")),
        "cheque": One("Cheque", by_id("cheque_id")),
        "invoice": One("Invoice", by_id("invoice_id")),
        "answers": Many("RecoupmentAnswer", owned("request_id"), lambda a: [a.number]),
        "proposedAdjustments": Many("ProviderAdjustment", _may_answer, lambda p: [p.effective_on, p.id]),
        "documentUrl": lambda r: link(r, "documents", "Upload", r.document_id),
        "recordedBy": One("User", by_id("recorded_by")),
    },
    {
        "payerId": Filter(lambda r, ids: r.refers_to_any("payer_id", ids), UUIDS),
        "chequeId": Filter(lambda r, cheque: r.cheque_id == cheque, Uuid()),
        "invoiceId": Filter(lambda r, invoice: r.invoice_id == invoice, Uuid()),
        "status": Filter(lambda r, wanted: r.status == any_(wanted), TEXTS),
        "requestedFrom": Filter(lambda r, day: r.requested_on >= day, Date()),
        "requestedTo": Filter(lambda r, day: r.requested_on <= day, Date()),
        "dueTo": Filter(lambda r, day: r.due_on <= day, Date()),
    },
    {
        "REQUESTED_ON": Order(lambda r: r.requested_on, Date(), descending=True),
        "DUE_ON": Order(lambda r: r.due_on, Date(), descending=True),
        "AMOUNT": Order(lambda r: r.amount, Numeric(12, 2), descending=True),
    },
    Order(lambda r: r.requested_on, Date(), descending=True),
    listed_as="recoupmentRequests",
)
