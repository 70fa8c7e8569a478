"""The oracle of the differential tests: answers one document twice, by the compiled reads of the server and by the textbook."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

import asyncpg
import orjson
from graphql import ExecutionResult, GraphQLSchema
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from db.pools import Database
from domain.access.people import Role
from domain.access.secret_keys import SecretKeys
from domain.audit import AuditEvent
from identity.login_commands import LoginCommands
from identity.sessions import Sessions
from permissions.viewers import Viewer
from resolvers.context import RequestContext
from schema.whole import role_schemas, sdl
from server.database_urls import DatabaseUrls
from server.execution.graphql_executor import GraphQLExecutor
from tests.bench.textbook.answering import Textbook
from tests.bench.textbook.records.records import Records
from tests.support.databases import TODAY
from tests.support.oracle.differences import normal
from tests.support.oracle.facts import Facts, gather_facts
from tests.support.oracle.random_documents import Document

# This moment is on that day in the clinic as well as in UTC.
NOON = datetime.combine(TODAY, time(16), UTC)
_PAGED = "{ page: %s(first: 500%s) { edges { cursor } } }"


@dataclass
class AnswerSources:
    """The two sources of an answer. A test may replace `textbook` by a wrong one."""

    viewer: Viewer
    database: Database
    source: AsyncEngine
    textbook: Textbook
    facts: Facts
    # Receives the events of compiled reads for the audit log.
    keep: Callable[[AuditEvent], None] = field(default_factory=lambda: list[AuditEvent]().append)
    engine: GraphQLExecutor = field(default_factory=lambda: GraphQLExecutor(role_schemas()))

    def __post_init__(self) -> None:
        # No document signs in, so these are never used.
        self._sessions = Sessions(self.database)
        self._logins = LoginCommands(self.database, self._sessions, SecretKeys(b"no sign-in here"), clock=lambda: NOON)

    @property
    def schema(self) -> GraphQLSchema:
        """The schema of the viewer's role."""
        return role_schemas()[self.viewer.role]

    async def compiled(self, document: Document) -> Any:
        """The server's answer; AssertionError when there is none."""
        context = RequestContext(
            self.viewer,
            self.database,
            self._sessions,
            "a request",
            clock=lambda: NOON,
            keep=self.keep,
            link_key=b"the key of signed URLs that are not used",
            find_base_url=str,
            logins=self._logins,
        )
        prepared = self.engine.prepare(context, document.source)
        assert not prepared.errors, prepared.errors
        result = await self.engine.execute(prepared, context, document.variables, None)
        return _data(result)

    async def by_textbook(self, document: Document) -> Any:
        """The textbook's answer; AssertionError when there is none."""
        records = Records(self.viewer, TODAY, async_sessionmaker(self.source, expire_on_commit=False))
        return _data(await self.textbook.answer(records, document.source, document.variables))

    async def differ(self, document: Document) -> bool:
        """Whether the two answers are not the same."""
        return normal(await self.outcome(self.compiled(document))) != normal(
            await self.outcome(self.by_textbook(document))
        )

    async def outcome(self, answer: Any) -> Any:
        """An answer, or the reason in words why there is none."""
        try:
            return await answer
        except AssertionError as error:
            return {"no answer": str(error)}

    async def gather_cursors(self) -> None:
        """Read every list in every order, to collect cursors for random documents."""
        query = self.schema.query_type
        assert query is not None
        for name, definition in query.fields.items():
            if "first" not in definition.args:
                continue
            listed = str(definition.type).removesuffix("Connection!")
            orders: list[tuple[str, str] | None] = [None]
            if "orderBy" in definition.args:
                fields = self.schema.type_map[f"{listed}OrderField"].values  # type: ignore[attr-defined]
                orders += [(field, direction) for field in fields for direction in ("ASC", "DESC")]
            for order in orders:
                self.facts.cursors[listed, order] = await self._cursors(name, order, "orderBy" in definition.args)

    async def _cursors(self, name: str, order: tuple[str, str] | None, has_order: bool) -> list[str]:
        written = f"{{field: {order[0]}, direction: {order[1]}}}" if order else "null"
        argument = f", orderBy: {written}" if has_order else ""
        answer = await self.compiled(Document(_PAGED % (name, argument), {}))
        return [edge["cursor"] for edge in answer["page"]["edges"]]


def _data(result: ExecutionResult) -> Any:
    assert not result.errors, [f"{error.path}: {error.message}" for error in result.errors]
    return orjson.loads(orjson.dumps(result.data))


_VIEWER = """select c.clinic_id, u.id as user_id, u.id as session_id, u.role, coalesce(u.attorney_id, u.physician_id) as person_id,
        u.email, u.name, c.short_name as clinic_short_name, c.name as clinic_name, c.time_zone
    from users u join clinics c on c.clinic_id = u.clinic_id where c.short_name = $1 and u.role = $2"""


@asynccontextmanager
async def answer_sources(address: DatabaseUrls, role: Role, clinic: str = "demo") -> AsyncIterator[AnswerSources]:
    """The two sources of an answer for a clinic's user of a role, with facts for random documents."""
    connection = await asyncpg.connect(address.owner)
    source = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(address.owner))
    try:
        row = await connection.fetchrow(_VIEWER, clinic, role.value)
        assert row is not None
        viewer = Viewer(**{**row, "role": role})
        async with Database(address.login) as database:
            both = AnswerSources(viewer, database, source, Textbook(sdl(role)), await gather_facts(connection, viewer))
            await both.gather_cursors()
            yield both
    finally:
        await source.dispose()
        await connection.close()
