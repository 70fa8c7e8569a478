"""Decides how everybody looks after their own account through the API, and how administrators end what others are signed in by."""

from typing import Any
from uuid import UUID

from strawberry import Info

from domain.errors import NotFound, Refusal
from domain.people import Role
from resolvers.accounts import account_of, run_and_forget
from resolvers.context import OwnSession
from resolvers.writing import Work, values_of

_SESSION = "select id, revoked_at from sessions where clinic_id = $1 and id = $2 for no key update"


async def list_sessions(info: Info) -> list[OwnSession]:
    """Where the viewer is signed in now."""
    return await account_of(info).list_sessions(info.context.viewer)


async def change_password(info: Info, said: Any) -> tuple[Refusal, ...]:
    """Another password for the viewer; why not, where it was refused."""
    context = info.context
    try:
        await account_of(info).change_password(context.viewer, said.old_password, said.new_password, context.address)
    except Refusal as refusal:
        return (refusal,)
    return ()


async def revoke_session(info: Info, said: Any) -> tuple[Refusal, ...]:
    """The end of a session: of one's own, or for an administrator of anybody's in the clinic. Ended twice, it is ended."""
    viewer = info.context.viewer
    if viewer.role is Role.ADMIN:
        return (await run_and_forget(info, "revoke_session", said, _revoke)).errors
    try:
        await account_of(info).end_session(viewer, values_of(said)["session_id"])
    except Refusal as refusal:
        return (refusal,)
    return ()


async def _revoke(work: Work) -> UUID:
    row = await work.one(_SESSION, work.given["session_id"])
    if row is None:
        raise NotFound("There is no such session", ("session_id",))
    if not row["revoked_at"]:
        writes = work.writes()
        writes.update("sessions", {"id": row["id"]}, revoked_at=work.moment)
        await writes.run(work.connection)
    found: UUID = row["id"]
    return found
