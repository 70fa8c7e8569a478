"""Decides how much a document may ask for: each limit at its edge, and that judging a document costs little, whatever it is."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, get_introspection_query, parse

from domain.people import Role
from schema.whole import role_schemas
from server.budget import LIMITS
from server.documents import Documents
from tests.client import Client
from tests.conftest import SignIn

SPECIFIED = {
    "depth": 15,
    "aliases": 30,
    "root fields": 20,
    "expanded fields": 2_000,
    "directives per place": 4,
    "tokens": 4_000,
}


def refused_at(answer: Any) -> str | None:
    """The limit that an answer names; fails when it says anything besides."""
    if not any((error.get("extensions") or {}).get("code") == "OVER_BUDGET" for error in answer.get("errors", ())):
        return None
    assert set(answer) == {"errors"}
    [error] = answer["errors"]
    limit: str = error["extensions"]["limit"]
    assert limit in error["message"]
    return limit


def deep(levels: int) -> str:
    """Invoices of cases of invoices … as deep as wanted, with a fragment now and then."""
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
    """Ten fields from every spread of one fragment, and single ones up to the count."""
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
def test_what_a_limit_allows_is_not_refused_for_it(sign_in: SignIn, limit: str, document: Callable[[int], str]) -> None:
    answer = sign_in(Role.BILLING).ask(document(LIMITS[limit]))
    assert refused_at(answer) is None
    # Directives cannot be repeated and lists are no searches: these two documents are wrong for another reason.
    if limit not in ("directives per place", "tokens"):
        assert "errors" not in answer, answer["errors"]


@pytest.mark.parametrize(("limit", "document"), EDGES, ids=[limit for limit, _ in EDGES])
def test_one_more_than_a_limit_allows_is_refused_by_its_name(
    sign_in: SignIn, limit: str, document: Callable[[int], str]
) -> None:
    response = sign_in(Role.BILLING).post(document(LIMITS[limit] + 1))
    assert (response.status_code, refused_at(response.json())) == (400, limit)


def test_a_document_that_is_refused_runs_nothing(sign_in: SignIn, nobody: Client) -> None:
    signed_in = nobody.signed_in("analyst@demo.clinic")
    asked = "mutation { signOut { signedOut } " + " ".join(f"a{n}: __typename" for n in range(31)) + " }"
    assert refused_at(signed_in.ask(asked)) == "aliases"
    assert signed_in.read("{ viewer { email } }") == {"viewer": {"email": "analyst@demo.clinic"}}


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
def test_signing_in_stands_alone_so_that_one_request_tries_one_password(sign_in: SignIn, document: str) -> None:
    assert refused_at(sign_in(Role.BILLING).ask(document)) == "signIn"


def depth_of(query: str) -> int:
    """The deepest path of fields, fragments spread, worked out without a thought for what it costs."""
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
    """Fragments of which each spreads the next one twice."""
    fragments = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(doublings)]
    return "{ ...F0 } " + " ".join([*fragments, f"fragment F{doublings} on Query {{ viewer {{ id }} }}"])


def test_fragments_that_double_are_refused_before_they_explode(nobody: Client) -> None:
    small = bomb(15)
    assert len(small) < 629
    assert refused_at(nobody.ask(small)) == "expanded fields"


def test_the_largest_document_of_doubling_fragments_is_refused_too(nobody: Client) -> None:
    # Ten tokens for each fragment: as many as the limit of tokens lets through.
    assert refused_at(nobody.ask(bomb(397))) in ("expanded fields", "nested selections")


@pytest.mark.parametrize("length", [1, 2, 3, 50])
def test_fragments_in_a_circle_are_refused_by_validation(nobody: Client, length: int) -> None:
    fragments = [f"fragment F{n} on Query {{ ...F{(n + 1) % length} }}" for n in range(length)]
    [message, *_] = nobody.refusals("{ ...F0 } " + " ".join(fragments))
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
def test_introspection_is_no_way_around_the_limits(nobody: Client, document: str) -> None:
    response = nobody.post(document)
    assert (response.status_code, "data" in response.json()) == (400, False)


def chain(count: int) -> str:
    fragments = [f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(count)]
    return "\n".join(["{ ...F0 }", *fragments, f"fragment F{count} on Query {{ viewer {{ id }} }}"])


def test_a_long_chain_of_fragments_is_refused_in_whichever_order_it_is_written(nobody: Client) -> None:
    forwards = chain(450)
    backwards = "\n".join(reversed(forwards.splitlines()))
    for document in (forwards, backwards):
        assert refused_at(nobody.ask(document)) == "nested selections"


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_values_nested_without_end_are_refused(nobody: Client, brackets: str) -> None:
    opening = "[" if brackets == "[]" else "{a: "
    value = opening * 1_500 + "1" + brackets[1] * 1_500
    assert refused_at(nobody.ask(f"{{ viewer(a: {value}) {{ id }} }}")) == "nested selections"


def many(part: str) -> Callable[[int], str]:
    """One part, as often as it takes to make a document of so many tokens."""
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
def test_a_document_twice_as_long_takes_about_twice_as_long_to_judge(what: str, document: Callable[[int], str]) -> None:
    def seconds(count: int) -> float:
        return min(_seconds_to_judge(document(count)) for _ in range(5))

    # Both are within the limit of tokens, and of fields. Work that grows with the square would make the ratio four.
    half, whole = seconds(950), seconds(1_900)
    assert whole < 3 * half + 0.005, f"{half * 1000:.1f} ms, then {whole * 1000:.1f} ms"


def _seconds_to_judge(document: str) -> float:
    documents = Documents(role_schemas())
    began = time.process_time()
    documents.prepare(None, document)
    return time.process_time() - began
