"""GraphQL types and mutations of the second factor (time-based one-time passwords) and its recovery codes."""

from typing import Annotated

import strawberry
from strawberry import Info

from domain.errors import DomainError
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.access import sign_in
from schema.enums import Role
from schema.errors import UserError, user_errors


@strawberry.input(description="The password that confirms who asks.")
class PasswordInput:
    password: str = input_field("oneself", "The password of the account.")


@strawberry.input(description="The code that proves that the authenticator app has the secret.")
class ConfirmSecondFactorInput:
    code: str = input_field("oneself", "The six-digit code that the app shows now.")


@strawberry.input(description="The user whose second factor is reset.")
class ResetSecondFactorInput:
    user_id: strawberry.ID = input_field("administration", "The id of the user account.")


@strawberry.type(description="The result of enrolling a second factor. The secret is shown only this once.")
class EnrolSecondFactorPayload:
    secret: str | None = output_field("oneself", "The shared secret, to be entered into an authenticator app.")
    otpauth_url: str | None = output_field("oneself", "The same secret as an otpauth:// URI, to show as a QR code.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.type(description="The result of changing a second factor.")
class SecondFactorPayload:
    is_changed: bool = output_field("oneself", "Whether the change was made.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.type(
    description="New recovery codes, each of which signs in once instead of a code of the app. Shown only this once."
)
class RecoveryCodesPayload:
    recovery_codes: list[str] = output_field("oneself", "The codes; empty if the request was rejected.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.type(description="The result of asking for the removal of a second factor.")
class ResetSecondFactorPayload:
    is_requested: bool = output_field(
        "administration",
        "Whether a link is sent to the e-mail of the user; it is valid for 24 hours, and works with the password.",
    )
    errors: list[UserError] = output_field("administration", "Why the request was rejected; empty on success.")


@strawberry.input(description="The roles whose users need a second factor.")
class SetSecondFactorRolesInput:
    roles: list[Role] = input_field("administration", "All such roles; an empty list asks no one for a second factor.")


@strawberry.type(description="The result of choosing the roles that need a second factor.")
class SetSecondFactorRolesPayload:
    is_changed: bool = output_field("administration", "Whether the change was made.")
    errors: list[UserError] = output_field("administration", "Why the request was rejected; empty on success.")


@strawberry.type
class SecondFactorMutations:
    """The mutations of the second factor."""

    @mutation(
        ACTIONS["enrol_second_factor"],
        "Enrol a second factor for your account. It takes effect once it is confirmed.",
    )
    async def enrol_second_factor(
        self, info: Info, input: Annotated[PasswordInput, argument("The password of the account.", "oneself")]
    ) -> EnrolSecondFactorPayload:
        enrolled, refusals = await sign_in.enrol(info, input.password)
        return EnrolSecondFactorPayload(
            secret=enrolled.secret if enrolled else None,
            otpauth_url=enrolled.otpauth_url if enrolled else None,
            errors=user_errors(refusals),
        )

    @mutation(
        ACTIONS["confirm_second_factor"],
        "Confirm the second factor. From now on, a code is needed to sign in, and a recovery code serves once.",
    )
    async def confirm_second_factor(
        self, info: Info, input: Annotated[ConfirmSecondFactorInput, argument("The first code.", "oneself")]
    ) -> RecoveryCodesPayload:
        codes, refusals = await sign_in.confirm(info, input.code)
        return RecoveryCodesPayload(recovery_codes=codes or [], errors=user_errors(refusals))

    @mutation(ACTIONS["renew_recovery_codes"], "Make new recovery codes; those before are of no more use.")
    async def renew_recovery_codes(
        self, info: Info, input: Annotated[PasswordInput, argument("The password of the account.", "oneself")]
    ) -> RecoveryCodesPayload:
        codes, refusals = await sign_in.renew_recovery_codes(info, input.password)
        return RecoveryCodesPayload(recovery_codes=codes or [], errors=user_errors(refusals))

    @mutation(
        ACTIONS["remove_second_factor"], "Remove your second factor. From now on, the password alone signs you in."
    )
    async def remove_second_factor(
        self, info: Info, input: Annotated[PasswordInput, argument("The password of the account.", "oneself")]
    ) -> SecondFactorPayload:
        return _payload(await sign_in.remove(info, input.password))

    @mutation(
        ACTIONS["reset_second_factor"],
        "Send a link by mail with which a user who has lost the device and the recovery codes removes the second factor.",
    )
    async def reset_second_factor(
        self, info: Info, input: Annotated[ResetSecondFactorInput, argument("The user.", "administration")]
    ) -> ResetSecondFactorPayload:
        refusals = await sign_in.reset(info, input.user_id)
        return ResetSecondFactorPayload(is_requested=not refusals, errors=user_errors(refusals))

    @mutation(
        ACTIONS["set_second_factor_roles"],
        "Choose the roles whose users need a second factor, from their next sign-in to the clinic with a password.",
    )
    async def set_second_factor_roles(
        self, info: Info, input: Annotated[SetSecondFactorRolesInput, argument("The roles.", "administration")]
    ) -> SetSecondFactorRolesPayload:
        refusals = await sign_in.set_second_factor_roles(info, input.roles)
        return SetSecondFactorRolesPayload(is_changed=not refusals, errors=user_errors(refusals))


def _payload(refusals: tuple[DomainError, ...]) -> SecondFactorPayload:
    return SecondFactorPayload(is_changed=not refusals, errors=user_errors(refusals))
