"""Decides what is said of the people who use the API, and how they sign in and out."""

from datetime import datetime

import strawberry
from strawberry import UNSET, Info

from db.identity import make_id
from permissions.classes import asked, given, shown
from resolvers import own_account
from schema.attorneys import Attorney
from schema.connections import After, Connection, First, Node
from schema.enums import Role, SessionKind
from schema.errors import UserError
from schema.physicians import Physician
from schema.reading import compiled
from schema.sessions import ApiToken, OwnSession, Session


@strawberry.type(description="The clinic that somebody works in or with.")
class Clinic:
    id: strawberry.ID = shown("public", "The clinic's id.")
    name: str = shown("public", "The clinic's name.")
    short_name: str = shown("public", "The short name that chooses the clinic on signing in.")
    time_zone: str = shown("public", "The time zone in which the clinic's days begin and end.")


@strawberry.type(description="Whoever is signed in.")
class Viewer:
    id: strawberry.ID = shown("public", "The id of the account.")
    email: str = shown("public", "The e-mail that signs in.")
    name: str = shown("public", "The name of whoever is signed in.")
    role: Role = shown("public", "What the account may do.")
    clinic: Clinic = shown("public", "The clinic that the account belongs to.")

    @asked("oneself", "Where the viewer is signed in now, the newest first.")
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


@strawberry.type(description="Somebody who has an account in the clinic.")
class User(Node):
    id: strawberry.ID = shown("staff", "The id of the account.")
    name: str = shown("staff", "The person's name.")
    email: str = shown("administration", "The e-mail that signs in.")
    role: Role = shown("administration", "What the account may do.")
    active: bool = shown("administration", "Whether the account can be used.")
    attorney: Attorney | None = shown("administration", "The attorney who uses the account.")
    physician: Physician | None = shown("administration", "The physician who uses the account.")
    created_at: datetime = shown("administration", "When the account was made.")

    @asked("administration", "Every time that somebody signed in to the account, the latest first.")
    def sessions(self, first: First = UNSET, after: After = UNSET) -> Connection[Session]:
        return compiled()

    @asked("administration", "The tokens that programs were given for the account, the newest first.")
    def api_tokens(self, first: First = UNSET, after: After = UNSET) -> Connection[ApiToken]:
        return compiled()


@strawberry.input(description="What signs somebody in.")
class SignInInput:
    email: str = given("public", "The e-mail of the account.")
    password: str = given("public", "The password of the account.")
    clinic: str | None = given("public", "The clinic's short name, where one e-mail has accounts in several clinics.")
    second_factor_code: str | None = given(
        "public", "The six digits of the authenticator app, where the account asks for them."
    )


@strawberry.type(description="The answer to signing in.")
class SignInPayload:
    token: str | None = shown("public", 'The token to send from now on, as "Authorization: Bearer <token>".')
    expires_at: datetime | None = shown("public", "When the token ends at the latest.")
    viewer: Viewer | None = shown("public", "Who is signed in now.")
    errors: list[UserError] = shown("public", "Why signing in was refused; empty when it was not.")


@strawberry.type(description="The answer to signing out.")
class SignOutPayload:
    signed_out: bool = shown("signed_in", "Whether the token has ended.")
    errors: list[UserError] = shown("signed_in", "Why signing out was refused; empty when it was not.")
