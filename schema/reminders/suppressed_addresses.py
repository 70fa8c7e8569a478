"""The GraphQL type and the mutations of the suppression list, which holds addresses that get no reminders."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.reminders import suppressed_addresses
from schema.access.users import User
from schema.commands import command, payload_of
from schema.keys import key


@strawberry.type(description="An e-mail address on the suppression list: no reminders are sent to it.")
class SuppressedAddress:
    id: strawberry.ID = output_field("negotiation", "The id of the entry.")
    email: str = output_field("negotiation", "The e-mail address, in lower case.")
    reason: str | None = output_field("negotiation", "Why it is on the list, such as an unsubscription.")
    added_by: User | None = output_field("negotiation", "The user who added it.")
    added_at: datetime = output_field("negotiation", "When it was added.")
    removed_by: User | None = output_field("negotiation", "The user who removed it; null while it is on the list.")
    removed_at: datetime | None = output_field("negotiation", "When it was removed; null while it is on the list.")


SuppressedAddressPayload: Any = payload_of(
    SuppressedAddress, "staff", "entry", description="The result of changing the suppression list."
)


@strawberry.input(description="An e-mail address whose owner wants no reminders.")
class SuppressAddressInput:
    email: str = input_field("staff", "The e-mail address.")
    reason: str | None = input_field("staff", "Why, such as the request to unsubscribe.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="An e-mail address that may get reminders again.")
class AllowAddressInput:
    email: str = input_field("staff", "The e-mail address.")
    idempotency_key: str | None = key("staff")


SuppressedAddressMutations: Any = create_type(
    "SuppressedAddressMutations",
    [
        command(
            "suppress_address",
            suppressed_addresses.suppress,
            "Put an e-mail address on the suppression list: no reminders are sent to it, and no copies.",
            SuppressAddressInput,
            "The address.",
            SuppressedAddressPayload,
        ),
        command(
            "allow_address",
            suppressed_addresses.allow,
            "Take an e-mail address off the suppression list.",
            AllowAddressInput,
            "The address.",
            SuppressedAddressPayload,
        ),
    ],
)
