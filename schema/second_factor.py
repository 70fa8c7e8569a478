"""Decides how billing staff protect their accounts by a second factor."""

from typing import Annotated

import strawberry
from strawberry import Info

from domain.errors import Refusal
from permissions.actions import ACTIONS
from permissions.classes import done, given, shown, takes
from resolvers import sign_in
from schema.errors import UserError
from schema.payloads import told


@strawberry.input(description="What proves that whoever is signed in owns the account.")
class PasswordInput:
    password: str = given("staff", "The password of the account.")


@strawberry.input(description="What shows that the authenticator app has the secret.")
class ConfirmSecondFactorInput:
    code: str = given("staff", "The six digits that the app shows now.")


@strawberry.input(description="Whose second factor is lost.")
class ResetSecondFactorInput:
    user_id: strawberry.ID = given("administration", "The id of the account.")


@strawberry.type(description="The answer to asking for a second factor: both texts are shown this once.")
class EnrolSecondFactorPayload:
    secret: str | None = shown("staff", "The secret, to be typed into an authenticator app.")
    otpauth_url: str | None = shown("staff", "The same as an otpauth:// address, to be shown as a QR code.")
    errors: list[UserError] = shown("staff", "Why it was refused; empty when it was not.")


@strawberry.type(description="The answer to a change of a second factor.")
class SecondFactorPayload:
    is_changed: bool = shown("staff", "Whether it was done.")
    errors: list[UserError] = shown("staff", "Why it was refused; empty when it was done.")


@strawberry.type
class SecondFactorSteps:
    """The mutations around the second factor of signing in."""

    @done(
        ACTIONS["enrol_second_factor"], "Ask for a second factor for the own account; it counts once it is confirmed."
    )
    async def enrol_second_factor(
        self, info: Info, input: Annotated[PasswordInput, takes("The own password.", "staff")]
    ) -> EnrolSecondFactorPayload:
        enrolled, refusals = await sign_in.enrol(info, input.password)
        secret, otpauth_url = enrolled or (None, None)
        return EnrolSecondFactorPayload(secret=secret, otpauth_url=otpauth_url, errors=told(refusals))

    @done(ACTIONS["confirm_second_factor"], "Confirm the second factor: from now on signing in asks for a code.")
    async def confirm_second_factor(
        self, info: Info, input: Annotated[ConfirmSecondFactorInput, takes("The first code.", "staff")]
    ) -> SecondFactorPayload:
        return _payload(await sign_in.confirm(info, input.code))

    @done(ACTIONS["remove_second_factor"], "Remove the own second factor: from now on the password alone signs in.")
    async def remove_second_factor(
        self, info: Info, input: Annotated[PasswordInput, takes("The own password.", "staff")]
    ) -> SecondFactorPayload:
        return _payload(await sign_in.remove(info, input.password))

    @done(ACTIONS["reset_second_factor"], "Take away the second factor of somebody of the clinic who has lost it.")
    async def reset_second_factor(
        self, info: Info, input: Annotated[ResetSecondFactorInput, takes("Whose it is.", "administration")]
    ) -> SecondFactorPayload:
        return _payload(await sign_in.reset(info, input.user_id))


def _payload(refusals: tuple[Refusal, ...]) -> SecondFactorPayload:
    return SecondFactorPayload(is_changed=not refusals, errors=told(refusals))
