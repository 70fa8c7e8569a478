"""Signing in, signing out, and the second factor."""

from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from strawberry import Info

from db.global_ids import read_id
from domain.access.sign_in import Attempt
from domain.errors import DomainError, NotFound
from identity.sign_in import SignIns
from permissions.viewers import Viewer
from resolvers.context import RequestContext

_Answer = TypeVar("_Answer")


async def sign_in(
    info: Info, email: str, password: str, clinic: str | None, code: str | None
) -> tuple[tuple[str, datetime, Viewer] | None, tuple[DomainError, ...]]:
    """The bearer token, its expiry and its viewer; or the errors, with the same message for nearly every cause."""
    context, meant = _context(info), list[Viewer]()
    attempt = Attempt(email, password, clinic, code, context.address)
    signed_in, refusals = await _answered(info, _sign_ins(info).sign_in(attempt, meant.append))
    for viewer in meant:
        context.note(info.field_name, viewer, is_refused=signed_in is None)
    return signed_in, refusals


async def sign_out(info: Info) -> None:
    """End the session of this request."""
    context = _context(info)
    assert context.viewer is not None
    assert context.sessions is not None
    await context.sessions.sign_out(context.viewer)


async def enrol(info: Info, password: str) -> tuple[tuple[str, str] | None, tuple[DomainError, ...]]:
    """The secret of a second factor and its otpauth:// URI, for the viewer; or the errors."""
    enrolment, refusals = await _answered(info, _sign_ins(info).enrol(_viewer(info), password, _context(info).address))
    return (enrolment.secret, enrolment.otpauth_url) if enrolment else None, refusals


async def confirm(info: Info, code: str) -> tuple[DomainError, ...]:
    """The errors of confirming the viewer's second factor; empty on success."""
    return (await _answered(info, _sign_ins(info).confirm(_viewer(info), code)))[1]


async def remove(info: Info, password: str) -> tuple[DomainError, ...]:
    """The errors of removing the viewer's second factor; empty on success."""
    return (await _answered(info, _sign_ins(info).remove(_viewer(info), password, _context(info).address)))[1]


async def reset(info: Info, user_id: str) -> tuple[DomainError, ...]:
    """The errors of resetting the second factor of a user of the viewer's clinic; empty on success."""
    found = read_id(user_id)
    if found is None or found[0] != "User":
        _context(info).audit.is_refused = True
        return (NotFound("There is no such user", ("user_id",)),)
    return (await _answered(info, _sign_ins(info).reset(_viewer(info).clinic_id, found[1])))[1]


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


def _sign_ins(info: Info) -> SignIns:
    sign_ins = _context(info).sign_ins
    assert sign_ins is not None
    return sign_ins
