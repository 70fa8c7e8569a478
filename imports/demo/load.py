"""Loads the demo clinic into a database: once, in one transaction, with the same result for the same arguments."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import asyncpg

from imports.demo.clinic import SHORT_NAME, DemoClinic
from imports.demo.history import DemoHistory
from imports.demo.issued.documents import SEARCHED, add_documents
from imports.demo.seeded_random import SeededRandom

FIVE_YEARS = timedelta(days=5 * 365 + 1)
# An arbitrary number: every process that loads a demo clinic takes the same advisory lock.
LOCK = 0x64656D6F

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """The totals of the loaded clinic; None if the clinic existed already. Amounts in US dollars."""

    loaded: bool = False
    invoices: int = 0
    cases: int = 0
    cheques: int = 0
    rows: int = 0
    billed: Decimal = Decimal("0.00")
    received: Decimal = Decimal("0.00")

    def __str__(self) -> str:
        if not self.loaded:
            return "The demo clinic already exists; nothing was changed."
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
    """Load the clinic `demo` with so many invoices, all created and processed up to `today`, in one transaction.

    It needs the owner's connection, because COPY is refused under row-level security. All users get `password_hash`.
    `progress` is called with (invoices written, all invoices) now and then. ValueError for a number of invoices below
    1.
    """
    if invoices < 1:
        raise ValueError("A demo clinic must have at least one invoice")
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        if await connection.fetchval("select 1 from clinics where short_name = $1", SHORT_NAME):
            return DemoSummary()
        clinic = DemoClinic(SeededRandom(seed), invoices, today - FIVE_YEARS, today)
        history = DemoHistory(clinic, password_hash)
        with _no_search_for_cycles():
            rows = await _load(connection, history, progress)
        # Without statistics, the search for invoices to issue takes longer than all rows before: minutes in a large clinic.
        await connection.execute(f"analyze {', '.join(SEARCHED)}")
        await add_documents(connection, clinic)
        # The planner needs statistics before the first query, and autovacuum would not have run yet.
        await connection.execute("analyze")
    sums = history.totals
    return DemoSummary(True, sums.invoices, sums.cases, sums.cheques, rows, sums.billed, sums.received)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """The rows have no reference cycles: the cyclic garbage collector would search millions of objects, a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


async def _load(connection: asyncpg.Connection, history: DemoHistory, progress: Progress | None) -> int:
    """Write batch after batch; the next one is generated in a thread while PostgreSQL checks the last. Returns the number of rows."""
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
