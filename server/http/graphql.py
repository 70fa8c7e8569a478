"""GraphQL over HTTP: load shedding, authentication by bearer token, execution, and the status and headers of the response."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from secrets import token_hex

import orjson
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from db.notifications import Notifications
from db.pools import Database
from domain.clock import Clock, now
from domain.errors import UNAVAILABLE, RefusedRequest
from identity.login_commands import LoginCommands
from identity.sessions import Sessions
from limits.admission import overloaded
from observability.request_id import REQUEST_ID
from permissions.viewers import Viewer
from resolvers.context import RequestContext, WriteAuditEvent
from server.execution.document_cache import ParsedDocument
from server.execution.graphql_executor import GraphQLExecutor, bad_request, public_error
from server.execution.operation_monitor import TIMEOUT, error_code
from server.execution.requests import GraphQLRequest
from server.http import ide
from server.http.compression import compressed
from server.http.requests import GRAPHQL_JSON, JSON, answer_type, base_url, check_content_type, parse_request, read_body
from storage.files import Files

_BEARER = "bearer "


class GraphQLOverHTTP:
    """The ASGI application at /graphql for HTTP."""

    def __init__(
        self,
        engine: GraphQLExecutor,
        database: Database,
        sessions: Sessions,
        *,
        files: Files,
        changes: Notifications | None = None,
        keep: WriteAuditEvent | None = None,
        logins: LoginCommands | None = None,
        clock: Clock = now,
    ) -> None:
        self.engine, self.database, self.sessions, self.files, self.clock = engine, database, sessions, files, clock
        self._changes, self._keep = changes, keep
        self.admission, self._metrics = engine.watch.admission, engine.watch.metrics
        self._logins = logins or LoginCommands(database, sessions, files.keys, clock=clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["method"] == "POST" and self.admission.should_shed():
            self._metrics.answered(503)
            await _shed(send)
            return
        headers = Headers(scope=scope)
        if scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", ""):
            await ide.page()(scope, receive, send)
            return
        request_id, media_type, extra = token_hex(16), JSON, dict[str, str]()
        REQUEST_ID.set(request_id)
        try:
            media_type = answer_type(headers.get("accept"))
            status, body, has_secrets = await self._answer(scope, headers, receive, media_type, request_id)
            if not has_secrets:
                body, extra = await _compressed(body, headers)
        except RefusedRequest as refused:
            status, body, extra = refused.status, _refused(refused), refused.headers
        except Exception as failure:  # noqa: BLE001 (of an unexpected error, the client gets only the request id)
            message, extensions = public_error(failure, request_id)
            status, extra = 503 if extensions["code"] == UNAVAILABLE else 500, {}
            body = orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})
        if status == 503:  # noqa: PLR2004
            extra = {**extra, "Retry-After": "1"}
        self._metrics.answered(status)
        await _send(send, status, body, media_type, request_id, extra)

    async def _answer(
        self, scope: Scope, headers: Headers, receive: Receive, media_type: str, request_id: str
    ) -> tuple[int, bytes, bool]:
        """The status and the body, and whether the body may have secrets in it."""
        if scope["method"] != "POST":
            raise RefusedRequest(
                405, "GraphQL requests must use POST (urql: preferGetMethod: false)", headers={"Allow": "POST"}
            )
        check_content_type(headers.get("content-type", ""))
        address = address_of(scope)
        with self.admission.body_slot(address):
            request = parse_request(await read_body(headers, receive))
        with self.admission.request_slot(address):
            viewer = await self.viewer(headers.get("authorization"))
            context = self.context(viewer, request_id, scope)
            context.trace_parent = headers.get("traceparent")
            async with self.turn(viewer):
                return await self._run(request, context, media_type)

    def turn(self, viewer: Viewer | None) -> AbstractAsyncContextManager[None]:
        """A slot among the requests of one user; anonymous requests have none and wait in the sign-in queue instead."""
        return self.admission.turn(viewer.user_id) if viewer else nullcontext()

    async def _run(self, request: GraphQLRequest, context: RequestContext, media_type: str) -> tuple[int, bytes, bool]:
        prepared = await self.engine.prepare_in_thread(context, self.engine.source_of(request))
        refusal = _refusal(prepared, request)
        if refusal:
            self._metrics.count_errors(
                map(error_code, refusal), context.viewer.role.name if context.viewer else "NOBODY"
            )
            body = orjson.dumps({"errors": [error.formatted for error in refusal]})
            return 400 if media_type == GRAPHQL_JSON else 200, body, False
        result = await self.engine.execute(prepared, context, request.variables, request.operation_name)
        operation = prepared.operation(request.operation_name)
        is_query = operation is not None and operation.operation is OperationType.QUERY
        return _status(result, media_type), encode_result(result), not is_query or context.has_signed_urls

    def context(self, viewer: Viewer | None, request_id: str, scope: Scope) -> RequestContext:
        """The context of one request, over HTTP or over WebSocket."""
        find_base_url = partial(base_url, self.files.public_url, scope)
        return RequestContext(
            viewer,
            self.database,
            self.sessions,
            request_id,
            link_key=self.files.link_key,
            find_base_url=find_base_url,
            changes=self._changes,
            keep=self._keep,
            logins=self._logins,
            address=address_of(scope),
            store=self.files.store,
            clock=self.clock,
        )

    async def viewer(self, authorization: str | None, *, is_use: bool = True) -> Viewer | None:
        """The viewer of a bearer token, None without one; RefusedRequest (401) when the token is invalid or has expired."""
        if authorization is None:
            return None
        viewer = None
        if authorization[: len(_BEARER)].lower() == _BEARER:
            viewer = await self.sessions.find(authorization[len(_BEARER) :].strip(), is_use=is_use)
        if viewer is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise RefusedRequest(401, "The session has ended: sign in again", "UNAUTHENTICATED", challenge)
        if is_use:
            self.admission.check_user_rate(viewer.user_id)
        return viewer

    async def check_access(self, authorization: str | None, viewer: Viewer | None) -> None:
        """RefusedRequest (401) when the token is no longer valid, or the user's role or person has changed since."""
        now = await self.viewer(authorization, is_use=False)
        if now and viewer and (now.role, now.person_id) == (viewer.role, viewer.person_id):
            return
        raise RefusedRequest(401, "The session has ended: sign in again", "UNAUTHENTICATED")


