"""GraphQL types and mutations of users, of the viewer (the signed-in user), and of signing in and out."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info

from db.global_ids import make_id
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field, query_field
from resolvers.commands.access import accounts, own_account
from schema.access.sessions import ApiToken, OwnSession, Session
from schema.commands import payload_of
from schema.connections import After, Connection, First, Node
from schema.enums import Role, SessionKind
from schema.errors import UserError
from schema.keys import key
from schema.reading import compiled
from schema.records.attorneys import Attorney
from schema.records.physicians import Physician


@strawberry.type(description="A clinic; each clinic is a tenant with its own data.")
class Clinic:
    id: strawberry.ID = output_field("public", "The clinic's id.")
    name: str = output_field("public", "The clinic's name.")
    short_name: str = output_field("public", "The short name that identifies the clinic when signing in.")
    time_zone: str = output_field(
        "public", "The IANA time zone of the clinic; it defines when the clinic's days begin and end."
    )


@strawberry.type(description="The signed-in account.")
class Viewer:
    id: strawberry.ID = output_field("public", "The id of the account.")
    email: str = output_field("public", "The e-mail with which the account signs in.")
    name: str = output_field("public", "The person's name.")
    role: Role = output_field("public", "The role of the account.")
    clinic: Clinic = output_field("public", "The clinic to which the account belongs.")

    @query_field("oneself", "The valid sessions and API tokens of the account, newest first.")
    async def sessions(self, info: Info) -> list[OwnSession]:
        return [
            OwnSession(
                id=strawberry.ID(make_id("Session", one.id)),
                kind=SessionKind(one.kind),
                name=one.name,
                begun_at=one.recorded_at,
                last_used_at=one.last_used_at,
                expires_at=one.expires_at,
                is_current=one.is_current,
            )
            for one in await own_account.list_sessions(info)
        ]


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

    @query_field("administration", "All sessions of the account, newest first.")
    def sessions(self, first: First = UNSET, after: After = UNSET) -> Connection[Session]:
        return compiled()

    @query_field("administration", "The API tokens of the account, newest first.")
    def api_tokens(self, first: First = UNSET, after: After = UNSET) -> Connection[ApiToken]:
        return compiled()


@strawberry.input(description="The credentials for signing in.")
class SignInInput:
    email: str = input_field("public", "The e-mail of the account.")
    password: str = input_field("public", "The password of the account.")
    clinic: str | None = input_field(
        "public", "The short name of the clinic; required if the e-mail has accounts in several clinics."
    )
    second_factor_code: str | None = input_field(
        "public", "The six-digit code of the authenticator app; required if the account has a second factor."
    )


@strawberry.type(description="The result of signing in.")
class SignInPayload:
    token: str | None = output_field("public", 'The bearer token, to be sent as "Authorization: Bearer <token>".')
    expires_at: datetime | None = output_field("public", "When the token expires at the latest.")
    viewer: Viewer | None = output_field("public", "The account that has signed in.")
    errors: list[UserError] = output_field("public", "Why signing in was rejected; empty on success.")


@strawberry.type(description="The result of signing out.")
class SignOutPayload:
    signed_out: bool = output_field("signed_in", "Whether the session has ended.")
    errors: list[UserError] = output_field("signed_in", "Why signing out was rejected; empty on success.")


UserPayload: Any = payload_of(
    User,
    "administration",
    "account",
    description="The result of creating or changing a user account.",
    rejected="change",
)


@strawberry.input(description="A new user account.")
class CreateUserInput:
    email: str = input_field("administration", "The e-mail with which the account signs in.")
    name: str = input_field("administration", "The person's name.")
    role: Role = input_field("administration", "The role of the account.")
    password: str | None = input_field(
        "administration",
        "The initial password, 10 to 200 characters; without it, the account cannot sign in with a password.",
    )
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
    email: str | None = input_field("administration", "The e-mail with which the account signs in.")
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
    password: str | None = input_field(
        "administration", "A new password, 10 to 200 characters; setting it ends the user's sessions."
    )
    idempotency_key: str | None = key("administration")


@strawberry.type
class UserMutations:
    """The mutations of user accounts."""

    @mutation(ACTIONS["create_user"], "Create a user account.")
    async def create_user(
        self, info: Info, input: Annotated[CreateUserInput, argument("The new account.", "administration")]
    ) -> UserPayload:
        return UserPayload(result=await accounts.create_user(info, input))

    @mutation(ACTIONS["update_user"], "Change, deactivate or reactivate a user account, or set a new password.")
    async def update_user(
        self, info: Info, input: Annotated[UpdateUserInput, argument("The account and its changes.", "administration")]
    ) -> UserPayload:
        return UserPayload(result=await accounts.update_user(info, input))
