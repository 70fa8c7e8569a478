"""Decides how an operation is run on a role's schema, and what a client learns of an error."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import asyncpg
import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, OperationType, execute, subscribe
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from db.connections import BusyError
from domain.people import Role
from resolvers.context import RequestContext
from server.documents import Documents, Prepared
from server.echoes import without_value
from server.logs import trace
from server.metrics import label_of
from server.requests import LARGEST_BODY, GraphQLRequest, RefusedRequest
from server.storage import StorageError
from server.trusted_documents import TrustedDocuments
from server.watching import Watch, timed_out

logger = logging.getLogger("billing.execution")
UNAVAILABLE = "UNAVAILABLE"
# The database is not there, or not any more: asking again later may help.
OUTAGES = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
Variables = dict[str, Any] | None


class PassingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which lets an answer pass that PostgreSQL has encoded already."""

    def complete_value(self, return_type: Any, details: Any, info: Any, path: Any, result: Any, position: Any) -> Any:
        """The value of a field: a fragment as it is, anything else as usual. What was asked for at the root is noted for the audit trail."""
        is_asked = path.prev is None and not info.field_name.startswith("__")
        if is_asked and (result is not None or info.operation.operation is not OperationType.SUBSCRIPTION):
            self.context_value.trail.asked(info.field_name)
        if result.__class__ is orjson.Fragment:
            return result
        return super().complete_value(return_type, details, info, path, result, position)


class Engine:
    """Runs operations: documents by role, execution on the role's own schema."""

    def __init__(
        self,
        schemas: Mapping[Role | None, GraphQLSchema],
        watch: Watch | None = None,
        trusted: TrustedDocuments | None = None,
    ) -> None:
        """Where documents are `trusted`, no others run."""
        self.schemas, self.watch, self._trusted = schemas, watch or Watch(), trusted
        self.documents = Documents(schemas)

    def source_of(self, request: GraphQLRequest) -> Any:
        """The document that a request asks to be run; RefusedRequest for one that is not listed where only such run."""
        if self._trusted:
            return self._trusted.text_of(request)
        if request.query is None and request.document_id is not None:
            raise RefusedRequest(400, "No documents are listed here: send the query", "DOCUMENT_NOT_LISTED")
        return request.query

    def prepare(self, context: RequestContext, source: Any) -> Prepared:
        """The document as the viewer of this request may run it."""
        if not isinstance(source, str):
            return Prepared(None, (bad_request("query is a string with a GraphQL document"),))
        if len(source) > LARGEST_BODY:
            return Prepared(None, (bad_request("The document is larger than 1 MiB"),))
        return self.documents.prepare(_role(context), source)

    async def prepare_aside(self, context: RequestContext, source: Any) -> Prepared:
        """The same, without holding up other requests; RefusedRequest for somebody who sends ever new documents."""
        role = _role(context)
        if not isinstance(source, str) or len(source) > LARGEST_BODY or self.documents.knows(role, source):
            return self.prepare(context, source)
        party = context.viewer.user_id if context.viewer else context.address
        self.watch.admission.new_document(party, len(source))
        return await self.documents.prepare_aside(role, source)

    async def execute(
        self, prepared: Prepared, context: RequestContext, variables: Any, operation_name: str | None
    ) -> ExecutionResult:
        """The result of a query or mutation; errors are already such as a client may see. Variables may be of any type still."""
        assert prepared.document is not None
        if not isinstance(variables, dict | None):
            return ExecutionResult(None, [bad_request("variables is a JSON object")])
        running = self._execute(prepared.document, context, variables, operation_name)
        return await self.watch.over(running, self._label(prepared, operation_name), context)

    async def _execute(
        self, document: DocumentNode, context: RequestContext, variables: Variables, operation_name: str | None
    ) -> ExecutionResult:
        result: Any = execute(
            self.schemas[_role(context)],
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            executor_class=PassingExecutor,
            hide_suggestions=True,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        context.keep_trail()
        return masked(result, context)

    def _label(self, prepared: Prepared, operation_name: str | None) -> str:
        """What an operation is counted as: the name under which it is listed, or its field."""
        operation = prepared.operation(operation_name)
        if operation is None:
            return "none"
        name = self._trusted.name_of(prepared.source) if self._trusted else None
        return name or label_of(operation)

    async def stream(
        self, prepared: Prepared, context: RequestContext, variables: Variables, operation_name: str | None
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of any operation: one of a query or mutation, as many as there are events of a subscription."""
        operation = prepared.operation(operation_name)
        if operation is None or operation.operation is not OperationType.SUBSCRIPTION:
            yield await self.execute(prepared, context, variables, operation_name)
            return
        assert prepared.document is not None
        source: Any = subscribe(
            self.schemas[_role(context)],
            prepared.document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            executor_class=PassingExecutor,
            hide_suggestions=True,
        )
        if not isinstance(source, ExecutionResult | AsyncIterator):
            source = await source
        if isinstance(source, ExecutionResult):
            yield masked(source, context)
            return
        try:
            async for result in source:
                context.keep_trail()
                yield masked(result, context)
        except Exception as failure:  # noqa: BLE001 (whatever ends a stream, the client is told as of anything else)
            yield failed(failure, context.request_id)


def _role(context: RequestContext) -> Role | None:
    return context.viewer.role if context.viewer else None


def masked(result: ExecutionResult, context: RequestContext) -> ExecutionResult:
    """A result in which an unexpected exception is a request id and nothing else; the log has its trace, without values."""
    if result.errors:
        return ExecutionResult(result.data, [_masked(error, context.request_id) for error in result.errors])
    return result


def _masked(error: GraphQLError, request_id: str) -> GraphQLError:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error:
        cause = cause.original_error
    if cause is None or isinstance(cause, GraphQLError):
        told_alone = without_value(error)
        return told_alone if told_alone.message.isascii() else _encodable(told_alone)
    message, extensions = told(cause, request_id)
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=extensions)


def failed(failure: Exception, request_id: str) -> ExecutionResult:
    """The result of an operation that an exception has ended; a GraphQLError is meant for the client."""
    error = failure if isinstance(failure, GraphQLError) else GraphQLError("", original_error=failure)
    return ExecutionResult(None, [_masked(error, request_id)])


def bad_request(message: str) -> GraphQLError:
    """The error of something that is no request."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def _encodable(error: GraphQLError) -> GraphQLError:
    """The error without the halves of surrogate pairs that its message may quote: no encoding has them."""
    message = error.message.encode("utf-8", "replace").decode()
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=error.extensions)


def told(cause: BaseException, request_id: str) -> tuple[str, dict[str, Any]]:
    """What a client is told of an unexpected exception, as message and extensions; the rest goes to the log."""
    # These two are counted, and are many when there are any.
    if isinstance(cause, asyncpg.QueryCanceledError):
        stopped = timed_out(request_id)
        return stopped.message, stopped.extensions or {}
    if isinstance(cause, BusyError):
        return "The server is busy: try again", {"code": UNAVAILABLE, "requestId": request_id}
    # The message of a database error may quote a row: the trace is logged by its frames and types alone.
    logger.error("request %s failed: %s", request_id, trace(cause))
    if isinstance(cause, OUTAGES):
        return "The database cannot be reached: try again", {"code": UNAVAILABLE, "requestId": request_id}
    if isinstance(cause, StorageError):
        return "Files cannot be reached: try again", {"code": UNAVAILABLE, "requestId": request_id}
    return "Something went wrong on our side", {"code": "INTERNAL_ERROR", "requestId": request_id}
