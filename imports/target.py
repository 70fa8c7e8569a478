"""The target of an import: the clinic that it writes to, and the changes that it collects."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

import asyncpg

from imports.checking import Progress, quietly
from imports.shapes import Records

_NAMES_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Target:
    """The clinic that is written to, in a transaction that the caller ends, with the rights of the connection; `today` is its day."""

    connection: asyncpg.Connection
    clinic_id: UUID
    moment: datetime
    today: date
    progress: Progress = quietly
    # The importing user, if there is one.
    by: UUID | None = None

    async def find(self, query: str, *values: Any) -> list[Mapping[str, Any]]:
        """Rows of the clinic, with its id bound as $1."""
        return cast(list[Mapping[str, Any]], await self.connection.fetch(query, self.clinic_id, *values))

    async def find_among(self, query: str, names: Iterable[Any], *values: Any) -> list[Mapping[str, Any]]:
        """The same for many names, bound as $2, in batches, so that no statement takes long.

        A table grows while it is filled: the query is planned anew each time.
        """
        every, found = list(names), list[Mapping[str, Any]]()
        await self.connection.execute("set local plan_cache_mode = force_custom_plan")
        for at in range(0, len(every), _NAMES_AT_ONCE):
            found += await self.find(query, every[at : at + _NAMES_AT_ONCE], *values)
        await self.connection.execute("set local plan_cache_mode = auto")
        return found


@dataclass(slots=True)
class Changes:
    """The changes of one table: new rows, changed values by id with the former ones, and ids to delete."""

    records: Records
    moment: datetime
    added: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    known: dict[UUID, Mapping[str, Any]] = field(default_factory=dict)
    removed: list[UUID] = field(default_factory=list)
