"""Steps on many records: the command of the single step, run for each record in a transaction of its own.

The result of each record is kept under the idempotency key of the request and the id of the record: a request that was cut off and is
sent again goes on where it stopped.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.errors import DomainError, InputReason, InvalidInput
from domain.records.bulk_steps import MOST_AT_ONCE
from resolvers.commands.inputs import read_inputs
from resolvers.commands.selections import selected
from resolvers.commands.unit_of_work import LONGEST_KEY, Command, CommandResult, run_with
from resolvers.compiler.reading import ResolveInfo, selected_below
from resolvers.context import RequestContext

# The parts of the input that choose the records; the others are the same for each of them.
_CHOOSING = frozenset({"token", "skip", "invoice_ids", "idempotency_key"})
# Of the six or more connections that a role has in each process.
_RUNNERS = 3
# The key of a record is that of the request, a sign and the record's id.
_SIGN = "#"
_LONGEST = LONGEST_KEY - len(_SIGN) - len(str(UUID(int=0)))


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of a step on one record."""

    invoice_id: UUID
    result: CommandResult


@dataclass(frozen=True, slots=True)
class StepsResult:
    """What came of a step on many records, in their order; or the errors of the request, of which nothing was done."""

    results: tuple[StepResult, ...] = ()
    # The invoices of the selection that come after those of this request.
    remaining: int = 0
    errors: tuple[DomainError, ...] = ()


async def run_steps(info: ResolveInfo, command: Command, input_: Any) -> StepsResult:
    """Run a command for each invoice that the input names, one after the other."""
    audit = info.context.audit
    try:
        inputs = read_inputs(input_, info.context.today)
        _check_key(inputs["idempotency_key"])
        chosen, remaining = await _chosen(info.context, inputs)
    except DomainError as refusal:
        audit.is_refused = True
        return StepsResult(errors=(refusal,))
    found = await _run_all(info, command, inputs, chosen)
    # Each record that was changed has its own event in the audit log; those that were refused have one together.
    is_refused = any(one.result.record is None for one in found)
    audit.is_refused, audit.written = is_refused, "" if is_refused else info.field_name
    return StepsResult(tuple(found), remaining)


async def _run_all(
    info: ResolveInfo, command: Command, inputs: Mapping[str, Any], chosen: Sequence[UUID]
) -> list[StepResult]:
    """The results in the order of the records. Several runners take one record after the other, while another waits for the database."""
    wanted, waiting = selected_below(info, "outcomes"), iter(chosen)
    found: dict[UUID, CommandResult] = {}

    async def run() -> None:
        for identity in waiting:
            found[identity] = await run_with(info, command, _inputs_of(inputs, identity), wanted)

    try:
        async with asyncio.TaskGroup() as runners:
            for _ in range(min(_RUNNERS, len(chosen))):
                runners.create_task(run())
    except BaseExceptionGroup as failures:
        # What was done stays done; the request fails as a single step would.
        raise failures.exceptions[0] from None
    return [StepResult(identity, found[identity]) for identity in chosen]


async def _chosen(context: RequestContext, inputs: Mapping[str, Any]) -> tuple[Sequence[UUID], int]:
    """The invoices of the request, each once, and how many of its selection come after them."""
    token, named = inputs.get("token"), inputs.get("invoice_ids")
    if (token is None) == (named is None):
        raise InvalidInput("Give either the token of a selection or the ids of invoices", ("token",))
    if token is not None:
        key = f"{inputs['idempotency_key']}{_SIGN}"
        return await selected(context, token, inputs.get("skip") or 0, key)
    ids = list(dict.fromkeys(named or ()))
    if not ids:
        raise InvalidInput("Name at least one invoice", ("invoice_ids",), InputReason.BLANK)
    if len(ids) > MOST_AT_ONCE:
        words = f"One request takes at most {MOST_AT_ONCE} invoices"
        raise InvalidInput(words, ("invoice_ids",), InputReason.TOO_HIGH, limit=f"{MOST_AT_ONCE}")
    return ids, 0


def _check_key(key: str) -> None:
    if not 0 < len(key) <= _LONGEST:
        raise InvalidInput(f"The idempotency key must have 1 to {_LONGEST} characters", ("idempotency_key",))


def _inputs_of(inputs: Mapping[str, Any], identity: UUID) -> dict[str, Any]:
    """The input of the single step on one record."""
    same = {name: value for name, value in inputs.items() if name not in _CHOOSING}
    return {**same, "invoice_id": identity, "idempotency_key": f"{inputs['idempotency_key']}{_SIGN}{identity}"}
