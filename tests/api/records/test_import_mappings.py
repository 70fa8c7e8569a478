"""Saved mappings: each clinic has its own, by kind and name, with optimistic locking, and within the kinds that a role may import."""

from collections.abc import Iterator
from typing import Any

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.storage.stores import Folder
from tests.support.api.scans import House, house_over
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, rows
from tests.support.files.import_files import DELETE, LIST, SAVE, column, imported, saved, sha256, uploaded
from tests.support.other_clinic import add_other_clinic

WHOLE: dict[str, Any] = {
    "columns": [
        column("name", None, sources=[{"name": "First"}, {"name": "Last", "position": 2}]),
        column("kind", "Type", values=[{"source": "Self Pay", "value": "PATIENT"}]),
        column("email", None, constant="a@demo.example"),
    ],
    "headerRow": 4,
    "encoding": "UTF-8",
    "delimiter": ";",
    "sheet": "Sheet 1",
    "ignoresOtherColumns": True,
    "skipWhereBlank": [{"name": "Type"}],
    "skipTotalsIn": {"position": 1},
    "onlyWhere": [{"source": {"name": "Status"}, "values": ["Active"]}],
}
PLAIN = {"columns": [column("name", "Payer")]}


@pytest.fixture(scope="module")
def house(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_over(address, Folder(tmp_path_factory.mktemp("home")))


def listed(client: Client, kind: str | None = None) -> Any:
    return client.read(LIST, kind=kind)["importMappings"]


def filled(given: Any) -> Any:
    """What was said, without what was not."""
    if isinstance(given, dict):
        return {name: filled(value) for name, value in given.items() if value not in (None, [], "AS_IS")}
    return [filled(item) for item in given] if isinstance(given, list) else given


def test_a_mapping_is_saved_whole_and_listed_by_kind_and_name(house: House) -> None:
    kept = saved(house.biller, "PAYERS", "Whole", WHOLE)
    assert kept["errors"] == []
    assert (kept["importMapping"]["version"], filled(kept["importMapping"]["mapping"])) == (1, WHOLE)
    assert kept["importMapping"] in listed(house.biller, "PAYERS")
    assert kept["importMapping"] in listed(house.admin)
    assert kept["importMapping"] not in listed(house.biller, "PATIENTS")
    name = house.biller.read("{ viewer { name } }")["viewer"]["name"]
    assert kept["importMapping"]["changedBy"] == name


def test_a_mapping_is_replaced_only_with_the_version_that_was_read(house: House) -> None:
    first = saved(house.biller, "PAYERS", "Replaced", WHOLE)["importMapping"]
    for version in (None, 2):
        [error] = saved(house.biller, "PAYERS", "Replaced", PLAIN, version=version)["errors"]
        assert (error["__typename"], error["path"]) == ("StaleVersion", ["input", "version"])
    second = saved(house.admin, "PAYERS", "Replaced", PLAIN, version=1)["importMapping"]
    assert (second["id"], second["version"], filled(second["mapping"])["columns"]) == (first["id"], 2, PLAIN["columns"])
    [error] = saved(house.biller, "PAYERS", "Nowhere", PLAIN, version=1)["errors"]
    assert error["code"] == "NOT_FOUND"


def test_a_name_is_unique_within_its_kind(house: House) -> None:
    kinds = ("PAYERS", "ATTORNEYS")
    ids = {saved(house.biller, kind, "Same name", PLAIN)["importMapping"]["id"] for kind in kinds}
    assert len(ids) == 2
    [error] = saved(house.biller, "PAYERS", "SAME  name", PLAIN)["errors"]
    assert error["code"] == "STALE_VERSION"


def test_a_repeated_idempotency_key_saves_once(house: House) -> None:
    first, again = (saved(house.biller, "PAYERS", "Once", PLAIN, idempotencyKey="once") for _ in range(2))
    assert first == again


def test_a_mapping_is_deleted_with_the_version_that_was_read(house: House) -> None:
    kept = saved(house.biller, "PAYERS", "Deleted", PLAIN)["importMapping"]
    [error] = house.biller.read(DELETE, input={"mappingId": kept["id"], "version": 2})["deleteImportMapping"]["errors"]
    assert (error["code"], kept in listed(house.biller)) == ("STALE_VERSION", True)
    wanted = {"mappingId": kept["id"], "version": 1}
    assert house.biller.read(DELETE, input=wanted)["deleteImportMapping"]["errors"] == []
    assert kept not in listed(house.biller)
    [error] = house.biller.read(DELETE, input=wanted)["deleteImportMapping"]["errors"]
    assert error["code"] == "NOT_FOUND"


def test_mappings_of_kinds_for_administrators_do_not_exist_for_billing_staff(house: House) -> None:
    theirs = saved(house.admin, "CODES", "For administrators", {"columns": [column("code", "HCPCS")]})["importMapping"]
    assert theirs in listed(house.admin)
    assert theirs not in listed(house.biller)
    [error] = house.biller.read(DELETE, input={"mappingId": theirs["id"], "version": 1})["deleteImportMapping"][
        "errors"
    ]
    assert error["code"] == "NOT_FOUND"
    assert house.biller.refusals(SAVE, input={"kind": "CODES", "name": "Mine", "mapping": PLAIN})
    text = "name,kind\nNobody Mutual,INSURANCE\n"
    wrong_kind = {"mappingId": theirs["id"], "fileSha256": sha256(text)}
    [error] = imported(house.biller, uploaded(house.biller, text), "PAYERS", **wrong_kind)["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "mappingId"])


def test_the_second_lock_alone_keeps_the_kinds_of_administrators_from_billing_staff(
    own_address: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(role_schemas(), Role.BILLING, role_schemas()[Role.ADMIN])
    with serving(own_address) as url, Client(url) as anonymous:
        biller, admin = (anonymous.signed_in(f"{name}@demo.example") for name in ("billing", "admin"))
        with biller, admin:
            saved(admin, "CODES", "Theirs", {"columns": [column("code", "HCPCS")]})
            assert listed(biller) == []
            [error] = saved(biller, "CODES", "Mine", {"columns": [column("code", "HCPCS")]})["errors"]
            assert error["path"] == ["input", "kind"]
    assert [row[0] for row in rows(own_address, "select name from import_mappings")] == ["Theirs"]


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_other_roles_have_no_mappings(house: House, role: Role | None) -> None:
    kept = saved(house.biller, "PAYERS", f"Hidden from {role}", PLAIN)["importMapping"]
    client = house.anonymous.signed_in(f"{role}@demo.example") if role else house.anonymous
    before = rows(house.address, "select count(*) from import_mappings")
    assert client.refusals(LIST)
    assert client.refusals(SAVE, input={"kind": "PAYERS", "name": "Mine", "mapping": PLAIN})
    assert client.refusals(DELETE, input={"mappingId": kept["id"], "version": 1})
    assert rows(house.address, "select count(*) from import_mappings") == before


SIGN_IN = """mutation ($clinic: String!, $password: String!) {
    signIn(input: {email: "admin@demo.example", clinic: $clinic, password: $password}) { token } }"""


def test_another_clinic_s_mappings_do_not_exist(own_address: DatabaseUrls) -> None:
    add_other_clinic(own_address)
    with serving(own_address) as url, Client(url) as anonymous:
        ours, theirs = (
            anonymous.read(SIGN_IN, clinic=clinic, password=PASSWORD)["signIn"]["token"] for clinic in ("demo", "other")
        )
        with Client(url, ours) as admin, Client(url, theirs) as stranger:
            kept = saved(stranger, "PAYERS", "Theirs", PLAIN)["importMapping"]
            assert (listed(admin), len(listed(stranger))) == ([], 1)
            [error] = admin.read(DELETE, input={"mappingId": kept["id"], "version": 1})["deleteImportMapping"]["errors"]
            assert error["code"] == "NOT_FOUND"
            assert saved(admin, "PAYERS", "Theirs", PLAIN)["errors"] == []
            unknown = make_id("ImportMapping", rows(own_address, "select id from payers limit 1")[0][0])
            [other] = admin.read(DELETE, input={"mappingId": unknown, "version": 1})["deleteImportMapping"]["errors"]
            assert other == error
