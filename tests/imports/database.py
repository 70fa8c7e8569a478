"""A migrated database for one import test, with queries that ordinary (not asynchronous) test functions can run."""

import asyncio
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from imports.synthea.load import import_synthea
from imports.synthea.summary import ImportSummary
from tests.support.owner_connection import ask

TODAY = date(2026, 6, 30)


@dataclass(frozen=True)
class Database:
    """A database that an import writes into, by the connection string of its owner."""

    dsn: str

    def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """The rows that a query returns."""
        return list(ask(self.dsn, lambda connection: connection.fetch(query, *values)))

    def value(self, query: str, *values: Any) -> Any:
        """The single value that a query returns."""
        [[value]] = self.rows(query, *values)
        return value

    def execute(self, statements: str) -> None:
        """Run statements as the owner with triggers disabled, which no user of the product can do."""
        ask(self.dsn, lambda connection: connection.execute(f"set session_replication_role = replica; {statements}"))

    def import_synthea(self, folder: Path, **options: Any) -> ImportSummary:
        """Import a folder into the clinic "riverside" as of TODAY, unless the options say otherwise."""

        async def run() -> ImportSummary:
            connection = await asyncpg.connect(self.dsn)
            try:
                return await import_synthea(connection, folder, **{"clinic": "riverside", "today": TODAY, **options})
            finally:
                await connection.close()

        return asyncio.run(run())

    def ledger(self) -> tuple[int, Decimal, Decimal]:
        """The number of invoices, and the sums of their billed and received amounts."""
        [[invoices, billed, received]] = self.rows(
            "select count(*), sum(billed_amount), sum(received_amount) from invoices"
        )
        return invoices, billed, received

    def representation(self) -> dict[str, str]:
        """The firm that represents each patient, by medical record number."""
        query = """select p.mrn, a.firm from cases c join patients p on p.id = c.patient_id
            join attorneys a on a.id = c.attorney_id join representations r on r.case_id = c.id and r.attorney_id = a.id"""
        return {row["mrn"]: row["firm"] for row in self.rows(query)}

    def content(self) -> dict[str, list[str]]:
        """Every row of every table as text, sorted, for tests that compare a database before and after."""

        async def read(connection: asyncpg.Connection) -> dict[str, list[str]]:
            names = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
            queries = {name: f'select t::text from "{name}" t order by 1' for [name] in names}
            return {name: [row[0] for row in await connection.fetch(query)] for name, query in queries.items()}

        found: dict[str, list[str]] = ask(self.dsn, read)
        return found

    def is_empty(self) -> bool:
        """Whether all tables but the one of the migrations are empty."""
        return not any(
            rows for name, rows in self.content().items() if name not in ("alembic_version", "policy_version")
        )
