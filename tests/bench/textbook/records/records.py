"""Reads the rows of the textbook: by the ORM, batched by DataLoaders, each query within the viewer's reach."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Column, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from strawberry.dataloader import DataLoader

from permissions.viewers import Viewer
from tests.bench.textbook.merged import REFERENCES, Merged
from tests.bench.textbook.models import Merge, Model, Patient, Payer
from tests.bench.textbook.reach import reach

M = TypeVar("M", bound=Model)


@dataclass
class Records:
    """The rows that one request reads, each at most once per kind of query. `today` is the calendar day in the clinic.

    Of merged patients and payers, `merged`, the ones that stay are read in their place, wherever they are referred to.
    """

    viewer: Viewer
    today: date
    sessions: async_sessionmaker[AsyncSession]
    merged: Merged = field(default_factory=Merged)
    _loaders: dict[Any, DataLoader[Any, Any]] = field(default_factory=dict)

    async def follow_merges(self) -> None:
        """Read the merges of the clinic, before anything else is read."""
        pairs = {}
        async with self.sessions() as session:
            merge: Any
            of_clinic = Merge.__table__.c.clinic_id == self.viewer.clinic_id
            for merge in await session.scalars(select(Merge).where(of_clinic)):
                if merge.undone_at is None:
                    one = merge.merged_patient_id or merge.merged_payer_id
                    pairs[one] = merge.surviving_patient_id or merge.surviving_payer_id
        rows = [row for one in pairs for kind in (Patient, Payer) for row in await self.own(kind, "id", one)]
        self.merged = Merged(pairs, tuple(rows))

    async def one(self, model: type[M], identity: UUID | None) -> M | None:
        """The row with an id; None when there is none in reach."""
        if identity is None:
            return None

        async def load(identities: list[UUID]) -> list[Any]:
            found = {row.id: row for row in await self._fetch(model, "id", identities)}
            return [found.get(wanted) for wanted in identities]

        row: M | None = await self._loader((model, "one"), load).load(identity)
        return row

    async def many(self, model: type[M], column: str, value: Any) -> list[M]:
        """The rows whose column has a value, in no particular order."""

        async def load(values: list[Any]) -> list[Any]:
            found = defaultdict(list)
            for row in await self._fetch(model, column, values):
                found[getattr(row, column)].append(row)
            return [found[wanted] for wanted in values]

        rows: list[M] = await self._loader((model, column), load).load(value)
        return rows

    async def occurs(self, column: Column[Any], value: Any) -> bool:
        """Whether a row of the clinic has a value in a column, also a row out of the viewer's reach."""

        async def load(values: list[Any]) -> list[bool]:
            query = select(column).where(column.table.c.clinic_id == self.viewer.clinic_id, column.in_(values))
            async with self.sessions() as session:
                found = set(await session.scalars(query))
            return [wanted in found for wanted in values]

        is_there: bool = await self._loader((column, "occurs"), load).load(value)
        return is_there

    async def own(self, model: type[M], column: str, value: Any) -> list[M]:
        """The rows of the clinic whose column has a value, also those out of the role's reach: for the viewer's own account."""
        table: Any = model.__table__
        query = select(model).where(table.c.clinic_id == self.viewer.clinic_id, table.c[column] == value)
        async with self.sessions() as session:
            return list(await session.scalars(query))

    async def all(self, model: type[M]) -> list[M]:
        """Every row in reach."""
        return await self.many(model, "clinic_id", self.viewer.clinic_id)

    def _loader(self, key: Any, load: Callable[[list[Any]], Any]) -> DataLoader[Any, Any]:
        if key not in self._loaders:
            self._loaders[key] = DataLoader(load_fn=load)
        return self._loaders[key]

    async def _fetch(self, model: type[M], column: str, values: list[Any]) -> list[M]:
        table: Any = model.__table__
        wanted = self.merged.groups(values) if column in REFERENCES else values
        query = select(model).where(reach(self.viewer, table), table.c[column].in_(wanted))
        # A session of its own for each query: siblings run at once, and one session cannot serve two of them.
        async with self.sessions() as session:
            rows: list[Any] = list(await session.scalars(query))
        for row in rows:
            self.merged.follow(row)
        return [row for row in rows if getattr(row, "id", None) not in self.merged.into]
