"""Global ids, amounts, days, times, enum values and inputs of every operation: an invalid value is refused where it stands."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from db.global_ids import TAGS, make_id, read_id
from domain.access.people import Role
from tests.attacks.strings import Place, all_places
from tests.conftest import SignIn
from tests.decoders.fuzzing import JSON_VALUES, TEXTS, answered, fuzz, fuzzed, mutants
from tests.support.api.records import Found
from tests.support.client import Client

ODD_NUMBERS = [
    "1e500000",
    "0x10",
    "1_000",
    "١٢",
    "9" * 5_000,
    "-0",
    "+1",
    "1.",
    ".5",
    "1e3",
    "NaN",
    "Infinity",
    "0.001",
    " 1",
]
ODD_DAYS = [
    "2026-02-30",
    "0000-01-01",
    "9999-12-31",
    "2026-01-01T00:00:00Z",
    "20260101",
    "٢٠٢٦-01-01",
    "2026-W01-1",
    "-0001-01-01",
]
ODD_TIMES = [
    "2026-01-01T24:00:00Z",
    "2026-12-31T23:59:60Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-01-01T00:00:00+99:99",
]


def values_of(place: Place, found: Found) -> st.SearchStrategy[Any]:
    """Values for a place: such as its type has, changed, and any other JSON."""
    ids = [*found.own.values(), *found.foreign.values()]
    texts: list[Any] = [ODD_NUMBERS, ODD_DAYS, ODD_TIMES]
    odd = [text for group in texts for text in group]
    return st.one_of(
        mutants(ids), st.sampled_from(odd), mutants(["2026-03-31", "1234.50", "2026-03-31T09:30:00-04:00"]), JSON_VALUES
    )


def sent(client: Client, document: str, variables: Any, *statuses: int) -> Any:
    """The answer to any JSON: escapes can write lone surrogates, which no encoding can; JSON has no NaN."""
    text = json.dumps({"query": document, "variables": variables}).replace("NaN", "1e999").replace("Infinity", "1e999")
    headers = {"content-type": "application/json"}
    return answered(client.http.post(client.url, content=text.encode(), headers=headers), *statuses)


@fuzzed
@pytest.mark.parametrize("role", [Role.ADMIN, Role.ATTORNEY, Role.ANALYST])
def test_any_value_in_any_argument_is_taken_or_refused_where_it_stands(
    sign_in: SignIn, found: Found, role: Role, examples: int
) -> None:
    client, many = sign_in(role), list(all_places(role))
    given = st.sampled_from(many).flatmap(lambda place: st.tuples(st.just(place), values_of(place, found)))

    def check(tried: tuple[Place, Any]) -> None:
        place, value = tried
        sent(client, place.document, place.variables(found, value), 200, 400)

    fuzz(examples * 3, given, check)


@fuzzed
def test_variables_of_any_shape_are_refused_or_taken(admin: Client, found: Found, examples: int) -> None:
    many = list(all_places(Role.ADMIN))
    names = sorted({name for place in many for name in (place.argument, *place.others)})
    shapes = st.one_of(JSON_VALUES, st.dictionaries(st.sampled_from(names), JSON_VALUES, max_size=4))

    def check(tried: tuple[Place, Any]) -> None:
        place, variables = tried
        sent(admin, place.document, variables, 200, 400)

    fuzz(examples, st.tuples(st.sampled_from(many), shapes), check)


@fuzzed
def test_a_changed_id_is_no_id_or_names_another_record_in_one_spelling(found: Found, examples: int) -> None:
    ids = [*found.own.values(), *found.foreign.values()]

    def check(text: str) -> None:
        read = read_id(text)
        assert read is None or (read[0] in TAGS and make_id(*read) == text)

    fuzz(examples * 20, st.one_of(mutants(ids), TEXTS), check)


@fuzzed
def test_the_id_of_a_record_of_another_clinic_or_type_is_answered_as_one_of_none(
    admin: Client, found: Found, examples: int
) -> None:
    fields = {"invoice": "Invoice", "case": "Case", "patient": "Patient", "payer": "Payer"}

    def check(tried: tuple[str, str]) -> None:
        field, kind = tried
        query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
        foreign = answered(admin.post(query, id=found.foreign[kind]), 200)
        unknown = answered(admin.post(query, id=found.unknown(kind)), 200)
        assert foreign == unknown
        assert found.foreign[kind] not in json.dumps(foreign)

    fuzz(
        examples,
        st.tuples(st.sampled_from([*fields, "node"]), st.sampled_from(sorted(found.foreign.keys() & TAGS.keys()))),
        check,
    )
