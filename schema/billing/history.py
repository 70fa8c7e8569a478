"""GraphQL types of the history of an invoice, and of the transitions that are possible next."""

from datetime import datetime

import strawberry

from permissions.classes import output_field
from schema.access.users import User
from schema.enums import InvoiceStatus
from schema.history import Change


@strawberry.type(description="An entry in the history of an invoice; never changed afterwards.")
class InvoiceEvent:
    id: strawberry.ID = output_field("workflow", "The event's id.")
    at: datetime = output_field("workflow", "When it happened.")
    by: User | None = output_field("workflow", "The user who did it; null for the system.")
    transition: str = output_field("workflow", "The name of the transition.")
    from_status: InvoiceStatus | None = output_field(
        "workflow", "The status before; null for the creation of the invoice."
    )
    to_status: InvoiceStatus = output_field("workflow", "The status afterwards.")
    changes: list[Change] = output_field("workflow", "The values that changed.")


@strawberry.type(description="A transition that starts from the current status of the invoice.")
class AvailableTransition:
    name: str = output_field("workflow", "The name of the transition, such as submit_invoice.")
    allowed: bool = output_field("workflow", "Whether the transition is allowed now.")
    blocked_by: list[str] = output_field("workflow", "The conditions that are not met; empty if it is allowed.")
    requires: list[str] = output_field("workflow", "The input fields that it requires.")
