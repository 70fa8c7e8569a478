"""The fixtures of the tests of treatment: a case of a new patient, a visit of it, and what bills it."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.access.people import Role
from tests.conftest import SignIn
from tests.support.api.mutations import document, done
from tests.support.api.records import Found
from tests.support.client import Client

VISIT = """encounter { id status version serviceDate billed recordedAt invoice { id number } beforeInjuryReason physician { id name }
    facility { id } exams { bilateral units examType { code } }
    history { action by { name } changes { field before after } } }"""
SERVED = "2026-03-02"


@pytest.fixture(scope="module")
def exams(billing: Client) -> dict[str, str]:
    """The ids of exams by their codes."""
    mains = billing.read("{ examTypes { subExams { id code } } }")["examTypes"]
    return {exam["code"]: exam["id"] for main in mains for exam in main["subExams"]}


@pytest.fixture(scope="module")
def physician(sign_in: SignIn) -> Client:
    """A client that is signed in as the demo clinic's physician."""
    return sign_in(Role.PHYSICIAN)


@pytest.fixture(scope="module")
def doctor(physician: Client, address: Any) -> str:
    """The id of the physician who signs in."""
    query = "{ encounters(first: 1) { nodes { physician { id } } } }"
    identity: str = physician.read(query)["encounters"]["nodes"][0]["physician"]["id"]
    return identity


@pytest.fixture
def visit(case: str, found: Found, exams: dict[str, str], doctor: str) -> dict[str, Any]:
    """The input that records a visit to the physician who signs in."""
    where = {"physicianId": doctor, "facilityId": found.own["Facility"], "serviceDate": SERVED}
    return {"caseId": case, **where, "exams": [{"examTypeId": exams["RAY-RIBS"]}]}


@pytest.fixture
def recorded(billing: Client, visit: dict[str, Any]) -> Any:
    """A visit that is not billed."""
    return done(billing, "recordEncounter", VISIT, **visit)


def told(client: Client, name: str, selection: str, /, **values: Any) -> Any:
    """The payload of a mutation for any role: physicians have no transitions, so that their schema has no error about them."""
    query = document(name, selection).replace("... on IllegalTransition { currentStatus transition legalNow }", "")
    return client.read(query, input=values)[name]


def refused_to(client: Client, name: str, selection: str, /, **values: Any) -> Any:
    """The one error of a mutation that is refused to any role."""
    answer = told(client, name, selection, **values)
    assert answer["encounter"] is None, answer
    (error,) = answer["errors"]
    return error


def done_by(client: Client, name: str, selection: str, /, **values: Any) -> Any:
    """The visit after a mutation of any role."""
    answer = told(client, name, selection, **values)
    assert answer["errors"] == [], answer
    return answer["encounter"]


Bill = Callable[..., dict[str, Any]]


@pytest.fixture
def bill_of(case: str, found: Found) -> Bill:
    """The input that bills a visit."""

    def make(encounter: Any, **values: Any) -> dict[str, Any]:
        of = {"caseId": case, "payerId": found.own["Payer"], "serviceDate": encounter["serviceDate"]}
        return {**of, "encounterId": encounter["id"], **values}

    return make
