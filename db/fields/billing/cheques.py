"""The SQL of cheques (payments), and of their allocations, deposits and refunds."""

from typing import Any

from sqlalchemy import Date, Numeric, Text, Uuid, and_, any_, case, cast, func, literal, literal_column, or_, select

from db import tables
from db.fields.base import (
    ActionList,
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
    there_is,
)
from db.fields.forms.cheques import actions_of_cheque
from db.fields.parties import TEXTS, UUIDS, starts_with
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link
from domain.payments.cheques import CORRECTED, ChequeStatus, ReturnKind, ReversalKind


def is_held(c: Row) -> Expression:
    """That a post-dated cheque waits for its day: it is no money yet."""
    return and_(c.held_from.is_not(None), c.released_at.is_(None), c.returned_on.is_(None))


def _word(text: str) -> Expression:
    return literal(str(text), literal_execute=True)


def _status(c: Row) -> Expression:
    states = (
        (c.corrected_at.is_not(None), ChequeStatus.CORRECTED),
        (c.returned_on.is_not(None), ChequeStatus.RETURNED),
        (is_held(c), ChequeStatus.HELD),
    )
    named = [(condition, _word(state.name)) for condition, state in states]
    return case(*named, else_=_word(ChequeStatus.RECEIVED.name))


def _in_status(c: Row, wanted: Expression) -> Expression:
    return func.lower(_status(c)) == any_(wanted)


def _return_kind(c: Row) -> Expression:
    kind = func.upper(func.coalesce(c.return_kind, _word(ReturnKind.NSF)))
    return case((_was_returned(c), kind))


def _was_returned(c: Row) -> Expression:
    """That a payment was returned, whether it was typed right or wrong; one that was only typed wrong counts as returned nowhere."""
    return and_(c.returned_on.is_not(None), c.return_kind.is_distinct_from(_word(CORRECTED)))


def _returned_on(c: Row) -> Expression:
    return case((_was_returned(c), c.returned_on))


def _is_returned(c: Row, wanted: bool) -> Expression:
    return and_(_was_returned(c), c.corrected_at.is_(None)) if wanted else c.returned_on.is_(None)


def _corrected_by(c: Row, other: Row) -> Expression:
    return and_(same_clinic(c, other), other.corrects_id == c.id)


def _is_bounced(c: Row) -> Expression:
    # A held cheque was not brought to the bank.
    was_money = or_(c.held_from.is_(None), c.released_at.is_not(None))
    is_nsf = func.coalesce(c.return_kind, _word(ReturnKind.NSF)) == _word(ReturnKind.NSF)
    return and_(c.returned_on.is_not(None), is_nsf, was_money, c.corrected_at.is_(None))


def _deposited_on(c: Row) -> Expression:
    d = c.scope.row(tables.deposits)
    return select(d.deposited_on).select_from(d.source).where(by_id("deposit_id")(c, d)).scalar_subquery()


def _is_unapplied(c: Row, wanted: bool) -> Expression:
    return c.unapplied_amount > 0 if wanted else c.unapplied_amount <= 0


def _has(column: str) -> Any:
    """A filter by whether a column is set."""

    def narrow(c: Row, wanted: bool) -> Expression:
        value = getattr(c, column)
        found: Expression = value.is_not(None) if wanted else value.is_(None)
        return found

    return Filter(narrow)


_FILTERS = {
    "payerId": Filter(lambda c, ids: c.refers_to_any("payer_id", ids), UUIDS),
    "number": Filter(lambda c, number: starts_with(c.number, number), Text(collation="C")),
    "method": Filter(lambda c, wanted: c.method == any_(wanted), TEXTS),
    "status": Filter(_in_status, TEXTS),
    "receivedFrom": Filter(lambda c, day: c.received_on >= day, Date()),
    "receivedTo": Filter(lambda c, day: c.received_on <= day, Date()),
    "depositId": Filter(lambda c, deposit: and_(c.deposit_id == deposit, c.corrected_at.is_(None)), Uuid()),
    "deposited": _has("deposit_id"),
    "unapplied": Filter(_is_unapplied),
    "returned": Filter(_is_returned),
    "corrected": _has("corrected_at"),
}


