"""GraphQL over WebSocket by the graphql-transport-ws protocol: each operation runs on the schema of the connected user's role."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from strawberry.http.exceptions import WebSocketDisconnected
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from server.http.websocket import GraphQLOverWebSocket
from tests.conftest import SignIn
from tests.support.client import Client, serving
from tests.support.databases import rows

PROTOCOL = "graphql-transport-ws"
PATIENCE = 10


class Socket:
    """One WebSocket connection to the server."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def next(self) -> Any:
        return json.loads(self.connection.recv(PATIENCE))

    def greet(self, token: str | None = None) -> Any:
        """The answer to the connection_init message, with a token or without."""
        payload = {"Authorization": f"Bearer {token}"} if token else {}
        self.send(type="connection_init", payload=payload)
        return self.next()

    def ask(self, query: Any, **more: Any) -> list[Any]:
        """All messages of one operation, to its end."""
        self.send(id="1", type="subscribe", payload={"query": query, **more})
        answers = [self.next()]
        while answers[-1]["type"] == "next":
            answers.append(self.next())
        assert {message["id"] for message in answers} == {"1"}
        return answers

    def refusal(self) -> tuple[int, str]:
        """The close code and the reason with which the server closes the connection."""
        with pytest.raises(ConnectionClosed) as closed:
            self.connection.recv(PATIENCE)
        assert closed.value.rcvd
        return closed.value.rcvd.code, closed.value.rcvd.reason


@contextmanager
def opened(
    url: str, protocol: str | None = PROTOCOL, origin: str | None = None, headers: dict[str, str] | None = None
) -> Iterator[Socket]:
    protocols, page = [Subprotocol(protocol)] if protocol else None, Origin(origin) if origin else None
    with connect(
        url.replace("http", "ws", 1), subprotocols=protocols, origin=page, additional_headers=headers
    ) as connection:
        yield Socket(connection)


@pytest.fixture
def socket(server_url: str) -> Iterator[Socket]:
    with opened(server_url) as socket:
        yield socket


def data(answers: list[Any]) -> Any:
    [answer, end] = answers
    assert (answer["type"], end["type"], "errors" in answer["payload"]) == ("next", "complete", False), answers
    return answer["payload"]["data"]


def messages(answers: list[Any]) -> list[str]:
    """The error messages of an operation that was not run, or that returned no data."""
    if answers[0]["type"] == "next":
        [answer, end] = answers
        assert (answer["payload"]["data"] or {"invoice": None}, end["type"]) == ({"invoice": None}, "complete"), answers
        return [error["message"] for error in answer["payload"]["errors"]]
    [error] = answers
    assert error["type"] == "error", answers
    return [each["message"] for each in error["payload"]]


def test_the_protocol_is_negotiated_and_the_connection_acknowledged(socket: Socket) -> None:
    assert socket.connection.subprotocol == PROTOCOL
    assert socket.greet() == {"type": "connection_ack"}


def test_a_ping_is_answered(socket: Socket) -> None:
    socket.send(type="ping")
    assert socket.next() == {"type": "pong"}


@pytest.mark.parametrize("role", list(Role))
def test_the_token_of_a_connection_identifies_its_user(socket: Socket, sign_in: SignIn, role: Role) -> None:
    assert socket.greet(sign_in(role).token) == {"type": "connection_ack"}
    assert data(socket.ask("{ viewer { email role } }")) == {
        "viewer": {"email": f"{role}@demo.example", "role": role.name}
    }


QUERY = "query Page($first: Int!) { invoices(first: $first) { totalCount nodes { number patient { name } } } }"


@pytest.mark.parametrize("role", [Role.BILLING, Role.ATTORNEY])
def test_a_query_has_the_same_answer_as_over_http(socket: Socket, sign_in: SignIn, role: Role) -> None:
    socket.greet(sign_in(role).token)
    answers = socket.ask(QUERY, variables={"first": 3}, operationName="Page")
    assert data(answers) == sign_in(role).read(QUERY, first=3)
    assert len(data(answers)["invoices"]["nodes"]) == 3


def test_each_role_has_its_own_schema(server_url: str, sign_in: SignIn) -> None:
    answers = {}
    for role in (Role.BILLING, Role.ATTORNEY):
        with opened(server_url) as socket:
            socket.greet(sign_in(role).token)
            answers[role] = socket.ask("{ invoices(first: 1) { nodes { internalNotes { body } } } }")
    assert list(data(answers[Role.BILLING])) == ["invoices"]
    assert messages(answers[Role.ATTORNEY]) == ["Cannot query field 'internalNotes' on type 'Invoice'."]