def address_of(scope: Scope) -> str:
    """The client's IP address: the peer's, or the one that a trusted proxy forwards; empty on a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _refusal(prepared: ParsedDocument, request: GraphQLRequest) -> Sequence[GraphQLError]:
    """The errors that keep a document from being executed; empty when it may be executed."""
    if prepared.errors:
        return prepared.errors
    operation: OperationDefinitionNode | None = prepared.operation(request.operation_name)
    if operation is None:
        unknown = (
            "There is no operation of that name"
            if request.operation_name
            else "operationName must name one of the document's operations"
        )
        return [bad_request(unknown)]
    if operation.operation is OperationType.SUBSCRIPTION:
        return [bad_request("Subscriptions are served over WebSocket")]
    return []


def _status(result: ExecutionResult, media_type: str) -> int:
    """The HTTP status of a result: invalid variables leave no data, for which application/graphql-response+json requires 400."""
    codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
    if UNAVAILABLE in codes:
        return 503
    if TIMEOUT in codes:
        return 504
    is_request_error = (
        result.data is None and result.errors is not None and all(not error.path for error in result.errors)
    )
    return 400 if is_request_error and media_type == GRAPHQL_JSON else 200


def encode_result(result: ExecutionResult) -> bytes:
    """The response body; fragments of JSON that PostgreSQL encoded are included unchanged."""
    if not result.errors:
        return orjson.dumps({"data": result.data})
    errors = [error.formatted for error in result.errors]
    is_request_error = result.data is None and all(not error.path for error in result.errors)
    return orjson.dumps({"errors": errors} if is_request_error else {"errors": errors, "data": result.data})


def _refused(refused: RefusedRequest) -> bytes:
    return orjson.dumps({"errors": [{"message": refused.message, "extensions": {"code": refused.code}}]})


def _headers(body: bytes, media_type: str) -> list[tuple[bytes, bytes]]:
    """The headers of every response."""
    return [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]


# Load shedding must cost as little as possible: a shed request is not read at all.
_BUSY = _refused(overloaded())
_BUSY_HEADERS = [*_headers(_BUSY, JSON), (b"retry-after", b"1")]


async def _shed(send: Send) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": _BUSY_HEADERS})
    await send({"type": "http.response.body", "body": _BUSY})


async def _compressed(body: bytes, headers: Headers) -> tuple[bytes, dict[str, str]]:
    shorter = await compressed(body, headers)
    return (body, {}) if shorter is None else (shorter, {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})


async def _send(send: Send, status: int, body: bytes, media_type: str, request_id: str, extra: dict[str, str]) -> None:
    headers = [
        *_headers(body, media_type),
        (b"x-request-id", request_id.encode()),
        *((name.lower().encode(), value.encode()) for name, value in extra.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
