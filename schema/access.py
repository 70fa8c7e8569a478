"""Decides how administrators are told why a role sees something of the API or does not."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.classes import shown, takes
from resolvers.access import explained
from schema.enums import Role

RoleAsked = Annotated[Role, takes("Whose view of the API is meant.", "administration")]
Coordinate = Annotated[
    str,
    takes(
        "What is meant, such as Invoice, Invoice.balance, Query.invoices(filter:), InvoiceFilter.denied or InvoiceStatus.VOID.",
        "administration",
    ),
]


@strawberry.type(description="Something whose rule another thing follows: a filter by an amount follows the amount.")
class FollowedAccess:
    coordinate: str = shown("administration", "What is followed.")
    visible: bool = shown("administration", "Whether the role sees it.")
    rule: str | None = shown("administration", "The name of its own rule; nothing when it follows others in turn.")
    words: str = shown("administration", "What its rule says.")


@strawberry.type(description="Why a role sees something of the API, or does not.")
class AccessExplanation:
    role: Role = shown("administration", "Whose view it is about.")
    coordinate: str = shown("administration", "What it is about.")
    visible: bool = shown("administration", "Whether the role sees it.")
    rule: str | None = shown("administration", "The name of its own rule; nothing when it follows others.")
    words: str = shown("administration", "What the rule says.")
    reason: str = shown("administration", "Why it is visible or hidden, in one sentence.")
    follows: list[FollowedAccess] = shown("administration", "What it follows; it is visible where all of them are.")
    hidden_by: list[str] = shown("administration", "What else hides it, where its own rule does not.")
    rows: str | None = shown(
        "administration", "Which records behind it the role reaches; nothing where it is hidden or has no records."
    )


def explain(info: Info, role: Role, coordinate: str) -> AccessExplanation:
    """Why a role sees a coordinate or does not, as the API shows it."""
    # Who may ask is served everything that there is.
    found = explained(info._raw_info.schema, role, coordinate)
    follows = [
        FollowedAccess(coordinate=each.coordinate, visible=each.visible, rule=each.rule, words=each.words)
        for each in found.follows
    ]
    return AccessExplanation(
        role=role,
        coordinate=found.coordinate,
        visible=found.visible,
        rule=found.rule,
        words=found.words,
        reason=found.reason,
        follows=follows,
        hidden_by=list(found.hidden_by),
        rows=found.rows,
    )
