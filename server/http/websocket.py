"""GraphQL over WebSocket: Strawberry's graphql-transport-ws protocol, with the schema of the connected viewer's role."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from graphql import GraphQLError, OperationType
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from starlette.websockets import WebSocketDisconnected as SendAfterCloseError
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage
from strawberry.types.execution import ExecutionResult, PreExecutionError

from domain.errors import RefusedRequest
from observability.request_id import REQUEST_ID
from permissions.viewers import Viewer
from server.execution.graphql_executor import GraphQLExecutor, bad_request, failed
from server.execution.requests import GraphQLRequest
from server.http.connection_tokens import UnreadableTokenError, authorization_of
from server.http.graphql import GraphQLOverHTTP, address_of

_INIT_WAIT = timedelta(seconds=10)
_OPERATIONS_AT_ONCE = 20
_TRY_AGAIN_LATER, _UNAUTHORIZED = 1013, 4401
# An operation's id is kept while it runs, and returned in each of its messages.
_LONGEST_ID = 256
# The length of a control frame of WebSocket, less the two bytes of the code.
_LONGEST_REASON = 123
# The interval at which sessions are rechecked, so that an expired one ends its subscriptions also while nothing is sent.
_LOOKS_SECONDS = 2.0


@dataclass
class Connection:
    """One open WebSocket: its parameters, and the bearer token that every operation on it checks again."""

    scope: Scope
    connection_params: Mapping[str, Any] = field(default_factory=dict)
    viewer: Viewer | None = None

    @property
    def authorization(self) -> str | None:
        """The Authorization value that the client sent when it connected; UnreadableTokenError when it cannot be read."""
        return authorization_of(self.connection_params, Headers(scope=self.scope).get("authorization"))


class _Served:
    """The schema that Strawberry's handler expects; it executes each operation on the schema of the viewer's role."""

    def __init__(self, http: GraphQLOverHTTP) -> None:
        self._http = http

    @property
    def _engine(self) -> GraphQLExecutor:
        return self._http.engine

    async def stream(
        self,
        query: str,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
    ) -> AsyncIterator[Any]:
        """The results of one operation, in the form that the handler expects."""
        return self._results(query, variable_values, context_value, operation_name)

    async def _results(
        self, query: str, variables: dict[str, Any] | None, connection: Connection, name: str | None
    ) -> AsyncGenerator[Any, None]:
        request_id = uuid4().hex
        REQUEST_ID.set(request_id)
        try:
            viewer = await self._http.viewer(connection.authorization)
            context = self._http.context(viewer, request_id, connection.scope)
            # The protocol has no field for a document id: it is sent in place of the text.
            request = GraphQLRequest(query, variables, name, query)
            prepared = await self._engine.prepare_in_thread(context, self._engine.source_of(request))
            if prepared.errors:
                yield _errors(*prepared.errors)
                return
            operation = prepared.operation(name)
            if operation is None:
                yield _errors(bad_request("operationName must name one of the document's operations"))
                return
            results = self._engine.stream(prepared, context, variables, name)
            is_subscription = operation.operation is OperationType.SUBSCRIPTION
            if is_subscription:
                results = self._while_signed_in(results, connection, viewer)
            async with aclosing(results), AsyncExitStack() as being_answered:
                # A subscription takes no request slot, because it waits most of the time.
                if not is_subscription:
                    being_answered.enter_context(self._http.admission.request_slot(address_of(connection.scope)))
                    await being_answered.enter_async_context(self._http.turn(viewer))
                async for result in results:
                    yield ExecutionResult(data=result.data, errors=result.errors)
        except RefusedRequest as refused:
            yield _errors(GraphQLError(refused.message, extensions={"code": refused.code}))
        except Exception as failure:  # noqa: BLE001 (of an unexpected error, the client gets only the request id)
            yield _errors(*(failed(failure, request_id).errors or ()))

    async def _while_signed_in(
        self, results: AsyncGenerator[Any, None], connection: Connection, viewer: Viewer | None
    ) -> AsyncGenerator[Any, None]:
        """The results of a subscription while the session with which it began is valid and has the same role.

        The session is checked before each result and every two seconds in between. RefusedRequest when it has ended.
        """
        upcoming = asyncio.ensure_future(anext(results))
        try:
            while True:
                await asyncio.wait({upcoming}, timeout=_LOOKS_SECONDS)
                await self._http.check_access(connection.authorization, viewer)
                if upcoming.done():
                    yield upcoming.result()
                    upcoming = asyncio.ensure_future(anext(results))
        except StopAsyncIteration:
            return
        finally:
            upcoming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await upcoming
            await results.aclose()


class _Handler(BaseGraphQLTransportWSHandler[Connection, None]):
    """Strawberry's handler; a connection that ends while an event is sent is not an error.

    A message that is not of the protocol closes the connection with the code 4400.
    """

    async def handle_message(self, message: Any) -> None:
        """Handle a message whose parts have the types of the protocol; all others are invalid."""
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("Failed to parse message")

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Close a connection whose token cannot be read with a reason, before it goes on as an anonymous one."""
        parameters = message.get("payload")
        if isinstance(parameters, dict):
            try:
                _ = Connection(self.context.scope, parameters).authorization
            except UnreadableTokenError as error:
                await self.websocket.close(code=_UNAUTHORIZED, reason=str(error))
                return
        await super().handle_connection_init(message)

    async def handle_task_exception(self, error: Exception) -> None:
        """Log an exception that has ended an operation, other than a disconnect by the client or by the server."""
        if not isinstance(error, WebSocketDisconnected | SendAfterCloseError):
            await super().handle_task_exception(error)


