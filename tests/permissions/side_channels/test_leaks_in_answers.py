"""Hidden data does not leak through answers: not by cursors, counts, searches, errors, histories or available transitions."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, get_named_type

from domain.access.people import Role
from domain.normal_forms import normal_key
from permissions.rules import RULES
from schema.whole import role_schemas, sdl
from server.database_urls import DatabaseUrls
from tests.api.reads.test_hidden_names import hidden, names_in
from tests.conftest import SignIn
from tests.db.rights.rights import WRITTEN_BY_HAND, column_sets
from tests.permissions.own_rows import Belongings, viewer_of
from tests.permissions.published import committed
from tests.permissions.querying import TABLES, ids_in
from tests.permissions.side_channels.lists import RESTRICTED, Listing, listings, lists_of_records, scalars, searches
from tests.support.api.selections import everything
from tests.support.databases import rows

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def _every_listing() -> list[Any]:
    pairs = [(role, listing) for role in RESTRICTED for listing in listings(role)]
    return [pytest.param(*pair, id="-".join((pair[0], pair[1].root, pair[1].order))) for pair in pairs]


def plain(cursor: str) -> str:
    """The content of a cursor: the name of its order, the id of its record, and the record's position in the order."""
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


def moments(values: Iterable[Any]) -> Iterator[str]:
    """The words of the times among some values, as PostgreSQL writes them: the same time, to the same fraction of a second."""
    for value in values:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            utc = datetime.fromisoformat(value).astimezone(UTC)
            seconds = utc.isoformat(" ").removesuffix("+00:00")
            yield from f"{seconds.rstrip('0') if utc.microsecond else seconds}+00".split()


@pytest.mark.parametrize(("role", "listing"), _every_listing())
def test_a_cursor_contains_only_what_its_reader_sees_beside_it(sign_in: SignIn, role: Role, listing: Listing) -> None:
    page = f"{listing.root}{listing.arguments} {{ edges {{ cursor node {{ {' '.join(scalars(role, listing.type_name))} }} }} }}"
    edges = sign_in(role).read(f"{{ {page} }}")[listing.root]["edges"]
    assert edges
    for edge in edges:
        name, identity, place = plain(edge["cursor"]).split("|", 2)
        seen = " ".join(str(value) for value in edge["node"].values()).casefold()
        assert names_in([name]) & set(hidden(role)) == set()
        # Lists without another order are sorted by id.
        words = {*seen.split(), *normal_key(seen).split(), *moments(edge["node"].values()), identity}
        assert set(place.casefold().split()) <= words, (name, place)
        if "id" in edge["node"]:
            assert base64.urlsafe_b64decode(edge["node"]["id"])[2:].hex() == identity.replace("-", "")


@pytest.mark.parametrize("role", list(Role))
def test_every_list_counts_only_what_is_in_reach(address: DatabaseUrls, sign_in: SignIn, role: Role) -> None:
    mine = Belongings(address, viewer_of(address, role))
    for listing in lists_of_records(role):
        table = TABLES[listing.type_name]
        before = mine.listed(table)
        page = sign_in(role).read(
            f"{{ {listing.root}(first: 500) {{ totalCount nodes {{ id }} pageInfo {{ hasNextPage }} }} }}"
        )
        found = set[UUID]().union(*ids_in(page).values())
        # The audit log, which is written after the answers, may grow meanwhile; the other lists are exactly the own rows.
        assert before <= found <= mine.listed(table), listing.root
        assert table == "audit_events" or before == mine.listed(table), listing.root
        assert page[listing.root]["totalCount"] == len(found), listing.root


# The numbers by which a search finds patients for roles that see them (a patient who pays has the same telephone), and its lists.
NUMBERS = {("patients", "mrn"), ("patients", "phone"), ("payers", "phone")}
OF_PATIENTS = {"patients", "cases", "invoices"}
# Searched texts, by table: in the columns that a role does not see, a search finds nothing.
TEXTS = {
    "patients": "mrn phone email address",
    "payers": "phone email address",
    "invoices": "status",
    "cases": "status",
}


@pytest.mark.parametrize("role", [Role.BILLING, *RESTRICTED])
def test_a_search_finds_nothing_by_other_columns_than_the_documented_ones(
    address: DatabaseUrls, sign_in: SignIn, role: Role
) -> None:
    searched = list(searches(role))
    assert bool(searched) is (role is not Role.ANALYST)
    for table, columns in TEXTS.items():
        for column in columns.split():
            words = [
                row[0]
                for row in rows(
                    address, f"select min({column}) from {table} where {column} <> '' group by left({column}, 3)"
                )
            ]
            for listing, arguments in searched:
                if (table, column) in NUMBERS and listing.root in OF_PATIENTS and RULES["contact"].allows(role):
                    continue
                query = f"query ($w: String) {{ {listing.root}({arguments}) {{ totalCount }} }}"
                for word in words[:2]:
                    found = sign_in(role).read(query, w=word)[listing.root]["totalCount"]
                    assert found == 0, (listing.root, column)


