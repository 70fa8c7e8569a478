"""The comparison of two schemas of a role: sentences that name what was removed, what breaks and what became visible."""

from graphql import GraphQLSchema, build_schema
from graphql.utilities import find_breaking_changes

from tests.permissions.published import coordinates


def breaking(role_name: str, before: str, after: str) -> list[str]:
    """What a client of a role could do with the old schema and cannot do with the new one."""
    changes = find_breaking_changes(_built(before), _built(after))
    return sorted(f"{role_name}: {change.description.rstrip('.')}" for change in changes)


def appeared(role_name: str, before: str, after: str) -> list[str]:
    """What a role sees in the new schema and did not see in the old one."""
    return sorted(f"{role_name} now sees {name}" for name in set(coordinates(after)) - set(coordinates(before)))


def _built(sdl: str) -> GraphQLSchema:

    return build_schema(sdl)
