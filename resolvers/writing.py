"""Decides how a mutation runs: one transaction, kept idempotent, refusals as data, the record read anew for the answer."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import strawberry
from strawberry import Info

from db.identity import read_id
from db.writing import Writes
from domain.errors import Conflict, InvalidInput, NotFound, Refusal
from domain.outcomes import Actor
from domain.texts import can_be_kept
from permissions.viewers import Viewer
from resolvers.auditing import record_mutation
from resolvers.context import RequestContext
from resolvers.reading import Answers, ResolveInfo, read_within
from resolvers.trail import Trail

_KEPT = timedelta(hours=24)
_LONGEST_KEY = 200
# What is kept of a request must not help to find out a password.
_SECRET = frozenset({"password"})
_UNSAID = frozenset({"version", "idempotency_key"})


@dataclass
class Work:
    """What is changed in one transaction, for a user or, where `user_id` is None and the actor has no role, by the worker."""

    connection: asyncpg.Connection
    clinic_id: UUID
    user_id: UUID | None
    actor: Actor
    moment: datetime
    request_id: str
    given: Mapping[str, Any]
    # The invoices that the transaction began with a lock on.
    locked: frozenset[UUID] = frozenset()
    remembered: bool = False
    # The physician that the user is.
    person_id: UUID | None = None
    gathered: list[Writes] = field(default_factory=list)
    trail: Trail = field(default_factory=Trail)

    @property
    def today(self) -> date:
        """The calendar day in the clinic."""
        return self.actor.today

    def writes(self) -> Writes:
        """A fresh gathering of what is written together."""
        self.gathered.append(Writes(self.clinic_id))
        return self.gathered[-1]

    def remember(self, writes: Writes, record: UUID) -> None:
        """Gather what the idempotency key answers from now on, so that nothing has to be written after `writes`."""
        key = self.given.get("idempotency_key")
        if key is not None:
            writes.update("idempotency_keys", {"user_id": self.user_id, "key": key}, result_id=record)
        self.remembered = True

    async def one(self, sql: str, *values: Any) -> Any:
        """The first row that a query finds within the clinic, its id bound as $1."""
        return await self.connection.fetchrow(sql, self.clinic_id, *values)

    async def all(self, sql: str, *values: Any) -> Any:
        """Every row that a query finds within the clinic, its id bound as $1."""
        return await self.connection.fetch(sql, self.clinic_id, *values)


Act = Callable[[Work], Awaitable[UUID]]


def _nothing(given: Mapping[str, Any]) -> frozenset[UUID]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """A mutation that changes records: its name, what it does, and which invoices its transaction may begin with a lock on."""

    name: str
    act: Act
    locked_first: Callable[[Mapping[str, Any]], frozenset[UUID]] = _nothing


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a mutation: the id of its record and what of it was read already, or why it was refused.

    `whole` is the whole answer as JSON, where nothing of it remains to be asked.
    """

    record: UUID | None
    errors: tuple[Refusal, ...] = ()
    known: Answers = field(default_factory=dict)
    whole: orjson.Fragment | None = None


async def run(info: Info, operation: str, said: Any, act: Act) -> Done:
    """Do `act` in one transaction, once per idempotency key; its record's id is the answer, a refusal writes nothing."""
    return await _run(info._raw_info, Step(operation, act), said)


async def answer(info: ResolveInfo, step: Step, said: Mapping[str, Any], payload: Callable[..., Any]) -> Any:
    """The same, straight from graphql-core: the role schemas call it without Strawberry's wrapping around it.

    What is answered is JSON, or the `payload` of what came of it where something remains to be asked.
    """
    done = await _run(info, step, said)
    return payload(done=done) if done.whole is None else done.whole


async def _run(info: ResolveInfo, step: Step, said: Any) -> Done:
    context, viewer = info.context, info.context.viewer
    assert viewer is not None
    context.trail.written = ""
    closing: list[str] = []
    try:
        given = values_of(said)
        key, locked = given.get("idempotency_key"), step.locked_first(given)
        async with context.database.entered(viewer, locked, closing) as connection:
            known = await _claim(connection, context, step.name, key, given) if key is not None else None
            work = _work_of(context, viewer, connection, given, locked)
            if known is None:
                known = await step.act(work)
                if key is not None and not work.remembered:
                    await _remember(connection, viewer, key, known)
            answers, whole = await read_within(info, known, connection, work.trail)
            record_mutation(info, closing, work.gathered, work.moment, work.trail)
        return Done(known, (), answers, whole)
    except Refusal as refusal:
        context.trail.is_refused = True
        return Done(None, (refusal,))
    except asyncpg.ForeignKeyViolationError:
        context.trail.is_refused = True
        return Done(None, (NotFound("There is no such record"),))


