"""Decides which strings are sent into every place where a client may send a text: by role, by field, by Hypothesis."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLList,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.people import Role
from schema.whole import role_schemas
from tests.api.records import Found
from tests.api.test_long_texts import Path, filled, places
from tests.attacks.target import Target

BAD = [
    "' or '1'='1", "'; drop table invoices; --", "$1", "%", "_", "\\", "%%%%", "\0", "\ud800", "a\udfff", "\u202e", "\ufeff",
    "=1+1", "@SUM(A1)", "<script>alert(1)</script>", "a\r\nBcc: x@example.org", "{{ 7*7 }}", "${7*7}", "../../etc/passwd",
    "", " ", "null", "-1", "1e999", "NaN", "9" * 400, "é" * 300, "0001-01-01", "9999-12-31", "2026-02-30", "x" * 1_000_000,
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="'\"\\%_$;-{}()<>=@\0\r\n\t", min_size=1, max_size=20),
    st.sampled_from(BAD),
)
_INNOCENT = '{ aging(asOf: "2026-01-31") { outstanding invoiceCount } }'


@dataclass(frozen=True)
class Place:
    """A place for a text: the operation that has it, and which variables it takes."""

    name: str
    document: str
    argument: str
    of: Any
    inside: Path
    others: dict[str, Any]

    def variables(self, found: Found, text: str) -> dict[str, Any]:
        """The variables with a text in that place, and what else is needed."""
        needed = {name: _needed(name, of, found) for name, of in self.others.items()}
        # What is itself a text, or a list of them, has no place inside.
        plain: Any = [text] if isinstance(get_nullable_type(self.of), GraphQLList) else text
        given = filled(self.argument, self.of, found, self.inside, text) if self.inside else plain
        return {**needed, self.argument: given}


def _needed(name: str, of: Any, found: Found) -> Any:
    """What an argument takes; of which type an `id` is does not matter where nothing but texts is tried."""
    return filled("invoiceId" if name == "id" else name, of, found, None, "")


def all_places(role: Role | None) -> Iterator[Place]:
    """Every place of the queries and mutations of a role."""
    schema: GraphQLSchema = role_schemas()[role]
    for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        for name, field in (root.fields if root else {}).items():
            # To be signed out, or to have another password, would end the attack.
            if name not in ("signOut", "changePassword", "revokeSession", "updateUser", "createUser"):
                for argument, said in field.args.items():
                    yield from _places_of(kind, name, field, argument, said)


def _places_of(kind: str, name: str, field: GraphQLField, argument: str, said: GraphQLArgument) -> Iterator[Place]:
    taken = {one: other for one, other in field.args.items() if one == argument or is_required_argument(other)}
    declared = ", ".join(f"${one}: {other.type}" for one, other in taken.items())
    given = ", ".join(f"{one}: ${one}" for one in taken)
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    document = f"{kind} ({declared}) {{ {name}({given}){selection} }}"
    others = {one: other.type for one, other in taken.items() if one != argument}
    for inside in places(said.type):
        yield Place(f"{name}.{'.'.join((argument, *inside))}", document, argument, said.type, inside, others)


def send(client: httpx.Client, url: str, headers: dict[str, str], place: Place, found: Found, text: str) -> int:
    """The status of the answer to a text in a place: 500, too, where the failure of one field is told with 200."""
    import json  # noqa: PLC0415 (its escapes take what no encoding does)

    body = json.dumps({"query": place.document, "variables": place.variables(found, text)})
    sent = {**headers, "content-type": "application/json", "accept": "application/graphql-response+json"}
    answer = client.post(url, content=body.encode(), headers=sent)
    return 500 if '"code":"INTERNAL_ERROR"' in answer.text.replace(" ", "") else answer.status_code


def _into(place: Place, sent: Callable[[Place, str], int], examples: int, statuses: Counter[int]) -> None:
    """Send so many texts of Hypothesis into one place, and every known bad one."""
    chosen = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @chosen
    @given(text=TEXTS)
    def all_of(text: str) -> None:
        statuses[sent(place, text)] += 1

    all_of()
    for text in BAD:
        statuses[sent(place, text)] += 1


def into_all_places(target: Target, found: Found, role: Role | None, examples: int) -> str:
    """Texts into every place that a role has."""
    statuses: Counter[int] = Counter()
    headers, many = target.headers(role), list(all_places(role))
    with httpx.Client(timeout=60) as client:
        innocent = target.ask(client, Role.BILLING, _INNOCENT).text
        for place in many:
            _into(place, lambda said, text: send(client, target.url, headers, said, found, text), examples, statuses)
        is_same = target.ask(client, Role.BILLING, _INNOCENT).text == innocent
    told = f"{len(many)} places, {statuses.total():,} texts, {statuses[500]} failures"
    return f"{told}; an innocent query: {'as before' if is_same else 'CHANGED'}"
