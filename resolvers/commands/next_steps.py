"""Names the step that helps where a command is refused: the mutation, and who may call it."""

from domain.access.people import Role
from domain.api_names import camel
from permissions.actions import ACTIONS
from permissions.rules import RULES, STAFF

_WHO = {
    frozenset({Role.ADMIN}): "an administrator",
    STAFF: "billing staff",
    STAFF | {Role.PHYSICIAN}: "billing staff or the treating physician",
}


def next_step(mutation: str) -> str:
    """A mutation and who may call it.

    >>> next_step("void_invoice")
    'voidInvoice, by an administrator'
    """
    return f"{camel(mutation)}, by {_WHO[RULES[ACTIONS[mutation]].roles]}"


BEFORE_INJURY = f"correct the day, change the day of injury ({next_step('update_case')}), or have an administrator confirm it with confirmReason"
ASK_ADMINISTRATOR = "correct the day, or ask an administrator to confirm it"
