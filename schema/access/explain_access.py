"""GraphQL types of `explainAccess`: administrators learn why a role can or cannot see a part of the API."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.classes import argument, output_field
from permissions.graphql_adapter import core_info
from resolvers.explain_access import explained
from schema.enums import Role

RoleAsked = Annotated[Role, argument("The role whose view of the API is explained.", "administration")]
Coordinate = Annotated[
    str,
    argument(
        "The schema coordinate, such as Invoice, Invoice.balance, Query.invoices(filter:), "
        "InvoiceFilter.denied or InvoiceStatus.VOID.",
        "administration",
    ),
]


@strawberry.type(
    description="A coordinate on which another coordinate depends: a filter by an amount is visible to the roles "
    "that can see the amount."
)
class FollowedAccess:
    coordinate: str = output_field("administration", "The schema coordinate.")
    visible: bool = output_field("administration", "Whether the role can see it.")
    rule: str | None = output_field(
        "administration", "The name of its own access rule; null if it depends on other coordinates."
    )
    words: str = output_field("administration", "The text of the access rule.")


@strawberry.type(description="Why a role can or cannot see a part of the API.")
class AccessExplanation:
    role: Role = output_field("administration", "The role.")
    coordinate: str = output_field("administration", "The schema coordinate that is explained.")
    visible: bool = output_field("administration", "Whether the role can see it.")
    rule: str | None = output_field(
        "administration", "The name of its own access rule; null if it depends on other coordinates."
    )
    words: str = output_field("administration", "The text of the access rule.")
    reason: str = output_field("administration", "The reason in one sentence.")
    follows: list[FollowedAccess] = output_field(
        "administration", "The coordinates on which it depends; it is visible if all of them are."
    )
    hidden_by: list[str] = output_field(
        "administration", "Other causes that hide it although its own rule allows the role."
    )
    rows: str | None = output_field(
        "administration", "Which rows of the data behind it the role can access; null if it is hidden or has no rows."
    )


def explain(info: Info, role: Role, coordinate: str) -> AccessExplanation:
    """The `explainAccess` answer: why a role can or cannot see a coordinate."""
    # Administrators, the only role with explainAccess, are served the complete schema.
    found = explained(core_info(info).schema, role, coordinate)
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
