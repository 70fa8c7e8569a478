"""Decides what making and revoking a token for a program asks of an administrator."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, shown, takes
from resolvers import accounts
from resolvers.reading import follow
from resolvers.writing import Done
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.sessions import ApiToken


@strawberry.type(description="The answer to making a token.")
class CreateApiTokenPayload:
    done: Private[Done]
    token: str | None = shown(
        "administration",
        'The token, to be sent as "Authorization: Bearer <token>". It is shown this once: '
        "the same step sent again with its key answers without it.",
    )

    @asked("administration", "What is kept of the token; nothing when making it was refused.")
    async def api_token(self, info: Info) -> ApiToken | None:
        return await follow(info, "ApiToken", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("administration", "Why making it was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.type(description="The answer to revoking a token.")
class RevokeApiTokenPayload:
    done: Private[Done]

    @asked("administration", "The token as it is now; nothing when revoking it was refused.")
    async def api_token(self, info: Info) -> ApiToken | None:
        return await follow(info, "ApiToken", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("administration", "Why revoking it was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="A token by which a program is to read what an analyst may read.")
class CreateApiTokenInput:
    user_id: strawberry.ID = given("administration", "The account of an analyst for which the program reads.")
    name: str = given("administration", "What the token is for.")
    expires_in_days: int = given("administration", "For how many days it is good.", default=90)
    idempotency_key: str | None = key("administration")


@strawberry.input(description="A token that is to be refused from now on.")
class RevokeApiTokenInput:
    api_token_id: strawberry.ID = given("administration", "The id of the token that is meant.")
    idempotency_key: str | None = key("administration")


@strawberry.type
class ApiTokenSteps:
    """The mutations of tokens for programs."""

    @done(ACTIONS["create_api_token"], "Make a token by which a program reads what an analyst may read.")
    async def create_api_token(
        self,
        info: Info,
        input: Annotated[CreateApiTokenInput, takes("What it is for, and for how long.", "administration")],
    ) -> CreateApiTokenPayload:
        made, token = await accounts.create_api_token(info, input)
        return CreateApiTokenPayload(done=made, token=token)

    @done(ACTIONS["revoke_api_token"], "Revoke a token: it is refused at once.")
    async def revoke_api_token(
        self, info: Info, input: Annotated[RevokeApiTokenInput, takes("The token.", "administration")]
    ) -> RevokeApiTokenPayload:
        return RevokeApiTokenPayload(done=await accounts.revoke_api_token(info, input))
