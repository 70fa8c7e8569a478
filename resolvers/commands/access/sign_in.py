"""Signing in, signing out, one-time links, accounts in other clinics, and the second factor."""

from collections.abc import Awaitable
from typing import TypeVar
from uuid import UUID

from strawberry import Info

from db.global_ids import read_id
from domain.access.people import Role
from domain.access.sign_in import Attempt
from domain.errors import Conflict, DomainError, NotFound
from identity.invitations import Accepted
from identity.second_factor import Enrolment
from identity.sign_in import SignedIn
from permissions.viewers import Viewer
from resolvers.commands.access.accounts import logins_of
from resolvers.context import RequestContext

_Answer = TypeVar("_Answer")


async def sign_in(
    info: Info, email: str, password: str, clinic: str | None, code: str | None
) -> tuple[SignedIn | None, tuple[DomainError, ...]]:
    """The new session; or the errors, with the same message for nearly every cause."""
    context, meant, unknown = _context(info), list[Viewer](), list[UUID]()
    attempt = Attempt(email, password, clinic, code, context.address)
    signed_in, refusals = await _answered(info, logins_of(info).sign_ins.sign_in(attempt, meant.append, unknown.append))
    if unknown:
        # In the place of the events of accounts, so that the time does not show whether there are any.
        await context.note_unknown(info.field_name, unknown[0])
    await context.note(info.field_name, [signed_in.viewer] if signed_in else meant, is_refused=signed_in is None)
    return signed_in, refusals


async def sign_out(info: Info) -> None:
    """End the session of this request."""
    context = _context(info)
    assert context.viewer is not None
    assert context.sessions is not None
    await context.sessions.sign_out(context.viewer)


async def accept_invitation(
    info: Info, token: str, password: str, code: str | None
) -> tuple[Accepted | None, tuple[DomainError, ...]]:
    """The account that can be used now, or the errors."""
    context, meant = _context(info), list[Viewer]()
    accepting = logins_of(info).invitations.accept(token, password, code, context.address, meant.append)
    accepted, refusals = await _answered(info, accepting)
    await context.note(info.field_name, meant, is_refused=accepted is None)
    return accepted, refusals


async def request_password_reset(info: Info, email: str) -> None:
    """Ask for a link by mail to a new password."""
    await logins_of(info).reset_links.ask(email, _context(info).address)


async def reset_password(info: Info, token: str, password: str) -> tuple[DomainError, ...]:
    """The errors of setting a new password by a link; empty on success."""
    done, refusals = await _answered(info, logins_of(info).reset_links.reset_password(token, password))
    if done:
        ended, accounts = done
        for session_id in ended:
            logins_of(info).forget(session_id)
        await _note_all(info, accounts)
    return refusals


async def remove_lost_second_factor(info: Info, token: str, password: str) -> tuple[DomainError, ...]:
    """The errors of removing a second factor by a link; empty on success."""
    context, meant = _context(info), list[Viewer]()
    links = logins_of(info).reset_links
    _, refusals = await _answered(info, links.reset_second_factor(token, password, context.address, meant.append))
    await context.note(info.field_name, meant, is_refused=bool(refusals))
    return refusals


async def switch_clinic(info: Info, clinic: str) -> tuple[SignedIn | None, tuple[DomainError, ...]]:
    """A session in another clinic of the same person, or the errors."""
    signed_in, refusals = await _answered(info, logins_of(info).memberships.switch(_viewer(info), clinic))
    if signed_in:
        await _context(info).note(info.field_name, [signed_in.viewer], is_refused=False)
    return signed_in, refusals


async def join_logins(
    info: Info, password: str, other_clinic: str, other_password: str, code: str | None
) -> tuple[DomainError, ...]:
    """The errors of joining the login of another clinic; empty on success."""
    joining = logins_of(info).memberships.join(
        _viewer(info), password, other_clinic, other_password, code, _context(info).address
    )
    accounts, refusals = await _answered(info, joining)
    await _note_all(info, accounts)
    return refusals


async def enrol(info: Info, password: str) -> tuple[Enrolment | None, tuple[DomainError, ...]]:
    """The enrolment of a second factor for the viewer; or the errors."""
    return await _answered(info, logins_of(info).own.enrol(_viewer(info), password, _context(info).address))


async def confirm(info: Info, code: str) -> tuple[list[str] | None, tuple[DomainError, ...]]:
    """The recovery codes of the viewer's second factor, which is confirmed; or the errors."""
    done, refusals = await _answered(info, logins_of(info).own.confirm(_viewer(info), code, _context(info).address))
    if done is None:
        return None, refusals
    codes, accounts = done
    await _note_all(info, accounts)
    return codes, refusals


async def renew_recovery_codes(info: Info, password: str) -> tuple[list[str] | None, tuple[DomainError, ...]]:
    """The viewer's new recovery codes, or the errors."""
    own = logins_of(info).own
    return await _answered(info, own.renew_recovery_codes(_viewer(info), password, _context(info).address))


async def remove(info: Info, password: str) -> tuple[DomainError, ...]:
    """The errors of removing the viewer's second factor; empty on success."""
    own = logins_of(info).own
    accounts, refusals = await _answered(
        info, own.remove_second_factor(_viewer(info), password, _context(info).address)
    )
    await _note_all(info, accounts)
    return refusals


async def reset(info: Info, user_id: str) -> tuple[DomainError, ...]:
    """The errors of sending a link with which a user of the clinic removes the second factor; empty on success."""
    logins, found, context = logins_of(info), read_id(user_id), _context(info)
    if found is None or found[0] != "User":
        context.audit.is_refused = True
        return (NotFound("There is no such user", ("user_id",)),)
    if not logins.sends_mail:
        # A link that is shown would let an administrator who knows the password remove what protects it in other clinics.
        context.audit.is_refused = True
        return (
            Conflict("Without a mail server, the operator does this: billing user reset-second-factor", ("user_id",)),
        )
    sending = logins.memberships.send_second_factor_link(_viewer(info).clinic_id, found[1], context.address)
    return (await _answered(info, sending))[1]


async def set_second_factor_roles(info: Info, roles: list[Role]) -> tuple[DomainError, ...]:
    """The errors of choosing the roles that need a second factor; empty on success."""
    memberships = logins_of(info).memberships
    return (await _answered(info, memberships.set_second_factor_roles(_viewer(info), roles)))[1]


async def _note_all(info: Info, accounts: list[Viewer] | None) -> None:
    """An audit event in each clinic of a login: the viewer's own clinic records the operation itself."""
    await _context(info).note_elsewhere(info.field_name, accounts or ())


async def _answered(info: Info, work: Awaitable[_Answer]) -> tuple[_Answer | None, tuple[DomainError, ...]]:
    try:
        return await work, ()
    except DomainError as refusal:
        _context(info).audit.is_refused = True
        return None, (refusal,)


def _context(info: Info) -> RequestContext:
    context: RequestContext = info.context
    return context


def _viewer(info: Info) -> Viewer:
    viewer = _context(info).viewer
    assert viewer is not None
    return viewer
