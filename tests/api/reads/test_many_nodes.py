"""Records by their ids: in the order of the ids, null for what is not there or out of reach, one statement for each type."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.databases import rows

NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Invoice { number } ... on Case { number } } }"
_SOME = "{ invoices(first: 3) { nodes { id number case { id number } } } }"
_FOREIGN = """select id from invoices where attorney_id is distinct from
    (select attorney_id from users where email = 'attorney@demo.example') order by id limit 1"""


@pytest.fixture
def known(sign_in: SignIn) -> list[dict[str, Any]]:
    """Three invoices of the attorney's clients."""
    found: list[dict[str, Any]] = sign_in(Role.ATTORNEY).read(_SOME)["invoices"]["nodes"]
    return found


def _as_nodes(known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in known:
        yield {"__typename": "Invoice", "id": one["id"], "number": one["number"]}
        yield {"__typename": "Case", **one["case"]}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING, Role.ATTORNEY])
def test_records_of_several_types_come_in_the_order_of_their_ids(
    sign_in: SignIn, known: list[dict[str, Any]], role: Role
) -> None:
    wanted = [*reversed(list(_as_nodes(known))), *_as_nodes(known[:1])]
    assert sign_in(role).read(NODES, ids=[one["id"] for one in wanted])["nodes"] == wanted


def test_what_is_unknown_foreign_or_of_a_hidden_type_is_null(
    address: DatabaseUrls, sign_in: SignIn, known: list[dict[str, Any]]
) -> None:
    [[foreign]] = rows(address, _FOREIGN)
    [[user]] = rows(address, "select id from users where role = 'attorney' limit 1")
    ids = [make_id("Invoice", uuid4()), make_id("Invoice", foreign), make_id("User", user), known[0]["id"]]
    found = sign_in(Role.ATTORNEY).read(NODES, ids=ids)["nodes"]
    assert found == [None, None, None, next(_as_nodes(known))]


def test_no_ids_give_no_records(sign_in: SignIn) -> None:
    assert sign_in(Role.ATTORNEY).read(NODES, ids=[]) == {"nodes": []}


@pytest.mark.parametrize("ids", [["no id"], [make_id("Invoice", uuid4())] * 101])
def test_what_is_no_id_and_too_many_ids_are_refused(sign_in: SignIn, ids: list[str]) -> None:
    [error] = sign_in(Role.ATTORNEY).ask(NODES, ids=ids)["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "ids"}
