"""Decides how GraphQL is served over HTTP: strict about what comes in, lean about what goes out."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from secrets import token_hex

import orjson
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from db.pools import Database
from permissions.viewers import Viewer
from resolvers.context import Changes, Clock, Keep, OwnAccount, RequestContext, now
from server import ide
from server.admission import busy
from server.documents import Prepared
from server.executing import UNAVAILABLE, Engine, bad_request, told
from server.files import Files
from server.requests import (
    GRAPHQL_JSON,
    JSON,
    REQUEST_ID,
    GraphQLRequest,
    RefusedRequest,
    answer_type,
    check_content_type,
    parse_request,
    read_body,
)
from server.sessions import Sessions
from server.sign_in import SignIns
from server.watching import TIMEOUT

_BEARER = "bearer "


class GraphQLOverHTTP:
    """The ASGI application at /graphql for HTTP."""

    def __init__(
        self,
        engine: Engine,
        database: Database,
        sessions: Sessions,
        *,
        files: Files,
        changes: Changes | None = None,
        keep: Keep | None = None,
        account: OwnAccount | None = None,
        sign_ins: SignIns | None = None,
        clock: Clock = now,
    ) -> None:
        self.engine, self.database, self.sessions, self.files, self.clock = engine, database, sessions, files, clock
        self._changes, self._account, self._keep = changes, account, keep
        self.admission, self._metrics = engine.watch.admission, engine.watch.metrics
        self._sign_ins = sign_ins or SignIns(database, sessions, files.link_key, clock=clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is."""
        if scope["method"] == "POST" and self.admission.turns_away():
            self._metrics.answered(503)
            await _turn_away(send)
            return
        headers = Headers(scope=scope)
        if scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", ""):
            await ide.page()(scope, receive, send)
            return
        request_id, media_type = token_hex(16), JSON
        REQUEST_ID.set(request_id)
        try:
            media_type = answer_type(headers.get("accept"))
            status, body = await self._answer(scope, headers, receive, media_type, request_id)
            extra: dict[str, str] = {}
        except RefusedRequest as refused:
            status, body, extra = refused.status, _said(refused), refused.headers
        except Exception as failure:  # noqa: BLE001 (whatever it is, the client is told no more than a request id)
            message, extensions = told(failure, request_id)
            status, extra = 503 if extensions["code"] == UNAVAILABLE else 500, {}
            body = orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})
        if status == 503:  # noqa: PLR2004
            extra = {"Retry-After": "1"}
        self._metrics.answered(status)
        await _send(send, status, body, media_type, request_id, extra)

    async def _answer(
        self, scope: Scope, headers: Headers, receive: Receive, media_type: str, request_id: str
    ) -> tuple[int, bytes]:
        if scope["method"] != "POST":
            raise RefusedRequest(405, "GraphQL is asked by POST", headers={"Allow": "POST"})
        check_content_type(headers.get("content-type", ""))
        address = address_of(scope)
        with self.admission.sending(address):
            request = parse_request(await read_body(headers, receive))
        with self.admission.answering(address):
            viewer = await self.viewer(headers.get("authorization"))
            context = self.context(viewer, request_id, scope)
            context.trace_parent = headers.get("traceparent")
            async with self.turn(viewer):
                return await self._run(request, context, media_type)

    def turn(self, viewer: Viewer | None) -> AbstractAsyncContextManager[None]:
        """A turn among the requests of one user; whoever is nobody yet waits elsewhere, for a sign-in."""
        return self.admission.turn(viewer.user_id) if viewer else nullcontext()

    async def _run(self, request: GraphQLRequest, context: RequestContext, media_type: str) -> tuple[int, bytes]:
        prepared = await self.engine.prepare_aside(context, self.engine.source_of(request))
        refusal = _refusal(prepared, request)
        if refusal:
            self._metrics.told(refusal, context.viewer.role.name if context.viewer else "NOBODY")
            body = orjson.dumps({"errors": [error.formatted for error in refusal]})
            return 400 if media_type == GRAPHQL_JSON else 200, body
        result = await self.engine.execute(prepared, context, request.variables, request.operation_name)
        return _status(result, media_type), encoded(result)

    def context(self, viewer: Viewer | None, request_id: str, scope: Scope) -> RequestContext:
        """What belongs to one request, over HTTP or over WebSocket."""
        find_base_url = partial(self.files.base_url, scope)
        return RequestContext(
            viewer,
            self.database,
            self.sessions,
            request_id,
            link_key=self.files.link_key,
            find_base_url=find_base_url,
            changes=self._changes,
            keep=self._keep,
            own_account=self._account,
            sign_ins=self._sign_ins,
            address=address_of(scope),
            store=self.files.store,
            clock=self.clock,
        )

    async def viewer(self, authorization: str | None, *, is_use: bool = True) -> Viewer | None:
        """Who sends the request; refuses with 401 a token that is not, or no longer, good."""
        if authorization is None:
            return None
        viewer = None
        if authorization[: len(_BEARER)].lower() == _BEARER:
            viewer = await self.sessions.find(authorization[len(_BEARER) :].strip(), is_use=is_use)
        if viewer is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise RefusedRequest(401, "The session has ended: sign in again", "UNAUTHENTICATED", challenge)
        if is_use:
            self.admission.keep_pace(viewer.user_id)
        return viewer

    async def check_access(self, authorization: str | None, viewer: Viewer | None) -> None:
        """Refuse with 401 somebody whose token is not good any more, or who has become somebody else since."""
        now = await self.viewer(authorization, is_use=False)
        if now and viewer and (now.role, now.person_id) == (viewer.role, viewer.person_id):
            return
        raise RefusedRequest(401, "The session has ended: sign in again", "UNAUTHENTICATED")


