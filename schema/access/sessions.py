"""GraphQL types and mutations of sessions and API tokens; a token itself is returned only when it is created."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Info, Private

from db.global_ids import make_id
from identity import own_account
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field, query_field
from resolvers.commands.access import accounts
from resolvers.commands.unit_of_work import CommandResult
from resolvers.compiler.reading import resolve_payload
from schema.enums import SessionKind
from schema.errors import UserError, user_errors
from schema.keys import key


@strawberry.type(description="A session of a user: the time from signing in to signing out or expiry.")
class Session:
    id: strawberry.ID = output_field("administration", "The id of the session.")
    begun_at: datetime = output_field("administration", "When the session started.")
    last_used_at: datetime | None = output_field("administration", "When it was last used, to the minute.")
    expires_at: datetime = output_field("administration", "When it expires at the latest.")
    revoked_at: datetime | None = output_field(
        "administration", "When it was revoked before it expired; null if it was not."
    )


@strawberry.type(description="An API token (bearer token) with which a program reads what an analyst can read.")
class ApiToken:
    id: strawberry.ID = output_field("administration", "The id of the API token, which is not the token itself.")
    name: str = output_field("administration", "What the token is for.")
    created_at: datetime = output_field("administration", "When it was created.")
    expires_at: datetime = output_field("administration", "When it expires.")
    last_used_at: datetime | None = output_field(
        "administration", "When it was last used, to the minute; null if it never was."
    )
    revoked_at: datetime | None = output_field("administration", "When it was revoked; null if it was not.")


@strawberry.type(description="A session or API token of the signed-in account.")
class OwnSession:
    id: strawberry.ID = output_field("oneself", "The id of the session, used to revoke it.")
    kind: SessionKind = output_field("oneself", "Whether it is a password session or an API token.")
    name: str | None = output_field("oneself", "The name of the API token; null for a session.")
    begun_at: datetime = output_field("oneself", "When the session started.")
    last_used_at: datetime | None = output_field("oneself", "When it was last used, to the minute.")
    expires_at: datetime = output_field("oneself", "When it expires at the latest.")
    is_current: bool = output_field("oneself", "Whether it is the session of this request.")
    idle_expires_at: datetime | None = output_field(
        "oneself", "When it ends unless it is used before; an open subscription is no use. Null for an API token."
    )


@strawberry.type(description="A session that is about to end.")
class SessionEnding:
    ends_at: datetime = output_field("oneself", "When the session ends unless it is used before.")


def present_own(one: own_account.OwnSession) -> OwnSession:
    """A session as the API presents it."""
    return OwnSession(
        id=strawberry.ID(make_id("Session", one.id)),
        kind=SessionKind(one.kind),
        name=one.name,
        begun_at=one.recorded_at,
        last_used_at=one.last_used_at,
        expires_at=one.expires_at,
        is_current=one.is_current,
        idle_expires_at=one.idle_expires_at,
    )


@strawberry.type(description="The result of creating an API token.")
class CreateApiTokenPayload:
    result: Private[CommandResult]
    token: str | None = output_field(
        "administration",
        'The token, to be sent as "Authorization: Bearer <token>". It is shown only this once: a retry '
        "with the same idempotency key does not return it again.",
    )

    @query_field("administration", "The API token without its secret; null if the request was rejected.")
    async def api_token(self, info: Info) -> ApiToken | None:
        return await resolve_payload(info, "ApiToken", self.result.record, self.result.known)  # type: ignore[return-value]

    @query_field("administration", "Why the request was rejected; empty on success.")
    def errors(self) -> list[UserError]:
        return user_errors(self.result.errors)


@strawberry.type(description="The result of revoking an API token.")
class RevokeApiTokenPayload:
    result: Private[CommandResult]

    @query_field("administration", "The API token after the change; null if the request was rejected.")
    async def api_token(self, info: Info) -> ApiToken | None:
        return await resolve_payload(info, "ApiToken", self.result.record, self.result.known)  # type: ignore[return-value]

    @query_field("administration", "Why the request was rejected; empty on success.")
    def errors(self) -> list[UserError]:
        return user_errors(self.result.errors)


@strawberry.input(description="A new API token for a program that reads what an analyst can read.")
class CreateApiTokenInput:
    user_id: strawberry.ID = input_field(
        "administration", "The user account, with the role ANALYST, whose data the program reads."
    )
    name: str = input_field("administration", "What the token is for.")
    expires_in_days: int = input_field("administration", "How many days the token is valid.", default=90)
    idempotency_key: str | None = key("administration")


@strawberry.input(description="The API token to revoke.")
class RevokeApiTokenInput:
    api_token_id: strawberry.ID = input_field("administration", "The id of the API token.")
    idempotency_key: str | None = key("administration")


@strawberry.type
class ApiTokenMutations:
    """The mutations of API tokens."""

    @mutation(ACTIONS["create_api_token"], "Create an API token with which a program reads what an analyst can read.")
    async def create_api_token(
        self,
        info: Info,
        input: Annotated[
            CreateApiTokenInput, argument("The account, the name and the lifetime of the token.", "administration")
        ],
    ) -> CreateApiTokenPayload:
        made, token = await accounts.create_api_token(info, input)
        return CreateApiTokenPayload(result=made, token=token)

    @mutation(ACTIONS["revoke_api_token"], "Revoke an API token. It is rejected from now on.")
    async def revoke_api_token(
        self, info: Info, input: Annotated[RevokeApiTokenInput, argument("The API token to revoke.", "administration")]
    ) -> RevokeApiTokenPayload:
        return RevokeApiTokenPayload(result=await accounts.revoke_api_token(info, input))
