"""The resolvers of the textbook for accounts, their sessions and their API tokens."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from db.global_ids import make_id
from tests.bench.textbook.fields import Args, Fields, Resolver, listing, one
from tests.bench.textbook.models import ApiToken, Attorney, Invitation, Model, Physician, Session, User
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records

_IDLE = timedelta(minutes=30)


def _by_e_mail(records: Records, args: Args) -> Sorting:
    return Sorting("User.DEFAULT", lambda user: user.email, str)


async def _any(records: Records, row: Any, wanted: Args) -> bool:
    return True


def _signed_in(model: type[Model], kind: str) -> Resolver:
    """The sessions of an account, or its API tokens, the newest first."""

    async def is_of_kind(records: Records, row: Any, wanted: Args) -> bool:
        return bool(row.kind == kind)

    newest = Sorting(f"{model.__name__}.DEFAULT", lambda row: row.id, UUID, descending=True)
    return listing(model, is_of_kind, lambda records, args: newest, "user_id")


async def _recorded(records: Records, row: Any, args: Args) -> datetime:
    moment: datetime = row.recorded_at
    return moment


async def _open_until(records: Records, user: Any, args: Args) -> datetime | None:
    invitations = await records.many(Invitation, "user_id", user.id)
    return max(
        (one.expires_at for one in invitations if one.accepted_at is None and one.revoked_at is None), default=None
    )


async def own_sessions(records: Records) -> list[dict[str, Any]]:
    """The viewer's sessions at noon of the day of the comparisons."""
    noon = datetime.combine(records.today, time(16), UTC)
    rows = await records.own(Session, "user_id", records.viewer.user_id)
    standing = [
        row
        for row in rows
        if row.revoked_at is None
        and row.expires_at > noon
        and (row.kind == "api_token" or row.last_used_at > noon - _IDLE)
    ]
    return [
        {
            "id": make_id("Session", row.id),
            "kind": row.kind.upper(),
            "name": row.name,
            "begunAt": row.recorded_at,
            "lastUsedAt": row.last_used_at,
            "expiresAt": row.expires_at,
            "isCurrent": row.id == records.viewer.session_id,
            "idleExpiresAt": min(row.last_used_at + _IDLE, row.expires_at) if row.kind == "session" else None,
        }
        for row in sorted(standing, key=lambda row: row.id, reverse=True)
    ]


USER_FIELDS: Fields = {
    "Query.users": listing(User, _any, _by_e_mail),
    "User.attorney": one(Attorney, "attorney_id"),
    "User.physician": one(Physician, "physician_id"),
    "User.invitationExpiresAt": _open_until,
    "User.sessions": _signed_in(Session, "session"),
    "User.apiTokens": _signed_in(ApiToken, "api_token"),
    **dict.fromkeys(("User.createdAt", "Session.begunAt", "ApiToken.createdAt"), _recorded),
}
