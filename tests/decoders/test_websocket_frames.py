"""Frames of the protocol graphql-transport-ws: a message that is none closes the connection with a code of the protocol."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.decoders.fuzzing import CODES, JSON_VALUES, TEXTS, fuzz, fuzzed, mutants
from tests.support.client import Client

# Normal, too big, invalid message, unauthorized, forbidden, subprotocol, too many init, timeout, duplicate id.
CLOSES = {1000, 1003, 1007, 1009, 4400, 4401, 4403, 4408, 4409, 4429}
_PATIENCE_SECONDS = 10
INIT = {"type": "connection_init", "payload": {}}
SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": "{ viewer { email } }", "variables": {}}}
VALID: list[dict[str, Any]] = [
    INIT,
    SUBSCRIBE,
    {"type": "ping", "payload": {"a": 1}},
    {"type": "pong"},
    {"id": "1", "type": "complete"},
    {"id": "2", "type": "subscribe", "payload": {"query": "subscription { invoiceChanged { number } }"}},
]
KNOWN = [
    *('{"payload":null}', "[1]", "null", "", "{", '""', "1e999", "[" * 50_000, '{"a":' * 50_000, "\ufeff{}"),
    *('{"type":"subscribe","id":"1","payload":[]}', '{"type":"connection_init","payload":[1]}', '{"type":["ping"]}'),
    *('{"type":"connection_init","payload":{"Authorization":["x"]}}', '{"type":"complete","id":{"a":1}}'),
    '{"type":"subscribe","id":"1","payload":{"query":1}}',
    '{"type":"subscribe","id":"1","payload":{"query":"{viewer{email}}","variables":[1],"operationName":{},"extensions":1}}',
    '{"type":"subscribe","id":"' + "x" * 10_000 + '","payload":{"query":"{viewer{email}}"}}',
    '{"type":"ping","payload":' + "9" * 5_000 + "}",
    '{"type":"ping","payload":"\\ud800"}',
    '{"type":"subscribe","id":"' + "x" * 257 + '","payload":{"query":"{viewer{email}}"}}',
]


@st.composite
def messages(draw: st.DrawFn) -> str:
    """A message of the protocol with fields changed, left out or added, as JSON."""
    message: dict[str, Any] = dict(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(["id", "type", "payload", "extra"]))
        if draw(st.booleans()):
            message.pop(name, None)
        else:
            message[name] = draw(JSON_VALUES)
    payload = message.get("payload")
    if isinstance(payload, dict) and draw(st.booleans()):
        names = st.sampled_from(["query", "variables", "operationName", "extensions", "Authorization"])
        message["payload"] = payload | draw(st.dictionaries(names, JSON_VALUES, max_size=2))
    return json.dumps(message)


FRAMES = st.one_of(
    messages(),
    mutants([json.dumps(message) for message in VALID], ',:{}"'),
    st.sampled_from(KNOWN),
    TEXTS,
    st.binary(max_size=60),
)


def talk(client: Client, frames: list[str | bytes]) -> None:
    """Send frames on one connection, then a ping, unless the server has closed it; every answer is of the protocol."""
    code = _closed_with(client, frames)
    assert code is None or code in CLOSES, code


def _closed_with(client: Client, frames: list[str | bytes]) -> int | None:
    """The code with which the server closes the connection; None when it answers the last ping."""
    url = client.url.replace("http", "ws", 1)
    try:
        with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], open_timeout=_PATIENCE_SECONDS) as socket:
            for frame in frames:
                socket.send(frame.encode("utf-8", "replace") if isinstance(frame, str) and _is_odd(frame) else frame)
            socket.send('{"type":"ping","payload":{"last":true}}')
            while not _is_last(message := json.loads(socket.recv(_PATIENCE_SECONDS))):
                _check(message)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    return None


def _is_odd(frame: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in frame)


def _is_last(message: Any) -> bool:
    return bool(message["type"] == "pong")


def _check(message: dict[str, Any]) -> None:
    assert message["type"] in ("connection_ack", "next", "error", "complete", "ping"), message
    payload = message.get("payload") or {}
    errors = payload if message["type"] == "error" else payload.get("errors", [])
    assert {error.get("extensions", {}).get("code") for error in errors} <= CODES, message


def checking(client: Client, token: str | None) -> Callable[[list[str | bytes]], None]:
    greeting = json.dumps({**INIT, "payload": {"Authorization": f"Bearer {token}"} if token else {}})
    return lambda frames: talk(client, [greeting, *frames])


@fuzzed
def test_any_frames_before_the_greeting_are_answered_by_the_protocol(anonymous: Client, examples: int) -> None:
    fuzz(examples, st.lists(FRAMES, min_size=1, max_size=3), lambda frames: talk(anonymous, frames))


@fuzzed
def test_any_frames_of_a_connected_client_are_answered_by_the_protocol(admin: Client, examples: int) -> None:
    fuzz(examples * 2, st.lists(FRAMES, min_size=1, max_size=4), checking(admin, admin.token))


def test_the_reason_of_a_close_fits_its_frame_though_it_quotes_the_client(admin: Client) -> None:
    twice = json.dumps({**VALID[-1], "id": "\u00e9" * 250})
    with_token = json.dumps({**INIT, "payload": {"Authorization": f"Bearer {admin.token}"}})
    fuzz(1, st.just(twice), lambda frame: _is_told_of_the_second(admin, [with_token, frame, frame]))


def _is_told_of_the_second(client: Client, frames: list[str | bytes]) -> None:
    assert _closed_with(client, frames) == 4409


def test_each_known_bad_frame_closes_the_connection_or_is_answered(admin: Client) -> None:
    for known in KNOWN:
        checking(admin, admin.token)([known])
        talk(admin, [known])
