"""The heartbeat of a worker process, by which a server knows whether any worker is alive."""

from uuid import uuid4

from db.pools import Database

BEATS_EVERY_SECONDS = 5.0
_BEAT = """insert into jobs.workers as w (id, heartbeat_at) values ($1, now())
    on conflict (id) do update set heartbeat_at = now()"""
_FORGET = "delete from jobs.workers where heartbeat_at < now() - interval '1 day'"


class WorkerHeartbeat:
    """The heartbeat of one worker process."""

    def __init__(self) -> None:
        self._id = uuid4()

    async def beat(self, database: Database) -> int:
        """Record that this worker is alive, and forget those of days ago."""
        async with database.working() as connection:
            await connection.execute(_BEAT, self._id)
            await connection.execute(_FORGET)
        return 1
