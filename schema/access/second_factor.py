"""GraphQL types and mutations of the second factor (time-based one-time passwords) of billing staff."""

from typing import Annotated

import strawberry
from strawberry import Info

from domain.errors import DomainError
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.access import sign_in
from schema.errors import UserError, user_errors


@strawberry.input(description="The password that confirms the user's identity.")
class PasswordInput:
    password: str = input_field("staff", "The password of the account.")


@strawberry.input(description="The code that proves that the authenticator app has the secret.")
class ConfirmSecondFactorInput:
    code: str = input_field("staff", "The six-digit code that the app shows now.")


@strawberry.input(description="The user whose second factor is reset.")
class ResetSecondFactorInput:
    user_id: strawberry.ID = input_field("administration", "The id of the user account.")


@strawberry.type(description="The result of enrolling a second factor. The secret is shown only this once.")
class EnrolSecondFactorPayload:
    secret: str | None = output_field("staff", "The shared secret, to be entered into an authenticator app.")
    otpauth_url: str | None = output_field("staff", "The same secret as an otpauth:// URI, to show as a QR code.")
    errors: list[UserError] = output_field("staff", "Why the request was rejected; empty on success.")


@strawberry.type(description="The result of changing a second factor.")
class SecondFactorPayload:
    is_changed: bool = output_field("staff", "Whether the change was made.")
    errors: list[UserError] = output_field("staff", "Why the request was rejected; empty on success.")


@strawberry.type
class SecondFactorMutations:
    """The mutations of the second factor."""

    @mutation(
        ACTIONS["enrol_second_factor"],
        "Enrol a second factor for your account. It becomes active once it is confirmed.",
    )
    async def enrol_second_factor(
        self, info: Info, input: Annotated[PasswordInput, argument("The password of the account.", "staff")]
    ) -> EnrolSecondFactorPayload:
        enrolled, refusals = await sign_in.enrol(info, input.password)
        secret, otpauth_url = enrolled or (None, None)
        return EnrolSecondFactorPayload(secret=secret, otpauth_url=otpauth_url, errors=user_errors(refusals))

    @mutation(ACTIONS["confirm_second_factor"], "Confirm the second factor. From now on, signing in requires a code.")
    async def confirm_second_factor(
        self, info: Info, input: Annotated[ConfirmSecondFactorInput, argument("The first code.", "staff")]
    ) -> SecondFactorPayload:
        return _payload(await sign_in.confirm(info, input.code))

    @mutation(
        ACTIONS["remove_second_factor"], "Remove your second factor. From now on, the password alone signs you in."
    )
    async def remove_second_factor(
        self, info: Info, input: Annotated[PasswordInput, argument("The password of the account.", "staff")]
    ) -> SecondFactorPayload:
        return _payload(await sign_in.remove(info, input.password))

    @mutation(ACTIONS["reset_second_factor"], "Reset the second factor of a user who has lost the device.")
    async def reset_second_factor(
        self, info: Info, input: Annotated[ResetSecondFactorInput, argument("The user.", "administration")]
    ) -> SecondFactorPayload:
        return _payload(await sign_in.reset(info, input.user_id))


def _payload(refusals: tuple[DomainError, ...]) -> SecondFactorPayload:
    return SecondFactorPayload(is_changed=not refusals, errors=user_errors(refusals))
