"""GraphQL types and mutations of representations: the attorneys of a case, by their days."""

from datetime import date, datetime
from typing import Any

import strawberry
from strawberry.tools import create_type

from domain.billing.representations import LONGEST_NOTICE
from permissions.classes import input_field, output_field
from resolvers.commands.billing import representations, transfers
from schema.access.users import User
from schema.billing.cases import CasePayload
from schema.commands import command
from schema.keys import key
from schema.records.attorneys import Attorney


@strawberry.type(description="The representation of a case by an attorney, for a period.")
class Representation:
    id: strawberry.ID = output_field("staff", "The representation's id.")
    attorney: Attorney = output_field("staff", "The attorney.")
    from_on: date = output_field("staff", "The first day of the representation.")
    until_on: date | None = output_field(
        "staff", "The day on which the representation ended, the first of the next one; null while it lasts."
    )


@strawberry.type(
    description="A change of attorney that is recorded in advance: access to the case moves as its day begins."
)
class AttorneyChange:
    id: strawberry.ID = output_field("staff", "The id of the change.")
    attorney: Attorney | None = output_field("staff", "The attorney from that day on; null for none.")
    effective_on: date = output_field("staff", "The day on which it takes effect, at 00:00 in the clinic.")
    requested_at: datetime = output_field("staff", "When it was recorded.")
    requested_by: User | None = output_field("staff", "The user who recorded it.")


@strawberry.input(description="The attorney who represents a case from a day on.")
class AssignAttorneyInput:
    case_id: strawberry.ID = input_field("staff", "The id of the case.")
    attorney_id: strawberry.ID | None = input_field(
        "staff", "The attorney who represents the case from that day on; null for none."
    )
    effective_on: date | None = input_field(
        "staff",
        "The first day of the representation; today by default. It must not be before the date of injury, nor more than "
        f"{LONGEST_NOTICE.days} days ahead.",
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A case whose change of attorney is not to take place.")
class CancelAttorneyChangeInput:
    case_id: strawberry.ID = input_field("staff", "The id of the case.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A case whose open invoices are owed by a law firm that represented it before.")
class TransferFromFormerFirmInput:
    case_id: strawberry.ID = input_field("staff", "The id of the case.")
    payer_id: strawberry.ID = input_field("staff", "The payer who owes the invoices from today on.")
    keep_agreements: bool = input_field(
        "staff",
        "Whether the new payer honours the agreements, and owes what is still to be paid of each; else they end.",
    )
    note: str | None = input_field("staff", "A note in the history of each invoice.")
    idempotency_key: str | None = key("staff")


RepresentationMutations: Any = create_type(
    "RepresentationMutations",
    [
        command(
            "assign_attorney",
            representations.assign_attorney,
            "Assign the attorney who represents a case from a day on. Access moves at once or, for a future day, as that "
            "day begins in the clinic; a past day changes the periods that figures by attorney use, and no access before "
            "now. A change for a future day replaces the one that is pending.",
            AssignAttorneyInput,
            "The case, its attorney and the day.",
            CasePayload,
        ),
        command(
            "cancel_attorney_change",
            representations.cancel_change,
            "Cancel the change of attorney of a case that has not taken effect yet.",
            CancelAttorneyChangeInput,
            "The case.",
            CasePayload,
        ),
        command(
            "transfer_from_former_firm",
            transfers.transfer_from_former_firm,
            "Transfer to another payer, in one step, all open invoices of a case whose payer is a law firm that does not represent "
            "it any more: those of the action items REPRESENTATION_ENDED.",
            TransferFromFormerFirmInput,
            "The case and the new payer.",
            CasePayload,
        ),
    ],
)
