"""Parses GraphQL requests over HTTP: content negotiation, body limits and JSON, with the status of each refusal."""

import asyncio
import re
from functools import lru_cache
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from domain.errors import RefusedRequest
from server.execution.requests import LARGEST_BODY, GraphQLRequest

_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SCHEMES = {"ws": "http", "wss": "https"}
_BODY_SECONDS = 10.0
JSON, GRAPHQL_JSON = "application/json", "application/graphql-response+json"


@lru_cache(maxsize=500)
def answer_type(accept: str | None) -> str:
    """The media type that an Accept header prefers; RefusedRequest (406) when it accepts neither of the two."""
    if accept is None or accept == "*/*":
        return JSON
    wanted = sorted(weighed(accept), key=lambda pair: -pair[1])
    for name, weight in wanted:
        if weight > 0 and name in (GRAPHQL_JSON, JSON):
            return name
        if weight > 0 and name in ("*/*", "application/*"):
            return JSON
    raise RefusedRequest(406, f"Responses are {GRAPHQL_JSON} or {JSON}")


def weighed(accept: str) -> list[tuple[str, float]]:
    """The names of a header that lists what a client takes, each with its weight (q); none in another charset than UTF-8."""
    found = []
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        charset = next((piece[8:] for piece in parameters if piece.startswith("charset=")), "utf-8")
        if charset.strip('"') in ("utf-8", "utf8"):
            found.append((name, float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0))
    return found


@lru_cache(maxsize=500)
def check_content_type(value: str) -> None:
    """RefusedRequest (415) when the Content-Type is not JSON in UTF-8."""
    name, *parameters = (piece.strip().lower() for piece in value.split(";"))
    charset = next((piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")), "utf-8")
    if name != JSON or charset not in ("utf-8", "utf8"):
        raise RefusedRequest(415, f"Send the request as {JSON} in UTF-8")


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The whole body; RefusedRequest (413) as soon as it is too large, and (408) after a timeout."""
    length = headers.get("content-length", "")
    if length.isdecimal():
        _check_size(int(length))
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return bytes(await _received(receive))
    except TimeoutError:
        raise RefusedRequest(408, "The request body did not arrive in time", headers={"Connection": "close"}) from None


async def _received(receive: Receive) -> bytearray:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedRequest(400, "The connection was closed before the request was complete")
        body += message.get("body", b"")
        _check_size(len(body))
        more = message.get("more_body", False)
    return body


def _check_size(size: int) -> None:
    if size > LARGEST_BODY:
        raise RefusedRequest(413, "The request is larger than 1 MiB")


def parse_request(body: bytes) -> GraphQLRequest:
    """The request in a body; RefusedRequest (400) when it is not valid JSON or not a GraphQL request."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedRequest(400, "The request is not valid JSON") from error
    return checked_request(value)


def checked_request(value: Any) -> GraphQLRequest:
    """The request in a JSON value; RefusedRequest (400) for any other value, including batches."""
    if not isinstance(value, dict):
        raise RefusedRequest(400, "A request must be one JSON object with a query")
    query, variables, name = value.get("query"), value.get("variables"), value.get("operationName")
    persisted_hash, document_id = _persisted_hash(value), value.get("documentId")
    document_id = document_id if isinstance(document_id, str) else None
    if not isinstance(query, str) and (query is not None or (document_id or persisted_hash) is None):
        raise RefusedRequest(400, "query must be a string with a GraphQL document")
    if not isinstance(variables, dict | None):
        raise RefusedRequest(400, "variables must be a JSON object")
    if not isinstance(name, str | None):
        raise RefusedRequest(400, "operationName must be a string")
    if not isinstance(value.get("extensions"), dict | None):
        raise RefusedRequest(400, "extensions must be a JSON object")
    return GraphQLRequest(query, variables, name, document_id, persisted_hash)


def _persisted_hash(value: dict[str, Any]) -> str | None:
    """The SHA-256 that Apollo's clients send for a persisted query, first without its text."""
    extensions = value.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    return found if isinstance(found, str) else None


def base_url(public_url: str, scope: Scope) -> str:
    """The server's base URL: the configured public URL, else that of the request; empty when its Host header is malformed."""
    host = Headers(scope=scope).get("host", "")
    if public_url or not _HOST.fullmatch(host):
        return public_url
    return f"{_SCHEMES.get(scope['scheme'], scope['scheme'])}://{host}"
