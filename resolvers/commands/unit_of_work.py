"""The unit of work of a mutation: one transaction, an idempotency key, domain errors as data, and the record read again for the response."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
from strawberry import Info

from db.ledger.restated import restate
from db.notifications import invoice_changed
from db.sealed_hints import Hints
from db.write_batch import BulkBatch, WriteBatch
from domain.billing.outcomes import Actor
from domain.errors import Conflict, DomainError, InvalidInput, NotFound
from domain.warnings import ChangeWarning
from permissions.graphql_adapter import core_info
from permissions.viewers import Viewer
from resolvers.audit_record import AuditRecord
from resolvers.commands.auditing import record_mutation
from resolvers.commands.inputs import read_inputs
from resolvers.commands.merged_inputs import find_survivors, share_merges, surviving
from resolvers.compiler.reading import Answers, ResolveInfo, resolve_in_transaction
from resolvers.compiler.selection import SelectedField
from resolvers.context import RequestContext

_KEPT = timedelta(hours=24)
LONGEST_KEY = 200
# The stored hash of a request must not help to find out a password.
_SECRET = frozenset({"password"})


@dataclass
class UnitOfWork:
    """The unit of work: what is changed in one transaction, for a user or, if `user_id` is None and the actor has no role, for the worker."""

    connection: asyncpg.Connection
    clinic_id: UUID
    user_id: UUID | None
    actor: Actor
    moment: datetime
    request_id: str
    inputs: Mapping[str, Any]
    # The invoices that were locked as the transaction began.
    locked: frozenset[UUID] = frozenset()
    remembered: bool = False
    # Whether everything is rolled back after the payload was read.
    is_dry_run: bool = False
    # The physician to whom the user's account belongs.
    person_id: UUID | None = None
    # The patients and payers in whose place the input names one that was merged into them.
    merged: frozenset[UUID] = frozenset()
    batches: list[WriteBatch] = field(default_factory=list)
    # What the user should look at although the change is made.
    warnings: list[ChangeWarning] = field(default_factory=list)
    audit: AuditRecord = field(default_factory=AuditRecord)
    # The invoices with facts that count on other days than those on which they were recorded, whose restated states change.
    restated: set[UUID] = field(default_factory=set)
    # By which the database keeps, for subscribers, what the changed invoices were before: the transaction has it as `app.change_id`.
    change_id: UUID = field(default_factory=uuid4)
    # Seals what other processes are notified of.
    hints: Hints = field(default_factory=Hints)
    # The columns of each changed invoice, and the tables beside it. However many steps a command takes, subscribers get one event of
    # an invoice: how many there were would tell them what they do not see.
    changed: dict[UUID, set[str]] = field(default_factory=dict)
    # Of the columns that transitions change, the value before the first one and after the last one: what a command changes and changes
    # back is no event either.
    steps: dict[UUID, dict[str, tuple[Any, Any]]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The calendar day in the clinic."""
        return self.actor.today

    def writes(self) -> WriteBatch:
        """A new, empty batch of writes."""
        self.batches.append(WriteBatch(self.clinic_id))
        return self.batches[-1]

    def bulk_writes(self) -> BulkBatch:
        """A new, empty batch for many rows of the same kinds."""
        batch = BulkBatch(self.clinic_id)
        self.batches.append(batch)
        return batch

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction: if it fails, nothing of it is written, announced or told, and the rest may go on."""
        batches, warnings, restated = len(self.batches), len(self.warnings), set(self.restated)
        changed = {identity: set(columns) for identity, columns in self.changed.items()}
        steps = {identity: dict(values) for identity, values in self.steps.items()}
        await self.connection.execute("savepoint part")
        try:
            yield
        except BaseException:
            await self.connection.execute("rollback to savepoint part")
            del self.batches[batches:]
            del self.warnings[warnings:]
            self.restated, self.changed, self.steps = restated, changed, steps
            raise
        await self.connection.execute("release savepoint part")

    async def restate(self) -> None:
        """Store the restated states of the changed invoices, after everything else was written."""
        if self.restated:
            await restate(self.connection, self.clinic_id, self.restated)

    def remember(self, writes: WriteBatch, record: UUID) -> None:
        """Add the result of the idempotency key to the batch, so that nothing has to be written after `writes`."""
        key = self.inputs.get("idempotency_key")
        if key is not None:
            writes.update("idempotency_keys", {"user_id": self.user_id, "key": key}, result_id=record)
        self.remembered = True

    def notifications(self) -> list[str]:
        """The calls (NOTIFY) that tell subscribers of the changed invoices, to be made as the transaction ends."""
        payloads = [
            invoice_changed(
                self.hints, self.clinic_id, identity, columns - self._changed_back(identity), self.change_id
            )
            for identity, columns in self.changed.items()
        ]
        return [f"select pg_notify('invoice_changed', '{payload}')" for payload in payloads]

    def _changed_back(self, invoice: UUID) -> set[str]:
        return {name for name, (before, after) in self.steps.get(invoice, {}).items() if before == after}

    async def one(self, sql: str, *values: Any) -> Any:
        """The first row of a query within the clinic, with its id bound as $1."""
        return await self.connection.fetchrow(sql, self.clinic_id, *values)

    async def all(self, sql: str, *values: Any) -> Any:
        """All rows of a query within the clinic, with its id bound as $1."""
        return await self.connection.fetch(sql, self.clinic_id, *values)


class _DryRunEndedError(Exception):
    """Rolls back a dry run."""


CommandFunction = Callable[[UnitOfWork], Awaitable[UUID]]


def no_locks(inputs: Mapping[str, Any]) -> frozenset[UUID]:
    """No invoice is locked as the transaction begins."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Command:
    """The command of a mutation: its name, its function, and the invoices that its transaction may lock as it begins.

    After one that `ends_access`, this process drops the record's users from its session cache; the database notifies the others.
    """

    name: str
    run: CommandFunction
    locked_first: Callable[[Mapping[str, Any]], frozenset[UUID]] = no_locks
    ends_access: bool = False


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a command: the id of its record and what was read of it already, or the errors.

    `whole` is the complete response as JSON, if nothing remains to be read. `warnings` come with the first response alone, and
    not with that of a retry with the same idempotency key.
    """

    record: UUID | None
    errors: tuple[DomainError, ...] = ()
    known: Answers = field(default_factory=dict)
    whole: orjson.Fragment | None = None
    warnings: tuple[ChangeWarning, ...] = ()


async def run_command(info: Info, operation: str, input_: Any, function: CommandFunction) -> CommandResult:
    """Run a function in one transaction, once per idempotency key: the id of its record, or the errors; on an error nothing is written."""
    return await _run(core_info(info), Command(operation, function), input_)


async def answer_command(
    info: ResolveInfo, command: Command, input_: Mapping[str, Any], payload: Callable[..., Any]
) -> Any:
    """The same for calls directly from graphql-core: the role schemas call it without Strawberry's wrapper.

    The result is JSON, or the `payload` of the command's result if something remains to be read.
    """
    done = await _run(info, command, input_)
    return payload(result=done) if done.whole is None else done.whole


async def _run(info: ResolveInfo, command: Command, input_: Any) -> CommandResult:
    info.context.audit.written = ""
    try:
        inputs = read_inputs(input_, info.context.today)
    except DomainError as refusal:
        info.context.audit.is_refused = True
        return CommandResult(None, (refusal,))
    return await run_with(info, command, inputs)


async def run_with(
    info: ResolveInfo, command: Command, inputs: Mapping[str, Any], wanted: Sequence[SelectedField] | None = None
) -> CommandResult:
    """Run a command in one transaction with an input that was read; `wanted` are the fields of the part of the payload about its record."""
    context, viewer = info.context, info.context.viewer
    assert viewer is not None
    context.audit.written = ""
    before_commit: list[str] = []
    try:
        key, locked, change_id = inputs.get("idempotency_key"), command.locked_first(inputs), uuid4()
        async with context.database.entered(viewer, locked, before_commit, change_id) as connection:
            known = await _claim(connection, context, command.name, key, inputs) if key is not None else None
            work = _work_of(context, viewer, connection, inputs, locked, change_id)
            if known is None:
                await share_merges(connection, viewer.clinic_id, command.name)
                survivors = await find_survivors(connection, viewer.clinic_id, inputs)
                if survivors:
                    work.inputs, work.merged = surviving(inputs, survivors), frozenset(survivors.values())
                known = await command.run(work)
                await work.restate()
                if key is not None and not work.remembered:
                    await _remember(connection, viewer, key, known)
            answers, whole = await resolve_in_transaction(
                info, known, connection, work.audit, with_arguments=work.is_dry_run, wanted=wanted
            )
            _end_dry_run(work)
            record_mutation(info, before_commit, work.batches, work.moment, work.audit)
            before_commit += work.notifications()
        if command.ends_access and context.sessions:
            context.sessions.forget(known)
        return CommandResult(known, (), answers, whole, tuple(work.warnings))
    except _DryRunEndedError:
        # What was read of it is recorded as of any other read.
        context.audit.add_operation(info.field_name)
        context.audit.add_reads(work.audit)
        return CommandResult(known, (), answers, whole, tuple(work.warnings))
    except DomainError as refusal:
        context.audit.is_refused = True
        return CommandResult(None, (refusal,))
    except asyncpg.ForeignKeyViolationError:
        context.audit.is_refused = True
        return CommandResult(None, (NotFound("There is no such record"),))


def _end_dry_run(work: UnitOfWork) -> None:
    if work.is_dry_run:
        raise _DryRunEndedError


def _work_of(
    context: RequestContext,
    viewer: Viewer,
    connection: asyncpg.Connection,
    inputs: Mapping[str, Any],
    locked: frozenset[UUID],
    change_id: UUID,
) -> UnitOfWork:
    moment = context.clock()
    actor = Actor(viewer.role, context.today, moment)
    known = (connection, viewer.clinic_id, viewer.user_id, actor, moment, context.request_id, inputs, locked)
    return UnitOfWork(*known, person_id=viewer.person_id, change_id=change_id, hints=context.database.hints)


async def _claim(
    connection: asyncpg.Connection, context: RequestContext, operation: str, key: str, inputs: Mapping[str, Any]
) -> UUID | None:
    """The stored result of the idempotency key, None if it is new. A concurrent request with the same key is waited for."""
    viewer, moment = context.viewer, context.clock()
    assert viewer is not None
    if not 0 < len(key) <= LONGEST_KEY:
        raise InvalidInput(f"The idempotency key must have 1 to {LONGEST_KEY} characters", ("idempotency_key",))
    hashed = {**{name: value for name, value in inputs.items() if name not in _SECRET}, "operation": operation}
    digest = hashlib.sha256(orjson.dumps(hashed, default=str, option=orjson.OPT_SORT_KEYS))
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
        raise Conflict("This idempotency key was used for another request", ("idempotency_key",))
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
