"""Decides what is said of the people who use the API, and how they sign in and out."""

from datetime import datetime

import strawberry

from permissions.classes import given, shown
from schema.enums import Role
from schema.errors import UserError


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


@strawberry.type(description="Somebody of the clinic who did something.")
class User:
    id: strawberry.ID = shown("staff", "The id of the account.")
    name: str = shown("staff", "The person's name.")


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