def _work_of(
    context: RequestContext,
    viewer: Viewer,
    connection: asyncpg.Connection,
    given: Mapping[str, Any],
    locked: frozenset[UUID],
) -> Work:
    actor = Actor(viewer.role, context.today)
    known = (connection, viewer.clinic_id, viewer.user_id, actor, context.clock(), context.request_id, given, locked)
    return Work(*known, person_id=viewer.person_id)


async def _claim(
    connection: asyncpg.Connection, context: RequestContext, operation: str, key: str, given: Mapping[str, Any]
) -> UUID | None:
    """What the same key answered before, None when it is new. A request with the same key that is under way is waited for."""
    viewer, moment = context.viewer, context.clock()
    assert viewer is not None
    if not 0 < len(key) <= _LONGEST_KEY:
        raise InvalidInput(f"A key has 1 to {_LONGEST_KEY} characters", ("idempotency_key",))
    said = {**{name: value for name, value in given.items() if name not in _SECRET}, "operation": operation}
    digest = hashlib.sha256(orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS))
    row = await connection.fetchrow(
        """insert into idempotency_keys as k (clinic_id, id, user_id, key, operation, input_hash, recorded_at)
        values ($1, gen_random_uuid(), $2, $3, $4, $5, $6)
        on conflict (clinic_id, user_id, key) do update
            set operation = $4, input_hash = $5, recorded_at = $6, result_id = null where k.recorded_at < $7
        returning id""",
        viewer.clinic_id,
        viewer.user_id,
        key,
        operation,
        digest.digest(),
        moment,
        moment - _KEPT,
    )
    if row:
        return None
    kept = await connection.fetchrow(
        "select input_hash, result_id from idempotency_keys where clinic_id = $1 and user_id = $2 and key = $3",
        viewer.clinic_id,
        viewer.user_id,
        key,
    )
    assert kept is not None
    if kept["input_hash"] != digest.digest():
        raise Conflict("This key was used for something else", ("idempotency_key",))
    found: UUID = kept["result_id"]
    return found


async def _remember(connection: asyncpg.Connection, viewer: Viewer, key: str, result: UUID) -> None:
    await connection.execute(
        "update idempotency_keys set result_id = $4 where clinic_id = $1 and user_id = $2 and key = $3",
        viewer.clinic_id,
        viewer.user_id,
        key,
        result,
    )


def values_of(said: Any, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """What an input says, by field: ids as UUIDs, texts checked, what was not said left out."""
    return {name: _value(name, value, (*path, name)) for name, value in _said(said)}


def _said(said: Any) -> Iterator[tuple[str, Any]]:
    """The fields of an input that were said: of graphql-core's, or of Strawberry's."""
    if isinstance(said, dict):
        return ((snake(name), value) for name, value in said.items())
    named = ((name, getattr(said, name)) for name in said.__dataclass_fields__)
    return ((name, value) for name, value in named if value is not strawberry.UNSET)


@lru_cache(maxsize=1_000)
def snake(name: str) -> str:
    """A field's name in Python, from its name in the API."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _value(name: str, value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_value(name, item, (*path, str(place))) for place, item in enumerate(value)]
    if isinstance(value, dict) or hasattr(value, "__dataclass_fields__"):
        return values_of(value, path)
    if isinstance(value, str) and (name == "id" or name.endswith("_id")):
        return identity_of(value, path)
    return storable_text(value, path) if isinstance(value, str) else value


def storable_text(text: str, path: tuple[str, ...]) -> str:
    """The text itself, when PostgreSQL can hold it; InvalidInput when not."""
    if not can_be_kept(text):
        raise InvalidInput("This text holds a character that cannot be stored", path)
    return text


def identity_of(text: str, path: tuple[str, ...]) -> UUID:
    """The UUID inside a global id; InvalidInput for a text that no record could have."""
    found = read_id(text)
    if found is None:
        raise InvalidInput("This is not an id", path)
    return found[1]
