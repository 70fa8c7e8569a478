"""GraphQL types and mutations of facilities (places of treatment)."""

from functools import partial
from typing import Any

import strawberry

from domain.parties import FACILITY
from permissions.classes import output_field
from resolvers.commands.records import parties
from schema.connections import Node
from schema.record_mutations import RecordCommands, RecordField, active, record_mutations
from schema.records.addresses import ADDRESS, ADDRESS_INPUTS

_NPI = "The facility's National Provider Identifier (NPI), ten digits."
_PLACE = "The place of service, as claims state it: a code of two digits, such as 11 for an office."


@strawberry.type(description="A facility: a place of treatment.")
class Facility(Node):
    id: strawberry.ID = output_field("parties", "The facility's id.")
    name: str = output_field("parties", "The facility's name.")
    geographic_factor: str = output_field(
        "staff", "The geographic factor by which the clinic's own prices are multiplied at this facility."
    )
    npi: str | None = output_field("staff", _NPI)
    place_of_service: str | None = output_field("staff", _PLACE)
    address_line1: str | None = output_field("staff", ADDRESS["address_line1"])
    address_line2: str | None = output_field("staff", ADDRESS["address_line2"])
    address_city: str | None = output_field("staff", ADDRESS["address_city"])
    address_state: str | None = output_field("staff", ADDRESS["address_state"])
    address_postal_code: str | None = output_field("staff", ADDRESS["address_postal_code"])
    active: bool = output_field("staff", "Whether the facility is in use.")


FacilityMutations: Any = record_mutations(
    Facility,
    "facility",
    (
        RecordField("name", str, "The name.", is_required=True),
        RecordField(
            "geographic_factor",
            str,
            'The geographic factor by which the clinic\'s own prices are multiplied at this facility, such as "1.0432".',
            default="1.0000",
        ),
        RecordField("npi", str, _NPI),
        RecordField("place_of_service", str, _PLACE),
        *ADDRESS_INPUTS,
        active("facility"),
    ),
    RecordCommands(
        partial(parties.create, kind=FACILITY),
        partial(parties.update, kind=FACILITY),
        partial(parties.retire, kind=FACILITY),
    ),
)
