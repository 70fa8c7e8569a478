"""Decides what changing the own password and ending a sign-in asks of whoever is signed in."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import done, given, shown, takes
from resolvers import own_account
from schema.errors import UserError
from schema.payloads import told


@strawberry.type(description="The answer to changing the own password.")
class ChangePasswordPayload:
    changed: bool = shown("oneself", "Whether the new password counts from now on.")
    errors: list[UserError] = shown("oneself", "Why it was refused; empty when it was not.")


@strawberry.type(description="The answer to ending a sign-in.")
class RevokeSessionPayload:
    revoked: bool = shown("oneself", "Whether it has ended.")
    errors: list[UserError] = shown("oneself", "Why it was refused; empty when it was not.")


@strawberry.input(description="The own password, and the one that takes its place.")
class ChangePasswordInput:
    old_password: str = given("oneself", "The password until now.")
    new_password: str = given("oneself", "The password from now on, 10 to 200 characters.")


@strawberry.input(description="The sign-in that is to end.")
class RevokeSessionInput:
    session_id: strawberry.ID = given("oneself", "The id of the sign-in.")


@strawberry.type
class OwnSteps:
    """The mutations that everybody has for their own account."""

    @done(ACTIONS["change_password"], "Replace the own password: whatever else is signed in by it ends.")
    async def change_password(
        self, info: Info, input: Annotated[ChangePasswordInput, takes("The old and the new password.", "oneself")]
    ) -> ChangePasswordPayload:
        refusals = await own_account.change_password(info, input)
        return ChangePasswordPayload(changed=not refusals, errors=told(refusals))

    @done(ACTIONS["revoke_session"], "End a sign-in at once; one that has ended already stays so.")
    async def revoke_session(
        self, info: Info, input: Annotated[RevokeSessionInput, takes("Which one ends.", "oneself")]
    ) -> RevokeSessionPayload:
        refusals = await own_account.revoke_session(info, input)
        return RevokeSessionPayload(revoked=not refusals, errors=told(refusals))
