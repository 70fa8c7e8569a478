"""The operation monitor: enforces the timeout of operations, and records their metrics, traces and log lines."""

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING

from graphql import ExecutionResult, FieldNode, GraphQLError, OperationDefinitionNode

from domain.access.people import Role
from limits.admission import AdmissionControl
from observability.metrics import Metrics
from resolvers.context import RequestContext

if TYPE_CHECKING:
    from observability.tracing import Spans

logger = logging.getLogger("billing.operations")
TIMEOUT = "TIMEOUT"
_SECONDS = 15.0
# A file of a hundred thousand rows is imported in one transaction.
_SECONDS_OF = {
    **dict.fromkeys(("importRecords", "importPreview"), 600.0),
    # Hundreds of records, one transaction after the other.
    **dict.fromkeys(("submitInvoices", "scheduleReminders", "addInternalNotes", "placeHolds"), 60.0),
    # A remittance of ten thousand claims is posted in one transaction.
    **dict.fromkeys(("importRemittance", "postRemittance"), 180.0),
}
_SLOW_SECONDS = 1.0


def timed_out(request_id: str) -> GraphQLError:
    """The error of an operation that exceeded its timeout; a mutation may have been committed just before."""
    words = "The operation exceeded the time limit: request less data, or retry a mutation with the same idempotencyKey"
    return GraphQLError(words, extensions={"code": TIMEOUT, "requestId": request_id})


def operation_label(operation: OperationDefinitionNode) -> str:
    """The label of an operation: the schema name of its root field. The client's operation name could hold personal data.

    >>> from graphql import parse
    >>> operation_label(parse("query JaneDoe { mine: invoices { totalCount } }").definitions[0])
    'invoices'
    >>> operation_label(parse("{ invoices { totalCount } cases { totalCount } }").definitions[0])
    'several'
    """
    first, *others = operation.selection_set.selections
    return first.name.value if isinstance(first, FieldNode) and not others else "several"


def error_code(error: GraphQLError) -> str:
    """The error code, for metrics."""
    return str((error.extensions or {}).get("code", "INVALID"))


class OperationMonitor:
    """Monitors the operations of one process, and holds its admission control and metrics."""

    def __init__(self, admission: AdmissionControl | None = None, spans: "Spans | None" = None) -> None:
        self.admission, self.metrics, self._spans = admission or AdmissionControl(), Metrics(), spans

    async def run(self, running: Awaitable[ExecutionResult], label: str, context: RequestContext) -> ExecutionResult:
        """Await the result of an operation within its timeout, and record it."""
        role, began = context.viewer.role if context.viewer else None, perf_counter()
        with (
            self._spans.operation(label, role, context.request_id, context.trace_parent)
            if self._spans
            else nullcontext()
        ):
            result = await _in_time(running, label, context.request_id)
        self._record(label, role, perf_counter() - began, result)
        return result

    def _record(self, label: str, role: Role | None, seconds: float, result: ExecutionResult) -> None:
        self.metrics.done(label, role, seconds, map(error_code, result.errors or ()))
        is_slow = seconds > _SLOW_SECONDS
        if is_slow or logger.isEnabledFor(logging.DEBUG):
            level = logging.INFO if is_slow else logging.DEBUG
            name, errors = role.name if role else "NOBODY", len(result.errors or ())
            logger.log(level, "%s as %s took %.0f ms, errors: %d", label, name, seconds * 1e3, errors)


async def _in_time(running: Awaitable[ExecutionResult], label: str, request_id: str) -> ExecutionResult:
    """The result, or a timeout error; on timeout, the operation is cancelled, its statement in PostgreSQL included."""
    try:
        async with asyncio.timeout(_SECONDS_OF.get(label, _SECONDS)) as limit:
            return await running
    except TimeoutError:
        if not limit.expired():
            raise
        return ExecutionResult(None, [timed_out(request_id)])
