"""Changes of attorney that were recorded in advance: each takes effect as its day begins on the clinic's calendar."""

from datetime import date, datetime
from uuid import UUID, uuid4

import asyncpg

from db.pools import Database
from domain.billing.outcomes import Actor
from domain.clinics import clinic_day
from domain.clock import Clock
from resolvers.commands.auditing import record_job
from resolvers.commands.billing.representations import apply_change
from resolvers.commands.unit_of_work import UnitOfWork

# Candidates only: the change is read again under the case's row lock.
_DUE = """select case_id from attorney_changes where clinic_id = $1 and status = 'pending' and effective_on <= $2
    order by effective_on, id"""


class AttorneyChangeError(Exception):
    """Some changes of attorney failed; the others have taken effect."""


async def apply_attorney_changes(database: Database, clock: Clock) -> int:
    """Let every change that is due take effect, each in a transaction of its own; returns how many did.

    Safe to run in several workers at once: the second one finds the change ended. After an outage, a change counts from its day,
    and access moves when the worker runs again. A failure does not stop other changes; AttorneyChangeError reports it at the end.
    """
    moment, applied, failures = clock(), 0, list[asyncpg.PostgresError]()
    for clinic in await database.clinics():
        today = clinic_day(moment, clinic["time_zone"])
        async with database.working(clinic["clinic_id"]) as connection:
            due = await connection.fetch(_DUE, clinic["clinic_id"], today)
        for row in due:
            try:
                applied += await _apply(database, clinic["clinic_id"], row["case_id"], today, moment)
            except asyncpg.PostgresError as failure:
                failures.append(failure)
    if failures:
        raise AttorneyChangeError(f"{len(failures)} changes of attorney failed") from failures[0]
    return applied


async def _apply(database: Database, clinic_id: UUID, case_id: UUID, today: date, moment: datetime) -> bool:
    change_id = uuid4()
    async with database.working(clinic_id, change_id) as connection:
        known = (connection, clinic_id, None, Actor(None, today, moment), moment, uuid4().hex, {"case_id": case_id})
        work = UnitOfWork(*known, change_id=change_id, hints=database.hints)
        if not await apply_change(work, case_id):
            # Another worker was faster, or staff cancelled the change.
            return False
        await record_job(connection, work.batches, "applyAttorneyChange", moment, work.request_id)
        if notifications := work.notifications():
            await connection.execute("; ".join(notifications))
    return True
