"""Decides how GraphQL is served over WebSocket: Strawberry's graphql-transport-ws, on the schema of whoever connects."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from graphql import GraphQLError, OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.types.execution import ExecutionResult, PreExecutionError

from permissions.viewers import Viewer
from server.executing import Engine, bad_request, failed
from server.graphql_http import GraphQLOverHTTP, address_of
from server.requests import REQUEST_ID, GraphQLRequest, RefusedRequest

_INIT_WAIT = timedelta(seconds=10)
_OPERATIONS_AT_ONCE = 20
_TRY_AGAIN_LATER = 1013
# A session that ends by time is noticed so soon, also while nothing is sent.
_LOOKS_SECONDS = 2.0


@dataclass
class Connection:
    """One open WebSocket: its parameters, and the token that every operation on it is checked against again."""

    scope: Scope
    connection_params: Mapping[str, Any] = field(default_factory=dict)
    viewer: Viewer | None = None

    @property
    def authorization(self) -> str | None:
        """The Authorization value that the client sent when it connected."""
        said = self.connection_params.get("Authorization", self.connection_params.get("authorization"))
        return said if isinstance(said, str) else None


class _Served:
    """What Strawberry's handler takes for a schema: it runs each operation on the viewer's own."""

    def __init__(self, http: GraphQLOverHTTP) -> None:
        self._http = http

    @property
    def _engine(self) -> Engine:
        return self._http.engine

    async def stream(
        self,
        query: str,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
    ) -> AsyncIterator[Any]:
        """The results of one operation, as the handler wants them."""
        return self._results(query, variable_values, context_value, operation_name)

    async def _results(
        self, query: str, variables: dict[str, Any] | None, connection: Connection, name: str | None
    ) -> AsyncGenerator[Any, None]:
        request_id = uuid4().hex
        REQUEST_ID.set(request_id)
        try:
            viewer = await self._http.viewer(connection.authorization)
            context = self._http.context(viewer, request_id, connection.scope)
            # Over WebSocket there is no place for an id: it stands where the text would.
            request = GraphQLRequest(query, variables, name, query)
            prepared = await self._engine.prepare_aside(context, self._engine.source_of(request))
            if prepared.errors:
                yield _errors(*prepared.errors)
                return
            operation = prepared.operation(name)
            if operation is None:
                yield _errors(bad_request("operationName must choose an operation"))
                return
            results = self._engine.stream(prepared, context, variables, name)
            is_subscription = operation.operation is OperationType.SUBSCRIPTION
            if is_subscription:
                results = self._while_signed_in(results, connection, viewer)
            async with aclosing(results), AsyncExitStack() as being_answered:
                # Who waits for changes is not.
                if not is_subscription:
                    being_answered.enter_context(self._http.admission.answering(address_of(connection.scope)))
                    await being_answered.enter_async_context(self._http.turn(viewer))
                async for result in results:
                    yield ExecutionResult(data=result.data, errors=result.errors)
        except RefusedRequest as refused:
            yield _errors(GraphQLError(refused.message, extensions={"code": refused.code}))
        except Exception as failure:  # noqa: BLE001 (whatever it is, the client is told no more than a request id)
            yield _errors(*(failed(failure, request_id).errors or ()))

    async def _while_signed_in(
        self, results: AsyncGenerator[Any, None], connection: Connection, viewer: Viewer | None
    ) -> AsyncGenerator[Any, None]:
        """The results of a subscription while the session with which it began stands, and is that of the same role.

        It is asked before each result is sent, and every few seconds in between. RefusedRequest when it stands no more.
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
    """Strawberry's handler, for which somebody who leaves as an event is sent is no error."""

    async def handle_task_exception(self, error: Exception) -> None:
        """Write an exception down that has ended an operation."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)


class GraphQLOverWebSocket(GraphQL[Connection, None]):
    """The ASGI application at /graphql for WebSocket."""

    graphql_transport_ws_handler_class = _Handler

    def __init__(self, http: GraphQLOverHTTP) -> None:
        super().__init__(
            schema=_Served(http),  # type: ignore[arg-type]
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=_INIT_WAIT,
            max_subscriptions_per_connection=_OPERATIONS_AT_ONCE,
        )
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, if there is room for it."""
        try:
            with self._http.admission.connected(address_of(scope)):
                await super().__call__(scope, receive, send)
        except RefusedRequest:
            # Before it is accepted, which the client hears as a refused handshake.
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Connection:
        """What belongs to one connection."""
        return Connection(request.scope)

    async def on_ws_connect(self, context: Connection) -> Any:
        """Refuse a connection whose token is not good."""
        try:
            context.viewer = await self._http.viewer(context.authorization)
        except RefusedRequest as refused:
            raise ConnectionRejectionError from refused
        return await super().on_ws_connect(context)

    def encode_json(self, data: object) -> str:
        """Messages by orjson, so that encoded answers pass as they are."""
        return orjson.dumps(data).decode()


def _errors(*errors: GraphQLError) -> PreExecutionError:
    return PreExecutionError(data=None, errors=list(errors))
