"""The GraphQL executor: runs operations on the schema of the viewer's role, and redacts errors for the client."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import asyncpg
import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, OperationType, execute, subscribe

from db.connections import OUTAGES, BusyError
from domain.access.people import Role
from domain.access.sign_in import network_of
from domain.errors import UNAVAILABLE, RefusedRequest, RequestError
from observability.logs import trace
from observability.outages import DATABASE, SEEN
from permissions.graphql_adapter import StrawberryGraphQLCoreExecutionContext
from resolvers.context import RequestContext
from server.execution.document_cache import DocumentCache, ParsedDocument
from server.execution.error_redaction import without_value
from server.execution.operation_monitor import OperationMonitor, operation_label, timed_out
from server.execution.request_error_codes import BAD_USER_INPUT, MOST_ERRORS, place_in_variables, with_code
from server.execution.requests import LARGEST_BODY, GraphQLRequest
from server.execution.trusted_documents import TrustedDocuments
from storage.blobs import MissingBlobError, StorageError

logger = logging.getLogger("billing.execution")
Variables = dict[str, Any] | None


class FragmentExecutionContext(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which passes JSON that PostgreSQL has encoded through unchanged."""

    def complete_value(self, return_type: Any, details: Any, info: Any, path: Any, result: Any, position: Any) -> Any:
        """The value of a field; a fragment of JSON is returned unchanged. Root fields are noted for the audit log."""
        is_asked = path.prev is None and not info.field_name.startswith("__")
        if is_asked and (result is not None or info.operation.operation is not OperationType.SUBSCRIPTION):
            self.context_value.audit.add_operation(info.field_name)
        if result.__class__ is orjson.Fragment:
            return result
        return super().complete_value(return_type, details, info, path, result, position)


