"""The query cost limits: each limit at its edge, and that checking a document is cheap for every document."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, get_introspection_query, parse

from domain.access.people import Role
from limits.query_cost import LIMITS
from schema.whole import role_schemas
from server.execution.document_cache import DocumentCache
from tests.conftest import SignIn
from tests.support.client import Client

SPECIFIED = {
    "depth": 15,
    "aliases": 30,
    "root fields": 20,
    "expanded fields": 2_000,
    "directives per place": 4,
    "tokens": 4_000,
}


def refused_at(answer: Any) -> str | None:
    """The limit that an answer names; fails when it has any other error."""
    if not any((error.get("extensions") or {}).get("code") == "OVER_BUDGET" for error in answer.get("errors", ())):
        return None
    assert set(answer) == {"errors"}
    [error] = answer["errors"]
    limit: str = error["extensions"]["limit"]
    assert limit in error["message"]
    return limit


def deep(levels: int) -> str:
    """Invoices of cases of invoices, to a given depth, with a fragment now and then."""
    inside = "id"
    for level in range(levels - 2, -1, -1):
        name = "invoices" if level == 0 else ("nodes", "case", "invoices")[(level - 1) % 3]
        inside = f"{name} {{ {inside} }}" if level % 4 else f"{name} {{ ... {{ {inside} }} }}"
    return f"{{ {inside} }}"


def aliases(count: int) -> str:
    names = [f"a{number}: id" for number in range(count)]
    first, second = " ".join(names[::2]), " ".join(names[1::2])
    return f"{{ viewer {{ {first} ...Rest }} }} fragment Rest on Viewer {{ {second} }}"


def root_fields(count: int) -> str:
    return "{ " + "viewer { id } " * (count - 1) + "... { __typename } }"


def expanded_fields(count: int) -> str:
    """Ten fields from every spread of one fragment, and single fields up to the count."""
    spreads, single = divmod(count - 1, 10)
    fragment = "fragment F on Viewer { id email name role __typename clinic { id name shortName timeZone } }"
    return f"{{ viewer {{ {'...F ' * spreads} {'id ' * single} }} }} {fragment}"


def directives(count: int) -> str:
    return "{ viewer { id " + "@include(if: true) " * count + "} }"


def tokens(count: int) -> str:
    around = "{ invoices ( filter : { search : [ ] } ) { totalCount } }"
    return around.replace("[", "[" + '"" ' * (count - len(around.split())))


def nested(count: int) -> str:
    return "{ " + "... { " * (count - 1) + "__typename" + " }" * count


EDGES: list[tuple[str, Callable[[int], str]]] = [
    ("depth", deep),
    ("aliases", aliases),
    ("root fields", root_fields),
    ("expanded fields", expanded_fields),
    ("directives per place", directives),
    ("tokens", tokens),
    ("nested selections", nested),
]


def test_the_limits_are_the_specified_ones() -> None:
    assert SPECIFIED.items() <= LIMITS.items()


@pytest.mark.parametrize(("limit", "document"), EDGES, ids=[limit for limit, _ in EDGES])
def test_a_document_at_a_limit_is_not_refused_for_it(
    sign_in: SignIn, limit: str, document: Callable[[int], str]
) -> None:
    answer = sign_in(Role.BILLING).ask(document(LIMITS[limit]))
    assert refused_at(answer) is None
    # Directives cannot be repeated and lists are no searches: these two documents are invalid for another reason.
    if limit not in ("directives per place", "tokens"):
        assert "errors" not in answer, answer["errors"]


@pytest.mark.parametrize(("limit", "document"), EDGES, ids=[limit for limit, _ in EDGES])
def test_a_document_one_above_a_limit_is_refused_by_the_limit_s_name(
    sign_in: SignIn, limit: str, document: Callable[[int], str]
) -> None:
    response = sign_in(Role.BILLING).post(document(LIMITS[limit] + 1))
    assert (response.status_code, refused_at(response.json())) == (400, limit)


def test_a_document_that_is_refused_runs_nothing(sign_in: SignIn, anonymous: Client) -> None:
    signed_in = anonymous.signed_in("analyst@demo.example")
    query = "mutation { signOut { signedOut } " + " ".join(f"a{n}: __typename" for n in range(31)) + " }"
    assert refused_at(signed_in.ask(query)) == "aliases"
    assert signed_in.read("{ viewer { email } }") == {"viewer": {"email": "analyst@demo.example"}}


@pytest.mark.parametrize(
    "document",
    [
        'mutation { signIn(input: {email: "a", password: "b"}) { token } again: signIn(input: {email: "a", password: "c"}) { token } }',
        'mutation { signIn(input: {email: "a", password: "b"}) { token } signOut { signedOut } }',
        'mutation { signIn(input: {email: "a", password: "b"}) { token } ... { a: signIn(input: {email: "a", password: "c"}) { token } } }',
        """mutation { signIn(input: {email: "a", password: "b"}) { token } ...F }
        fragment F on Mutation { a: signIn(input: {email: "a", password: "c"}) { token } }""",
        'mutation { signIn(input: {email: "a", password: "b"}) { token } __typename }',
    ],
)
def test_a_sign_in_is_the_only_field_of_its_request_so_that_one_request_tries_one_password(
    sign_in: SignIn, document: str
) -> None:
    assert refused_at(sign_in(Role.BILLING).ask(document)) == "signIn"


def depth_of(query: str) -> int:
    """The deepest path of fields with fragments expanded, computed without regard to cost."""
    document = parse(query)
    fragments = {item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)}

    def depth(node: Any) -> int:
        inside = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        below = [depth(selection) for selection in inside.selection_set.selections] if inside.selection_set else [0]
        return max(below) + isinstance(node, FieldNode)

    return max(depth(item) for item in document.definitions)


def test_the_introspection_that_graphiql_sends_is_allowed(sign_in: SignIn) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    assert sign_in(Role.ADMIN).read(query)["__schema"]["queryType"]["name"] == "Query"
    assert depth_of(query) == LIMITS["depth"]


def bomb(doublings: int) -> str:
    """Fragments that spread the next one twice each."""
    fragments = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(doublings)]
    return "{ ...F0 } " + " ".join([*fragments, f"fragment F{doublings} on Query {{ viewer {{ id }} }}"])


def test_doubling_fragments_are_refused_before_they_are_expanded(anonymous: Client) -> None:
    small = bomb(15)
    assert len(small) < 629
    assert refused_at(anonymous.ask(small)) == "expanded fields"


def test_the_largest_document_of_doubling_fragments_is_refused_too(anonymous: Client) -> None:
    # Ten tokens for each fragment: as many as the token limit allows.
    assert refused_at(anonymous.ask(bomb(397))) in ("expanded fields", "nested selections")


@pytest.mark.parametrize("length", [1, 2, 3, 50])
def test_circular_fragments_are_refused_by_validation(anonymous: Client, length: int) -> None:
    fragments = [f"fragment F{n} on Query {{ ...F{(n + 1) % length} }}" for n in range(length)]
    [message, *_] = anonymous.refusals("{ ...F0 } " + " ".join(fragments))
    assert message.startswith("Cannot spread fragment 'F0' within itself")


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "{ __schema { types { ...T } } } fragment T on __Type { fields { type { ...T } } }",
        "{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(31)) + " }",
    ],
    ids=["circles", "circles of fragments", "aliases"],
)
def test_introspection_is_subject_to_the_limits(anonymous: Client, document: str) -> None:
    response = anonymous.post(document)
    assert (response.status_code, "data" in response.json()) == (400, False)


def chain(count: int) -> str:
    fragments = [f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(count)]
    return "\n".join(["{ ...F0 }", *fragments, f"fragment F{count} on Query {{ viewer {{ id }} }}"])


def test_a_long_chain_of_fragments_is_refused_in_any_order(anonymous: Client) -> None:
    forwards = chain(450)
    backwards = "\n".join(reversed(forwards.splitlines()))
    for document in (forwards, backwards):
        assert refused_at(anonymous.ask(document)) == "nested selections"


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_deeply_nested_values_are_refused(anonymous: Client, brackets: str) -> None:
    opening = "[" if brackets == "[]" else "{a: "
    value = opening * 1_500 + "1" + brackets[1] * 1_500
    assert refused_at(anonymous.ask(f"{{ viewer(a: {value}) {{ id }} }}")) == "nested selections"


def many(part: str) -> Callable[[int], str]:
    """One part, repeated as often as a document of so many tokens needs."""
    size = len(part.split())
    return lambda count: "{ viewer { " + part * (count // size) + "} }"


def spread_fragments(count: int) -> str:
    names = [f"F{n}" for n in range(count // 10)]
    spread = " ".join(f"...{name}" for name in names)
    return f"{{ viewer {{ {spread} }} }} " + " ".join(f"fragment {name} on Viewer {{ id name }}" for name in names)


def operations(count: int) -> str:
    return " ".join(f"query Q{n} {{ ...F }}" for n in range(count // 6)) + " fragment F on Query { viewer { id } }"


GROWING: list[tuple[str, Callable[[int], str]]] = [
    ("one field again and again", many("id ")),
    ("one field with arguments again and again", many("id @skip ( if : false ) ")),
    ("one selection again and again", many("clinic { id } ")),
    ("fields that do not exist", many("nothing ")),
    ("fragments with the same fields", spread_fragments),
    ("fragments that double", lambda count: bomb(count // 10)),
    ("a chain of fragments", lambda count: chain(count // 9)),
    ("operations", operations),
    ("nested fields", lambda count: "{ viewer " * (count // 3) + "}" * (count // 3)),
    ("a list", tokens),
    ("a long text", lambda count: '{ viewer(a: "' + "x" * 100 * count + '") { id } }'),
]


@pytest.mark.parametrize(("what", "document"), GROWING, ids=[what for what, _ in GROWING])
def test_a_document_twice_as_long_takes_about_twice_as_long_to_check(what: str, document: Callable[[int], str]) -> None:
    def seconds(count: int) -> float:
        return min(_seconds_to_check(document(count)) for _ in range(5))

    # Both are within the limits of tokens and of fields. Quadratic work would make the ratio four.
    half, whole = seconds(950), seconds(1_900)
    assert whole < 3 * half + 0.005, f"{half * 1000:.1f} ms, then {whole * 1000:.1f} ms"


def _seconds_to_check(document: str) -> float:
    documents = DocumentCache(role_schemas())
    began = time.process_time()
    documents.prepare(None, document)
    return time.process_time() - began
