"""The retention of export files: expired and failed ones are deleted from the blob store, with the lists of their records."""

from collections.abc import Awaitable, Callable

from db.pools import Database
from domain.clock import Clock
from jobs.export_files import folder_of

_EXPIRE = """update exports set status = 'expired' where clinic_id = $1 and status = 'ready' and expires_at <= $2"""
_LEFT = "select id from exports where clinic_id = $1 and status in ('expired', 'failed') and attempts > 0 order by id limit $2"
_DROPPED = "update exports set attempts = 0, blob_key = null where clinic_id = $1 and id = any($2)"
_FORGET_RECORDS = "delete from export_records where clinic_id = $1 and export_id = any($2)"
_DROPPED_AT_ONCE = 1_000


async def drop_old_files(database: Database, clock: Clock, drop_folder: Callable[[str], Awaitable[None]]) -> int:
    """Delete files past their retention period, and the remains of failed exports; returns how many.

    A job of the worker, safe to run in several workers at once: the status expired is committed before its file is deleted.
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
            await connection.execute(_FORGET_RECORDS, clinic_id, left)
            await connection.execute(_DROPPED, clinic_id, left)
        dropped += len(left)
    return dropped
