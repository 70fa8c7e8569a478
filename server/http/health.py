"""Health checks: liveness at /healthz and readiness at /readyz."""

import asyncio
from collections.abc import Awaitable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from db.pools import Database
from storage.files import Files

_PATIENCE_SECONDS = 3.0
_NEVER_KEPT = {"cache-control": "no-store"}


async def healthz(request: Request) -> Response:
    """Liveness: the event loop runs. It checks nothing else, because a restart would not repair the database or the storage."""
    return PlainTextResponse("alive\n", headers=_NEVER_KEPT)


class Readiness:
    """Readiness: whether database and file storage can be reached; 503 when one cannot. The cause is not disclosed."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database, self._files = database, files

    async def readyz(self, request: Request) -> Response:
        """The answer to /readyz."""
        database, files = await asyncio.gather(_is_there(self._reach_database()), _is_there(self._files.store.reach()))
        found = {"database": database, "files": files}
        return JSONResponse(found, status_code=200 if all(found.values()) else 503, headers=_NEVER_KEPT)

    async def _reach_database(self) -> None:
        async with self._database.signing_in() as connection:
            await connection.execute("select")


async def _is_there(asked: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await asked
    except Exception:  # noqa: BLE001 (any failure means that it cannot be reached)
        return False
    return True