class _Adapter(ASGIWebSocketAdapter):
    """Strawberry's adapter; the reason of a close, which may quote the client, is cut to what a control frame holds."""

    async def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        await super().close(code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))


class GraphQLOverWebSocket(GraphQL[Connection, None]):
    """The ASGI application at /graphql for WebSocket."""

    graphql_transport_ws_handler_class = _Handler
    websocket_adapter_class = _Adapter

    def __init__(self, http: GraphQLOverHTTP) -> None:
        super().__init__(
            schema=_Served(http),  # type: ignore[arg-type]
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=_INIT_WAIT,
            max_subscriptions_per_connection=_OPERATIONS_AT_ONCE,
            # server/http/origins.py has decided before.
            allowed_origins=("*",),
        )
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, if the concurrency limit of WebSockets allows it."""
        try:
            with self._http.admission.connection_slot(address_of(scope)):
                await super().__call__(scope, receive, send)
        except RefusedRequest:
            # Closing before the connection is accepted refuses the handshake.
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Connection:
        """The context of one connection."""
        return Connection(request.scope)

    async def on_ws_connect(self, context: Connection) -> Any:
        """Refuse a connection whose bearer token is invalid."""
        try:
            context.viewer = await self._http.viewer(context.authorization)
        except RefusedRequest as refused:
            raise ConnectionRejectionError from refused
        return await super().on_ws_connect(context)

    def decode_json(self, data: str | bytes) -> object:
        """Decode a message; one that is nested too deeply, or has a number of thousands of digits, is no JSON to us."""
        try:
            return super().decode_json(data)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:
            raise json.JSONDecodeError("nested too deeply, or a number is too long", "", 0) from error

    def encode_json(self, data: object) -> str:
        """Encode messages with orjson, which includes fragments of JSON unchanged."""
        return orjson.dumps(data).decode()


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] == "subscribe":
        return _is_id(message.get("id")) and isinstance(message.get("payload"), dict)
    return message["type"] != "complete" or _is_id(message.get("id"))


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_ID


def _errors(*errors: GraphQLError) -> PreExecutionError:
    return PreExecutionError(data=None, errors=list(errors))
