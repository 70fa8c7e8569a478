"""The subscription that tells an app that its session is about to end, so that a person who is reading can go on."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

from strawberry import Info

from resolvers.commands.access.accounts import logins_of
from resolvers.context import RequestContext

# How long before the end it is told, and how often the end is looked up then: whoever goes on is told again before the next end.
_BEFORE_SECONDS, _LOOKS_SECONDS = 60.0, 5.0


async def session_ends(info: Info) -> AsyncGenerator[datetime, None]:
    """When the session of the viewer ends, a minute before it does; nothing for tokens, which have no idle timeout."""
    context: RequestContext = info.context
    assert context.viewer is not None
    own, told = logins_of(info).own, None
    while (session := await own.current_session(context.viewer)) and (ends_at := session.idle_expires_at):
        left = (ends_at - context.clock()).total_seconds() - _BEFORE_SECONDS
        if left <= 0 and ends_at != told:
            told = ends_at
            yield ends_at
        await asyncio.sleep(max(left, _LOOKS_SECONDS))
