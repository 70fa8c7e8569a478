"""Serves the textbook for the benchmark: Strawberry's own ASGI view, one session per operation, DataLoaders.

`python -m tests.bench.textbook.strawberry_app ORDER` serves it, where ORDER is JSON: the owner's `dsn`, and of the viewer
`clinic_id`, `role` and `person_id`. It looks up no session and enters no role, so that it does less than the server it is
compared with.
"""

import asyncio
import base64
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import strawberry
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from strawberry import Info
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import SchemaExtension

from db.global_ids import read_id
from db.tables import invoice_lines, invoices
from domain.access.people import Role
from permissions.viewers import Viewer
from tests.bench.servers.bare import run
from tests.bench.textbook import models
from tests.bench.textbook.reach import reach
from tests.bench.textbook.strawberry_types import Invoice, InvoiceConnection, IsSignedIn, PageInfo, resolved

_CONNECTIONS = 8
_SETTINGS = {"jit": "off", "timezone": "UTC"}


@dataclass
class Context:
    """The context of one operation: its session, which siblings use in turn, and its loaders."""

    viewer: Viewer
    sessions: async_sessionmaker[AsyncSession]
    session: AsyncSession | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    loaders: dict[Any, DataLoader[UUID, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lines = DataLoader(self._load_lines)

    async def rows(self, query: Any) -> list[Any]:
        """The objects that a query finds."""
        assert self.session is not None
        async with self.lock:
            return list(await self.session.scalars(query))

    async def one(self, model: type[models.Model], identity: UUID | None) -> Any:
        """The object with an id; None when there is none in reach."""
        if identity is None:
            return None
        if model not in self.loaders:
            self.loaders[model] = DataLoader(lambda identities: self._load(model, identities))
        return await self.loaders[model].load(identity)

    async def _load(self, model: type[models.Model], identities: list[UUID]) -> list[Any]:
        table: Any = model.__table__
        query = select(model).where(reach(self.viewer, table), table.c.id.in_(identities))
        found = {row.id: row for row in await self.rows(query)}
        return [found.get(identity) for identity in identities]

    async def _load_lines(self, identities: list[UUID]) -> list[list[Any]]:
        is_seen = reach(self.viewer, invoice_lines) & invoice_lines.c.invoice_id.in_(identities)
        found = defaultdict(list)
        for row in await self.rows(select(models.InvoiceLine).where(is_seen).order_by(invoice_lines.c.position)):
            found[row.invoice_id].append(row)
        return [found[identity] for identity in identities]


class SessionPerOperation(SchemaExtension):
    """Opens the session of an operation and closes it."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Around the operation."""
        context = self.execution_context.context
        async with context.sessions() as session:
            context.session = session
            yield


def _cursor(row: models.Invoice) -> str:
    return base64.urlsafe_b64encode(f"{row.created_on}|{row.id}".encode()).decode()


def _place(cursor: str) -> tuple[date, UUID]:
    day, identity = base64.urlsafe_b64decode(cursor).decode().split("|")
    return date.fromisoformat(day), UUID(identity)


@strawberry.type
class Query:
    @resolved(IsSignedIn)
    async def invoice(self, info: Info, id: strawberry.ID) -> Invoice | None:  # noqa: A002 (the argument's published name)
        found = read_id(id)
        row = await info.context.one(models.Invoice, found[1]) if found else None
        return Invoice.of(row) if row else None

    @resolved(IsSignedIn)
    async def invoices(self, info: Info, first: int = 50, after: str | None = None) -> InvoiceConnection:
        place = tuple_(invoices.c.created_on, invoices.c.id)
        query = select(models.Invoice).where(reach(info.context.viewer, invoices))
        if after is not None:
            query = query.where(place < _place(after))
        query = query.order_by(invoices.c.created_on.desc(), invoices.c.id.desc()).limit(first + 1)
        rows = await info.context.rows(query)
        page = rows[:first]
        info_of_page = PageInfo(has_next_page=len(rows) > first, end_cursor=_cursor(page[-1]) if page else None)
        return InvoiceConnection(nodes=[Invoice.of(row) for row in page], page_info=info_of_page)


class Application(GraphQL[Context, None]):
    """Strawberry's view for one viewer of one database."""

    def __init__(self, dsn: str, viewer: Viewer) -> None:
        super().__init__(strawberry.Schema(query=Query, extensions=[SessionPerOperation]))

        async def connect() -> asyncpg.Connection:
            return await asyncpg.connect(dsn, server_settings=_SETTINGS)

        source = create_async_engine(
            "postgresql+asyncpg://", async_creator=connect, pool_size=_CONNECTIONS, max_overflow=0
        )
        self._sessions = async_sessionmaker(source, expire_on_commit=False)
        self._viewer = viewer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request; there is nothing to open or to close."""
        if scope["type"] != "lifespan":
            await super().__call__(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def get_context(self, request: Any, response: Any) -> Context:
        """The context of one operation."""
        return Context(self._viewer, self._sessions)


def viewer_of(order: dict[str, Any]) -> Viewer:
    """The viewer that an order names, without names in words."""
    clinic_id, person_id = UUID(order["clinic_id"]), order.get("person_id")
    names = dict.fromkeys(("email", "name", "clinic_short_name", "clinic_name"), "")
    person = UUID(person_id) if person_id else None
    ids = {"clinic_id": clinic_id, "user_id": clinic_id, "session_id": clinic_id, "person_id": person}
    return Viewer(**ids, role=Role(order["role"]), time_zone="UTC", **names)  # type: ignore[arg-type]


if __name__ == "__main__":
    order = orjson.loads(sys.argv[1])
    run(Application(order["dsn"], viewer_of(order)))
