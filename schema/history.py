"""Decides what is said of what happened to an invoice."""

from datetime import datetime

import strawberry

from permissions.classes import shown
from schema.enums import InvoiceStatus
from schema.users import User


@strawberry.type(description="One value that an event changed.")
class Change:
    field: str = shown("workflow", "What was changed.")
    before: str | None = shown("workflow", "The value before, as text.")
    after: str | None = shown("workflow", "The value after, as text.")


@strawberry.type(description="Something that happened to an invoice; never changed afterwards.")
class InvoiceEvent:
    id: strawberry.ID = shown("workflow", "The event's id.")
    at: datetime = shown("workflow", "When it happened.")
    by: User | None = shown("workflow", "Who did it; nobody when the system did.")
    transition: str = shown("workflow", "Which step it was.")
    from_status: InvoiceStatus | None = shown("workflow", "Where the invoice stood before; nothing at its creation.")
    to_status: InvoiceStatus = shown("workflow", "Where the invoice stood afterwards.")
    changes: list[Change] = shown("workflow", "Which values it changed.")


@strawberry.type(description="A step that starts where an invoice stands now.")
class AvailableTransition:
    name: str = shown("workflow", "The name of the step, such as submit_invoice.")
    allowed: bool = shown("workflow", "Whether it can be done as things are.")
    blocked_by: list[str] = shown("workflow", "What stands in the way; empty when it is allowed.")
    requires: list[str] = shown("workflow", "Which inputs it needs.")