CHEQUE = View(
    tables.cheques,
    {
        "id": lambda c: id_expression("Cheque", c.id),
        **plain("number", "bank", "cheque_date", "received_on", "held_from", "cleared_on", "correction_reason"),
        **amounts("amount", "unapplied_amount"),
        "method": name_of("method"),
        "status": _status,
        "returnedOn": _returned_on,
        "returnKind": _return_kind,
        "corrects": One("Cheque", by_id("corrects_id")),
        "correctedBy": One("Cheque", _corrected_by),
        "isBounced": _is_bounced,
        "depositedOn": _deposited_on,
        "deposit": One("Deposit", by_id("deposit_id")),
        "replaces": One("Cheque", by_id("replaces_id")),
        "replacedBy": Many("Cheque", owned("replaces_id"), lambda c: [c.received_on, c.id]),
        "payer": One("Payer", by_id("payer_id")),
        "allocations": Many("ChequeAllocation", owned("cheque_id"), lambda a: [a.effective_on, a.id]),
        "refunds": Many("Refund", owned("cheque_id"), lambda r: [r.refunded_on, r.id]),
        "providerAdjustments": Many("ProviderAdjustment", owned("cheque_id"), lambda p: [p.effective_on, p.id]),
        "recoupmentRequests": Many("RecoupmentRequest", owned("cheque_id"), lambda r: [r.requested_on, r.id]),
        "documentUrl": lambda c: link(c, "documents", "Upload", c.document_id),
        "availableActions": ActionList("Action", actions_of_cheque),
    },
    _FILTERS,
    order=Order(lambda c: c.received_on, Date(), descending=True),
    listed_as="cheques",
)


def never_counted(a: Row) -> Expression:
    """That an allocation or a reversal is of a payment that was typed wrong, or of a move: as if neither of a pair had ever been."""
    c, moved = a.scope.row(tables.cheques), a.scope.row(tables.cheque_allocations)
    kind = _word(ReversalKind.MOVED)
    is_wrong = there_is(c, and_(same_clinic(a, c), c.id == a.cheque_id, c.corrected_at.is_not(None)))
    of_same = and_(same_clinic(a, moved), moved.invoice_id == a.invoice_id, moved.reverses_id == a.id)
    is_move = func.coalesce(a.reversal_kind == kind, literal_column("false"))
    return or_(is_move, is_wrong, there_is(moved, and_(of_same, moved.reversal_kind == kind)))


def _reversal_kind(a: Row) -> Expression:
    return case((a.reverses_id.is_not(None), func.upper(func.coalesce(a.reversal_kind, _word(ReversalKind.RETURNED)))))


ALLOCATION = View(
    tables.cheque_allocations,
    {
        "id": lambda a: id_expression("ChequeAllocation", a.id),
        **plain("effective_on"),
        **amounts("amount"),
        "reversalKind": _reversal_kind,
        "cheque": One("Cheque", by_id("cheque_id")),
        "invoice": One("Invoice", by_id("invoice_id")),
        "coverage": One("Coverage", by_id("coverage_id")),
    },
)

REFUND = View(
    tables.refunds,
    {
        "id": lambda r: id_expression("Refund", r.id),
        **plain("payee", "reason", "refunded_on"),
        **amounts("amount"),
        "method": name_of("method"),
        "reversalKind": name_of("reversal_kind"),
        "cheque": One("Cheque", by_id("cheque_id")),
        "reverses": One("Refund", by_id("reverses_id")),
        "carries": One("Refund", by_id("carries_id")),
        "providerAdjustment": One("ProviderAdjustment", by_id("provider_adjustment_id")),
        "refundedBy": One("User", by_id("refunded_by")),
        "documentUrl": lambda r: link(r, "documents", "Upload", r.document_id),
    },
)


def _of_deposit(d: Row, value: Any) -> Expression:
    """A figure over the payments of a deposit."""
    c = d.scope.row(tables.cheques)
    return select(value(c)).select_from(c.source).where(_in_deposit(d, c)).scalar_subquery()


def _in_deposit(d: Row, c: Row) -> Expression:
    return and_(owned("deposit_id")(d, c), c.corrected_at.is_(None))


def _total(d: Row) -> Expression:
    total = _of_deposit(d, lambda c: func.coalesce(func.sum(c.amount), 0))
    return cast(cast(total, Numeric(16, 2)), Text)


DEPOSIT = View(
    tables.deposits,
    {
        "id": lambda d: id_expression("Deposit", d.id),
        **plain("bank_account", "deposited_on"),
        "paymentCount": lambda d: _of_deposit(d, lambda c: func.count()),
        "total": _total,
        "cheques": Many("Cheque", _in_deposit, lambda c: [c.received_on, c.id]),
        "recordedBy": One("User", by_id("recorded_by")),
    },
    {
        "depositedFrom": Filter(lambda d, day: d.deposited_on >= day, Date()),
        "depositedTo": Filter(lambda d, day: d.deposited_on <= day, Date()),
    },
    order=Order(lambda d: d.deposited_on, Date(), descending=True),
    listed_as="deposits",
)
