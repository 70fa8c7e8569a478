"""Decides which servers meet, and that they give the same answers before anything is measured."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from domain.people import Role
from server.addresses import Address
from tests.bench.cases import CASES, CONCURRENCIES, Case
from tests.bench.rounds import Arena, Entrant, Figures
from tests.bench.servers import Server, python, started
from tests.bench.viewers import ROLES, Asker, ask, sign_in

LIMIT, OURS, TEXTBOOK, UNLOCKED = "limit", "server", "textbook", "without locks"
_ANSWERS_COMPARED = 50
_ROUNDS_PER_TEXTBOOK = 10
_SMALL_CLINIC = "server on the small clinic"


class DifferentAnswerError(Exception):
    """Two servers whose answers are not the same: nothing is measured then."""


@dataclass(frozen=True)
class Contest:
    """One case at one concurrency: what each server reached."""

    case: str
    connections: int
    figures: dict[str, Figures]


@contextmanager
def our_server(address: Address, name: str = OURS, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """The server as an operator starts it."""
    billing = Path(sys.executable).with_name("billing")
    said = {"DATABASE_URL": address.owner, "BILLING_PORT": "0", **(settings or {})}
    with started(name, [billing, "serve"], said) as server:
        yield server


def tokens_of(server: Server) -> dict[Role, str]:
    """Who asks our server, signed in."""
    return {role: sign_in(server.port, role) for role in ROLES}


def run_cases(arena: Arena, address: Address, asker: Asker, cases: Sequence[Case], textbook: bool) -> Iterator[Contest]:
    """Every case at every concurrency: our server, the limit and (when asked for) the textbook."""
    with ExitStack() as servers:
        ours = servers.enter_context(our_server(address))
        limit = servers.enter_context(started(LIMIT, python("tests.bench.limit", asker.order_of_limit(address))))
        tokens = tokens_of(ours)
        for case in cases:
            bodies = asker.bodies(case)
            entrants = [
                Entrant(limit, f"/{case.name}", bodies),
                Entrant(ours, "/graphql", bodies, tokens[case.role]),
            ]
            with ExitStack() as below:
                if textbook:
                    slow = below.enter_context(_textbook(address, asker, case))
                    entrants.append(Entrant(slow, "/graphql", bodies, every=_ROUNDS_PER_TEXTBOOK))
                check_same(entrants)
                for connections in CONCURRENCIES:
                    yield Contest(case.name, connections, arena.compare(entrants, connections))


@contextmanager
def _textbook(address: Address, asker: Asker, case: Case) -> Iterator[Server]:
    viewer = asker.viewers[case.role]
    person = str(viewer.person_id) if viewer.person_id else None
    order = {"dsn": address.owner, "clinic_id": str(viewer.clinic_id), "role": case.role, "person_id": person}
    command = python("tests.bench.textbook.strawberry_app", orjson.dumps(order).decode())
    with started(TEXTBOOK, command) as server:
        yield server


def check_same(entrants: Sequence[Entrant]) -> None:
    """Refuse servers that do not all give the same answers; white space and the order of keys do not count."""
    first, *others = entrants
    for body in first.bodies[:_ANSWERS_COMPARED]:
        expected = _answer(first, body)
        for other in others:
            if _answer(other, body) != expected:
                raise DifferentAnswerError(
                    f"{other.server.name} and {first.server.name} answer differently: {body[:500]}"
                )


def _answer(entrant: Entrant, body: str) -> Any:
    answer = ask(entrant.server.port, entrant.path, body, entrant.token)
    if "errors" in answer:
        raise DifferentAnswerError(f"{entrant.server.name} answers with errors: {answer['errors']!r:.500}")
    return answer


def run_between(arena: Arena, asker: Asker, servers: Sequence[Server], cases: Sequence[str]) -> Iterator[Contest]:
    """Cases by their names, at every concurrency, between servers on the same clinic."""
    tokens = [tokens_of(server) for server in servers]
    for case in (CASES[name] for name in cases):
        bodies = asker.bodies(case)
        entrants = [
            Entrant(server, "/graphql", bodies, token[case.role]) for server, token in zip(servers, tokens, strict=True)
        ]
        check_same(entrants)
        for connections in CONCURRENCIES:
            yield Contest(case.name, connections, arena.compare(entrants, connections))


def run_growth(arena: Arena, small: Address, large: Address, asker: Asker, case: Case) -> Iterator[Contest]:
    """The same case on a small and on a large clinic, in turn."""
    bodies = asker.bodies(case)
    with our_server(small, _SMALL_CLINIC) as few, our_server(large) as many:
        entrants = [Entrant(server, "/graphql", bodies, tokens_of(server)[case.role]) for server in (few, many)]
        for connections in CONCURRENCIES:
            figures = arena.compare(entrants, connections)
            yield Contest(case.name, connections, {"small": figures[_SMALL_CLINIC], "large": figures[OURS]})


def run_locks(arena: Arena, address: Address, asker: Asker, case: Case) -> Iterator[Contest]:
    """The same case with both locks, and with none."""
    settings = {"DATABASE_URL": address.owner, "BILLING_PORT": "0"}
    with our_server(address) as locked, started(UNLOCKED, python("tests.bench.unlocked"), settings) as unlocked:
        yield from run_between(arena, asker, (locked, unlocked), (case.name,))


def run_floor(arena: Arena) -> Iterator[Contest]:
    """What the load client and uvicorn reach together when there is nothing to do."""
    with started("nothing", python("tests.bench.bare")) as server:
        for connections in CONCURRENCIES:
            yield Contest("nothing", connections, arena.compare([Entrant(server, "/", ["{}"])], connections))
