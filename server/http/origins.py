"""Which web pages of other origins may use the API from a browser: those that the operator lists (CORS), and none with credentials."""

import logging
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What programs in a browser may send and read; there are no cookies, so that no origin is allowed credentials.
_METHODS = ("GET", "HEAD", "POST", "PUT")
_REQUEST_HEADERS = (
    *("Authorization", "Content-Type", "If-None-Match", "If-Range", "Range", "Traceparent", "Tracestate"),
    *(
        "Apollo-Require-Preflight",
        "Apollographql-Client-Name",
        "Apollographql-Client-Version",
        "X-Apollo-Operation-Name",
    ),
)
_ANSWER_HEADERS = ("X-Request-ID", "Retry-After", "Content-Disposition", "ETag", "WWW-Authenticate")
_SECONDS_KEPT = 600
_PATHS = ("/graphql", "/uploads/", "/documents/", "/issued/", "/exports/")
# How many origins are logged: a page that asks again and again fills no log.
_MOST_LOGGED = 20
_LONGEST_LOGGED = 200
_NOT_ALLOWED = orjson.dumps(
    {
        "errors": [
            {"message": "Web pages of this origin may not use this API", "extensions": {"code": "ORIGIN_NOT_ALLOWED"}}
        ]
    }
)

logger = logging.getLogger("billing.origins")


class Origins:
    """An ASGI application that answers preflights, and adds the headers of CORS to what the wrapped one answers listed origins.

    A WebSocket of a page is accepted from a listed origin and from the server's own, which a proxy may call by the public URL.
    Programs that are no browsers send no origin.
    """

    def __init__(self, app: ASGIApp, allowed: frozenset[str], public_url: str) -> None:
        self._app, self._allowed, self._public_host = app, allowed, urlsplit(public_url).netloc
        self._cors = CORSMiddleware(
            app,
            allow_origins=sorted(allowed),
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_ANSWER_HEADERS,
            max_age=_SECONDS_KEPT,
        )
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, refuse a WebSocket, or let the wrapped application answer."""
        if scope["type"] == "lifespan" or not scope["path"].startswith(_PATHS):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        is_listed = origin is None or origin in self._allowed
        if scope["type"] == "websocket":
            if is_listed or self._is_own(origin or "", headers):
                await self._app(scope, receive, send)
            else:
                self._log(origin or "")
                # Closing before the connection is accepted is answered with 403.
                await send({"type": "websocket.close"})
        elif origin is not None and is_listed:
            await self._cors(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            self._log(origin or "")
            refusal = Response(_NOT_ALLOWED, 403, {"Vary": "Origin"}, "application/json")
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, self._varying(send) if self._allowed else send)

    def _is_own(self, origin: str, headers: Headers) -> bool:
        return origin.partition("://")[2] in {headers.get("host", ""), self._public_host} - {""}

    def _log(self, origin: str) -> None:
        if origin not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(origin)
            shown = "".join(letter for letter in origin[:_LONGEST_LOGGED] if letter.isprintable())
            logger.warning("a web page of %s was refused: BILLING_ALLOWED_ORIGINS does not list this origin", shown)

    @staticmethod
    def _varying(send: Send) -> Any:
        """Answers differ by origin: no cache may give one of them to another origin."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).add_vary_header("Origin")
            await send(message)

        return sending
