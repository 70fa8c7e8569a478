"""The GraphQL types of `labels`: what screens write for the values of enums, of those that the role sees."""

import strawberry
from graphql import GraphQLEnumType, GraphQLSchema

from permissions.classes import output_field
from schema.forms.labels import LABELS


@strawberry.type(description="A value of an enum, and what a screen writes for it.")
class ValueLabel:
    value: str = output_field("signed_in", "The value.")
    label: str = output_field("signed_in", "Its short label, at most 30 characters.")


@strawberry.type(description="The labels of an enum.")
class EnumLabels:
    name: str = output_field("signed_in", "The name of the enum.")
    values: list[ValueLabel] = output_field("signed_in", "Its values in their order, each with its label.")


def labels_in(schema: GraphQLSchema) -> list[EnumLabels]:
    """The labels of the enums of a role's schema; enums for programs alone have none."""
    found = ((name, schema.type_map.get(name)) for name in sorted(LABELS))
    return [
        EnumLabels(name=name, values=[ValueLabel(value=value, label=LABELS[name][value]) for value in enum.values])
        for name, enum in found
        if isinstance(enum, GraphQLEnumType)
    ]
