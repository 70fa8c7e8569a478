"""GraphQL types and mutations of facilities (places of treatment)."""

from functools import partial
from typing import Any

import strawberry

from domain.parties import FACILITY
from permissions.classes import output_field
from resolvers.commands.records import parties
from schema.connections import Node
from schema.record_mutations import RecordCommands, RecordField, active, record_mutations


@strawberry.type(description="A facility: a place of treatment.")
class Facility(Node):
    id: strawberry.ID = output_field("parties", "The facility's id.")
    name: str = output_field("parties", "The facility's name.")
    geographic_factor: str = output_field(
        "staff", "The geographic factor by which the clinic's own prices are multiplied at this facility."
    )
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
        active("facility"),
    ),
    RecordCommands(
        partial(parties.create, kind=FACILITY),
        partial(parties.update, kind=FACILITY),
        partial(parties.retire, kind=FACILITY),
    ),
)
