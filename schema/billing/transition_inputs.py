"""GraphQL inputs of the transitions, generated from the domain's transition table."""

from decimal import Decimal
from types import GenericAlias
from typing import Any
from uuid import UUID

import strawberry

from domain.billing.transition import Allocation, Input, Transition, WantedLine
from domain.billing.transitions import TRANSITIONS
from permissions.actions import ACTIONS
from permissions.classes import input_field
from schema.billing.lines import InvoiceLineInput
from schema.keys import VERSION, key

_INVOICE = Input("invoice_id", UUID, "Invoice", "The id of the invoice.")


@strawberry.input(description="The part of a cheque that pays one invoice.")
class AllocationInput:
    invoice_id: strawberry.ID = input_field("staff", "The invoice that is paid.")
    amount: Decimal = input_field("staff", "The amount that pays the invoice, in US dollars.")
    coverage_id: strawberry.ID | None = input_field(
        "staff",
        "The payer's coverage under which it counts: required where the payer has several in the case of the invoice that are not "
        "closed; its only one by default.",
    )


# Types of the domain → types of the API; the others are published as they are.
_PUBLISHED: dict[type, Any] = {UUID: strawberry.ID, Allocation: AllocationInput, WantedLine: InvoiceLineInput}


def _type_of(one: Input) -> Any:
    published: Any = _PUBLISHED.get(one.type_, one.type_)
    whole: Any = GenericAlias(list, published) if one.is_list else published
    return whole if one.is_required else whole | None


def _input_of(row: Transition) -> type:
    rule, inputs = ACTIONS[row.name], row.inputs
    fields: dict[str, Any] = {}
    types: dict[str, Any] = {}
    if row.record == "invoice":
        inputs = (_INVOICE, *inputs)
    for one in inputs:
        types[one.name], fields[one.name] = _type_of(one), input_field(rule, one.description)
    if row.record == "invoice":
        types["version"], fields["version"] = int | None, input_field(rule, VERSION)
    types["idempotency_key"], fields["idempotency_key"] = str | None, key(rule)
    name = "".join(word.capitalize() for word in row.name.split("_")) + "Input"
    made = type(name, (), {"__annotations__": types, "__module__": __name__, **fields})
    return strawberry.input(description=row.input_description)(made)


# Transition → its input type; those of the worker have none.
INPUTS = {row.name: _input_of(row) for row in TRANSITIONS if row.roles}
