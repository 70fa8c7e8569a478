"""Decides how an operation is watched while it runs: how long it may take, and what is counted, timed and told of it."""

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING

from graphql import ExecutionResult, GraphQLError

from domain.people import Role
from resolvers.context import RequestContext
from server.admission import Admission
from server.metrics import Metrics

if TYPE_CHECKING:
    from server.spans import Spans

logger = logging.getLogger("billing.operations")
TIMEOUT = "TIMEOUT"
_SECONDS = 15.0
# A file of a hundred thousand rows is imported whole, in one step.
_SECONDS_OF = {"importRecords": 600.0}
_SLOW_SECONDS = 1.0


def timed_out(request_id: str) -> GraphQLError:
    """What a client is told of an operation that was stopped; a step may have been done just before."""
    words = "This takes too long and was stopped: ask for less, or send a step again with its idempotencyKey"
    return GraphQLError(words, extensions={"code": TIMEOUT, "requestId": request_id})


class Watch:
    """The watch over the operations of one process, and who lets them in."""

    def __init__(self, admission: Admission | None = None, spans: "Spans | None" = None) -> None:
        self.admission, self.metrics, self._spans = admission or Admission(), Metrics(), spans

    async def over(self, running: Awaitable[ExecutionResult], label: str, context: RequestContext) -> ExecutionResult:
        """The result of an operation, when it comes in time."""
        role, began = context.viewer.role if context.viewer else None, perf_counter()
        with self._spans.operation(label, role, context) if self._spans else nullcontext():
            result = await _in_time(running, label, context.request_id)
        self._tell(label, role, perf_counter() - began, result)
        return result

    def _tell(self, label: str, role: Role | None, seconds: float, result: ExecutionResult) -> None:
        self.metrics.done(label, role, seconds, result.errors)
        is_slow = seconds > _SLOW_SECONDS
        if is_slow or logger.isEnabledFor(logging.DEBUG):
            level = logging.INFO if is_slow else logging.DEBUG
            name, errors = role.name if role else "NOBODY", len(result.errors or ())
            logger.log(level, "%s as %s took %.0f ms, errors: %d", label, name, seconds * 1e3, errors)


async def _in_time(running: Awaitable[ExecutionResult], label: str, request_id: str) -> ExecutionResult:
    """The result, or that it did not come in time: what runs is called off then, in PostgreSQL too."""
    try:
        async with asyncio.timeout(_SECONDS_OF.get(label, _SECONDS)) as limit:
            return await running
    except TimeoutError:
        if not limit.expired():
            raise
        return ExecutionResult(None, [timed_out(request_id)])
