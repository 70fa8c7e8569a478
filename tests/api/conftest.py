"""The fixtures of the API's tests: records to begin with, and clients that are signed in as billing staff."""

from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import CASE, LINE, NEW, done
from tests.support.api.records import Found, find_records
from tests.support.api.scenarios import Clinic
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.subscriptions import (
    invoice_pool,
    last,
    listen,
    listening_url,
    received,
    servers,
    sync_invoice,
    writing_url,
)

# Fixtures for the tests of subscriptions.
__all__ = ["invoice_pool", "last", "listen", "listening_url", "received", "servers", "sync_invoice", "writing_url"]


@pytest.fixture(scope="module")
def found(address: DatabaseUrls) -> Found:
    """Records of the demo clinic and of another clinic."""
    return find_records(address)


@pytest.fixture(scope="module")
def billing(sign_in: SignIn) -> Client:
    """A client that is signed in as billing staff."""
    return sign_in(Role.BILLING)


@pytest.fixture(scope="module")
def admin(sign_in: SignIn) -> Client:
    """A client that is signed in as an administrator of the clinic."""
    return sign_in(Role.ADMIN)


@pytest.fixture(scope="module")
def attorney(sign_in: SignIn) -> Client:
    """A client that is signed in as the demo clinic's attorney."""
    return sign_in(Role.ATTORNEY)


@pytest.fixture(scope="module")
def own_attorney(address: DatabaseUrls) -> str:
    """The id of the demo clinic's attorney."""
    (user,) = rows(address, "select attorney_id from users where email = 'attorney@demo.example'")
    return make_id("Attorney", user["attorney_id"])


@pytest.fixture
def case(billing: Client, found: Found) -> str:
    """A new case of a new patient, without invoices or events."""
    patient = done(billing, "createPatient", "patient { id }", mrn=f"{uuid4()}", firstName="Case", lastName="Fixture")
    opened = done(billing, "createCase", CASE, patientId=patient["id"], dateOfInjury="2026-01-05")
    identity: str = opened["id"]
    return identity


@pytest.fixture
def draft(case: str, found: Found) -> dict[str, Any]:
    """The input that creates an invoice, also when the same is billed again."""
    of = {"caseId": case, "payerId": found.own["Payer"], "serviceDate": "2026-03-02"}
    return {**of, "lines": [LINE], "confirmDuplicate": True}


@pytest.fixture
def invoice(billing: Client, draft: dict[str, Any]) -> Any:
    """A new invoice."""
    return done(billing, "createInvoice", NEW, **draft)


@pytest.fixture(scope="module")
def clinic(billing: Client, admin: Client, found: Found, address: DatabaseUrls) -> Clinic:
    """The clinic's users, who take an invoice through its life cycle."""
    return Clinic(billing, admin, found, address)
