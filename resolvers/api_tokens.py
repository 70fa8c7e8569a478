"""Decides how tokens for programs are made, shown once, and revoked."""

from datetime import timedelta
from uuid import UUID

from domain.accounts import TOKEN_NAME
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.people import Role
from domain.texts import needed
from domain.tokens import hash_of, new_token
from resolvers.writing import Work

# Whoever changes the account meanwhile is waited for, so that no token outlives what it stands on.
_USER = "select role, active from users where clinic_id = $1 and id = $2 for no key update"
_KEPT = """select id, revoked_at from sessions where clinic_id = $1 and id = $2 and kind = 'api_token'
    for no key update"""


async def create(work: Work, longest: timedelta) -> tuple[UUID, str]:
    """A new token of an analyst, and the token itself, which nobody is shown again."""
    name, days = needed(work.given, "name", TOKEN_NAME), work.given["expires_in_days"]
    if not 1 <= days <= longest.days:
        raise InvalidInput(f"A token is good for 1 to {longest.days} days", ("expires_in_days",))
    user = await work.one(_USER, work.given["user_id"])
    if user is None:
        raise NotFound("There is no such account", ("user_id",))
    if user["role"] != Role.ANALYST or not user["active"]:
        raise Conflict("Tokens for programs are given to active analysts alone", ("user_id",))
    token, identity, writes = new_token(work.clinic_id), new_id(work.moment), work.writes()
    writes.insert(
        "sessions",
        id=identity,
        user_id=work.given["user_id"],
        token_hash=hash_of(token),
        kind="api_token",
        name=name,
        expires_at=work.moment + timedelta(days=days),
        recorded_at=work.moment,
    )
    await writes.run(work.connection)
    return identity, token


async def revoke(work: Work) -> UUID:
    """A token that is refused from now on."""
    row = await work.one(_KEPT, work.given["api_token_id"])
    if row is None:
        raise NotFound("There is no such token", ("api_token_id",))
    if row["revoked_at"]:
        raise Conflict("This token is revoked already", ("api_token_id",))
    writes, identity = work.writes(), row["id"]
    writes.update("sessions", {"id": identity}, revoked_at=work.moment)
    await writes.run(work.connection)
    found: UUID = identity
    return found
