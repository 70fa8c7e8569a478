"""GraphQL types and mutations of physicians."""

from functools import partial
from typing import Any

import strawberry

from domain.parties import PHYSICIAN
from permissions.classes import output_field
from resolvers.commands.records import parties, physicians
from schema.connections import Node
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations

_TAXONOMY = "The taxonomy code of the physician's speciality, ten letters and digits."


@strawberry.type(description="A treating physician.")
class Physician(Node):
    id: strawberry.ID = output_field("parties", "The physician's id.")
    name: str = output_field("parties", "The physician's name.")
    npi: str | None = output_field("staff", "The physician's National Provider Identifier (NPI), ten digits.")
    taxonomy: str | None = output_field("staff", _TAXONOMY)
    licence_number: str | None = output_field("staff", "The number of the physician's licence.")
    licence_state: str | None = output_field("staff", "The state that gave the licence, by its two letters.")
    active: bool = output_field("staff", "Whether the physician is active in the clinic.")


PhysicianMutations: Any = record_mutations(
    Physician,
    "physician",
    (
        RecordField("name", str, "The name.", is_required=True),
        RecordField("npi", str, "The National Provider Identifier (NPI), ten digits."),
        RecordField("taxonomy", str, _TAXONOMY),
        RecordField("licence_number", str, "The number of the licence."),
        RecordField("licence_state", str, "The state that gave the licence, by its two letters."),
        active("physician"),
    ),
    RecordCommands(
        physicians.create,
        physicians.update,
        partial(parties.retire, kind=PHYSICIAN),
    ),
    RecordTexts(
        retire="Retire a physician. Existing records that refer to the physician stay as they are; the access of the physician's users ends."
    ),
    has_users=True,
    warns=True,
)