def address_of(scope: Scope) -> str:
    """The client's network address: the peer's, or what a trusted proxy says of it; a Unix socket has none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _refusal(prepared: Prepared, request: GraphQLRequest) -> Sequence[GraphQLError]:
    """The errors for which a document is not run; none when it is."""
    if prepared.errors:
        return prepared.errors
    operation: OperationDefinitionNode | None = prepared.operation(request.operation_name)
    if operation is None:
        unknown = (
            "There is no operation of that name" if request.operation_name else "operationName must choose an operation"
        )
        return [bad_request(unknown)]
    if operation.operation is OperationType.SUBSCRIPTION:
        return [bad_request("Subscriptions are served over WebSocket")]
    return []


def _status(result: ExecutionResult, media_type: str) -> int:
    """Variables that do not fit leave no data: then nothing was run, which the newer media type says with 400."""
    codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
    if UNAVAILABLE in codes:
        return 503
    if TIMEOUT in codes:
        return 504
    is_request_error = (
        result.data is None and result.errors is not None and all(not error.path for error in result.errors)
    )
    return 400 if is_request_error and media_type == GRAPHQL_JSON else 200


def encoded(result: ExecutionResult) -> bytes:
    """The response body; what PostgreSQL encoded goes in as it is."""
    if not result.errors:
        return orjson.dumps({"data": result.data})
    errors = [error.formatted for error in result.errors]
    is_request_error = result.data is None and all(not error.path for error in result.errors)
    return orjson.dumps({"errors": errors} if is_request_error else {"errors": errors, "data": result.data})


def _said(refused: RefusedRequest) -> bytes:
    return orjson.dumps({"errors": [{"message": refused.message, "extensions": {"code": refused.code}}]})


def _headers(body: bytes, media_type: str) -> list[tuple[bytes, bytes]]:
    """What every answer says of itself."""
    return [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]


# Whoever is turned away costs those who are taken on as little as can be: of the request nothing is looked at.
_BUSY = _said(busy())
_BUSY_HEADERS = [*_headers(_BUSY, JSON), (b"retry-after", b"1")]


async def _turn_away(send: Send) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": _BUSY_HEADERS})
    await send({"type": "http.response.body", "body": _BUSY})


async def _send(send: Send, status: int, body: bytes, media_type: str, request_id: str, extra: dict[str, str]) -> None:
    headers = [
        *_headers(body, media_type),
        (b"x-request-id", request_id.encode()),
        *((name.lower().encode(), value.encode()) for name, value in extra.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