def test_without_a_token_a_connection_reads_nothing_of_the_clinic(socket: Socket) -> None:
    socket.greet()
    assert data(socket.ask("{ viewer { id } }")) == {"viewer": None}
    assert messages(socket.ask("{ invoices { totalCount } }")) == ["Cannot query field 'invoices' on type 'Query'."]


@pytest.mark.parametrize("token", ["wrong", "", "\u00e4", "a" * 100_000, "Bearer"])
def test_an_invalid_token_closes_the_connection(socket: Socket, token: str) -> None:
    socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
    assert socket.refusal() == (4403, "Forbidden")


@pytest.mark.parametrize(
    "parameters",
    [
        *({"authorization": value} for value in ("token", "Basic x", ["Bearer x"], {"Bearer": "x"}, 1, True)),
        *({name: "Bearer x"} for name in ("token", "authToken", "X-Auth", "sessionToken")),
        *({"headers": {"Authorization": "Bearer x"}}, {"AUTHORIZATION": "x"}),
    ],
    ids=ascii,
)
def test_a_token_that_cannot_be_read_closes_the_connection_with_the_way_to_send_it(
    socket: Socket, parameters: dict[str, Any]
) -> None:
    socket.send(type="connection_init", payload=parameters)
    code, reason = socket.refusal()
    assert (code, "connectionParams.authorization" in reason, '"Bearer <token>"' in reason) == (4401, True, True)


@pytest.mark.parametrize(
    "parameters", [{}, {"authorization": None}, {"authorization": ""}, {"token": None}, {"lang": "en"}]
)
def test_parameters_without_a_token_are_anonymous(socket: Socket, parameters: dict[str, Any]) -> None:
    socket.send(type="connection_init", payload=parameters)
    assert socket.next()["type"] == "connection_ack"
    assert data(socket.ask("{ viewer { id } }")) == {"viewer": None}


def test_the_header_of_the_handshake_has_the_token_where_the_parameters_have_none(
    server_url: str, sign_in: SignIn
) -> None:
    headers = {"Authorization": f"Bearer {sign_in(Role.BILLING).token}"}
    with opened(server_url, headers=headers) as socket:
        socket.greet()
        assert data(socket.ask("{ viewer { role } }")) == {"viewer": {"role": "BILLING"}}
    with opened(server_url, headers=headers) as socket:
        socket.greet(sign_in(Role.ATTORNEY).token)
        assert data(socket.ask("{ viewer { role } }")) == {"viewer": {"role": "ATTORNEY"}}
    with opened(server_url, headers={"Authorization": "Bearer wrong"}) as socket:
        socket.send(type="connection_init")
        assert socket.refusal() == (4403, "Forbidden")


def test_an_open_connection_loses_its_access_when_its_token_ends(socket: Socket, anonymous: Client) -> None:
    with anonymous.signed_in("billing@demo.example") as billing:
        socket.greet(billing.token)
        assert data(socket.ask("{ viewer { role } }")) == {"viewer": {"role": "BILLING"}}
        billing.read("mutation { signOut { signedOut } }")
    assert messages(socket.ask("{ viewer { role } }")) == ["The session has ended: sign in again"]


def test_an_operation_before_connection_init_is_refused(socket: Socket) -> None:
    socket.send(id="1", type="subscribe", payload={"query": "{ viewer { id } }"})
    assert socket.refusal() == (4401, "Unauthorized")


def test_a_second_connection_init_is_refused(socket: Socket) -> None:
    socket.greet()
    socket.send(type="connection_init")
    assert socket.refusal()[0] == 4429


NO_MESSAGES = [
    "[1]",
    "1",
    "null",
    '"ping"',
    "true",
    '{"payload": null}',
    '{"type": null}',
    '{"type": ["subscribe"]}',
    '{"type": {"type": "ping"}}',
    '{"type": "unknown"}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "id": "1"}',
    '{"type": "subscribe", "id": "1", "payload": null}',
    '{"type": "subscribe", "id": "1", "payload": [1]}',
    '{"type": "subscribe", "id": "1", "payload": {}}',
    '{"type": "subscribe", "id": 1, "payload": {"query": "{ viewer { id } }"}}',
    '{"type": "subscribe", "id": {"a": 1}, "payload": {"query": "{ viewer { id } }"}}',
    '{"type": "complete"}',
    '{"type": "complete", "id": ["1"]}',
    "{",
    "NaN",
    "[" * 100_000,
    '{"type":' * 50_000,
]


