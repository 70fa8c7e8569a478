"""The GraphQL type, filter and mutations of attorneys."""

from typing import Any

import strawberry

from permissions.classes import input_field, output_field
from resolvers.commands.records import attorneys
from schema.connections import Node
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations
from schema.references import FirmRef


@strawberry.type(description="An attorney who represents patients.")
class Attorney(Node):
    id: strawberry.ID = output_field("staff", "The attorney's id.")
    name: str = output_field("staff", "The attorney's name.")
    firm: str = output_field("staff", "The name of the law firm.")
    law_firm: FirmRef = output_field("staff", "The law firm to which the attorney belongs.")
    email: str | None = output_field("staff", "The attorney's e-mail address.")
    phone: str | None = output_field("staff", "The attorney's telephone number.")
    active: bool = output_field("staff", "Whether the attorney can be chosen for cases.")


@strawberry.input(description="Filter for attorneys; all conditions must be met.")
class AttorneyFilter:
    firm_id: list[strawberry.ID] | None = input_field(
        ("Attorney.lawFirm", "Firm.id"), "Only attorneys who belong to one of these firms."
    )


AttorneyMutations: Any = record_mutations(
    Attorney,
    "attorney",
    (
        RecordField("name", str, "The name.", is_required=True),
        RecordField(
            "firm",
            str,
            "The name of the law firm, as an alternative to its id; a firm that does not exist yet is created. "
            "The attorney's name is unique within the firm.",
        ),
        RecordField("firm_id", strawberry.ID, "The id of the law firm, as an alternative to its name."),
        RecordField("email", str, "The e-mail address."),
        RecordField("phone", str, "The telephone number."),
        active("attorney"),
    ),
    RecordCommands(attorneys.create, attorneys.update, attorneys.retire),
    RecordTexts(
        retire="Retire an attorney. Existing records that refer to the attorney stay as they are; the access of the attorney's users ends."
    ),
    has_users=True,
    warns=True,
)
