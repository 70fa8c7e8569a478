"""The GraphQL type and mutations of law firms."""

from typing import Any

import strawberry
from strawberry import UNSET

from permissions.classes import output_field, query_field
from resolvers.commands.records import firms
from schema.connections import After, Before, Connection, First, Last, Node
from schema.reading import compiled
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations
from schema.records.addresses import ADDRESS, ADDRESS_INPUTS
from schema.records.attorneys import Attorney
from schema.references import PayerRef


@strawberry.type(description="A law firm: attorneys belong to it, and it pays through its payers.")
class Firm(Node):
    id: strawberry.ID = output_field("staff", "The firm's id.")
    name: str = output_field("staff", "The firm's name.")
    email: str | None = output_field("staff", "The firm's e-mail address.")
    phone: str | None = output_field("staff", "The firm's telephone number.")
    fax: str | None = output_field("staff", "The firm's fax number.")
    address: str | None = output_field("staff", "The firm's postal address.")
    address_line1: str | None = output_field("staff", ADDRESS["address_line1"])
    address_line2: str | None = output_field("staff", ADDRESS["address_line2"])
    address_city: str | None = output_field("staff", ADDRESS["address_city"])
    address_state: str | None = output_field("staff", ADDRESS["address_state"])
    address_postal_code: str | None = output_field("staff", ADDRESS["address_postal_code"])
    active: bool = output_field("staff", "Whether the firm can be chosen for attorneys and payers.")

    @query_field("staff", "The attorneys who belong to the firm, by name.")
    def attorneys(
        self, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
    ) -> Connection[Attorney]:
        return compiled()

    @query_field("staff", "The payers through which the firm pays, by name.")
    def payers(
        self, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
    ) -> Connection[PayerRef]:
        return compiled()


FirmMutations: Any = record_mutations(
    Firm,
    "firm",
    (
        RecordField("name", str, "The name; upper and lower case, accents and blanks make no difference.", True),
        RecordField("email", str, "The e-mail address."),
        RecordField("phone", str, "The telephone number."),
        RecordField("fax", str, "The fax number."),
        RecordField("address", str, "The postal address."),
        *ADDRESS_INPUTS,
        active("firm"),
    ),
    RecordCommands(firms.create, firms.update, firms.retire),
    RecordTexts(
        create="Create a law firm.",
        update="Change a law firm. A new name is that of its attorneys, too.",
        retire="Retire a law firm. It is refused while its attorneys represent open cases or its payers owe something.",
    ),
)
