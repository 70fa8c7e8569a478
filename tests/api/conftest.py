"""Decides what the tests of the API can ask for: records to begin with, and somebody of billing staff."""

from typing import Any

import pytest

from db.identity import make_id
from domain.people import Role
from server.addresses import Address
from tests.api.lives import Clinic
from tests.api.records import Found, find_records
from tests.api.steps import CASE, LINE, NEW, done
from tests.client import Client
from tests.conftest import SignIn
from tests.databases import rows


@pytest.fixture(scope="module")
def found(address: Address) -> Found:
    """Records of the demo clinic and of a foreign one."""
    return find_records(address)


@pytest.fixture(scope="module")
def billing(sign_in: SignIn) -> Client:
    """Somebody of billing staff."""
    return sign_in(Role.BILLING)


@pytest.fixture(scope="module")
def admin(sign_in: SignIn) -> Client:
    """Somebody who runs the clinic's billing."""
    return sign_in(Role.ADMIN)


@pytest.fixture(scope="module")
def attorney(sign_in: SignIn) -> Client:
    """The attorney who signs in to the demo clinic."""
    return sign_in(Role.ATTORNEY)


@pytest.fixture(scope="module")
def own_attorney(address: Address) -> str:
    """The id of the attorney who signs in to the demo clinic."""
    (user,) = rows(address, "select attorney_id from users where email = 'attorney@demo.clinic'")
    return make_id("Attorney", user["attorney_id"])


@pytest.fixture
def case(billing: Client, found: Found) -> str:
    """A new case, to which nothing has happened."""
    opened = done(billing, "createCase", CASE, patientId=found.own["Patient"], dateOfInjury="2026-01-05")
    identity: str = opened["id"]
    return identity


@pytest.fixture
def draft(case: str, found: Found) -> dict[str, Any]:
    """What it takes to create an invoice."""
    return {"caseId": case, "payerId": found.own["Payer"], "serviceDate": "2026-03-02", "lines": [LINE]}


@pytest.fixture
def invoice(billing: Client, draft: dict[str, Any]) -> Any:
    """A new invoice."""
    return done(billing, "createInvoice", NEW, **draft)


@pytest.fixture(scope="module")
def clinic(billing: Client, admin: Client, found: Found, address: Address) -> Clinic:
    """The clinic's people, who take an invoice through its life."""
    return Clinic(billing, admin, found, address)
