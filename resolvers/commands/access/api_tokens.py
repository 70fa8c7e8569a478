"""Creating API tokens, which are shown once, and revoking them."""

from datetime import timedelta
from uuid import UUID

from domain.access.accounts import TOKEN_NAME
from domain.access.people import Role
from domain.access.tokens import hash_of, new_token
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.texts import required_text
from resolvers.commands.unit_of_work import UnitOfWork

# Waits for concurrent changes of the account, so that no token outlives the role and the activity that it depends on.
_USER = "select role, active from users where clinic_id = $1 and id = $2 for no key update"
_KEPT = """select id, revoked_at from sessions where clinic_id = $1 and id = $2 and kind = 'api_token'
    for no key update"""


async def create(work: UnitOfWork, longest: timedelta) -> tuple[UUID, str]:
    """Create a token of an analyst: its record and the token itself, which is never returned again."""
    name, days = required_text(work.inputs, "name", TOKEN_NAME), work.inputs["expires_in_days"]
    if not 1 <= days <= longest.days:
        raise InvalidInput(f"A token is valid for 1 to {longest.days} days", ("expires_in_days",))
    user = await work.one(_USER, work.inputs["user_id"])
    if user is None:
        raise NotFound("There is no such account", ("user_id",))
    if user["role"] != Role.ANALYST or not user["active"]:
        raise Conflict("API tokens can be created for active analysts only", ("user_id",))
    token, identity, writes = new_token(work.clinic_id), new_id(work.moment), work.writes()
    writes.insert(
        "sessions",
        id=identity,
        user_id=work.inputs["user_id"],
        token_hash=hash_of(token),
        kind="api_token",
        name=name,
        expires_at=work.moment + timedelta(days=days),
        recorded_at=work.moment,
    )
    await writes.run(work.connection)
    return identity, token


async def revoke(work: UnitOfWork) -> UUID:
    """Revoke an API token, which is rejected from now on."""
    row = await work.one(_KEPT, work.inputs["api_token_id"])
    if row is None:
        raise NotFound("There is no such token", ("api_token_id",))
    if row["revoked_at"]:
        raise Conflict("This token is already revoked", ("api_token_id",))
    writes, identity = work.writes(), row["id"]
    writes.update("sessions", {"id": identity}, revoked_at=work.moment)
    await writes.run(work.connection)
    found: UUID = identity
    return found
