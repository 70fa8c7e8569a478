"""The checks of graphql-cop, written from their descriptions: what each sends, and which answer is safe."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.attacks.target import Target

Ask = Callable[..., httpx.Response]
_INTROSPECTION = "{ __schema { types { name fields { name type { name } } } } }"


@dataclass(frozen=True)
class Check:
    """One check: its name in graphql-cop, what is sent, and whether the answer is safe."""

    name: str
    sent: str
    send: Callable[[Ask], httpx.Response]
    is_safe: Callable[[httpx.Response], bool]


def _query(text: str) -> Callable[[Ask], httpx.Response]:
    return lambda ask: ask("POST", json={"query": text})


def _exceeds(limit: str) -> Callable[[httpx.Response], bool]:
    return lambda answer: any(error.get("extensions", {}).get("limit") == limit for error in answer.json()["errors"])


def _refused(*statuses: int) -> Callable[[httpx.Response], bool]:
    return lambda answer: answer.status_code in statuses and "data" not in _json(answer)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return {}


def _does_not_contain(word: str) -> Callable[[httpx.Response], bool]:
    return lambda answer: word not in answer.text


_ALIASES = "{ " + " ".join(f"alias{number}: __typename" for number in range(101)) + " }"
_DIRECTIVES = "{ __typename " + "@aa" * 10 + " }"
_CIRCULAR = "query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
_NESTED = "{ __schema { types { " + "fields { type { " * 7 + "name" + " } }" * 7 + " } } }"
_DUPLICATED = "{ " + "__typename " * 5_000 + "}"

CHECKS = [
    Check("alias overloading", "101 aliases", _query(_ALIASES), _exceeds("aliases")),
    Check(
        "array-based query batching",
        "a list of ten requests",
        lambda ask: ask("POST", json=[{"query": "{ __typename }"}] * 10),
        _refused(400),
    ),
    Check(
        "directive overloading", "ten directives at one field", _query(_DIRECTIVES), _exceeds("directives per place")
    ),
    Check("circular query by introspection", "types in types, 17 deep", _query(_NESTED), _exceeds("depth")),
    Check("circular fragments", "two fragments that spread each other", _query(_CIRCULAR), _refused(200, 400)),
    Check("field duplication", "one field 5,000 times", _query(_DUPLICATED), _exceeds("tokens")),
    Check("field suggestions", "a field misspelt", _query("{ viewr { id } }"), _does_not_contain("viewer")),
    Check("introspection", "anonymous", _query(_INTROSPECTION), _does_not_contain('"Invoice"')),
    Check(
        "introspection by GET",
        "the same in the address",
        lambda ask: ask("GET", params={"query": _INTROSPECTION}),
        _refused(405),
    ),
    Check(
        "queries by GET (CSRF)", "a query", lambda ask: ask("GET", params={"query": "{ __typename }"}), _refused(405)
    ),
    Check(
        "mutations by GET (CSRF)",
        "a mutation",
        lambda ask: ask("GET", params={"query": "mutation { signOut { errors { message } } }"}),
        _refused(405),
    ),
    Check(
        "POST as a form (CSRF)",
        "a query as application/x-www-form-urlencoded",
        lambda ask: ask("POST", data={"query": "{ __typename }"}),
        _refused(415),
    ),
    Check("tracing", "a query", _query("{ __typename }"), _does_not_contain("tracing")),
    Check(
        "GraphQL IDE",
        "a page asked for at other well-known paths",
        lambda ask: ask("GET", path="/graphiql", headers={"accept": "text/html"}),
        lambda answer: answer.status_code == 404,
    ),
    Check("unhandled errors", "an unknown field", _query("{ abc }"), lambda answer: "Traceback" not in answer.text),
]


def check_all(target: Target, seconds: float) -> str:
    """Run every check repeatedly for some seconds; returns in words which of them found a weakness."""
    failed, until = set(), time.monotonic() + seconds
    with httpx.Client(headers=target.headers(None), timeout=30) as client:

        def ask(method: str, path: str = "/graphql", **more: object) -> httpx.Response:
            return client.request(method, f"http://127.0.0.1:{target.port}{path}", **more)  # type: ignore[arg-type]

        while time.monotonic() < until:
            for check in CHECKS:
                answer = check.send(ask)
                # A client over the rate limit is refused before its request is looked at.
                if answer.status_code != httpx.codes.TOO_MANY_REQUESTS and not check.is_safe(answer):
                    failed.add(check.name)
    return f"{len(CHECKS)} checks, not safe: {', '.join(sorted(failed)) or 'none'}"
