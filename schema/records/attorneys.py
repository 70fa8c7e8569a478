"""GraphQL types and mutations of attorneys."""

from functools import partial
from typing import Any

import strawberry

from domain.parties import ATTORNEY
from permissions.classes import output_field
from resolvers.commands.records import parties
from schema.connections import Node
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations


@strawberry.type(description="An attorney who represents patients.")
class Attorney(Node):
    id: strawberry.ID = output_field("staff", "The attorney's id.")
    name: str = output_field("staff", "The attorney's name.")
    firm: str = output_field("staff", "The law firm.")
    email: str | None = output_field("staff", "The attorney's e-mail address.")
    phone: str | None = output_field("staff", "The attorney's telephone number.")
    active: bool = output_field("staff", "Whether the attorney can be chosen for cases.")


AttorneyMutations: Any = record_mutations(
    Attorney,
    "attorney",
    (
        RecordField("name", str, "The name.", is_required=True),
        RecordField("firm", str, "The law firm; the name is unique within the firm.", is_required=True),
        RecordField("email", str, "The e-mail address."),
        RecordField("phone", str, "The telephone number."),
        active("attorney"),
    ),
    RecordCommands(
        partial(parties.create, kind=ATTORNEY),
        partial(parties.update, kind=ATTORNEY),
        partial(parties.retire, kind=ATTORNEY),
    ),
    RecordTexts(
        retire="Retire an attorney. Existing records that refer to the attorney stay as they are; the access of the attorney's users ends."
    ),
    has_users=True,
)
