"""Commands of a user on the own account (password, sessions), and ending the sessions of other users by administrators."""

from typing import Any
from uuid import UUID

from strawberry import Info

from domain.access.people import Role
from domain.errors import DomainError, NotFound
from identity.own_account import OwnSession
from resolvers.commands.access.accounts import logins_of, run_and_forget
from resolvers.commands.inputs import values_of
from resolvers.commands.unit_of_work import UnitOfWork

_SESSION = "select id, revoked_at from sessions where clinic_id = $1 and id = $2 for no key update"


async def list_sessions(info: Info) -> list[OwnSession]:
    """The viewer's active sessions and API tokens."""
    return await logins_of(info).own.list_sessions(info.context.viewer)


async def extend_session(info: Info) -> tuple[OwnSession | None, tuple[DomainError, ...]]:
    """Use the session of this request, so that its idle timeout begins anew; returns it, or the errors."""
    try:
        return await logins_of(info).own.extend_session(info.context.viewer), ()
    except DomainError as refusal:
        info.context.audit.is_refused = True
        return None, (refusal,)


async def change_password(info: Info, input_: Any) -> tuple[DomainError, ...]:
    """Change the viewer's password; returns the errors if it is rejected."""
    context = info.context
    try:
        accounts = await logins_of(info).own.change_password(
            context.viewer, input_.old_password, input_.new_password, context.address
        )
        await context.note_elsewhere(info.field_name, accounts)
    except DomainError as refusal:
        info.context.audit.is_refused = True
        return (refusal,)
    return ()


async def revoke_session(info: Info, input_: Any) -> tuple[DomainError, ...]:
    """End a session: one of the viewer's own or, for an administrator, of any user in the clinic. Ending it again is no error."""
    viewer = info.context.viewer
    if viewer.role is Role.ADMIN:
        return (await run_and_forget(info, "revoke_session", input_, _revoke)).errors
    try:
        await logins_of(info).own.end_session(viewer, values_of(input_)["session_id"])
    except DomainError as refusal:
        info.context.audit.is_refused = True
        return (refusal,)
    return ()


async def _revoke(work: UnitOfWork) -> UUID:
    row = await work.one(_SESSION, work.inputs["session_id"])
    if row is None:
        raise NotFound("There is no such session", ("session_id",))
    if not row["revoked_at"]:
        writes = work.writes()
        writes.update("sessions", {"id": row["id"]}, revoked_at=work.moment)
        await writes.run(work.connection)
    found: UUID = row["id"]
    return found
