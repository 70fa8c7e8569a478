"""The comparisons between servers; before anything is measured, the servers must give the same answers."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import orjson

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.bench.benchmark_users import ROLES, BenchmarkUsers, ask, sign_in
from tests.bench.cases import CASES, Case
from tests.bench.rounds import Comparer, Figures, MeasuredServer
from tests.bench.servers.start import Server, python, started, together

LIMIT, OURS, TEXTBOOK, UNLOCKED = "limit", "server", "textbook", "without locks"
_ROUNDS_PER_TEXTBOOK = 10
_SMALL_CLINIC = "server on the small clinic"


class DifferentAnswerError(Exception):
    """Two servers give different answers, so that nothing is measured."""


@dataclass(frozen=True)
class Comparison:
    """One case at one concurrency: the figures of each server."""

    case: str
    connections: int
    figures: dict[str, Figures]


@contextmanager
def our_server(address: DatabaseUrls, name: str = OURS, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """The server as an operator starts it."""
    billing = Path(sys.executable).with_name("billing")
    environment = {"DATABASE_URL": address.owner, "BILLING_PORT": "0", **(settings or {})}
    with started(name, [billing, "serve"], environment) as server:
        yield server


class Serve(Protocol):
    """Starts our server on a database, or returns a shared one."""

    def __call__(self, address: DatabaseUrls, name: str = OURS) -> AbstractContextManager[Server]:
        """The server, running."""


def tokens_of(server: Server) -> dict[Role, str]:
    """A bearer token of our server for each role."""
    return {role: sign_in(server.port, role) for role in ROLES}


def run_cases(
    comparer: Comparer,
    address: DatabaseUrls,
    benchmark_users: BenchmarkUsers,
    cases: Sequence[Case],
    *,
    textbook: bool,
    serve: Serve = our_server,
) -> Iterator[Comparison]:
    """Every case at every concurrency: our server, the limit and (on request) the textbook."""
    by_hand = started(LIMIT, python("tests.bench.servers.limit", benchmark_users.order_of_limit(address)))
    with together(serve(address), by_hand) as (ours, limit):
        tokens = tokens_of(ours)
        for role, of_role in groupby(cases, lambda case: case.role):
            with _textbook(address, benchmark_users, role) if textbook else nullcontext() as slow:
                for case in of_role:
                    bodies = benchmark_users.bodies(case)
                    measured_servers = [
                        MeasuredServer(limit, f"/{case.name}", bodies),
                        MeasuredServer(ours, "/graphql", bodies, tokens[role]),
                    ]
                    if slow:
                        measured_servers.append(MeasuredServer(slow, "/graphql", bodies, every=_ROUNDS_PER_TEXTBOOK))
                    check_same_answers(measured_servers, comparer.pace.compared)
                    for connections in comparer.pace.connections:
                        yield Comparison(case.name, connections, comparer.compare(measured_servers, connections))


def _textbook(address: DatabaseUrls, benchmark_users: BenchmarkUsers, role: Role) -> AbstractContextManager[Server]:
    viewer = benchmark_users.viewers[role]
    person = str(viewer.person_id) if viewer.person_id else None
    order = {"dsn": address.owner, "clinic_id": str(viewer.clinic_id), "role": role, "person_id": person}
    return started(TEXTBOOK, python("tests.bench.textbook.strawberry_app", orjson.dumps(order).decode()))


def check_same_answers(measured_servers: Sequence[MeasuredServer], compared: int) -> None:
    """Raise DifferentAnswerError unless all servers give the same answers; white space and the order of keys do not count."""
    first, *others = measured_servers
    for body in first.bodies[:compared]:
        expected = _answer(first, body)
        for other in others:
            if _answer(other, body) != expected:
                raise DifferentAnswerError(
                    f"{other.server.name} and {first.server.name} answer differently: {body[:500]}"
                )


def _answer(measured_server: MeasuredServer, body: str) -> Any:
    answer = ask(measured_server.server.port, measured_server.path, body, measured_server.token)
    if "errors" in answer:
        raise DifferentAnswerError(f"{measured_server.server.name} answers with errors: {answer['errors']!r:.500}")
    return answer


def run_between(
    comparer: Comparer, benchmark_users: BenchmarkUsers, servers: Sequence[Server], cases: Sequence[str]
) -> Iterator[Comparison]:
    """Cases by their names, at every concurrency, between servers on the same clinic."""
    tokens = [tokens_of(server) for server in servers]
    for case in (CASES[name] for name in cases):
        bodies = benchmark_users.bodies(case)
        measured_servers = [
            MeasuredServer(server, "/graphql", bodies, token[case.role])
            for server, token in zip(servers, tokens, strict=True)
        ]
        check_same_answers(measured_servers, comparer.pace.compared)
        for connections in comparer.pace.connections:
            yield Comparison(case.name, connections, comparer.compare(measured_servers, connections))


def run_growth(
    comparer: Comparer,
    clinics: tuple[DatabaseUrls, DatabaseUrls],
    benchmark_users: BenchmarkUsers,
    case: Case,
    serve: Serve = our_server,
) -> Iterator[Comparison]:
    """The same case on a small and on a large clinic, in turn."""
    bodies, (small, large) = benchmark_users.bodies(case), clinics
    with together(serve(small, _SMALL_CLINIC), serve(large)) as (few, many):
        measured_servers = [
            MeasuredServer(server, "/graphql", bodies, tokens_of(server)[case.role]) for server in (few, many)
        ]
        for connections in comparer.pace.connections:
            figures = comparer.compare(measured_servers, connections)
            yield Comparison(case.name, connections, {"small": figures[_SMALL_CLINIC], "large": figures[OURS]})


def run_locks(
    comparer: Comparer, address: DatabaseUrls, benchmark_users: BenchmarkUsers, case: Case, serve: Serve = our_server
) -> Iterator[Comparison]:
    """The same case with both locks, and with none."""
    settings = {"DATABASE_URL": address.owner, "BILLING_PORT": "0"}
    with together(serve(address), started(UNLOCKED, python("tests.bench.servers.unlocked"), settings)) as servers:
        yield from run_between(comparer, benchmark_users, servers, (case.name,))


def run_floor(comparer: Comparer) -> Iterator[Comparison]:
    """The throughput of the load client and uvicorn with an endpoint that does nothing."""
    with started("nothing", python("tests.bench.servers.bare")) as server:
        for connections in comparer.pace.connections:
            yield Comparison(
                "nothing", connections, comparer.compare([MeasuredServer(server, "/", ["{}"])], connections)
            )
