"""Row reach stays per case: a merge shows an attorney no case of the same patient that another attorney represents, counts included."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.api.merges.test_merging import a_patient, a_payer, owed_by
from tests.conftest import SignIn
from tests.support.api.mutations import done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import Clinic
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.merges import merge, part


@dataclass(frozen=True)
class Shared:
    """A patient with a case of the demo clinic's attorney, and the same person once more, with a case of another attorney."""

    mine: str
    theirs: str
    my_case: str
    their_case: str
    my_invoice: str
    their_invoice: str


@pytest.fixture
def shared(clinic: Clinic, own_attorney: str) -> Shared:
    other = done(clinic.billing, "createAttorney", "attorney { id }", name=f"Bo {uuid4().hex[:6]}", firm="Bo & Bo")[
        "id"
    ]
    mine, theirs = a_patient(clinic.billing), a_patient(clinic.billing)
    my_case = clinic.case(patientId=mine, attorneyId=own_attorney)
    their_case = clinic.case(patientId=theirs, attorneyId=other)
    my_invoice = owed_by(clinic, a_payer(clinic.billing), case=my_case)
    their_invoice = owed_by(clinic, a_payer(clinic.billing), case=their_case)
    return Shared(mine, theirs, my_case, their_case, my_invoice, their_invoice)


_PATIENT = "query ($id: ID!) { patient(id: $id) { id name } node(id: $id) { id } }"
_CASES = "query ($id: ID!) { cases(filter: {patientId: [$id]}) { totalCount nodes { id } } }"
_ALL = """{ patients(first: 500) { totalCount nodes { id name } } cases(first: 500) { totalCount nodes { id patient { id name } } }
    invoices(first: 500) { totalCount nodes { id case { id patient { id } } payer { id } } } }"""


@pytest.mark.parametrize("stays", ["mine", "theirs"])
def test_an_attorney_reaches_the_surviving_patient_through_the_own_case_alone(
    clinic: Clinic, attorney: Client, shared: Shared, stays: str
) -> None:
    old, new = (shared.theirs, shared.mine) if stays == "mine" else (shared.mine, shared.theirs)
    before = attorney.read(_ALL)
    made = merge(clinic.admin, old, new, confirmDifferentAttorneys=True)
    for one in (old, new):
        found = attorney.read(_PATIENT, id=one)
        assert found["patient"]["id"] == new
        assert attorney.read(_CASES, id=one)["cases"] == {"totalCount": 1, "nodes": [{"id": shared.my_case}]}
        assert found["node"] == {"id": new}
    after = attorney.read(_ALL)
    for name in ("patients", "cases", "invoices"):
        assert after[name]["totalCount"] == before[name]["totalCount"]
    assert {one["id"] for one in after["patients"]["nodes"]} == {
        new if one["id"] == shared.mine else one["id"] for one in before["patients"]["nodes"]
    }
    for hidden in (shared.their_case, shared.their_invoice):
        assert attorney.read("query ($id: ID!) { node(id: $id) { id } }", id=hidden)["node"] is None
    part(clinic.admin, made["id"])
    assert attorney.read(_ALL) == before
    assert attorney.read(_PATIENT, id=shared.theirs) == {"patient": None, "node": None}


def test_an_id_out_of_reach_is_answered_as_before(clinic: Clinic, attorney: Client) -> None:
    old, new = a_patient(clinic.billing), a_patient(clinic.billing)
    for one in (old, new):
        assert attorney.read(_PATIENT, id=one) == {"patient": None, "node": None}
    merge(clinic.admin, old, new)
    for one in (old, new):
        assert attorney.read(_PATIENT, id=one) == {"patient": None, "node": None}


def test_an_attorney_finds_no_patient_by_what_the_merged_one_was_called(
    clinic: Clinic, attorney: Client, shared: Shared
) -> None:
    name = rows(clinic.address, "select last_name from patients where id = $1", uuid_of(shared.theirs))[0][0]
    search = "query ($s: String) { patients(filter: {search: $s}) { nodes { id } } cases(filter: {search: $s}) { nodes { id } } }"
    merge(clinic.admin, shared.theirs, shared.mine, confirmDifferentAttorneys=True)
    assert attorney.read(search, s=name) == {"patients": {"nodes": []}, "cases": {"nodes": []}}


def test_a_payer_is_reached_through_invoices_of_one_that_was_merged(
    clinic: Clinic, attorney: Client, shared: Shared
) -> None:
    payer = rows(clinic.address, "select payer_id from invoices where id = $1", uuid_of(shared.my_invoice))[0][0]
    old, new = make_id("Payer", payer), a_payer(clinic.billing)
    query = "query ($id: ID!, $i: ID!) { node(id: $id) { id } invoice(id: $i) { payer { id name } } }"
    before = attorney.read(query, id=new, i=shared.my_invoice)
    assert before == {"node": None, "invoice": {"payer": {"id": old, "name": before["invoice"]["payer"]["name"]}}}
    merge(clinic.admin, old, new)
    for one in (old, new):
        found: Any = attorney.read(query, id=one, i=shared.my_invoice)
        assert found["node"] == {"id": new}
        assert found["invoice"]["payer"]["id"] == new


def test_a_merge_makes_no_event_and_no_version(
    clinic: Clinic, sign_in: SignIn, shared: Shared, address: DatabaseUrls
) -> None:
    versions = "select id, version, updated_at from invoices order by id"
    before = rows(address, versions)
    merge(clinic.admin, shared.theirs, shared.mine, confirmDifferentAttorneys=True)
    assert rows(address, versions) == before
    assert sign_in(Role.ATTORNEY).read(_ALL)["invoices"]["totalCount"]
