"""The SQL of the records among which a form of an invoice chooses: its lines, the payments that pay it or could, and remittances."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, and_, case, cast, func, literal, literal_column, or_, select

from db import tables
from db.fields.base import Expression, same_clinic, there_is
from db.global_ids import id_expression
from db.row import Row
from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.remittances.statuses import POSTABLE, RemittanceStatus


@dataclass(frozen=True)
class RecordChoices:
    """A value that a form offers, and what a screen writes for it, in the order of the list; unless `is_complete`, others are possible."""

    value: Expression
    label: Expression
    found: Select[Any]
    is_complete: bool = True


def _words(texts: Any) -> list[Expression]:
    return [literal(str(text), Text(), literal_execute=True) for text in texts]


def left_for_payer(i: Row) -> Expression:
    """The largest amount that the present payer can still pay: what is due, with what was given up or written off."""
    found: Expression = i.balance + i.small_balance_amount + i.written_off_amount
    return found


def paying_cheques(i: Row, *, is_returnable: bool = False) -> Select[Any]:
    """The payments of which something pays an invoice; with `is_returnable`, those that were not returned yet."""
    return _paying(i, i.scope.row(tables.cheques), is_returnable=is_returnable)


def _paying(i: Row, c: Row, *, is_returnable: bool = False) -> Select[Any]:
    a = i.scope.row(tables.cheque_allocations)
    pays = and_(same_clinic(i, a), a.cheque_id == c.id, a.invoice_id == i.id)
    amount = select(func.sum(a.amount)).select_from(a.source).where(pays).scalar_subquery()
    returnable: list[Expression] = [c.returned_on.is_(None)] if is_returnable else []
    if i.scope.role is not Role.ADMIN:
        returnable.append(~pays_paid_invoice(c))
    found: Select[Any] = select(literal_column("1")).select_from(c.source)
    return found.where(same_clinic(i, c), c.corrected_at.is_(None), there_is(a, pays), amount > 0, *returnable)


def pays_paid_invoice(c: Row) -> Expression:
    """That a payment pays an invoice of an ended case: then only an administrator may take it back, or correct it."""
    a, p = c.scope.row(tables.cheque_allocations), c.scope.row(tables.invoices)
    of_paid = and_(same_clinic(c, p), p.id == a.invoice_id, p.status == _words([InvoiceStatus.PAID.value])[0])
    return there_is(a, and_(same_clinic(c, a), a.cheque_id == c.id, there_is(p, of_paid)))


def unapplied_cheques(i: Row) -> Select[Any]:
    """The payments with unapplied money of payers who can still pay something of an invoice: those who owe or owed it, and the patient."""
    return _unapplied(i, i.scope.row(tables.cheques))


def _unapplied(i: Row, c: Row) -> Select[Any]:
    r, p = i.scope.row(tables.responsibilities), i.scope.row(tables.payers)
    owed = there_is(r, and_(same_clinic(i, r), r.invoice_id == i.id, r.payer_id == c.payer_id))
    is_patient = there_is(
        p, and_(same_clinic(i, p), p.id == c.payer_id, p.kind == _words(["patient"])[0], p.patient_id == i.patient_id)
    )
    present = c.payer_id == i.payer_id
    may_pay = case((present, left_for_payer(i) > 0), else_=or_(owed, is_patient))
    held = and_(c.held_from.is_not(None), c.released_at.is_(None))
    found: Select[Any] = select(literal_column("1")).select_from(c.source).order_by(present.desc())
    return found.where(
        same_clinic(i, c), c.returned_on.is_(None), c.corrected_at.is_(None), ~held, c.unapplied_amount > 0, may_pay
    )


def waiting_claims(i: Row) -> Select[Any]:
    """The claims of remittances for an invoice that can be posted."""
    return _waiting(i, i.scope.row(tables.remittance_claims))


def _waiting(i: Row, k: Row) -> Select[Any]:
    p = i.scope.row(tables.remittance_payments)
    matched = and_(
        same_clinic(i, p),
        p.id == k.payment_id,
        p.status == literal(RemittanceStatus.MATCHED.value, literal_execute=True),
    )
    found: Select[Any] = select(literal_column("1")).select_from(k.source)
    return found.where(
        same_clinic(i, k),
        k.invoice_id == i.id,
        k.posted_at.is_(None),
        k.closed_at.is_(None),
        k.status.in_(_words(POSTABLE)),
        there_is(p, matched),
    )


def _cheque(c: Row, found: Select[Any]) -> RecordChoices:
    label = func.concat(c.number, ", ", cast(c.received_on, Text), ", $", cast(c.amount, Text))
    return RecordChoices(id_expression("Cheque", c.id), label, found.order_by(c.received_on.desc(), c.id))


def _paying_choice(i: Row) -> RecordChoices:
    c = i.scope.row(tables.cheques)
    return _cheque(c, _paying(i, c, is_returnable=True))


def _unapplied_choice(i: Row) -> RecordChoices:
    c = i.scope.row(tables.cheques)
    return _cheque(c, _unapplied(i, c))


def _remittance_choice(i: Row) -> RecordChoices:
    k = i.scope.row(tables.remittance_claims)
    label = func.concat(k.number, ", $", cast(k.paid_amount, Text))
    return RecordChoices(id_expression("Remittance", k.remittance_id), label, _waiting(i, k).order_by(k.id))


def _line_choice(i: Row) -> RecordChoices:
    n = i.scope.row(tables.invoice_lines)
    label = func.concat(n.code, ", $", cast(n.amount, Text))
    found: Select[Any] = (
        select(literal_column("1")).select_from(n.source).where(same_clinic(i, n), n.invoice_id == i.id)
    )
    return RecordChoices(id_expression("InvoiceLine", n.id), label, found.order_by(n.position, n.id))


def _payer_choice(i: Row) -> RecordChoices:
    """Other payers who may owe the invoice: first those of the coverages of its case, then the patient, then the others by name."""
    p, v = i.scope.row(tables.payers), i.scope.row(tables.coverages)
    covers = there_is(v, and_(same_clinic(i, v), v.case_id == i.case_id, v.payer_id == p.id))
    is_own = or_(p.patient_id.is_(None), p.patient_id == i.patient_id)
    is_merged = [] if p.is_merged is None else [~p.is_merged]
    mine = (same_clinic(i, p), p.retired_at.is_(None), p.id != i.payer_id, is_own, *is_merged)
    found: Select[Any] = select(literal_column("1")).select_from(p.source).where(*mine)
    return RecordChoices(
        id_expression("Payer", p.id),
        p.name,
        found.order_by(covers.desc(), p.patient_id, p.name, p.id),
        is_complete=False,
    )


def first_unapplied(i: Row) -> Expression:
    """What is unapplied of the first payment among the choices; null without one."""
    c = i.scope.row(tables.cheques)
    found = _cheque(c, _unapplied(i, c)).found.with_only_columns(c.unapplied_amount)
    return found.limit(literal_column("1")).scalar_subquery()


# Name → the choices of an invoice; at most MOST_CHOICES are listed.
CHOICES: dict[str, Callable[[Row], RecordChoices]] = {
    "paying_cheques": _paying_choice,
    "unapplied_cheques": _unapplied_choice,
    "waiting_remittances": _remittance_choice,
    "lines": _line_choice,
    "other_payers": _payer_choice,
}
MOST_CHOICES = 20
