"""The lists and arguments that a role can query, read from its schema so that new ones are tested from their first day."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from domain.access.people import Role
from schema.whole import role_schemas

RESTRICTED = (Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST)


@dataclass(frozen=True)
class Listing:
    """One list at the root of a role's schema, in one of its orders."""

    root: str
    type_name: str
    order: str = ""

    @property
    def arguments(self) -> str:
        """The arguments of a long page in this order."""
        order = f", orderBy: {{field: {self.order}, direction: ASC}}" if self.order else ""
        return f"(first: 500{order})"


def fields_of(role: Role, type_name: str) -> GraphQLObjectType:
    """A type of the role's schema."""
    named = role_schemas()[role].type_map[type_name]
    assert isinstance(named, GraphQLObjectType)
    return named


def listings(role: Role) -> Iterator[Listing]:
    """Every list that a role can query, in every order that it can choose."""
    for root, field in fields_of(role, "Query").fields.items():
        if "first" not in field.args:
            continue
        named = get_named_type(field.type)
        assert isinstance(named, GraphQLObjectType)
        found = get_named_type(named.fields["nodes"].type).name
        yield Listing(root, found)
        if "orderBy" in field.args:
            orders = role_schemas()[role].type_map[f"{found}OrderField"]
            assert isinstance(orders, GraphQLEnumType)
            yield from (Listing(root, found, order) for order in orders.values)


def lists_of_records(role: Role) -> Iterator[Listing]:
    """Every list of records that a role can query, in its own order; a report in pages has no records of its own."""
    for listing in listings(role):
        if not listing.order and "id" in fields_of(role, listing.type_name).fields:
            yield listing


def scalars(role: Role, type_name: str) -> list[str]:
    """The fields of a type that are plain values."""
    fields = fields_of(role, type_name).fields.items()
    return [name for name, field in fields if not isinstance(get_named_type(field.type), GraphQLObjectType)]


def searches(role: Role) -> Iterator[tuple[Listing, str]]:
    """Every list that a role can search by text, with the argument of the search: W is the searched text."""
    for listing in lists_of_records(role):
        field = fields_of(role, "Query").fields[listing.root]
        wanted = get_named_type(field.args["filter"].type) if "filter" in field.args else None
        if "search" in field.args:
            yield listing, "search: $w"
        elif isinstance(wanted, GraphQLInputObjectType) and "search" in wanted.fields:
            yield listing, "filter: {search: $w}"
