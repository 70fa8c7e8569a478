"""Decides what GraphQL over WebSocket is: graphql-transport-ws, each operation on the schema of whoever connects."""

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

from domain.people import Role
from server.addresses import Address
from server.graphql_ws import GraphQLOverWebSocket
from tests.client import Client, serving
from tests.conftest import SignIn
from tests.databases import rows

PROTOCOL = "graphql-transport-ws"
PATIENCE = 10


class Socket:
    """One WebSocket to the server."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def next(self) -> Any:
        return json.loads(self.connection.recv(PATIENCE))

    def greet(self, token: str | None = None) -> Any:
        """The answer to the first message, with a token or without."""
        payload = {"Authorization": f"Bearer {token}"} if token else {}
        self.send(type="connection_init", payload=payload)
        return self.next()

    def ask(self, query: Any, **more: Any) -> list[Any]:
        """Everything that is said of one operation, to its end."""
        self.send(id="1", type="subscribe", payload={"query": query, **more})
        heard = [self.next()]
        while heard[-1]["type"] == "next":
            heard.append(self.next())
        assert {message["id"] for message in heard} == {"1"}
        return heard

    def refusal(self) -> tuple[int, str]:
        """With which code and words the server hangs up."""
        with pytest.raises(ConnectionClosed) as closed:
            self.connection.recv(PATIENCE)
        assert closed.value.rcvd
        return closed.value.rcvd.code, closed.value.rcvd.reason


@contextmanager
def opened(url: str, protocol: str | None = PROTOCOL, origin: str | None = None) -> Iterator[Socket]:
    protocols = [Subprotocol(protocol)] if protocol else None
    with connect(
        url.replace("http", "ws", 1), subprotocols=protocols, origin=Origin(origin) if origin else None
    ) as connection:
        yield Socket(connection)


@pytest.fixture
def socket(server_url: str) -> Iterator[Socket]:
    with opened(server_url) as socket:
        yield socket


def data(heard: list[Any]) -> Any:
    [answer, end] = heard
    assert (answer["type"], end["type"], "errors" in answer["payload"]) == ("next", "complete", False), heard
    return answer["payload"]["data"]


def messages(heard: list[Any]) -> list[str]:
    """The messages of an operation that was not run, or of which nothing came."""
    if heard[0]["type"] == "next":
        [answer, end] = heard
        assert (answer["payload"]["data"] or {"invoice": None}, end["type"]) == ({"invoice": None}, "complete"), heard
        return [error["message"] for error in answer["payload"]["errors"]]
    [error] = heard
    assert error["type"] == "error", heard
    return [each["message"] for each in error["payload"]]


def test_the_protocol_is_agreed_upon_and_the_connection_acknowledged(socket: Socket) -> None:
    assert socket.connection.subprotocol == PROTOCOL
    assert socket.greet() == {"type": "connection_ack"}


def test_a_ping_is_answered(socket: Socket) -> None:
    socket.send(type="ping")
    assert socket.next() == {"type": "pong"}


@pytest.mark.parametrize("role", list(Role))
def test_whoever_connects_is_known_by_the_token(socket: Socket, sign_in: SignIn, role: Role) -> None:
    assert socket.greet(sign_in(role).token) == {"type": "connection_ack"}
    assert data(socket.ask("{ viewer { email role } }")) == {
        "viewer": {"email": f"{role}@demo.clinic", "role": role.name}
    }


QUERY = "query Page($first: Int!) { invoices(first: $first) { totalCount nodes { number patient { name } } } }"


@pytest.mark.parametrize("role", [Role.BILLING, Role.ATTORNEY])
def test_a_query_has_the_same_answer_as_over_http(socket: Socket, sign_in: SignIn, role: Role) -> None:
    socket.greet(sign_in(role).token)
    heard = socket.ask(QUERY, variables={"first": 3}, operationName="Page")
    assert data(heard) == sign_in(role).read(QUERY, first=3)
    assert len(data(heard)["invoices"]["nodes"]) == 3


def test_each_role_has_its_own_schema(server_url: str, sign_in: SignIn) -> None:
    answers = {}
    for role in (Role.BILLING, Role.ATTORNEY):
        with opened(server_url) as socket:
            socket.greet(sign_in(role).token)
            answers[role] = socket.ask("{ invoices(first: 1) { nodes { internalNotes { body } } } }")
    assert list(data(answers[Role.BILLING])) == ["invoices"]
    assert messages(answers[Role.ATTORNEY]) == ["Cannot query field 'internalNotes' on type 'Invoice'."]


def test_without_a_token_there_is_nothing_of_the_clinic(socket: Socket) -> None:
    socket.greet()
    assert data(socket.ask("{ viewer { id } }")) == {"viewer": None}
    assert messages(socket.ask("{ invoices { totalCount } }")) == ["Cannot query field 'invoices' on type 'Query'."]


@pytest.mark.parametrize("token", ["wrong", "", "\u00e4", "a" * 100_000, "Bearer"])
def test_a_token_that_is_not_good_closes_the_connection(socket: Socket, token: str) -> None:
    socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
    assert socket.refusal() == (4403, "Forbidden")


def test_a_token_that_ends_ends_the_open_connection_s_rights_too(socket: Socket, nobody: Client) -> None:
    with nobody.signed_in("billing@demo.clinic") as billing:
        socket.greet(billing.token)
        assert data(socket.ask("{ viewer { role } }")) == {"viewer": {"role": "BILLING"}}
        billing.read("mutation { signOut { signedOut } }")
    assert messages(socket.ask("{ viewer { role } }")) == ["The session has ended: sign in again"]


def test_nothing_is_asked_before_the_greeting(socket: Socket) -> None:
    socket.send(id="1", type="subscribe", payload={"query": "{ viewer { id } }"})
    assert socket.refusal() == (4401, "Unauthorized")


def test_one_greets_once(socket: Socket) -> None:
    socket.greet()
    socket.send(type="connection_init")
    assert socket.refusal()[0] == 4429


@pytest.mark.parametrize("protocol", ["graphql-ws", "soap", None])
def test_another_protocol_is_refused(server_url: str, protocol: str | None) -> None:
    with opened(server_url, protocol) as socket:
        assert socket.connection.subprotocol is None
        assert socket.refusal()[0] == 4406


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://127.0.0.1:1", "null", "http://localhost"])
def test_a_page_from_elsewhere_may_not_connect(server_url: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(server_url, origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_the_server_s_own_page_may_connect(server_url: str) -> None:
    with opened(server_url, origin=server_url.removesuffix("/graphql")) as socket:
        assert socket.greet() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"query": 7}, "query is a string"),
        ({"query": None}, "query is a string"),
        ({"query": ["{ viewer { id } }"]}, "query is a string"),
        ({"query": "{ viewer { id } }", "variables": []}, "variables is a JSON object"),
        ({"query": "{ viewer { id } }", "variables": "{}"}, "variables is a JSON object"),
        ({"query": "{ viewer { id } }", "operationName": 7}, "operationName must choose"),
        ({"query": "{ viewer { id }"}, "Syntax Error"),
        ({"query": "a" * 1_000}, "Syntax Error"),
        ({"query": "query A { viewer { id } } query B { viewer { id } }"}, "operationName must choose"),
        ({"query": "query A { viewer { id } }", "operationName": "B"}, "operationName must choose"),
        ({"query": "{ viewer { id } }".ljust(1024 * 1024 + 1)}, "larger than 1 MiB"),
    ],
    ids=lambda part: ascii(part)[:60],
)
def test_what_is_no_request_is_refused_and_the_connection_goes_on(socket: Socket, payload: Any, expected: str) -> None:
    socket.greet()
    [message] = messages(socket.ask(**payload))
    assert expected in message
    assert data(socket.ask("{ viewer { id } }")) == {"viewer": None}


def test_what_is_larger_than_any_document_may_be_ends_the_connection_before_it_is_read(socket: Socket) -> None:
    socket.greet()
    socket.send(id="1", type="subscribe", payload={"query": "{ viewer { id } }".ljust(2 * 1024 * 1024)})
    assert socket.refusal()[0] == 1009


def test_a_document_over_budget_is_refused(socket: Socket) -> None:
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
def test_half_a_surrogate_pair_is_refused_and_breaks_nothing(
    socket: Socket, sign_in: SignIn, query: str, variables: dict[str, str]
) -> None:
    socket.greet(sign_in(Role.BILLING).token)
    assert messages(socket.ask(query, variables=variables))
    assert data(socket.ask("{ viewer { role } }")) == {"viewer": {"role": "BILLING"}}


def test_an_unexpected_exception_tells_no_more_than_a_request_id(own_address: Address) -> None:
    with (
        serving(own_address) as url,
        Client(url) as nobody,
        nobody.signed_in("billing@demo.clinic") as billing,
        opened(url) as socket,
    ):
        socket.greet(billing.token)
        rows(own_address, "alter table patients rename column first_name to elsewhere")
        [answer, end] = socket.ask("{ patients { nodes { firstName } } }")
    [error] = answer["payload"]["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Something went wrong on our side", "INTERNAL_ERROR")
    assert end["type"] == "complete"


async def test_whoever_hangs_up_as_an_event_is_sent_is_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    kind = GraphQLOverWebSocket.graphql_transport_ws_handler_class
    handler = object.__new__(kind)
    handler.task_logger = logging.getLogger("strawberry.ws.task")
    await handler.handle_task_exception(WebSocketDisconnected())
    assert caplog.records == []
    await handler.handle_task_exception(ValueError())
    assert len(caplog.records) == 1
