"""Decides when a clinic's payers are reminded, and what is due for one of them on one day goes into one message."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from db.pools import Database
from db.reminder_plan import write_plan
from domain.clinics import clinic_day
from domain.reminders import FIRST_HOUR
from resolvers.context import Clock

# Of many workers one decides for a day; the others wait for it, and find that it is decided. A large clinic takes a while.
_BEGIN = """update clinics set reminded_on = $2 where clinic_id = $1 and (reminded_on is null or reminded_on < $2)
    returning set_config('statement_timeout', '0', true)"""


async def plan_reminders(database: Database, clock: Clock) -> int:
    """Decide, for each clinic whose day has come so far, which messages go out; how many do.

    A job of the worker, safe to be done by many at once and as often as one likes: for each day it is decided once. A day on
    which no worker ran is made up for by the next: what was due then, and was not sent, is due still.
    """
    moment, planned = clock(), 0
    for clinic in await database.clinics():
        if moment.astimezone(ZoneInfo(clinic["time_zone"])).hour >= FIRST_HOUR:
            async with database.working(clinic["clinic_id"]) as connection:
                today = clinic_day(moment, clinic["time_zone"])
                planned += await plan(connection, clinic["clinic_id"], today, moment)
    return planned


async def plan(connection: asyncpg.Connection, clinic_id: UUID, today: date, moment: datetime) -> int:
    """Have the messages of a day wait to be sent, unless that was done already; how many there are.

    What goes to the same addresses is one message. Where there is no address, the message has failed before it was sent, so
    that somebody hears of it.
    """
    if await connection.fetchval(_BEGIN, clinic_id, today) is None:
        return 0
    return await write_plan(connection, clinic_id, today, moment)


def together_with(row: Any) -> Sequence[Any]:
    """What is the same for all that goes into one message: the addresses, or the payer where there is none."""
    address, copy = (row[name] and row[name].lower() for name in ("address", "copy_address"))
    return (address, copy) if address else (row["payer_id"],)
