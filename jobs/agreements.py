"""The lapse of conditional agreements: unpaid ones whose deadline has passed on the clinic's calendar."""

from datetime import date, datetime
from uuid import UUID, uuid4

import asyncpg

from db.pools import Database
from domain.billing.outcomes import Actor
from domain.clinics import clinic_day
from domain.clock import Clock
from domain.errors import IllegalTransition, NotFound
from resolvers.commands.auditing import record_job
from resolvers.commands.transitions import transition
from resolvers.commands.unit_of_work import UnitOfWork

# Candidates only: the guards of the transition decide under the invoice's row lock.
_DUE = """select id from invoices where clinic_id = $1 and conditional_until < $2 and status = 'pending_cheque'
    order by conditional_until, id"""


class LapseError(Exception):
    """Some agreements failed to lapse; the others have lapsed."""


async def lapse_agreements(database: Database, clock: Clock) -> int:
    """Lapse every agreement that is due, each in a transaction of its own; returns how many lapsed.

    Safe to run in several workers at once: the second one finds the invoice changed. A failure does not keep other agreements
    from lapsing; LapseError reports it at the end.
    """
    moment, lapsed, failures = clock(), 0, list[asyncpg.PostgresError]()
    for clinic in await database.clinics():
        today = clinic_day(moment, clinic["time_zone"])
        async with database.working(clinic["clinic_id"]) as connection:
            due = await connection.fetch(_DUE, clinic["clinic_id"], today)
        for row in due:
            try:
                lapsed += await _lapse(database, clinic["clinic_id"], row["id"], today, moment)
            except asyncpg.PostgresError as failure:
                failures.append(failure)
    if failures:
        raise LapseError(f"{len(failures)} agreements could not lapse") from failures[0]
    return lapsed


async def _lapse(database: Database, clinic_id: UUID, invoice_id: UUID, today: date, moment: datetime) -> bool:
    given, change_id = {"invoice_id": invoice_id}, uuid4()
    try:
        async with database.working(clinic_id, change_id) as connection:
            known = (connection, clinic_id, None, Actor(None, today, moment), moment, uuid4().hex, given)
            work = UnitOfWork(*known, change_id=change_id, hints=database.hints)
            await transition(work, "lapse_agreement")
            await work.restate()
            await record_job(connection, work.batches, "lapseAgreement", moment, work.request_id)
            await connection.execute("; ".join(work.notifications()))
    except (IllegalTransition, NotFound):
        # Another worker was faster, a cheque came in, or the invoice is being negotiated again.
        return False
    return True
