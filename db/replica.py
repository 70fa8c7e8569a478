"""Routes reads to a read replica: while its replication lag is small, and not for a clinic that was written a moment ago."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Any, Self
from uuid import UUID

import asyncpg
from cachetools import TTLCache

from db.connections import Logged, Pool
from domain.access.people import Role

logger = logging.getLogger("billing.replica")
# The maximum replication lag, and the interval at which it is checked.
_OLDEST_SECONDS, _LOOKS_SECONDS = 5.0, 1.0
# After this time a replica that is in use has replayed a write.
_SETTLED_SECONDS = _OLDEST_SECONDS + 2 * _LOOKS_SECONDS
_CLINICS = 10_000
# Pool sizes of the roles that read from the replica: those that see a whole clinic. The reach of an attorney or a physician may
# end at any moment, and has to end at once. Analysts write nothing and have no subscriptions: they may always use the replica.
READERS = {Role.ADMIN: 6, Role.BILLING: 8, Role.ANALYST: 4}
_WRITTEN = "select pg_current_wal_lsn()"
_HAS = "select pg_is_in_recovery() and pg_last_wal_replay_lsn() >= $1::pg_lsn"
# Errors that a statement meets only on a replica, and errors of the replica itself.
_FAILURES = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.SerializationError,
)


class Replica:
    """A read replica (standby) of the primary, as one server process uses it."""

    def __init__(self, dsn: str, primary: Pool, logged: Logged | None = None) -> None:
        """`dsn` is that of the staff's login on the replica; `primary` is the pool for reading the primary's WAL position."""
        self._pools = {role: Pool(dsn, size, logged) for role, size in READERS.items()}
        self._watching, self._primary = Pool(dsn, 1), primary
        self._written: deque[tuple[float, Any]] = deque()
        self._is_fresh = False
        self._written_in: TTLCache[UUID | None, bool] = TTLCache(_CLINICS, _SETTLED_SECONDS)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for pool in (*self._pools.values(), self._watching):
            await pool.close()

    def pool(self, role: Role, clinic_id: UUID) -> Pool | None:
        """The pool for a role's reads of a clinic at this moment; None: the primary."""
        if not self._is_fresh:
            return None
        if role is not Role.ANALYST and (clinic_id in self._written_in or None in self._written_in):
            return None
        return self._pools.get(role)

    def wrote(self, clinic_id: UUID | None) -> None:
        """Route reads of a clinic to the primary until the replica has replayed a write; None: of all clinics."""
        self._written_in[clinic_id] = True

    def failed(self, failure: BaseException) -> bool:
        """Whether a failed read must be retried on the primary; if so, the replica is not used until its next check succeeds."""
        is_its_own = isinstance(failure, _FAILURES)
        self._is_fresh = self._is_fresh and not is_its_own
        return is_its_own

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_OLDEST_SECONDS):
                    self._is_fresh = await self._keeps_up()
            except Exception as failure:  # noqa: BLE001 (after any error, the primary answers)
                if self._is_fresh:
                    logger.warning("the replica is no longer used: %s", type(failure).__name__)
                self._is_fresh = False
            await asyncio.sleep(_LOOKS_SECONDS)

    async def _keeps_up(self) -> bool:
        """Whether the replica has replayed the WAL position that the primary had within the maximum lag."""
        moment = monotonic()
        self._written.append((moment, await _asked(self._primary, _WRITTEN)))
        while len(self._written) > 1 and self._written[1][0] <= moment - _OLDEST_SECONDS:
            self._written.popleft()
        return bool(await _asked(self._watching, _HAS, self._written[0][1]))


async def _asked(pool: Pool, sql: str, *values: Any) -> Any:
    async with pool.transaction("begin") as connection:
        return await connection.fetchval(sql, *values)
