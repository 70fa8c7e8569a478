"""Decides how the API asks for a session to begin or to end, and for what makes signing in safer."""

from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from strawberry import Info

from db.identity import read_id
from domain.errors import NotFound, Refusal
from domain.sign_in import Attempt
from permissions.viewers import Viewer
from resolvers.context import RequestContext, SignIns

_Answer = TypeVar("_Answer")


async def sign_in(
    info: Info, email: str, password: str, clinic: str | None, code: str | None
) -> tuple[tuple[str, datetime, Viewer] | None, tuple[Refusal, ...]]:
    """The bearer token, when it ends at the latest and whose it is; or why not, in the same words for nearly every reason."""
    context, meant = _context(info), list[Viewer]()
    attempt = Attempt(email, password, clinic, code, context.address)
    signed_in, refusals = await _answered(info, _sign_ins(info).sign_in(attempt, meant.append))
    for viewer in meant:
        context.note(info.field_name, viewer, is_refused=signed_in is None)
    return signed_in, refusals


async def sign_out(info: Info) -> None:
    """End the session with which this request was signed in."""
    context = _context(info)
    assert context.viewer is not None
    assert context.sessions is not None
    await context.sessions.sign_out(context.viewer)


async def enrol(info: Info, password: str) -> tuple[tuple[str, str] | None, tuple[Refusal, ...]]:
    """The secret of a second factor and its address, for the viewer; or why not."""
    enrolment, refusals = await _answered(info, _sign_ins(info).enrol(_viewer(info), password, _context(info).address))
    return (enrolment.secret, enrolment.otpauth_url) if enrolment else None, refusals


async def confirm(info: Info, code: str) -> tuple[Refusal, ...]:
    """Why the viewer's second factor cannot be confirmed; nothing when it is."""
    return (await _answered(info, _sign_ins(info).confirm(_viewer(info), code)))[1]


async def remove(info: Info, password: str) -> tuple[Refusal, ...]:
    """Why the viewer's second factor cannot be removed; nothing when it is."""
    return (await _answered(info, _sign_ins(info).remove(_viewer(info), password, _context(info).address)))[1]


async def reset(info: Info, user_id: str) -> tuple[Refusal, ...]:
    """Why the second factor of a user of the viewer's clinic cannot be taken away; nothing when it is."""
    found = read_id(user_id)
    if found is None or found[0] != "User":
        _context(info).trail.is_refused = True
        return (NotFound("There is no such user", ("user_id",)),)
    return (await _answered(info, _sign_ins(info).reset(_viewer(info).clinic_id, found[1])))[1]


async def _answered(info: Info, work: Awaitable[_Answer]) -> tuple[_Answer | None, tuple[Refusal, ...]]:
    try:
        return await work, ()
    except Refusal as refusal:
        _context(info).trail.is_refused = True
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
