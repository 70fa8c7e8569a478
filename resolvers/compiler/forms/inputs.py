"""What a mutation takes, read from the role's schema: the kind of each field of its input, for forms that know no mutation."""

import json
import re
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    get_named_type,
    is_required_input_field,
)

from domain.api_names import camel
from domain.documents.uploads import SCANS
from domain.forms import ActionInputKind

# Names of scalars → the kind of field.
_KINDS = {
    "Money": ActionInputKind.AMOUNT,
    "Date": ActionInputKind.DATE,
    "DateTime": ActionInputKind.MOMENT,
    "Boolean": ActionInputKind.BOOLEAN,
    "Int": ActionInputKind.INTEGER,
    "String": ActionInputKind.TEXT,
    "ID": ActionInputKind.RECORD,
}
# Name of an input → the root field in which its record is searched.
SEARCHED_IN = {
    "payerId": "payers",
    "caseId": "cases",
    "patientId": "patients",
    "attorneyId": "attorneys",
    "firmId": "firms",
    "physicianId": "physicians",
    "facilityId": "facilities",
    "chequeId": "cheques",
    "replacesId": "cheques",
    "invoiceId": "invoices",
    "toInvoiceId": "invoices",
    "remittanceId": "remittances",
    "remittanceClaimId": "remittanceClaims",
    "code": "cptCodes",
    "reasonCode": "reasonCodes",
}
_UPLOAD = "documentId"
_NOT_ASKED = "idempotencyKey"


def has_mutation(schema: GraphQLSchema, mutation: str) -> bool:
    """Whether the role has a mutation."""
    return schema.mutation_type is not None and camel(mutation) in schema.mutation_type.fields


def inputs_of(schema: GraphQLSchema, mutation: str) -> list[dict[str, Any]]:
    """The fields of the input of a mutation that the role has, in their order, each with all that ActionInput has."""
    assert schema.mutation_type is not None
    named = get_named_type(schema.mutation_type.fields[camel(mutation)].args["input"].type)
    assert isinstance(named, GraphQLInputObjectType)
    return list(_fields(schema, named))


def _fields(schema: GraphQLSchema, of_input: GraphQLInputObjectType) -> Iterator[dict[str, Any]]:
    for name, field in of_input.fields.items():
        if name != _NOT_ASKED:
            yield _field(schema, name, field)


def _field(schema: GraphQLSchema, name: str, field: GraphQLInputField) -> dict[str, Any]:
    nullable = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    named = get_named_type(field.type)
    kind = _kind_of(name, named)
    return {
        "name": name,
        "kind": kind.name,
        "label": label_of(name),
        "isRequired": is_required_input_field(field),
        "isList": isinstance(nullable, GraphQLList),
        "isFromContext": False,
        "default": None if field.default_value is Undefined else _spelled(field.default_value),
        "minimum": None,
        "maximum": None,
        "fields": list(_fields(schema, named)) if isinstance(named, GraphQLInputObjectType) else [],
        "choices": _choices(schema, named) if isinstance(named, GraphQLEnumType) else [],
        "choicesFrom": SEARCHED_IN.get(name),
        "accepts": sorted(SCANS) if kind is ActionInputKind.UPLOAD else [],
    }


def _spelled(value: Any) -> str | None:
    """A default value as the API spells it."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _kind_of(name: str, named: GraphQLNamedType) -> ActionInputKind:
    if isinstance(named, GraphQLInputObjectType):
        return ActionInputKind.OBJECT
    if isinstance(named, GraphQLEnumType):
        return ActionInputKind.CHOICE
    return ActionInputKind.UPLOAD if name == _UPLOAD else _KINDS[named.name]


def _choices(schema: GraphQLSchema, named: GraphQLEnumType) -> list[dict[str, str]]:
    labels = schema.extensions.get("labels", {}).get(named.name, {})
    return [{"value": value, "label": labels.get(value, label_of(value.lower()))} for value in named.values]


def label_of(name: str) -> str:
    """A name as a caption.

    >>> label_of("appealDueOn")
    'Appeal due on'
    >>> label_of("payerId")
    'Payer'
    """
    words = re.sub(r"([A-Z])", r" \1", name.removesuffix("Ids").removesuffix("Id")).replace("_", " ").lower().strip()
    return words[:1].upper() + words[1:]
