"""Selections of all fields of a type, down to a depth."""

from graphql import GraphQLInterfaceType, GraphQLNamedType, GraphQLObjectType, GraphQLSchema, get_named_type

# What has fields below it.
_Composite = GraphQLObjectType | GraphQLInterfaceType


def everything(of_type: GraphQLNamedType, depth: int, *, without: frozenset[str] = frozenset()) -> str:
    """The selection of every field of a type, with the fields below it down to `depth`; `without` leaves out fields by coordinate."""
    if not isinstance(of_type, _Composite):
        return ""
    return f"{{ {' '.join(['__typename', *_fields(of_type, depth, without)])} }}"


def in_parts(
    of_type: GraphQLObjectType, depth: int, fields: int, *, without: frozenset[str] = frozenset()
) -> list[str]:
    """The same selection as several with different fields of the type, each complete below, and of at most so many fields."""
    parts: list[str] = []
    for field in _fields(of_type, depth, without):
        longer = f"{parts[-1][:-1]}{field} }}" if parts else ""
        if longer and sum(word not in "{}" for word in longer.split()) <= fields:
            parts[-1] = longer
        else:
            parts.append(f"{{ __typename {field} }}")
    return parts


def _fields(of_type: _Composite, depth: int, without: frozenset[str]) -> list[str]:
    """Each field of a type, with its selection."""
    parts = []
    for name, field in of_type.fields.items():
        target = get_named_type(field.type)
        if f"{of_type.name}.{name}" in without:
            continue
        if not isinstance(target, _Composite):
            parts.append(name)
        elif depth > 1:
            parts.append(f"{name} {everything(target, depth - 1, without=without)}")
    return parts


def root_type(schema: GraphQLSchema, field: str) -> GraphQLObjectType:
    """The object type that a root field leads to."""
    assert schema.query_type
    target = get_named_type(schema.query_type.fields[field].type)
    assert isinstance(target, GraphQLObjectType)
    return target