def _garbage(type_name: str) -> list[str]:
    return {
        "ID": ['"x"', "1"],
        "String": ['"\\u0000"', "1"],
        "Int": ["0", "501", "1e9", '"x"'],
        "Date": ['"x"'],
        "Money": ['"x"'],
    }.get(type_name, ["{x: 1}", "X", "null"])


@pytest.mark.parametrize("role", RESTRICTED)
def test_no_refusal_of_an_argument_names_anything_hidden(sign_in: SignIn, role: Role) -> None:
    schema = role_schemas()[role]
    assert schema.query_type
    tried = 0
    for root, field in schema.query_type.fields.items():
        below = everything(get_named_type(field.type), 1)
        for name, argument in field.args.items():
            for value in _garbage(get_named_type(argument.type).name):
                answer = sign_in(role).ask(f"{{ {root}({name}: {value}) {below} }}")
                messages = [error["message"] for error in answer.get("errors", ())]
                named = {each for each in names_in(messages) if not each.islower()}
                assert named & set(hidden(role)) == set(), messages
                assert "INTERNAL_ERROR" not in json.dumps(answer)
                tried += bool(messages)
    assert tried > 20


@pytest.mark.parametrize("role", list(Role))
def test_a_role_that_reads_the_changes_of_a_history_sees_every_field_that_may_change(role: Role) -> None:
    if "InvoiceEvent.changes" in committed(role):
        named = {
            name
            for name in committed(Role.ADMIN)
            if re.match(r"(Invoice|Negotiation|ReductionOffer|Denial|InternalNote)\.", name)
        }
        assert named <= committed(role)
    else:
        assert not {name for name in committed(role) if name.startswith(("InvoiceEvent", "Change.", "Invoice.history"))}


@pytest.mark.parametrize("role", list(Role))
def test_a_history_names_only_columns_that_its_reader_may_read(address: DatabaseUrls, role: Role) -> None:
    query = "select distinct c ->> 'field' from invoice_events, json_array_elements(changes::json) c"
    named = {re.sub("([A-Z])", r"_\1", row[0]).lower() for row in rows(address, query)}
    assert {"agreed_amount", "floor_amount"} & named
    columns = column_sets(WRITTEN_BY_HAND[role])
    readable = columns["invoices"] | {"reason"}
    # The lines, and which of them repeat others by confirmation, are of the table of lines.
    if "is_repeated" in columns.get("invoice_lines", ()):
        readable |= {"lines", "confirmed_duplicates"}
    assert named <= readable if "InvoiceEvent.changes" in committed(role) else named - readable


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@pytest.mark.parametrize("role", list(Role))
def test_a_transition_is_listed_only_for_roles_that_have_its_mutation(sign_in: SignIn, role: Role) -> None:
    if "Invoice.availableTransitions" not in committed(role):
        assert "AvailableTransition" not in committed(role)
        return
    page = sign_in(role).read("{ invoices(first: 500) { nodes { availableTransitions { name } } } }")["invoices"][
        "nodes"
    ]
    offered = {_camel(step["name"]) for invoice in page for step in invoice["availableTransitions"]}
    assert offered
    assert {f"Mutation.{name}" for name in offered} <= committed(role)


# Words for what only billing staff may know; a status is visible to every role under its own name, and that of a case to attorneys.
SECRET = re.compile(
    r"negotiat|floor|target|offer|reduc|internal|note|remind|hold|pause|cheque|denial|denied|refus\w* to pay|balance|agreed|settle",
    re.IGNORECASE,
)
STATUS = re.compile(r"enum (?:Invoice|Case)Status \{.*?^\}", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, None])
def test_the_schema_of_a_role_without_the_ledger_has_no_word_of_it_in_names_and_descriptions(role: Role | None) -> None:
    assert SECRET.findall(STATUS.sub("", sdl(role))) == []
    assert SECRET.findall(STATUS.sub("", sdl(Role.BILLING)))


def test_these_tests_cover_every_list_that_a_role_sees() -> None:
    for role in RESTRICTED:
        lists = {listing.type_name for listing in listings(role)}
        nodes = {name for name in committed(role) if name.endswith("Connection")}
        assert {f"{name}Connection" for name in lists} == nodes
        assert all(isinstance(role_schemas()[role].type_map[name], GraphQLObjectType) for name in lists)
