"""Collects rows by table and writes them by COPY in the order that foreign keys require."""

from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

from db import tables

Rows = list[Mapping[str, Any]]


class Batch:
    """Rows of many tables that are written together. All rows of one table have the same columns."""

    def __init__(self) -> None:
        self.rows: dict[str, Rows] = {}

    def add(self, table: str, **row: Any) -> None:
        """Add one row; writing raises KeyError for a table that does not exist."""
        self.rows.setdefault(table, []).append(row)

    def extend(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add many rows of one table."""
        self.rows.setdefault(table, []).extend(rows)

    async def load(self, connection: asyncpg.Connection) -> int:
        """Write all rows by COPY and clear the batch; returns their number. COPY needs the owner: row-level security refuses it."""
        written = 0
        for table in tables.metadata.sorted_tables:
            rows = self.rows.pop(table.name, [])
            if rows:
                columns = list(rows[0])
                records = [tuple(row[column] for column in columns) for row in rows]
                await connection.copy_records_to_table(table.name, records=records, columns=columns)
                written += len(rows)
        if self.rows:
            raise KeyError(f"No such table: {', '.join(self.rows)}")
        return written
