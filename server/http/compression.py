"""Compressed answers: gzip for what is long and has no secret in it.

What holds a token, a code or a signed link is never compressed: whoever sees the lengths of many answers could guess it letter by
letter. Those are answers to mutations, and to queries that have signed a link.
"""

import asyncio
import gzip
from functools import lru_cache

from starlette.datastructures import Headers

from server.http.requests import weighed

_SHORTEST, _LONG = 1024, 64 * 1024
# Of the levels, this one takes a third less time than the default, for answers that are a tenth longer.
_LEVEL = 4


async def compressed(body: bytes, headers: Headers) -> bytes | None:
    """The body in gzip, None where the client takes none or it is too short to be worth it."""
    if len(body) <= _SHORTEST or not takes_gzip(headers.get("accept-encoding", "")):
        return None
    if len(body) <= _LONG:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)


@lru_cache(maxsize=500)
def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header takes gzip."""
    return any(name in ("gzip", "x-gzip") and weight > 0 for name, weight in weighed(accepted))
