"""Batches writes: the inserts and updates of a unit of work go to PostgreSQL as one statement."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.dialects import postgresql

from db.tables import metadata

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class Sql(str):
    """A trusted SQL expression in the place of a bound value."""

    __slots__ = ()


class WriteBatch:
    """A batch of inserts and updates in one statement. Tables and columns are names from the code; every value is bound."""

    def __init__(self, clinic_id: UUID) -> None:
        self.clinic_id = clinic_id
        # Table and columns of each written row, with those of its values that are ids: for the audit log.
        self.rows: list[tuple[str, dict[str, Any]]] = []
        self._parts: list[str] = []
        self._values: list[Any] = []

    def insert(self, table: str, **row: Any) -> None:
        """Insert a row of the clinic."""
        columns = {"clinic_id": self.clinic_id, **row}
        self._note(table, row)
        bound = ", ".join(self._bound(table, name, value) for name, value in columns.items())
        self._parts.append(f"insert into {table} ({', '.join(columns)}) values ({bound})")

    def insert_all(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows of the clinic that have the same columns."""
        full = [{"clinic_id": self.clinic_id, **row} for row in rows]
        for row in full:
            self._note(table, row)
        if full:
            bound = [", ".join(self._bound(table, name, value) for name, value in row.items()) for row in full]
            self._parts.append(f"insert into {table} ({', '.join(full[0])}) values ({'), ('.join(bound)})")

    def of_clinic(self, expression: str) -> Sql:
        """A value of the clinic's own row, by an expression of its columns."""
        return Sql(
            f"(select {expression} from clinics where clinic_id = {self._bound('clinics', 'clinic_id', self.clinic_id)})"
        )

    def count(self, table: str, column: str, first: str = "1", **key: Any) -> Sql:
        """The next number of a counter, which begins with `first`, an expression.

        The counter's row is locked until the commit, so that it belongs into the last statement.
        """
        known = {"clinic_id": self.clinic_id, **key}
        names, part = ", ".join(known), f"w{len(self._parts)}"
        bound = ", ".join(self._bound(table, name, value) for name, value in known.items())
        self._parts.append(
            f"insert into {table} as kept ({names}, {column}) values ({bound}, {first}) "
            f"on conflict ({names}) do update set {column} = kept.{column} + 1 returning {column}"
        )
        return Sql(f"(select {column} from {part})")

    def update(self, table: str, where: Mapping[str, Any], **row: Any) -> None:
        """Update the clinic's rows that match `where`. At most one part of the batch may change a row."""
        changed = ", ".join(f"{name} = {self._bound(table, name, value)}" for name, value in row.items())
        known = {"clinic_id": self.clinic_id, **where}
        self._note(table, {**where, **row})
        found = " and ".join(
            f"{name} is null" if value is None else f"{name} = {self._bound(table, name, value)}"
            for name, value in known.items()
        )
        self._parts.append(f"update {table} set {changed} where {found}")

    async def run(self, connection: asyncpg.Connection) -> None:
        """Write everything in one round trip."""
        if self._parts:
            steps = ", ".join(f"w{number} as ({part})" for number, part in enumerate(self._parts))
            await connection.execute(f"with {steps} select 1", *self._values)
        self._parts, self._values = [], []

    def _note(self, table: str, row: Mapping[str, Any]) -> None:
        self.rows.append((table, {name: value if isinstance(value, UUID) else None for name, value in row.items()}))

    def _bound(self, table: str, column: str, value: Any) -> str:
        if isinstance(value, Sql):
            return value
        type_ = type_of(table, column)
        return self._place(orjson.dumps(value) if type_ == "JSON" else value, type_)

    def _place(self, value: Any, type_: str) -> str:
        self._values.append(value)
        return f"${len(self._values)}::{type_}"


class BulkBatch(WriteBatch):
    """A batch of many rows: those of a table that have the same columns go to PostgreSQL together, in the order of their first row.

    A batch of a thousand rows would otherwise be a statement of its own, which takes longer to plan than to execute. No value may be
    an expression.
    """

    def __init__(self, clinic_id: UUID) -> None:
        super().__init__(clinic_id)
        self._groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[dict[str, Any]]] = {}

    def insert(self, table: str, **row: Any) -> None:
        """Insert a row of the clinic."""
        self._note(table, row)
        self._add(table, (), row, row)

    def insert_all(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows of the clinic."""
        for row in rows:
            self.insert(table, **row)

    def update(self, table: str, where: Mapping[str, Any], **row: Any) -> None:
        """Update the clinic's rows that match `where`; a row that is updated in two ways has both in the end."""
        self._note(table, {**where, **row})
        keys = {f"of_{name}": value for name, value in where.items()}
        self._add(table, tuple(where), row, {**keys, **row})

    async def run(self, connection: asyncpg.Connection) -> None:
        """Write everything, in one round trip for each kind of row."""
        for (table, where, columns), rows in self._groups.items():
            data = orjson.dumps(rows, default=_exact).decode()
            await connection.execute(_bulk_statement(table, where, columns), self.clinic_id, data)
        self._groups = {}

    def _add(self, table: str, where: tuple[str, ...], row: Mapping[str, Any], values: dict[str, Any]) -> None:
        self._groups.setdefault((table, where, tuple(row)), []).append(values)


def _exact(value: Any) -> str:
    """Amounts and keys of other types as texts."""
    return str(value)


@cache
def _bulk_statement(table: str, where: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """The insert, or with `where` the update, of rows that are bound as JSON; $1 is the clinic."""
    typed = [f"of_{name} {type_of(table, name)}" for name in where] + [
        f"{one} {type_of(table, one)}" for one in columns
    ]
    source = f"json_to_recordset($2::text::json) as v({', '.join(typed)})"
    if not where:
        names = ", ".join(columns)
        return f"insert into {table} (clinic_id, {names}) select $1, {', '.join(f'v.{one}' for one in columns)} from {source}"
    changed = ", ".join(f"{name} = v.{name}" for name in columns)
    found = " and ".join(f"t.{name} = v.of_{name}" for name in where)
    return f"update {table} t set {changed} from {source} where t.clinic_id = $1 and {found}"


@cache
def is_computed(table: str, column: str) -> bool:
    """Whether the database computes a column, so that it cannot be written."""
    return metadata.tables[table].c[column].computed is not None


def type_of(table: str, column: str) -> str:
    """The name of a column's type in PostgreSQL."""
    text: str = metadata.tables[table].c[column].type.compile(dialect=_DIALECT)
    return text.partition(" COLLATE")[0]
