"""The SQL of the actions of an invoice: the domain's transition table with its guards, and what the forms of its steps show."""

from sqlalchemy import Text, and_, literal

from db.fields.base import Action, Blocker, FormField, Many, same_clinic
from db.fields.forms.choices import CHOICES
from db.fields.forms.facts import FORM_FACTS, spelled
from db.fields.forms.transitions import holds, refusal_text
from db.fields.forms.words import word
from db.row import Row
from domain.api_names import camel
from domain.billing.effects.form_needs import NEEDS
from domain.billing.invoices import COVERED, GUARDS
from domain.billing.transition import Input, Transition
from domain.billing.transitions import TRANSITIONS
from permissions.actions import ACTIONS

# The records that stand in the way of a guard.
_OTHERS_OF_CASE = Many(
    "Invoice",
    lambda i, o: and_(
        same_clinic(i, o),
        o.case_id == i.case_id,
        o.status.not_in([literal(status.value, literal_execute=True) for status in COVERED]),
    ),
    lambda o: [o.created_on, o.id],
)
_IN_THE_WAY = {"case_covered": _OTHERS_OF_CASE}


def actions_of_invoice(i: Row) -> list[Action]:
    """The transitions that the scope's role may start from a status of the invoice."""
    return [_action(row, i) for row in TRANSITIONS if row.name in ACTIONS and _starts(row, i)]


def _starts(row: Transition, i: Row) -> tuple[str, ...]:
    """The statuses from which the scope's role may start a transition."""
    role = i.scope.role
    return tuple(s.value for s in (*row.start, *row.admin_start) if role is not None and row.starts(s, role))


def _action(row: Transition, i: Row) -> Action:
    offered = i.status.in_([literal(status, Text(), literal_execute=True) for status in _starts(row, i)])
    guards = (
        Blocker(name.upper(), holds(GUARDS[name], i), refusal_text(GUARDS[name], i), _IN_THE_WAY.get(name))
        for name in row.guards_for(i.scope.role)
    )
    needs = (Blocker(name.upper(), FORM_FACTS[name](i), word(NEEDS[name])) for name in row.needs)
    fields = {camel(one.name): _field(one, i) for one in row.inputs} | _context(row, i)
    return Action(row.name, row.label, offered, (*guards, *needs), fields=fields)


def _field(one: Input, i: Row) -> FormField:
    choice = CHOICES[one.choices](i) if one.choices else None
    return FormField(
        one.label,
        spelled(one.least, i) if one.least else None,
        spelled(one.most, i) if one.most else None,
        spelled(one.default, i) if one.default else None,
        FORM_FACTS[one.required_where](i) if one.required_where else None,
        (choice.value, choice.label, choice.found) if choice else None,
        one.without,
        is_context=one.name == "case_id",
        is_complete=choice is not None and choice.is_complete,
    )


def _context(row: Transition, i: Row) -> dict[str, FormField]:
    """What the invoice itself gives: its id and version, and its part of a payment."""
    context = FormField(is_context=True)
    default = "unapplied_and_payable" if row.name == "allocate_cheque" else "payable_amount"
    amount = FormField(None, spelled("cent", i), spelled("payable_amount", i), spelled(default, i))
    return {
        "invoiceId": context,
        "version": context,
        "allocations.invoiceId": context,
        "allocations.amount": amount,
    }
