"""Decides how the API asks for a session to begin or to end."""

from datetime import datetime

from strawberry import Info

from permissions.viewers import Viewer


async def sign_in(info: Info, email: str, password: str, clinic: str | None) -> tuple[str, datetime, Viewer] | None:
    """The bearer token, when it ends at the latest and whose it is; None for every reason not to let somebody in."""
    signed_in: tuple[str, datetime, Viewer] | None = await info.context.sessions.sign_in(email, password, clinic)
    if signed_in:
        info.context.note(info.field_name, signed_in[2])
    return signed_in


async def sign_out(info: Info) -> None:
    """End the session with which this request was signed in."""
    await info.context.sessions.sign_out(info.context.viewer)
    info.context.note(info.field_name, info.context.viewer)
