"""Reads the access rules of a schema, so that `explainAccess` can explain them."""

from collections.abc import Iterator
from functools import cache

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from db.fields import VIEWS
from domain.access.people import Role
from permissions.coordinates import Mark
from permissions.explaining import Book, Explanation, Part, explain
from permissions.graphql_adapter import type_rule
from permissions.roles import marks_of, schemas_of
from resolvers.compiler.refusals import refuse

_Item = tuple[str, Part]
# Events about the rows of a table, which are made of no view.
_EVENTS = {"InvoiceListEvent": "invoices"}
_EXAMPLES = "Invoice, Invoice.balance, Query.invoices(filter:), InvoiceFilter.denied or InvoiceStatus.VOID"


def explained(whole: GraphQLSchema, role: Role | None, coordinate: str) -> Explanation:
    """Why a role can or cannot see a coordinate; raises an error for a coordinate that the schema does not have."""
    try:
        return explain(book_of(whole), role, coordinate)
    except KeyError as error:
        raise refuse("coordinate", f"is not in the schema; examples are {_EXAMPLES}") from error


@cache
def book_of(whole: GraphQLSchema) -> Book:
    """The complete schema's coordinates, and those that each role is served."""
    tables = {name: view.table.name for name, view in VIEWS.items()} | _EVENTS
    parts = dict(_parts(whole))
    served = {}
    for role, schema in schemas_of(whole).items():
        own = dict(_parts(schema))
        served[role] = frozenset(own)
        # A role may have a narrowed input, which is no type of the complete schema.
        parts |= {name: part for name, part in own.items() if name not in parts}
    return Book(parts, served, tables)


def _parts(schema: GraphQLSchema) -> Iterator[_Item]:
    marks = marks_of(schema)
    for name, named in schema.type_map.items():
        if is_introspection_type(named) or is_specified_scalar_type(named):
            continue
        required = _required_inputs(named) if isinstance(named, GraphQLInputObjectType) else ()
        yield name, Part(type_rule(named), needs=required)
        yield from _members(named, marks)


def _members(named: GraphQLNamedType, marks: dict[str, Mark | None]) -> Iterator[_Item]:
    if isinstance(named, GraphQLEnumType):
        for value in named.values:
            name = f"{named.name}.{value}"
            yield name, Part(marks[name], named.name)
    elif isinstance(named, GraphQLInputObjectType):
        for input_name, item in named.fields.items():
            name = f"{named.name}.{input_name}"
            yield name, Part(marks[name], named.name, _ours(item.type))
    elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        yield from _fields(named, marks)


def _fields(named: GraphQLObjectType | GraphQLInterfaceType, marks: dict[str, Mark | None]) -> Iterator[_Item]:
    for field_name, field in named.fields.items():
        name = f"{named.name}.{field_name}"
        arguments = {f"{name}({arg}:)": argument for arg, argument in field.args.items()}
        required = tuple(arg for arg, argument in arguments.items() if isinstance(argument.type, GraphQLNonNull))
        yield name, Part(marks[name], named.name, _ours(field.type), required)
        for arg, argument in arguments.items():
            yield arg, Part(marks[arg], name, _ours(argument.type))


def _required_inputs(named: GraphQLInputObjectType) -> tuple[str, ...]:
    return tuple(f"{named.name}.{name}" for name, item in named.fields.items() if isinstance(item.type, GraphQLNonNull))


def _ours(of_type: GraphQLType) -> str | None:
    named = get_named_type(of_type)
    return None if is_specified_scalar_type(named) else named.name
