"""GraphQL types and mutations of signing in and out, and of one-time links: invitations and forgotten passwords."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Info

from domain.errors import DomainError
from identity.sign_in import ClinicNeeded, SecondFactorNeeded, SignedIn
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.access import sign_in as commands
from schema.access.viewer import Clinic, Viewer, present, present_clinic
from schema.errors import UserError, user_errors


@strawberry.type(description="A second factor that waits for a code of the app. The secret is shown only this once.")
class SecondFactorEnrolment:
    secret: str = output_field("public", "The shared secret, to be entered into an authenticator app.")
    otpauth_url: str = output_field("public", "The same secret as an otpauth:// URI, to show as a QR code.")


@strawberry.input(description="The credentials for signing in.")
class SignInInput:
    email: str = input_field("public", "The e-mail of the account.")
    password: str = input_field("public", "The password of the account.")
    clinic: str | None = input_field(
        "public", "The short name of the clinic; required if the person has accounts in several clinics."
    )
    second_factor_code: str | None = input_field(
        "public", "The six-digit code of the authenticator app, or a recovery code; required with a second factor."
    )


@strawberry.type(description="The result of signing in.")
class SignInPayload:
    token: str | None = output_field("public", 'The bearer token, to be sent as "Authorization: Bearer <token>".')
    expires_at: datetime | None = output_field("public", "When the token expires at the latest.")
    viewer: Viewer | None = output_field("public", "The account that has signed in.")
    clinics: list[Clinic] = output_field(
        "public",
        "The clinics to choose from, when the password is right and the person has accounts in several; otherwise empty.",
    )
    enrolment: SecondFactorEnrolment | None = output_field(
        "public",
        "A new second factor, when the password is right and the clinic asks for one that the person does not have: "
        "signing in again, with a code of the app, confirms it.",
    )
    recovery_codes: list[str] = output_field(
        "public", "The recovery codes of a second factor that this sign-in has confirmed, shown only this once."
    )
    errors: list[UserError] = output_field("public", "Why signing in was rejected; empty on success.")


@strawberry.type(description="The result of signing out.")
class SignOutPayload:
    signed_out: bool = output_field("signed_in", "Whether the session has ended.")
    errors: list[UserError] = output_field("signed_in", "Why signing out was rejected; empty on success.")


@strawberry.input(description="The token of an invitation, and the password of the invited person.")
class AcceptInvitationInput:
    token: str = input_field("public", "The token: what follows # in the link.")
    password: str = input_field(
        "public",
        "A new password, 10 to 200 characters; or, if the e-mail has accounts already, the password with which they sign in.",
    )
    second_factor_code: str | None = input_field(
        "public", "The code of the second factor, if the e-mail has accounts already, and a second factor."
    )


@strawberry.type(description="The result of accepting an invitation.")
class AcceptInvitationPayload:
    email: str | None = output_field("public", "The e-mail with which to sign in; null if the request was rejected.")
    clinic_name: str | None = output_field("public", "The clinic to which the person was invited.")
    errors: list[UserError] = output_field("public", "Why the request was rejected; empty on success.")


@strawberry.input(description="The e-mail to which a link to a new password is sent.")
class RequestPasswordResetInput:
    email: str = input_field("public", "The e-mail with which the person signs in.")


@strawberry.type(description="The result of asking for a link to a new password: the same for every e-mail.")
class RequestPasswordResetPayload:
    is_requested: bool = output_field(
        "public", "Whether the request was taken; if the e-mail has a login, a link is sent."
    )


@strawberry.input(description="The token of a link to a new password, and the password.")
class ResetPasswordInput:
    token: str = input_field("public", "The token: what follows # in the link.")
    password: str = input_field("public", "The new password, 10 to 200 characters.")


@strawberry.input(description="The token of a link to remove a second factor, and the password.")
class RemoveLostSecondFactorInput:
    token: str = input_field("public", "The token: what follows # in the link.")
    password: str = input_field("public", "The password of the person.")


@strawberry.type(description="The result of using a one-time link.")
class OneTimeLinkPayload:
    is_changed: bool = output_field("public", "Whether the change was made.")
    errors: list[UserError] = output_field("public", "Why the request was rejected; empty on success.")


def signed_in_payload(signed_in: SignedIn | None, refusals: tuple[DomainError, ...]) -> SignInPayload:
    """The payload of a sign-in: the session, or what is wrong or missing."""
    needed = refusals[0] if refusals else None
    enrolment = needed.enrolment if isinstance(needed, SecondFactorNeeded) else None
    return SignInPayload(
        token=signed_in.token if signed_in else None,
        expires_at=signed_in.expires_at if signed_in else None,
        viewer=present(signed_in.viewer) if signed_in else None,
        clinics=[present_clinic(one) for one in needed.accounts] if isinstance(needed, ClinicNeeded) else [],
        enrolment=SecondFactorEnrolment(secret=enrolment.secret, otpauth_url=enrolment.otpauth_url)
        if enrolment
        else None,
        recovery_codes=list(signed_in.recovery_codes) if signed_in else [],
        errors=user_errors(refusals),
    )


@strawberry.type
class SignInMutations:
    """The mutations of people who are not signed in, and signing out."""

    @mutation(ACTIONS["sign_in"], "Sign in with e-mail and password, and with a code if there is a second factor.")
    async def sign_in(
        self, info: Info, input: Annotated[SignInInput, argument("The credentials for signing in.", "public")]
    ) -> SignInPayload:
        signed_in, refusals = await commands.sign_in(
            info, input.email, input.password, input.clinic or None, input.second_factor_code or None
        )
        return signed_in_payload(signed_in, refusals)

    @mutation(ACTIONS["sign_out"], "Sign out. The session ends at once.")
    async def sign_out(self, info: Info) -> SignOutPayload:
        await commands.sign_out(info)
        return SignOutPayload(signed_out=True, errors=[])

    @mutation(ACTIONS["accept_invitation"], "Accept an invitation to an account. From then on, the person can sign in.")
    async def accept_invitation(
        self,
        info: Info,
        input: Annotated[AcceptInvitationInput, argument("The invitation and the password.", "public")],
    ) -> AcceptInvitationPayload:
        accepted, refusals = await commands.accept_invitation(
            info, input.token, input.password, input.second_factor_code or None
        )
        return AcceptInvitationPayload(
            email=accepted.email if accepted else None,
            clinic_name=accepted.viewer.clinic_name if accepted else None,
            errors=user_errors(refusals),
        )

    @mutation(ACTIONS["request_password_reset"], "Ask for a link to a new password, which is sent to the e-mail.")
    async def request_password_reset(
        self, info: Info, input: Annotated[RequestPasswordResetInput, argument("The e-mail.", "public")]
    ) -> RequestPasswordResetPayload:
        await commands.request_password_reset(info, input.email)
        return RequestPasswordResetPayload(is_requested=True)

    @mutation(ACTIONS["reset_password"], "Set a new password by a link. The person has to sign in again everywhere.")
    async def reset_password(
        self, info: Info, input: Annotated[ResetPasswordInput, argument("The link and the new password.", "public")]
    ) -> OneTimeLinkPayload:
        refusals = await commands.reset_password(info, input.token, input.password)
        return OneTimeLinkPayload(is_changed=not refusals, errors=user_errors(refusals))

    @mutation(ACTIONS["remove_lost_second_factor"], "Remove a second factor by a link that an administrator asked for.")
    async def remove_lost_second_factor(
        self,
        info: Info,
        input: Annotated[RemoveLostSecondFactorInput, argument("The link and the password.", "public")],
    ) -> OneTimeLinkPayload:
        refusals = await commands.remove_lost_second_factor(info, input.token, input.password)
        return OneTimeLinkPayload(is_changed=not refusals, errors=user_errors(refusals))
