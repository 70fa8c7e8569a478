"""The daily dunning run: plans the reminders that are due in each clinic, one message per payer and day."""

import logging
from collections.abc import Iterable
from datetime import date, datetime
from time import monotonic
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from db.notifications import invoice_changed
from db.pools import Database
from db.reminders.plan import REMINDERS_ARE_ON, write_plan
from db.reminders.working_days import sending_moment
from db.sealed_hints import Hints
from domain.clinics import clinic_day
from domain.clock import Clock
from domain.reminders.reminders import FIRST_HOUR

logger = logging.getLogger("billing.reminders")
# One worker plans a clinic's day; the others wait for its row lock and find the day planned. A large clinic takes a while.
_BEGIN = f"""update clinics set reminded_on = $2 where clinic_id = $1 and (reminded_on is null or reminded_on < $2)
    and {REMINDERS_ARE_ON} returning set_config('statement_timeout', '0', true)"""

_TELL = "select pg_notify('invoice_changed', payload) from unnest($1::text[]) payload"


async def plan_reminders(database: Database, clock: Clock) -> int:
    """Plan the messages of each clinic in which the first hour of sending has come; returns how many.

    A job of the worker, idempotent and safe to run in several workers at once: each day is planned once. A day on which no
    worker ran is made up for by the next: reminders that were due then, and were not sent, are still due.
    """
    moment, planned = clock(), 0
    for clinic in await database.clinics():
        has_begun = moment.astimezone(ZoneInfo(clinic["time_zone"])).hour >= FIRST_HOUR
        # What falls on a weekend or a holiday is due, and so sent, on the next working day.
        if has_begun and await sending_moment(clinic, moment) == moment:
            async with database.working(clinic["clinic_id"]) as connection:
                today = clinic_day(moment, clinic["time_zone"])
                planned += await plan(connection, database.hints, clinic["clinic_id"], today, moment)
    return planned


async def plan(connection: asyncpg.Connection, hints: Hints, clinic_id: UUID, today: date, moment: datetime) -> int:
    """Queue the messages of a day, unless that was done already or the clinic's reminders are off; returns how many.

    Reminders to the same addresses become one message. Without an address, the message is recorded as failed, so that staff
    see it.
    """
    if await connection.fetchval(_BEGIN, clinic_id, today) is None:
        return 0
    began = monotonic()
    count, failed = await write_plan(connection, clinic_id, today, moment)
    words = "reminders of clinic %s for %s: %d messages, %d invoices without an address, in %.1f s"
    logger.info(words, clinic_id, today, count, len(failed), monotonic() - began)
    await tell_of_messages(connection, hints, clinic_id, failed)
    return count


async def tell_of_messages(
    connection: asyncpg.Connection, hints: Hints, clinic_id: UUID, invoices: Iterable[UUID]
) -> None:
    """Notify subscribers, when the transaction commits, that the messages about some invoices have changed."""
    payloads = [invoice_changed(hints, clinic_id, invoice, ["outbound_messages"]) for invoice in invoices]
    if payloads:
        await connection.execute(_TELL, payloads)
