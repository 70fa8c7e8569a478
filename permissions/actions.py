"""Decides who may do what: the rule of every mutation."""

from domain.people import Role
from domain.transitions import TRANSITIONS

_RULE_OF = {frozenset({Role.ADMIN, Role.BILLING}): "staff", frozenset({Role.ADMIN}): "administration"}

# Mutation (in snake case) → rule. Transitions follow the table in the domain; the worker's own have no mutation.
ACTIONS: dict[str, str] = {
    "sign_in": "public",
    "sign_out": "signed_in",
    "create_upload": "staff",
    **{row.name: _RULE_OF[row.roles] for row in TRANSITIONS if row.roles},
}
