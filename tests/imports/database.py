"""Decides how the tests of imports reach PostgreSQL: a migrated database of their own, asked from ordinary functions."""

import asyncio
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from imports.summary import ImportSummary
from imports.synthea import import_synthea

TODAY = date(2026, 6, 30)


@dataclass(frozen=True)
class Database:
    """A database that an import writes into, by its owner's dsn."""

    dsn: str

    def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """The rows that a query answers."""

        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.dsn)
            try:
                return list(await connection.fetch(query, *values))
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def value(self, query: str, *values: Any) -> Any:
        """The one value that a query answers."""
        [[value]] = self.rows(query, *values)
        return value

    def execute(self, statements: str) -> None:
        """Run statements as the owner without triggers, as nobody who uses the product can."""

        async def run() -> None:
            connection = await asyncpg.connect(self.dsn)
            try:
                await connection.execute(f"set session_replication_role = replica; {statements}")
            finally:
                await connection.close()

        asyncio.run(run())

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
        """How many invoices there are, and what they bill and have received."""
        [[invoices, billed, received]] = self.rows(
            "select count(*), sum(billed_amount), sum(received_amount) from invoices"
        )
        return invoices, billed, received

    def representation(self) -> dict[str, str]:
        """Which firm represents which patient, by record number."""
        query = """select p.mrn, a.firm from cases c join patients p on p.id = c.patient_id
            join attorneys a on a.id = c.attorney_id join representations r on r.case_id = c.id and r.attorney_id = a.id"""
        return {row["mrn"]: row["firm"] for row in self.rows(query)}

    def content(self) -> dict[str, list[str]]:
        """Every row of every table as text, sorted: what must not change when nothing may."""

        async def read() -> dict[str, list[str]]:
            connection = await asyncpg.connect(self.dsn)
            try:
                names = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
                queries = {name: f'select t::text from "{name}" t order by 1' for [name] in names}
                return {name: [row[0] for row in await connection.fetch(query)] for name, query in queries.items()}
            finally:
                await connection.close()

        return asyncio.run(read())

    def is_empty(self) -> bool:
        """That no table holds a row, but for the one that counts migrations."""
        return not any(rows for name, rows in self.content().items() if name != "alembic_version")
