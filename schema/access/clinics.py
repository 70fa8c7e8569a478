"""The GraphQL type and the mutation of the clinic's own data: its letterhead, the sender of its mail, its terms, work list and calendar."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info

from db.global_ids import make_id
from domain.records.addresses import columns_of
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field, query_field
from resolvers.commands.access import clinics
from schema.access.readiness import Readiness, present_readiness
from schema.errors import UserError, user_errors
from schema.keys import key
from schema.records.addresses import described

_COLUMNS = (
    "name",
    "short_name",
    "time_zone",
    "legal_name",
    "address",
    *columns_of("physical"),
    *columns_of("remit"),
    "phone",
    "fax",
    "email",
    "tin",
    "npi",
    "taxonomy",
    "has_logo",
    "sender_name",
    "sender_address",
    "reply_to",
    "payment_terms_days",
    "small_balance_tolerance",
    "unbilled_after_days",
    "moves_to_working_days",
    "attaches_documents",
    "invoice_number_prefix",
    "first_invoice_number",
)
_ADDRESS = "The postal address below messages, of one or more lines."
_PHONE = "The phone number below messages and on documents."
_NAME = "The clinic's name, on screens and in messages."
_LEGAL_NAME = "The legal name, as it stands on documents and claims; the clinic's name by default."
_PHYSICAL = described("physical", "Where the clinic is, on documents and claims")
_REMIT = described("remit", "Where payments are sent, on documents and claims")
_FAX = "The fax number on documents."
_EMAIL = "The e-mail address on documents."
_TIN = "The taxpayer identification number (TIN), nine digits."
_NPI = "The National Provider Identifier (NPI) of the clinic as a group, ten digits."
_TAXONOMY = "The taxonomy code of the clinic's specialty, ten letters and digits."
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

_PREFIX = (
    "What the numbers of invoices begin with, 1 to 4 capital letters: INV by default, as in INV-2026-000123. It cannot be changed once an "
    "invoice has a number."
)
_FIRST_NUMBER = (
    "The count in the number of the first invoice, 1 to 999,999; 1 by default, and in the first invoice of each later year. It cannot be "
    "changed once an invoice has a number."
)
_ATTACHES = (
    "Whether the document of an invoice that is submitted by e-mail is attached to a message; otherwise it goes on paper, because e-mail "
    "is not private. An attorney with an account here gets neither: a message says where to sign in and read it."
)


@strawberry.type(description="The clinic's own data.")
class ClinicProfile:
    id: strawberry.ID = output_field("administration", "The clinic's id.")
    name: str = output_field("administration", _NAME)
    short_name: str = output_field("administration", "The short name that identifies the clinic when signing in.")
    time_zone: str = output_field("administration", "The IANA time zone of the clinic.")
    legal_name: str | None = output_field("administration", _LEGAL_NAME)
    address: str | None = output_field("administration", _ADDRESS)
    physical_line1: str | None = output_field("administration", _PHYSICAL["physical_line1"])
    physical_line2: str | None = output_field("administration", _PHYSICAL["physical_line2"])
    physical_city: str | None = output_field("administration", _PHYSICAL["physical_city"])
    physical_state: str | None = output_field("administration", _PHYSICAL["physical_state"])
    physical_postal_code: str | None = output_field("administration", _PHYSICAL["physical_postal_code"])
    remit_line1: str | None = output_field("administration", _REMIT["remit_line1"])
    remit_line2: str | None = output_field("administration", _REMIT["remit_line2"])
    remit_city: str | None = output_field("administration", _REMIT["remit_city"])
    remit_state: str | None = output_field("administration", _REMIT["remit_state"])
    remit_postal_code: str | None = output_field("administration", _REMIT["remit_postal_code"])
    phone: str | None = output_field("administration", _PHONE)
    fax: str | None = output_field("administration", _FAX)
    email: str | None = output_field("administration", _EMAIL)
    tin: str | None = output_field("administration", _TIN)
    npi: str | None = output_field("administration", _NPI)
    taxonomy: str | None = output_field("administration", _TAXONOMY)
    has_logo: bool = output_field("administration", "Whether documents have the clinic's logo.")
    sender_name: str | None = output_field("administration", _SENDER_NAME)
    sender_address: str | None = output_field("administration", _SENDER_ADDRESS)
    reply_to: str | None = output_field("administration", _REPLY_TO)
    payment_terms_days: int = output_field("administration", _TERMS)
    small_balance_tolerance: Decimal = output_field("administration", _TOLERANCE)
    unbilled_after_days: int = output_field("administration", _UNBILLED)
    moves_to_working_days: bool = output_field("administration", _WORKING_DAYS)
    attaches_documents: bool = output_field("administration", _ATTACHES)
    invoice_number_prefix: str = output_field("administration", _PREFIX)
    first_invoice_number: int = output_field("administration", _FIRST_NUMBER)

    @query_field(
        "administration",
        "What is missing before the first invoice, document, claim, reminder and export of the clinic.",
    )
    async def readiness(self, info: Info) -> list[Readiness]:
        return present_readiness(await clinics.gaps(info))


@strawberry.type(description="The result of changing the clinic's own data.")
class ClinicPayload:
    clinic: ClinicProfile | None = output_field(
        "administration", "The clinic after the change; null if the request was rejected."
    )
    errors: list[UserError] = output_field("administration", "Why the request was rejected; empty on success.")


@strawberry.input(description="Changes to the clinic's own data; omitted fields stay as they are, null clears a field.")
class UpdateClinicInput:
    name: str | None = input_field("administration", _NAME, default=UNSET)
    legal_name: str | None = input_field("administration", _LEGAL_NAME, default=UNSET)
    address: str | None = input_field("administration", _ADDRESS, default=UNSET)
    physical_line1: str | None = input_field("administration", _PHYSICAL["physical_line1"], default=UNSET)
    physical_line2: str | None = input_field("administration", _PHYSICAL["physical_line2"], default=UNSET)
    physical_city: str | None = input_field("administration", _PHYSICAL["physical_city"], default=UNSET)
    physical_state: str | None = input_field("administration", _PHYSICAL["physical_state"], default=UNSET)
    physical_postal_code: str | None = input_field("administration", _PHYSICAL["physical_postal_code"], default=UNSET)
    remit_line1: str | None = input_field("administration", _REMIT["remit_line1"], default=UNSET)
    remit_line2: str | None = input_field("administration", _REMIT["remit_line2"], default=UNSET)
    remit_city: str | None = input_field("administration", _REMIT["remit_city"], default=UNSET)
    remit_state: str | None = input_field("administration", _REMIT["remit_state"], default=UNSET)
    remit_postal_code: str | None = input_field("administration", _REMIT["remit_postal_code"], default=UNSET)
    phone: str | None = input_field("administration", _PHONE, default=UNSET)
    fax: str | None = input_field("administration", _FAX, default=UNSET)
    email: str | None = input_field("administration", _EMAIL, default=UNSET)
    tin: str | None = input_field("administration", _TIN, default=UNSET)
    npi: str | None = input_field("administration", _NPI, default=UNSET)
    taxonomy: str | None = input_field("administration", _TAXONOMY, default=UNSET)
    logo_id: strawberry.ID | None = input_field(
        "administration",
        "The id of the uploaded logo: a PNG of at most 200,000 bytes, 2,000 pixels wide and high; null removes the logo.",
        default=UNSET,
    )
    sender_name: str | None = input_field("administration", _SENDER_NAME, default=UNSET)
    sender_address: str | None = input_field("administration", _SENDER_ADDRESS, default=UNSET)
    reply_to: str | None = input_field("administration", _REPLY_TO, default=UNSET)
    payment_terms_days: int | None = input_field("administration", _TERMS, default=UNSET)
    small_balance_tolerance: Decimal | None = input_field("administration", _TOLERANCE, default=UNSET)
    unbilled_after_days: int | None = input_field("administration", _UNBILLED, default=UNSET)
    moves_to_working_days: bool | None = input_field("administration", _WORKING_DAYS, default=UNSET)
    attaches_documents: bool | None = input_field("administration", _ATTACHES, default=UNSET)
    invoice_number_prefix: str | None = input_field("administration", _PREFIX, default=UNSET)
    first_invoice_number: int | None = input_field("administration", _FIRST_NUMBER, default=UNSET)
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
