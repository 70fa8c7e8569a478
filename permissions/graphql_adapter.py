"""The adapter to private names of Strawberry and graphql-core: all uses of such names are in this module.

tests/permissions/test_graphql_adapter.py checks each name that this module relies on, so that a version that moves one of
them fails with a clear message.
"""

from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import GraphQLEnumType, GraphQLNamedType, GraphQLResolveInfo, GraphQLSchema
from graphql.execution.values import VariableValues
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.permission import BasePermission
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import CustomGraphQLEnumType
from strawberry.types.arguments import StrawberryArgumentAnnotation
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition
from strawberry.types.scalar import ScalarDefinition

__all__ = [
    "ScalarDefinition",
    "StrawberryArgumentAnnotation",
    "StrawberryGraphQLCoreExecutionContext",
    "VariableValues",
]

# The key under which Strawberry stores its own definition in the extensions of a graphql-core object.
_DEFINITION = "strawberry-definition"


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema inside a Strawberry schema."""
    return schema._schema


def core_info(info: strawberry.Info) -> GraphQLResolveInfo[Any]:
    """graphql-core's info object inside the info object of a Strawberry resolver."""
    return info._raw_info


def permission_classes(item: Any) -> list[type[BasePermission]]:
    """The permission classes with which a field of a graphql-core schema was declared."""
    return list(getattr(_definition(item), "permission_classes", ()))


def metadata(item: Any) -> dict[str, Any]:
    """The metadata with which a field, an argument or an input field of a graphql-core schema was declared."""
    return getattr(_definition(item), "metadata", None) or {}


def python_name(item: Any) -> str:
    """The Python name of an input field of a graphql-core schema."""
    name: str = _definition(item).python_name
    return name


def value_rule(value: Any) -> Any:
    """The rule of a value of an enum in a graphql-core schema, None without one."""
    return getattr(_definition(value), "rule", None)


def set_value_rule(value: EnumValue, rule: Any) -> None:
    """Store a rule on a value of an enum."""
    value.rule = rule  # type: ignore[attr-defined]


def type_rule(named: GraphQLNamedType) -> str | None:
    """The rule of a whole type in a graphql-core schema, None where only its fields have rules."""
    rule: str | None = getattr(getattr(_definition(named), "origin", None), "__rule__", None)
    return rule


def set_type_rule(cls: type, rule: str) -> None:
    """Store a rule on a whole type."""
    cls.__strawberry_definition__.origin.__rule__ = rule  # type: ignore[attr-defined]


def enum_values(cls: type) -> Iterator[EnumValue]:
    """The values of a Strawberry enum, as they will be published."""
    definition: StrawberryEnumDefinition = cls.__strawberry_definition__  # type: ignore[attr-defined]
    return iter(definition.values)


def copy_enum(named: GraphQLEnumType, values: dict[str, Any]) -> GraphQLEnumType:
    """A copy of an enum with some of its values, of Strawberry's class that converts between Python members and names."""
    kwargs: dict[str, Any] = {**named.to_kwargs(), "values": values}
    if isinstance(named, CustomGraphQLEnumType):
        return CustomGraphQLEnumType(enum=named.extensions[_DEFINITION], **kwargs)
    return GraphQLEnumType(**kwargs)


def limit_field_comparisons(largest: int) -> None:
    """Limit the number of field comparisons in graphql-core's validation of a document (overlapping fields)."""
    overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = largest


def _definition(item: Any) -> Any:
    return item.extensions.get(_DEFINITION)
