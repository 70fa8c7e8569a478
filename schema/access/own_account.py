"""GraphQL types and mutations of the user's own account: changing the password and ending a session."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.access import own_account
from schema.errors import UserError, user_errors


@strawberry.type(description="The result of changing the password.")
class ChangePasswordPayload:
    changed: bool = output_field("oneself", "Whether the password was changed.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.type(description="The result of ending a session.")
class RevokeSessionPayload:
    revoked: bool = output_field("oneself", "Whether the session has ended.")
    errors: list[UserError] = output_field("oneself", "Why the request was rejected; empty on success.")


@strawberry.input(description="The current and the new password.")
class ChangePasswordInput:
    old_password: str = input_field("oneself", "The current password.")
    new_password: str = input_field("oneself", "The new password, 10 to 200 characters.")


@strawberry.input(description="The session to end.")
class RevokeSessionInput:
    session_id: strawberry.ID = input_field("oneself", "The id of the session.")


@strawberry.type
class OwnMutations:
    """The mutations that every role has for its own account."""

    @mutation(
        ACTIONS["change_password"],
        "Replace your password. All other sessions that were started with the old password end.",
    )
    async def change_password(
        self,
        info: Info,
        input: Annotated[ChangePasswordInput, argument("The current and the new password.", "oneself")],
    ) -> ChangePasswordPayload:
        refusals = await own_account.change_password(info, input)
        return ChangePasswordPayload(changed=not refusals, errors=user_errors(refusals))

    @mutation(
        ACTIONS["revoke_session"], "End one of your sessions at once; a session that has already ended stays ended."
    )
    async def revoke_session(
        self, info: Info, input: Annotated[RevokeSessionInput, argument("The session to end.", "oneself")]
    ) -> RevokeSessionPayload:
        refusals = await own_account.revoke_session(info, input)
        return RevokeSessionPayload(revoked=not refusals, errors=user_errors(refusals))
