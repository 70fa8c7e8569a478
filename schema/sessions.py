"""Decides what is said of sign-ins and of tokens for programs: never the token itself, but where it is made."""

from datetime import datetime

import strawberry

from permissions.classes import shown
from schema.enums import SessionKind


@strawberry.type(description="One time that somebody signed in.")
class Session:
    id: strawberry.ID = shown("administration", "The id of the sign-in.")
    begun_at: datetime = shown("administration", "When it began.")
    last_used_at: datetime | None = shown("administration", "When it was used last, to the minute.")
    expires_at: datetime = shown("administration", "When it ends at the latest.")
    revoked_at: datetime | None = shown("administration", "When it was ended before its time, where it was.")


@strawberry.type(description="A token by which a program reads what an analyst may read.")
class ApiToken:
    id: strawberry.ID = shown("administration", "The token's id, which is not the token.")
    name: str = shown("administration", "What the token is for.")
    created_at: datetime = shown("administration", "When it was made.")
    expires_at: datetime = shown("administration", "When it ends.")
    last_used_at: datetime | None = shown(
        "administration", "When it was used last, to the minute; nothing before then."
    )
    revoked_at: datetime | None = shown("administration", "When it was revoked, where it was.")


@strawberry.type(description="One place where the viewer is signed in.")
class OwnSession:
    id: strawberry.ID = shown("oneself", "The id by which it can be ended.")
    kind: SessionKind = shown("oneself", "In which way it was signed in.")
    name: str | None = shown("oneself", "What it is for, where it was given a name.")
    begun_at: datetime = shown("oneself", "When it began.")
    last_used_at: datetime | None = shown("oneself", "When it was used last, to the minute.")
    expires_at: datetime = shown("oneself", "When it ends at the latest.")
    is_current: bool = shown("oneself", "Whether it is the one that asks.")
