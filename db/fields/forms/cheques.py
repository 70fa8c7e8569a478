"""The SQL of the actions of a payment: to allocate what is unapplied, to return and to correct it."""

from sqlalchemy import Select, Text, and_, cast, func, literal, literal_column, select, true

from db import tables
from db.fields.base import Action, Blocker, Expression, FormField, same_clinic, there_is
from db.fields.forms.choices import pays_paid_invoice
from db.fields.forms.words import word
from db.global_ids import id_expression
from db.row import Row
from domain.access.people import Role
from domain.api_names import camel
from domain.billing.invoices import OPEN
from domain.billing.transition import Transition
from domain.billing.transitions import BY_NAME
from domain.payments.cheques import ReturnKind


def _day(day: Expression) -> Expression:
    return cast(day, Text)


_OF_ADMIN = "It pays an invoice of a case that is settled or closed: ask an administrator"
_OFFERED = ("allocate_cheque", "return_cheque", "correct_cheque", "move_allocation")


def actions_of_cheque(c: Row) -> list[Action]:
    """What the scope's role may do with a payment."""
    return [_action(BY_NAME[name], c) for name in _OFFERED if c.scope.role in BY_NAME[name].roles]


def _action(row: Transition, c: Row) -> Action:
    blockers = [
        Blocker(
            "NOT_CORRECTED",
            c.corrected_at.is_(None),
            word("This payment was corrected: another one stands in its place"),
        )
    ]
    if row.name != "correct_cheque":
        blockers.append(Blocker("NOT_RETURNED", c.returned_on.is_(None), word("This payment has been returned")))
    if row.name == "allocate_cheque":
        blockers += _allocating(c)
    if row.name == "move_allocation":
        pays = _standing(c, c.scope.row(tables.cheque_allocations)).exists()
        blockers.append(Blocker("ALLOCATED", pays, word("No part of this payment is allocated to an invoice")))
    if row.admin_start and row.name != "allocate_cheque" and c.scope.role is not Role.ADMIN:
        blockers.append(Blocker("CASE_OPEN", ~pays_paid_invoice(c), word(_OF_ADMIN)))
    fields = {camel(one.name): FormField(one.label) for one in row.inputs} | _fields(row, c)
    return Action(row.name, row.label, true(), tuple(blockers), fields=fields)


def _allocating(c: Row) -> list[Blocker]:
    is_money = ~and_(c.held_from.is_not(None), c.released_at.is_(None))
    i = c.scope.row(tables.invoices)
    return [
        Blocker("NOT_HELD", is_money, word("This cheque is held: record its deposit first")),
        Blocker("UNAPPLIED", c.unapplied_amount > 0, word("Nothing of this payment is unapplied")),
        Blocker(
            "OPEN_INVOICE", _open_invoices(c, i).exists(), word("No submitted invoice that this payer owes is open")
        ),
    ]


def _open_invoices(c: Row, i: Row) -> Select[tuple[int]]:
    """The submitted invoices that the payer owes and that are open, oldest first."""
    is_open = i.status.in_([literal(status.value, literal_execute=True) for status in OPEN])
    mine = (same_clinic(c, i), i.payer_id == c.payer_id, is_open, i.balance > 0, i.first_submitted_on.is_not(None))
    return select(literal_column("1")).select_from(i.source).where(*mine).order_by(i.created_on, i.id)


def _standing(c: Row, a: Row) -> Select[tuple[int]]:
    """The allocations of a payment that were not reversed."""
    v = c.scope.row(tables.cheque_allocations)
    is_reversed = there_is(v, and_(same_clinic(c, v), v.reverses_id == a.id))
    mine = (same_clinic(c, a), a.cheque_id == c.id, a.amount > 0, ~is_reversed)
    return select(literal_column("1")).select_from(a.source).where(*mine)


def _allocation_choices(c: Row) -> FormField:
    a, i = c.scope.row(tables.cheque_allocations), c.scope.row(tables.invoices)
    number = select(i.number).select_from(i.source).where(same_clinic(c, i), i.id == a.invoice_id).scalar_subquery()
    label = func.concat(number, ", $", cast(a.amount, Text))
    found = _standing(c, a).order_by(a.id)
    return FormField("Allocation", required=true(), choices=(id_expression("ChequeAllocation", a.id), label, found))


def _fields(row: Transition, c: Row) -> dict[str, FormField]:
    context = FormField(is_context=True)
    fields = {"chequeId": context}
    if row.name == "return_cheque":
        today = _day(c.scope.today)
        fields["returnedOn"] = FormField("Returned on", _day(c.received_on), today, today)
        fields["kind"] = FormField("Kind", default=word(ReturnKind.NSF.name))
    if row.name == "move_allocation":
        fields |= {"allocationId": _allocation_choices(c), "chequeId": FormField("Payment")}
    if row.name == "allocate_cheque":
        i, first = c.scope.row(tables.invoices), c.scope.row(tables.invoices)
        label = func.concat(i.number, ", $", cast(i.balance, Text))
        choices = (id_expression("Invoice", i.id), label, _open_invoices(c, i))
        left = _open_invoices(c, first).with_only_columns(first.balance).limit(literal_column("1")).scalar_subquery()
        amount = cast(func.least(left, c.unapplied_amount), Text)
        fields["allocations.invoiceId"] = FormField("Invoice", choices=choices, is_complete=False)
        fields["allocations.amount"] = FormField("Amount", word("0.01"), cast(c.unapplied_amount, Text), amount)
    return fields
