"""The GraphQL type and the mutation of the clinic's own data: its letterhead, the sender of its mail, its terms, work list and calendar."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info

from db.global_ids import make_id
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.access import clinics
from schema.errors import UserError, user_errors
from schema.keys import key

_COLUMNS = (
    "name",
    "short_name",
    "time_zone",
    "address",
    "phone",
    "sender_name",
    "sender_address",
    "reply_to",
    "payment_terms_days",
    "small_balance_tolerance",
    "unbilled_after_days",
    "moves_to_working_days",
    "attaches_documents",
)
_ADDRESS = "The postal address below messages, one line for each of its lines."
_PHONE = "The phone number below messages."
_SENDER_NAME = "The name of the sender of messages; the clinic's name by default."
_SENDER_ADDRESS = (
    "The e-mail address of the sender of messages, which the mail server must accept; the server's by default."
)
_REPLY_TO = "The e-mail address for replies, and for requests to unsubscribe; the sender's by default."
_TERMS = "The terms of payment: the number of days from an invoice to its due day, 0 to 365; exports for QuickBooks have due days by them."

_TOLERANCE = "The largest balance that may be given up after a payment (closeSmallBalance), 0.00 to 100.00 US dollars."
_UNBILLED = "After how many days a visit that is not billed is an action item of billing staff, 0 to 365; 7 by default."
_WORKING_DAYS = (
    "Whether reminders, and messages to payers, that fall on a weekend or a federal holiday move to the next working day; reminders "
    "that are scheduled already keep their day. Days of appeal, limitation, filing and payment never move."
)


_ATTACHES = (
    "Whether invoices that are submitted by e-mail are attached, for payers and attorneys without an account here; otherwise they go on "
    "paper, because e-mail is not private. Attorneys with an account get a link."
)


@strawberry.type(description="The clinic's own data.")
class ClinicProfile:
    id: strawberry.ID = output_field("administration", "The clinic's id.")
    name: str = output_field("administration", "The clinic's name.")
    short_name: str = output_field("administration", "The short name that identifies the clinic when signing in.")
    time_zone: str = output_field("administration", "The IANA time zone of the clinic.")
    address: str | None = output_field("administration", _ADDRESS)
    phone: str | None = output_field("administration", _PHONE)
    sender_name: str | None = output_field("administration", _SENDER_NAME)
    sender_address: str | None = output_field("administration", _SENDER_ADDRESS)
    reply_to: str | None = output_field("administration", _REPLY_TO)
    payment_terms_days: int = output_field("administration", _TERMS)
    small_balance_tolerance: Decimal = output_field("administration", _TOLERANCE)
    unbilled_after_days: int = output_field("administration", _UNBILLED)
    moves_to_working_days: bool = output_field("administration", _WORKING_DAYS)
    attaches_documents: bool = output_field("administration", _ATTACHES)


@strawberry.type(description="The result of changing the clinic's own data.")
class ClinicPayload:
    clinic: ClinicProfile | None = output_field(
        "administration", "The clinic after the change; null if the request was rejected."
    )
    errors: list[UserError] = output_field("administration", "Why the request was rejected; empty on success.")


@strawberry.input(description="Changes to the clinic's own data; omitted fields stay as they are, null clears a field.")
class UpdateClinicInput:
    address: str | None = input_field("administration", _ADDRESS, default=UNSET)
    phone: str | None = input_field("administration", _PHONE, default=UNSET)
    sender_name: str | None = input_field("administration", _SENDER_NAME, default=UNSET)
    sender_address: str | None = input_field("administration", _SENDER_ADDRESS, default=UNSET)
    reply_to: str | None = input_field("administration", _REPLY_TO, default=UNSET)
    payment_terms_days: int | None = input_field("administration", _TERMS, default=UNSET)
    small_balance_tolerance: Decimal | None = input_field("administration", _TOLERANCE, default=UNSET)
    unbilled_after_days: int | None = input_field("administration", _UNBILLED, default=UNSET)
    moves_to_working_days: bool | None = input_field("administration", _WORKING_DAYS, default=UNSET)
    attaches_documents: bool | None = input_field("administration", _ATTACHES, default=UNSET)
    idempotency_key: str | None = key("administration")


@strawberry.type
class ClinicMutations:
    """The mutation of the clinic's own data."""

    @mutation(
        ACTIONS["update_clinic"],
        "Change the clinic's letterhead, the sender of its mail, its terms of payment, when unbilled visits become action items, "
        "and whether reminders move to working days.",
    )
    async def update_clinic(
        self, info: Info, input: Annotated[UpdateClinicInput, argument("The changes.", "administration")]
    ) -> ClinicPayload:
        done, row = await clinics.update(info, input)
        return ClinicPayload(clinic=present_profile(row) if row else None, errors=user_errors(done.errors))


def present_profile(row: Mapping[str, Any]) -> ClinicProfile:
    """A row of the clinic as the API presents it."""
    columns = {name: row[name] for name in _COLUMNS}
    return ClinicProfile(id=strawberry.ID(make_id("Clinic", row["clinic_id"])), **columns)