class GraphQLExecutor:
    """Executes operations: one document cache and one schema per role."""

    def __init__(
        self,
        schemas: Mapping[Role | None, GraphQLSchema],
        watch: OperationMonitor | None = None,
        trusted: TrustedDocuments | None = None,
    ) -> None:
        """With `trusted` documents, no others are executed."""
        self.schemas, self.watch, self._trusted = schemas, watch or OperationMonitor(), trusted
        self.documents = DocumentCache(schemas)

    def source_of(self, request: GraphQLRequest) -> Any:
        """The text of the requested document; RefusedRequest when only trusted documents are allowed and it is none."""
        if self._trusted:
            return self._trusted.text_of(request)
        if request.query is None and request.persisted_hash is not None:
            # Clients of Apollo and urql know these words, and send the text from then on.
            raise RefusedRequest(400, "PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")
        if request.query is None and request.document_id is not None:
            raise RefusedRequest(400, "This server has no trusted documents: send the query", "DOCUMENT_NOT_LISTED")
        return request.query

    def prepare(self, context: RequestContext, source: Any) -> ParsedDocument:
        """The document validated for the role of this request's viewer."""
        if not isinstance(source, str):
            return ParsedDocument(None, (bad_request("query must be a string with a GraphQL document"),))
        if len(source) > LARGEST_BODY:
            return ParsedDocument(None, (bad_request("The document is larger than 1 MiB"),))
        return self.documents.prepare(_role(context), source)

    async def prepare_in_thread(self, context: RequestContext, source: Any) -> ParsedDocument:
        """The same, without blocking other requests; RefusedRequest (429) when the party exceeds the rate limit of new documents."""
        role = _role(context)
        if not isinstance(source, str) or len(source) > LARGEST_BODY or self.documents.knows(role, source):
            return self.prepare(context, source)
        party = context.viewer.user_id if context.viewer else network_of(context.address)
        self.watch.admission.check_document_rate(party, len(source))
        return await self.documents.prepare_in_thread(role, source)

    async def execute(
        self, prepared: ParsedDocument, context: RequestContext, variables: Any, operation_name: str | None
    ) -> ExecutionResult:
        """The result of a query or mutation, with errors redacted for the client. `variables` are not validated yet."""
        assert prepared.document is not None
        if not isinstance(variables, dict | None):
            return ExecutionResult(None, [bad_request("variables must be a JSON object")])
        running = self._execute(prepared.document, context, variables, operation_name)
        return await self.watch.run(running, self._label(prepared, operation_name), context)

    async def _execute(
        self, document: DocumentNode, context: RequestContext, variables: Variables, operation_name: str | None
    ) -> ExecutionResult:
        result: Any = execute(
            self.schemas[_role(context)],
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            executor_class=FragmentExecutionContext,
            hide_suggestions=True,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        context.write_audit_record()
        return with_public_errors(result, context)

    def _label(self, prepared: ParsedDocument, operation_name: str | None) -> str:
        """The label of an operation in metrics and logs: the name of its trusted document, or its root field."""
        operation = prepared.operation(operation_name)
        if operation is None:
            return "none"
        name = self._trusted.name_of(prepared.source) if self._trusted else None
        return name or operation_label(operation)

    async def stream(
        self, prepared: ParsedDocument, context: RequestContext, variables: Variables, operation_name: str | None
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of any operation: one for a query or mutation, one per event for a subscription."""
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
            executor_class=FragmentExecutionContext,
            hide_suggestions=True,
        )
        if not isinstance(source, ExecutionResult | AsyncIterator):
            source = await source
        if isinstance(source, ExecutionResult):
            yield with_public_errors(source, context)
            return
        try:
            async for result in source:
                context.write_audit_record()
                yield with_public_errors(result, context)
        except Exception as failure:  # noqa: BLE001 (any failure of a stream is redacted like other errors)
            yield failed(failure, context.request_id)


def _role(context: RequestContext) -> Role | None:
    return context.viewer.role if context.viewer else None


def with_public_errors(result: ExecutionResult, context: RequestContext) -> ExecutionResult:
    """The result with unexpected exceptions replaced by a request id; the log has their stack traces, without values."""
    if result.errors:
        # graphql-core adds an error that says that it has stopped at its limit.
        told = result.errors if result.data is not None else result.errors[:MOST_ERRORS]
        return ExecutionResult(result.data, [_public(error, context.request_id) for error in told])
    return result


def _public(error: GraphQLError, request_id: str) -> GraphQLError:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error:
        cause = cause.original_error
    if cause is None or isinstance(cause, GraphQLError):
        redacted = without_value(with_code(error, BAD_USER_INPUT, place_in_variables(error)))
        return redacted if redacted.message.isascii() else _encodable(redacted)
    message, extensions = public_error(cause, request_id)
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=extensions)


def failed(failure: Exception, request_id: str) -> ExecutionResult:
    """The result of an operation that an exception has ended; the message of a GraphQLError goes to the client."""
    error = failure if isinstance(failure, GraphQLError) else GraphQLError("", original_error=failure)
    return ExecutionResult(None, [_public(error, request_id)])


def bad_request(message: str) -> GraphQLError:
    """The error of a malformed request."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def _encodable(error: GraphQLError) -> GraphQLError:
    """The error without lone surrogates in its message, which UTF-8 cannot encode."""
    message = error.message.encode("utf-8", "replace").decode()
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=error.extensions)


def public_error(cause: BaseException, request_id: str) -> tuple[str, dict[str, Any]]:
    """The public message and extensions of an unexpected exception; its stack trace goes to the log."""
    # Timeouts and overload are counted in the metrics and not logged, because there are many at once.
    if isinstance(cause, asyncpg.QueryCanceledError):
        stopped = timed_out(request_id)
        return stopped.message, stopped.extensions or {}
    if isinstance(cause, BusyError):
        return "The server is busy: try again", {"code": UNAVAILABLE, "requestId": request_id}
    if isinstance(cause, RequestError):
        return cause.message, {"code": cause.code}
    if isinstance(cause, OUTAGES):
        SEEN.began(DATABASE, cause)
        return "The database cannot be reached: try again", {"code": UNAVAILABLE, "requestId": request_id}
    # The message of a database error may quote a row: only frames and types are logged.
    if isinstance(cause, MissingBlobError) or not isinstance(cause, StorageError):
        logger.error("request %s failed: %s", request_id, trace(cause))
    if isinstance(cause, StorageError):
        return "The file storage cannot be reached: try again", {"code": UNAVAILABLE, "requestId": request_id}
    return "Internal server error", {"code": "INTERNAL_ERROR", "requestId": request_id}