@pytest.mark.parametrize("text", NO_MESSAGES, ids=lambda text: text[:40])
@pytest.mark.parametrize("is_greeted", [False, True])
def test_a_message_that_is_not_of_the_protocol_closes_the_connection_and_nothing_fails(
    server_url: str, text: str, is_greeted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(server_url) as socket:
        if is_greeted:
            socket.greet()
        socket.connection.send(text)
        assert socket.refusal()[0] == 4400 or (not is_greeted and "subscribe" in text)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("protocol", ["graphql-ws", "soap", None])
def test_another_protocol_is_refused(server_url: str, protocol: str | None) -> None:
    with opened(server_url, protocol) as socket:
        assert socket.connection.subprotocol is None
        assert socket.refusal()[0] == 4406


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://127.0.0.1:1", "null", "http://localhost"])
def test_a_page_of_another_origin_may_not_connect(server_url: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(server_url, origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_the_server_s_own_page_may_connect(server_url: str) -> None:
    with opened(server_url, origin=server_url.removesuffix("/graphql")) as socket:
        assert socket.greet() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"query": 7}, "query must be a string"),
        ({"query": None}, "query must be a string"),
        ({"query": ["{ viewer { id } }"]}, "query must be a string"),
        ({"query": "{ viewer { id } }", "variables": []}, "variables must be a JSON object"),
        ({"query": "{ viewer { id } }", "variables": "{}"}, "variables must be a JSON object"),
        ({"query": "{ viewer { id } }", "operationName": 7}, "operationName must name"),
        ({"query": "{ viewer { id }"}, "Syntax Error"),
        ({"query": "a" * 1_000}, "Syntax Error"),
        ({"query": "query A { viewer { id } } query B { viewer { id } }"}, "operationName must name"),
        ({"query": "query A { viewer { id } }", "operationName": "B"}, "operationName must name"),
        ({"query": "{ viewer { id } }".ljust(1024 * 1024 + 1)}, "larger than 1 MiB"),
    ],
    ids=lambda part: ascii(part)[:60],
)
def test_an_invalid_request_is_refused_and_the_connection_stays_open(
    socket: Socket, payload: Any, expected: str
) -> None:
    socket.greet()
    [message] = messages(socket.ask(**payload))
    assert expected in message
    assert data(socket.ask("{ viewer { id } }")) == {"viewer": None}


def test_a_message_above_the_size_limit_closes_the_connection_unread(socket: Socket) -> None:
    socket.greet()
    socket.send(id="1", type="subscribe", payload={"query": "{ viewer { id } }".ljust(2 * 1024 * 1024)})
    assert socket.refusal()[0] == 1009


def test_a_document_above_a_cost_limit_is_refused(socket: Socket) -> None:
    socket.greet()
    [message] = messages(socket.ask("{ " + "viewer { id } " * 21 + "}"))
    assert "root fields" in message


HALVES = [
    ("query ($s: InvoiceStatus!) { invoices(filter: {status: [$s]}) { totalCount } }", {"s": "\ud800"}),
    ("query ($s: String) { invoices(filter: {search: $s}) { totalCount } }", {"s": "\ud800"}),
    ("query ($s: ID!) { invoice(id: $s) { id } }", {"s": "\udfff"}),
    ("query ($s: Money) { invoices(filter: {billedMin: $s}) { totalCount } }", {"s": "\ud800"}),
    ('{ invoices(filter: {search: "\ud800"}) { totalCount } }', {}),
    ("{ \ud800 }", {}),
]


@pytest.mark.parametrize(("query", "variables"), HALVES, ids=[ascii(pair) for pair in HALVES])
def test_a_lone_surrogate_is_refused_and_the_connection_stays_open(
    socket: Socket, sign_in: SignIn, query: str, variables: dict[str, str]
) -> None:
    socket.greet(sign_in(Role.BILLING).token)
    assert messages(socket.ask(query, variables=variables))
    assert data(socket.ask("{ viewer { role } }")) == {"viewer": {"role": "BILLING"}}


def test_an_unexpected_exception_shows_only_a_request_id(own_address: DatabaseUrls) -> None:
    with (
        serving(own_address) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as billing,
        opened(url) as socket,
    ):
        socket.greet(billing.token)
        rows(own_address, "alter table patients rename column first_name to elsewhere")
        [answer, end] = socket.ask("{ patients { nodes { firstName } } }")
    [error] = answer["payload"]["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Internal server error", "INTERNAL_ERROR")
    assert end["type"] == "complete"


async def test_a_client_that_disconnects_while_an_event_is_sent_is_no_error_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kind = GraphQLOverWebSocket.graphql_transport_ws_handler_class
    handler = object.__new__(kind)
    handler.task_logger = logging.getLogger("strawberry.ws.task")
    await handler.handle_task_exception(WebSocketDisconnected())
    assert caplog.records == []
    await handler.handle_task_exception(ValueError())
    assert len(caplog.records) == 1
