"""Decides when files that were asked for are dropped."""

from collections.abc import Awaitable, Callable

from db.pools import Database
from resolvers.context import Clock
from resolvers.export_files import folder_of

_EXPIRE = """update exports set status = 'expired' where clinic_id = $1 and status = 'ready' and expires_at <= $2"""
_LEFT = "select id from exports where clinic_id = $1 and status in ('expired', 'failed') and attempts > 0 order by id limit $2"
_DROPPED = "update exports set attempts = 0, blob_key = null where clinic_id = $1 and id = any($2)"
_DROPPED_AT_ONCE = 1_000


async def drop_old_files(database: Database, clock: Clock, drop_folder: Callable[[str], Awaitable[None]]) -> int:
    """Drop files that were kept long enough, and what is left of those that failed; how many there were.

    A job of the worker, safe to be done by many at once: what has expired is committed before its file goes.
    """
    dropped = 0
    for clinic_id, *_ in await database.clinics():
        async with database.working(clinic_id) as connection:
            await connection.execute(_EXPIRE, clinic_id, clock())
        async with database.working(clinic_id) as connection:
            left = [row["id"] for row in await connection.fetch(_LEFT, clinic_id, _DROPPED_AT_ONCE)]
        for identity in left:
            await drop_folder(folder_of(clinic_id, identity))
        async with database.working(clinic_id) as connection:
            await connection.execute(_DROPPED, clinic_id, left)
        dropped += len(left)
    return dropped
