"""GraphQL type of one changed value in a history."""

import strawberry

from permissions.classes import output_field


@strawberry.type(description="One value that an event changed.")
class Change:
    field: str = output_field("workflow", "The name of the field.")
    before: str | None = output_field("workflow", "The value before, as text.")
    after: str | None = output_field("workflow", "The value after, as text.")
