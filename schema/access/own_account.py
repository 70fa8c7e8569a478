"""GraphQL types and mutations of the user's own account: changing the password and ending a session."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.access import own_account, sign_in
from schema.access.sessions import OwnSession, present_own
from schema.access.sign_in import SignInPayload, signed_in_payload
from schema.errors import UserError, user_errors


@strawberry.type(description="The result of changing the password.")
class ChangePasswordPayload:
    changed: bool = output_field("oneself", "Whether the password was changed.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.type(description="The result of ending a session.")
class RevokeSessionPayload:
    revoked: bool = output_field("oneself", "Whether the session has ended.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.type(description="The result of going on with a session.")
class ExtendSessionPayload:
    session: OwnSession | None = output_field("oneself", "The session; null if the request was rejected.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.input(description="The current and the new password.")
class ChangePasswordInput:
    old_password: str = input_field("oneself", "The current password.")
    new_password: str = input_field("oneself", "The new password, 10 to 200 characters.")


@strawberry.input(description="The session to end.")
class RevokeSessionInput:
    session_id: strawberry.ID = input_field("oneself", "The id of the session.")


@strawberry.input(description="The clinic in which to go on.")
class SwitchClinicInput:
    clinic: str = input_field("oneself", "The short name of the clinic, one of those in `memberships`.")


@strawberry.input(
    description="An account of the same e-mail in another clinic that has a password of its own, and both passwords."
)
class JoinLoginsInput:
    password: str = input_field("oneself", "The password of the signed-in account, which stays.")
    other_clinic: str = input_field("oneself", "The short name of the other clinic.")
    other_password: str = input_field("oneself", "The password of the account in the other clinic, which ends.")
    second_factor_code: str | None = input_field(
        "oneself", "A code of the other account's second factor, if it has one."
    )


@strawberry.type(description="The result of joining two logins.")
class JoinLoginsPayload:
    joined: bool = output_field("oneself", "Whether both accounts have one login now.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.type
class OwnMutations:
    """The mutations that every role has for its own account."""

    @mutation(
        ACTIONS["change_password"],
        "Set a new password. All other sessions that were started with the old password end.",
    )
    async def change_password(
        self,
        info: Info,
        input: Annotated[ChangePasswordInput, argument("The current and the new password.", "oneself")],
    ) -> ChangePasswordPayload:
        refusals = await own_account.change_password(info, input)
        return ChangePasswordPayload(changed=not refusals, errors=user_errors(refusals))

    @mutation(ACTIONS["extend_session"], "Go on with the session of this request: its idle timeout begins anew.")
    async def extend_session(self, info: Info) -> ExtendSessionPayload:
        found, refusals = await own_account.extend_session(info)
        return ExtendSessionPayload(session=present_own(found) if found else None, errors=user_errors(refusals))

    @mutation(
        ACTIONS["revoke_session"], "End one of your sessions at once; a session that has already ended stays ended."
    )
    async def revoke_session(
        self, info: Info, input: Annotated[RevokeSessionInput, argument("The session to end.", "oneself")]
    ) -> RevokeSessionPayload:
        refusals = await own_account.revoke_session(info, input)
        return RevokeSessionPayload(revoked=not refusals, errors=user_errors(refusals))

    @mutation(
        ACTIONS["switch_clinic"],
        "Begin a session in another clinic of the same person, without a password. This session goes on; both end at the same time.",
    )
    async def switch_clinic(
        self, info: Info, input: Annotated[SwitchClinicInput, argument("The clinic.", "oneself")]
    ) -> SignInPayload:
        return signed_in_payload(*await sign_in.switch_clinic(info, input.clinic))

    @mutation(
        ACTIONS["join_logins"],
        "Give the account of the same e-mail in another clinic the password and the second factor of this one.",
    )
    async def join_logins(
        self, info: Info, input: Annotated[JoinLoginsInput, argument("The accounts and their passwords.", "oneself")]
    ) -> JoinLoginsPayload:
        refusals = await sign_in.join_logins(
            info, input.password, input.other_clinic, input.other_password, input.second_factor_code or None
        )
        return JoinLoginsPayload(joined=not refusals, errors=user_errors(refusals))
