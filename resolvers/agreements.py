"""Decides which conditional agreements lapse: those whose day has passed in the clinic's calendar and to which nothing was paid."""

from datetime import date, datetime
from uuid import UUID, uuid4

import asyncpg

from db.pools import Database
from domain.clinics import clinic_day
from domain.errors import IllegalTransition, NotFound
from domain.outcomes import Actor
from resolvers.auditing import record_job
from resolvers.context import Clock
from resolvers.transitions import transition
from resolvers.writing import Work

# Who seems to be due; the guards of the transition decide, under the invoice's lock.
_DUE = """select id from invoices where clinic_id = $1 and conditional_until < $2 and status = 'pending_cheque'
    and received_amount = 0 order by conditional_until, id"""


class LapseError(Exception):
    """Some agreements could not be looked at; the others have lapsed."""


async def lapse_agreements(database: Database, clock: Clock) -> int:
    """Have every agreement lapse that is due at this moment, each in a transaction of its own; how many did.

    Safe to run by many workers at once: whoever comes second finds the invoice changed. One that fails keeps no other from
    lapsing; LapseError tells of it at the end.
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
    given = {"invoice_id": invoice_id}
    try:
        async with database.working(clinic_id) as connection:
            work = Work(connection, clinic_id, None, Actor(None, today), moment, uuid4().hex, given)
            await transition(work, "lapse_agreement")
            await record_job(connection, work.gathered, "lapseAgreement", moment, work.request_id)
    except (IllegalTransition, NotFound):
        # Another worker was faster, a cheque came in, or it is negotiated again already.
        return False
    return True
