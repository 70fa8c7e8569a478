"""What bills, documents and claims need of clinics and parties: kept in its form, refused where it is wrong, and for staff alone."""

from typing import Any
from uuid import uuid4

import pytest

from domain.access.people import Role
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.client import Client

PARTS = "addressLine1 addressLine2 addressCity addressState addressPostalCode"
ADDRESS = {
    "addressLine1": "7 Bay Road",
    "addressLine2": "Suite 2",
    "addressCity": "Tampa",
    "addressState": "FL",
    "addressPostalCode": "33602-1234",
}
# Kind → what a new record needs, and its other fields, as they are kept.
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Patient": ({"firstName": "Pat", "lastName": "Quill"}, {"sex": "FEMALE", **ADDRESS}),
    "Payer": ({"name": "Bay Mutual", "kind": "INSURANCE"}, {"fax": "555-0101", **ADDRESS}),
    "Firm": ({}, {"fax": "555-0102", **ADDRESS}),
    "Physician": (
        {"name": "Dr. Bay"},
        {"npi": "9000009909", "taxonomy": "000000000X", "licenceNumber": "ME 1", "licenceState": "TX"},
    ),
    "Facility": ({"name": "Bay Place"}, {"npi": "9000009909", "placeOfService": "11", **ADDRESS}),
}
CLINIC = """clinic { legalName physicalLine1 physicalCity physicalState physicalPostalCode remitLine1 remitLine2 fax email tin npi
    taxonomy hasLogo }"""


def _needed(kind: str) -> dict[str, Any]:
    unique = {"Patient": "mrn", "Firm": "name"}
    return KINDS[kind][0] | ({unique[kind]: f"B {uuid4()}"} if kind in unique else {})


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_keeps_what_bills_need_and_a_change_clears_what_is_null(admin: Client, kind: str) -> None:
    fields, word = KINDS[kind][1], kind.lower()
    record = f"{word} {{ id {' '.join(fields)} }}"
    made = done(admin, f"create{kind}", record, **_needed(kind), **fields)
    assert {name: made[name] for name in fields} == fields
    last = list(fields)[-1]
    changed = done(admin, f"update{kind}", record, **{f"{word}Id": made["id"], last: None})
    assert changed == {**made, last: None}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("Patient", "addressState", "XX"),
        ("Patient", "addressPostalCode", "1234"),
        ("Payer", "addressLine1", "x" * 101),
        ("Firm", "addressPostalCode", "33602 1234"),
        ("Physician", "npi", "9000009900"),
        ("Physician", "taxonomy", "000000000A"),
        ("Physician", "licenceState", "Texas"),
        ("Facility", "npi", "123"),
        ("Facility", "placeOfService", "1"),
    ],
)
def test_what_no_payer_would_accept_is_refused_at_its_place(admin: Client, kind: str, field: str, value: str) -> None:
    error = refused(admin, f"create{kind}", f"{kind.lower()} {{ id }}", **_needed(kind), **{field: value})
    assert error["path"] == ["input", field]


def test_the_clinic_keeps_its_letterhead_and_identifiers(admin: Client) -> None:
    changes = {
        "legalName": "Bay Clinic, PLLC",
        "physicalLine1": "1 Bay Road",
        "physicalCity": "Tampa",
        "physicalState": "FL",
        "physicalPostalCode": "33602",
        "remitLine1": "PO Box 9",
        "remitLine2": None,
        "fax": "555-0103",
        "email": "office@bay.example",
        "tin": "98-7654321",
        "npi": "9000009909",
        "taxonomy": "000000001X",
    }
    kept = done(admin, "updateClinic", CLINIC, **changes)
    assert kept == {**changes, "tin": "987654321", "hasLogo": False}
    for field, value in (("tin", "1234"), ("tin", "000000000"), ("npi", "9000009900"), ("email", "a,b@bay.example")):
        assert refused(admin, "updateClinic", CLINIC, **{field: value})["path"] == ["input", field]
    assert admin.read(f"{{ {CLINIC} }}")["clinic"] == kept


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_other_roles_see_nothing_of_it(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    for field in ("addressLine1", "sex"):
        assert client.refusals(f"{{ invoices(first: 1) {{ nodes {{ patient {{ {field} }} }} }} }}")
    assert client.refusals("{ clinic { tin } }")
