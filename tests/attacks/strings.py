"""Sends strings into every text argument of a role's schema: those of Hypothesis and known bad ones."""

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

from domain.access.people import Role
from schema.whole import role_schemas
from tests.api.reads.test_long_texts import Path, filled, places
from tests.attacks.target import Target
from tests.support.api.records import Found

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
_CONTROL_QUERY = '{ aging(asOf: "2026-01-31") { outstanding invoiceCount } }'


@dataclass(frozen=True)
class Place:
    """A text argument, or a text inside an input: its operation, and the variables of that operation."""

    name: str
    document: str
    argument: str
    of: Any
    inside: Path
    others: dict[str, Any]

    def variables(self, found: Found, text: str) -> dict[str, Any]:
        """The variables with a text in that place, and the other required ones."""
        needed = {name: _needed(name, of, found) for name, of in self.others.items()}
        # An argument that is a text, or a list of texts, has no path inside.
        plain: Any = [text] if isinstance(get_nullable_type(self.of), GraphQLList) else text
        value = filled(self.argument, self.of, found, self.inside, text) if self.inside else plain
        return {**needed, self.argument: value}


def _needed(name: str, of: Any, found: Found) -> Any:
    """A valid value of an argument; the type of an `id` does not matter, because only texts are tested."""
    return filled("invoiceId" if name == "id" else name, of, found, None, "")


def all_places(role: Role | None) -> Iterator[Place]:
    """Every text argument of the queries and mutations of a role."""
    schema: GraphQLSchema = role_schemas()[role]
    for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        for name, field in (root.fields if root else {}).items():
            # A sign-out or a new password would end the attack.
            if name not in ("signOut", "changePassword", "revokeSession", "updateUser"):
                for argument, definition in field.args.items():
                    yield from _places_of(kind, name, field, argument, definition)


def _places_of(
    kind: str, name: str, field: GraphQLField, argument: str, definition: GraphQLArgument
) -> Iterator[Place]:
    taken = {one: other for one, other in field.args.items() if one == argument or is_required_argument(other)}
    declared = ", ".join(f"${one}: {other.type}" for one, other in taken.items())
    passed = ", ".join(f"{one}: ${one}" for one in taken)
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    document = f"{kind} ({declared}) {{ {name}({passed}){selection} }}"
    others = {one: other.type for one, other in taken.items() if one != argument}
    for inside in places(definition.type):
        yield Place(f"{name}.{'.'.join((argument, *inside))}", document, argument, definition.type, inside, others)


def send(client: httpx.Client, url: str, headers: dict[str, str], place: Place, found: Found, text: str) -> int:
    """The status of the answer to a text in a place: 500 also when the answer is 200 and a field failed with INTERNAL_ERROR."""
    import json  # noqa: PLC0415 (its escapes can write lone surrogates, which no encoding can)

    body = json.dumps({"query": place.document, "variables": place.variables(found, text)})
    sent = {**headers, "content-type": "application/json", "accept": "application/graphql-response+json"}
    answer = client.post(url, content=body.encode(), headers=sent)
    return 500 if '"code":"INTERNAL_ERROR"' in answer.text.replace(" ", "") else answer.status_code


def _into(place: Place, sent: Callable[[Place, str], int], examples: int, statuses: Counter[int]) -> None:
    """Send a number of texts of Hypothesis into one place, and every known bad one."""
    chosen = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @chosen
    @given(text=TEXTS)
    def send_text(text: str) -> None:
        statuses[sent(place, text)] += 1

    send_text()
    for text in BAD:
        statuses[sent(place, text)] += 1


def into_all_places(target: Target, found: Found, role: Role | None, examples: int) -> str:
    """Send texts into every place of a role; returns the counts in words."""
    statuses: Counter[int] = Counter()
    headers, many = target.headers(role), list(all_places(role))
    with httpx.Client(timeout=60) as client:
        control_answer = target.ask(client, Role.BILLING, _CONTROL_QUERY).text
        for place in many:
            _into(place, lambda where, text: send(client, target.url, headers, where, found, text), examples, statuses)
        is_same = target.ask(client, Role.BILLING, _CONTROL_QUERY).text == control_answer
    summary = f"{len(many)} places, {statuses.total():,} texts, {statuses[500]} failures"
    return f"{summary}; a control query: {'unchanged' if is_same else 'CHANGED'}"
