"""Decides how two schemas of a role are compared: in sentences that name what was taken away, what breaks and what became visible."""

from graphql import GraphQLSchema, build_schema
from graphql.utilities import find_breaking_changes

from tests.permissions.published import coordinates


def breaking(who: str, before: str, after: str) -> list[str]:
    """What a client of a role can no longer do with the schema that it could do."""
    changes = find_breaking_changes(_built(before), _built(after))
    return sorted(f"{who}: {change.description.rstrip('.')}" for change in changes)


def appeared(who: str, before: str, after: str) -> list[str]:
    """What a role sees now that it did not see."""
    return sorted(f"{who} now sees {name}" for name in set(coordinates(after)) - set(coordinates(before)))


def _built(sdl: str) -> GraphQLSchema:

    return build_schema(sdl)
