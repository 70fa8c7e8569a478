"""Decides how the demo clinic comes into a database: once, whole or not at all, and the same for the same arguments."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import asyncpg

from imports.demo_clinic import SHORT_NAME, DemoClinic
from imports.demo_dice import Dice
from imports.demo_history import DemoHistory

FIVE_YEARS = timedelta(days=5 * 365 + 1)
# Any number will do, as long as everybody who loads a demo clinic asks for the same lock.
LOCK = 0x64656D6F

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What was loaded; nothing when the clinic was there already. Amounts in US dollars."""

    loaded: bool = False
    invoices: int = 0
    cases: int = 0
    cheques: int = 0
    rows: int = 0
    billed: Decimal = Decimal("0.00")
    received: Decimal = Decimal("0.00")

    def __str__(self) -> str:
        if not self.loaded:
            return "The demo clinic is there already; nothing was changed."
        counts = f"{self.invoices:,} invoices in {self.cases:,} cases, {self.cheques:,} cheques"
        return f"Demo clinic: {counts}; {self.billed:,} billed, {self.received:,} received."


async def load_demo(
    connection: asyncpg.Connection,
    *,
    today: date,
    password_hash: str,
    invoices: int = 400,
    seed: int = 1,
    progress: Progress | None = None,
) -> DemoSummary:
    """Load the clinic `demo` with so many invoices, all created and dealt with up to `today`, in one transaction.

    It needs the owner's connection, because COPY is refused under row security. All users get `password_hash`.
    `progress` hears (invoices written, all invoices) now and then. ValueError for a number of invoices below 1.
    """
    if invoices < 1:
        raise ValueError("A demo clinic has at least one invoice")
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        if await connection.fetchval("select 1 from clinics where short_name = $1", SHORT_NAME):
            return DemoSummary()
        clinic = DemoClinic(Dice(seed), invoices, today - FIVE_YEARS, today)
        history = DemoHistory(clinic, password_hash)
        with _no_search_for_cycles():
            rows = await _load(connection, history, progress)
        # Plans are made from statistics, and nobody else would make them before the first query.
        await connection.execute("analyze")
    told = history.totals
    return DemoSummary(True, told.invoices, told.cases, told.cheques, rows, told.billed, told.received)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Rows refer to nothing that refers back: looking for cycles among millions would cost a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


async def _load(connection: asyncpg.Connection, history: DemoHistory, progress: Progress | None) -> int:
    """Write portion after portion; the next is made in a thread while PostgreSQL checks the last. The rows written."""
    portions, rows = history.portions(), 0
    making = asyncio.create_task(asyncio.to_thread(next, portions, None))
    try:
        while (portion := await making) is not None:
            making = asyncio.create_task(asyncio.to_thread(next, portions, None))
            batch, invoices = portion
            rows += await batch.load(connection)
            if progress:
                progress(invoices, history.clinic.size)
    finally:
        await asyncio.wait((making,))
    return rows
