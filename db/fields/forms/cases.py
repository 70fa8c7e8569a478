"""The SQL of the actions of a case: to settle, close and reopen it."""

from sqlalchemy import and_, literal, not_, true

from db import tables
from db.fields.base import Action, Blocker, Expression, FormField, Many, owned, there_is
from db.fields.forms.words import word
from db.row import Row
from domain.access.people import Role
from domain.api_names import camel
from domain.billing.invoices import COVERED, GUARDS, InvoiceStatus
from domain.billing.next_steps import refusal
from domain.billing.transition import Transition
from domain.billing.transitions import TRANSITIONS


def _waits(c: Row, i: Row) -> Expression:
    covered = [literal(status.value, literal_execute=True) for status in COVERED]
    return and_(owned("case_id")(c, i), i.status.not_in(covered))


_OPEN_INVOICES = Many("Invoice", _waits, lambda i: [i.created_on, i.id])
_PAID_NOTHING = "No invoice of the case is paid; instead: Close the case (closeCase)"


def actions_of_case(c: Row) -> list[Action]:
    """The transitions of all invoices of a case that the scope's role may make."""
    role = c.scope.role
    return [_action(row, c, role) for row in TRANSITIONS if row.record == "case" and role in row.roles]


def _action(row: Transition, c: Row, role: Role | None) -> Action:
    blockers = [_blocker(name, c) for name in row.guards_for(role)]
    if "case_covered" in row.guards:
        blockers.insert(0, _blocker("case_open", c))
    if row.name == "settle_case":
        i = c.scope.row(tables.invoices)
        is_covered = i.status == literal(InvoiceStatus.CHEQUE_RECEIVED.value, literal_execute=True)
        paid = there_is(i, and_(owned("case_id")(c, i), is_covered))
        blockers.append(Blocker("SOMETHING_PAID", paid, word(_PAID_NOTHING)))
    context = FormField(is_context=True)
    fields = {camel(one.name): FormField(one.label) for one in row.inputs} | {"caseId": context, "version": context}
    return Action(row.name, row.label, true(), tuple(blockers), fields=fields)


def _blocker(name: str, c: Row) -> Blocker:
    """A guard of the transitions of a case, asked of the case itself."""
    is_open = c.status == literal("open", literal_execute=True)
    i = c.scope.row(tables.invoices)
    holds = {"case_open": is_open, "case_settled": not_(is_open), "case_covered": not_(there_is(i, _waits(c, i)))}
    records = _OPEN_INVOICES if name == "case_covered" else None
    return Blocker(name.upper(), holds[name], word(refusal(GUARDS[name])), records)
