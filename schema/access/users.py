"""GraphQL types and mutations of user accounts, and of the invitations to them."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET, Info, Private

from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field, query_field
from resolvers.commands.access import accounts
from resolvers.commands.unit_of_work import CommandResult
from resolvers.compiler.reading import resolve_payload
from schema.access.sessions import ApiToken, Session
from schema.connections import After, Connection, First, Node
from schema.enums import Role
from schema.errors import UserError, user_errors
from schema.keys import key
from schema.reading import compiled
from schema.records.attorneys import Attorney
from schema.records.physicians import Physician


@strawberry.type(description="A user account of the clinic.")
class User(Node):
    id: strawberry.ID = output_field("staff", "The id of the account.")
    name: str = output_field("staff", "The person's name.")
    email: str = output_field("administration", "The e-mail with which the account signs in.")
    role: Role = output_field("administration", "The role of the account.")
    active: bool = output_field("administration", "Whether the account can be used.")
    attorney: Attorney | None = output_field(
        "administration", "The attorney to whom the account belongs, for the role ATTORNEY."
    )
    physician: Physician | None = output_field(
        "administration", "The physician to whom the account belongs, for the role PHYSICIAN."
    )
    created_at: datetime = output_field("administration", "When the account was created.")
    joined_at: datetime | None = output_field(
        "administration", "When the invitation was accepted; null while the account waits for that, and cannot be used."
    )
    invitation_expires_at: datetime | None = output_field(
        "administration", "When the open invitation expires; null without one."
    )

    @query_field("administration", "All sessions of the account, newest first.")
    def sessions(self, first: First = UNSET, after: After = UNSET) -> Connection[Session]:
        return compiled()

    @query_field("administration", "The API tokens of the account, newest first.")
    def api_tokens(self, first: First = UNSET, after: After = UNSET) -> Connection[ApiToken]:
        return compiled()


@strawberry.type(description="The result of creating, inviting to or changing a user account.")
class UserPayload:
    result: Private[CommandResult]
    invitation_url: str | None = output_field(
        "administration",
        "After an invitation, the link to give to the person, valid for 72 hours. It is shown only this once, and only by a server "
        "without a mail server: otherwise it is sent to the e-mail. Null after a change.",
        default=None,
    )

    @query_field("administration", "The account after the change; null if the request was rejected.")
    async def user(self, info: Info) -> User | None:
        return await resolve_payload(info, "User", self.result.record, self.result.known)  # type: ignore[return-value]

    @query_field("administration", "Why the request was rejected; empty on success.")
    def errors(self) -> list[UserError]:
        return user_errors(self.result.errors)


@strawberry.input(description="The account to which a person is invited again.")
class InviteUserAgainInput:
    user_id: strawberry.ID = input_field("administration", "The id of the account.")
    idempotency_key: str | None = key("administration")


@strawberry.input(description="A new user account.")
class CreateUserInput:
    email: str = input_field("administration", "The e-mail with which the account signs in.")
    name: str = input_field("administration", "The person's name.")
    role: Role = input_field("administration", "The role of the account.")
    attorney_id: strawberry.ID | None = input_field(
        "administration", "The attorney to whom the account belongs, for the role ATTORNEY."
    )
    physician_id: strawberry.ID | None = input_field(
        "administration", "The physician to whom the account belongs, for the role PHYSICIAN."
    )
    idempotency_key: str | None = key("administration")


@strawberry.input(description="Changes to a user account; omitted fields stay as they are.")
class UpdateUserInput:
    user_id: strawberry.ID = input_field("administration", "The id of the account.")
    email: str | None = input_field(
        "administration",
        "The e-mail with which the account signs in; changing it ends the user's sessions, and asks for a new invitation.",
    )
    name: str | None = input_field("administration", "The person's name.")
    role: Role | None = input_field("administration", "The role of the account; changing it ends the user's sessions.")
    attorney_id: strawberry.ID | None = input_field(
        "administration", "The attorney to whom the account belongs, for the role ATTORNEY."
    )
    physician_id: strawberry.ID | None = input_field(
        "administration", "The physician to whom the account belongs, for the role PHYSICIAN."
    )
    active: bool | None = input_field(
        "administration",
        "Whether the account can be used; false ends the user's sessions and revokes the account's API tokens.",
    )
    idempotency_key: str | None = key("administration")


@strawberry.type
class UserMutations:
    """The mutations of user accounts."""

    @mutation(
        ACTIONS["create_user"],
        "Create a user account and invite the person, who accepts the invitation with a password of their own.",
    )
    async def create_user(
        self, info: Info, input: Annotated[CreateUserInput, argument("The new account.", "administration")]
    ) -> UserPayload:
        made, url = await accounts.create_user(info, input)
        return UserPayload(result=made, invitation_url=url)

    @mutation(ACTIONS["invite_user_again"], "Invite a person again to an account that has not joined; older links end.")
    async def invite_user_again(
        self, info: Info, input: Annotated[InviteUserAgainInput, argument("The account.", "administration")]
    ) -> UserPayload:
        made, url = await accounts.invite_user_again(info, input)
        return UserPayload(result=made, invitation_url=url)

    @mutation(ACTIONS["update_user"], "Change, deactivate or reactivate a user account.")
    async def update_user(
        self, info: Info, input: Annotated[UpdateUserInput, argument("The account and its changes.", "administration")]
    ) -> UserPayload:
        return UserPayload(result=await accounts.update_user(info, input))
