"""Decides what counts as a GraphQL request over HTTP, and with which status everything else is refused."""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive

LARGEST_BODY = 1024 * 1024
_BODY_SECONDS = 10.0
# What the log calls the request that is being answered.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
JSON, GRAPHQL_JSON = "application/json", "application/graphql-response+json"


class RefusedRequest(Exception):
    """A request that is not run: its HTTP status, what is wrong, and headers that the answer needs."""

    def __init__(
        self, status: int, message: str, code: str = "BAD_REQUEST", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, dict(headers or {})


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a client asks to be run."""

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    # Of a document that is listed here, instead of its text.
    document_id: str | None = None


@lru_cache(maxsize=500)
def answer_type(accept: str | None) -> str:
    """The media type that an Accept header wants; refuses with 406 when it takes neither of the two."""
    if accept is None or accept == "*/*":
        return JSON
    wanted = sorted(_weighed(accept), key=lambda pair: -pair[1])
    for name, weight in wanted:
        if weight > 0 and name in (GRAPHQL_JSON, JSON):
            return name
        if weight > 0 and name in ("*/*", "application/*"):
            return JSON
    raise RefusedRequest(406, f"Answers come as {GRAPHQL_JSON} or {JSON}")


def _weighed(accept: str) -> list[tuple[str, float]]:
    found = []
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        charset = next((piece[8:] for piece in parameters if piece.startswith("charset=")), "utf-8")
        if charset.strip('"') in ("utf-8", "utf8"):
            found.append((name, float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0))
    return found


@lru_cache(maxsize=500)
def check_content_type(said: str) -> None:
    """Refuse with 415 a body that is not said to be JSON in UTF-8 by its Content-Type."""
    name, *parameters = (piece.strip().lower() for piece in said.split(";"))
    charset = next((piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")), "utf-8")
    if name != JSON or charset not in ("utf-8", "utf8"):
        raise RefusedRequest(415, f"Send the request as {JSON} in UTF-8")


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The whole body; refuses with 413 one that is too large, without reading it to its end, and with 408 one that has none."""
    length = headers.get("content-length", "")
    if length.isdecimal():
        _check_size(int(length))
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return bytes(await _received(receive))
    except TimeoutError:
        raise RefusedRequest(408, "The request does not come to its end", headers={"Connection": "close"}) from None


async def _received(receive: Receive) -> bytearray:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedRequest(400, "The request was cut off")
        body += message.get("body", b"")
        _check_size(len(body))
        more = message.get("more_body", False)
    return body


def _check_size(size: int) -> None:
    if size > LARGEST_BODY:
        raise RefusedRequest(413, "The request is larger than 1 MiB")


def parse_request(body: bytes) -> GraphQLRequest:
    """The request in a body; refuses with 400 what is no JSON or no request."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedRequest(400, "The request is no valid JSON") from error
    return checked_request(said)


def checked_request(said: Any) -> GraphQLRequest:
    """The request that a JSON value is; refuses with 400 what is none, batches among it."""
    if not isinstance(said, dict):
        raise RefusedRequest(400, "A request is one JSON object with a query")
    query, variables, name = said.get("query"), said.get("variables"), said.get("operationName")
    document_id = _document_id(said)
    if not isinstance(query, str) and (query is not None or document_id is None):
        raise RefusedRequest(400, "query is a string with a GraphQL document")
    if not isinstance(variables, dict | None):
        raise RefusedRequest(400, "variables is a JSON object")
    if not isinstance(name, str | None):
        raise RefusedRequest(400, "operationName is a string")
    if not isinstance(said.get("extensions"), dict | None):
        raise RefusedRequest(400, "extensions is a JSON object")
    return GraphQLRequest(query, variables, name, document_id)


def _document_id(said: dict[str, Any]) -> str | None:
    """By which a document is meant that is listed: as GraphQL over HTTP has it, or as Apollo's clients say it."""
    extensions = said.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    by_hash = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    identity = f"sha256:{by_hash}" if isinstance(by_hash, str) else said.get("documentId")
    return identity if isinstance(identity, str) else None
