"""Administrators set the clinic's letterhead and the sender of its mail; what no header can carry is refused."""

import pytest

from domain.access.people import Role
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.client import Client

PROFILE = "clinic { name shortName timeZone address phone senderName senderAddress replyTo }"
ENTRY = "suppressedAddress { id email reason addedBy { name } removedBy { name } }"


def test_an_administrator_changes_the_letterhead_and_clears_what_is_null(admin: Client) -> None:
    changes = {
        "address": "1 Bay Road\nTampa",
        "phone": "555-0199",
        "senderName": "Bay",
        "senderAddress": "a@bay.example",
    }
    made = done(admin, "updateClinic", PROFILE, **changes, replyTo=None)
    assert made == {
        "name": "Demo Injury Clinic",
        "shortName": "demo",
        "timeZone": "America/New_York",
        "replyTo": None,
        **changes,
    }
    assert done(admin, "updateClinic", PROFILE, phone=None, senderName=" ") == {
        **made,
        "phone": None,
        "senderName": None,
    }
    assert admin.read("{ " + PROFILE + " }")["clinic"] == {**made, "phone": None, "senderName": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("senderName", "Bay\r\nBcc: x@y.example"),
        ("senderName", "x" * 201),
        ("senderAddress", "a@bay.example\nBcc: x@y.example"),
        ("senderAddress", "a,b@bay.example"),
        ("replyTo", "<a@bay.example>"),
        ("phone", "555\nX: y"),
    ],
)
def test_what_no_header_can_carry_is_refused(admin: Client, field: str, value: str) -> None:
    before = admin.read("{ " + PROFILE + " }")
    assert refused(admin, "updateClinic", PROFILE, **{field: value})["path"][-1] == field
    assert admin.read("{ " + PROFILE + " }") == before


def test_the_name_of_a_sender_is_stored_without_characters_that_could_turn_it_around(admin: Client) -> None:
    assert done(admin, "updateClinic", PROFILE, senderName="Bay\u202eyaB")["senderName"] == "BayyaB"


def test_staff_put_an_address_on_the_suppression_list_and_take_it_off(billing: Client) -> None:
    added = done(billing, "suppressAddress", ENTRY, email="Ann@Firm.example", reason="Asked for it")
    assert (added["email"], added["addedBy"]["name"], added["removedBy"]) == ("ann@firm.example", "Bill Ingfield", None)
    assert refused(billing, "suppressAddress", ENTRY, email="ann@firm.example")["code"] == "CONFLICT"
    assert done(billing, "allowAddress", ENTRY, email="ANN@firm.example")["id"] == added["id"]
    assert refused(billing, "allowAddress", ENTRY, email="ann@firm.example")["code"] == "NOT_FOUND"
    listed = billing.read("{ suppressedAddresses(first: 1) { nodes { id removedAt } } }")["suppressedAddresses"][
        "nodes"
    ]
    assert (listed[0]["id"], listed[0]["removedAt"] is None) == (added["id"], False)


@pytest.mark.parametrize("role", [Role.BILLING, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_other_roles_have_no_profile(sign_in: SignIn, role: Role) -> None:
    assert "Cannot query field" in sign_in(role).refusals("{ clinic { phone } }")[0]


@pytest.mark.parametrize("days", [-1, 366, None])
def test_the_days_until_an_unbilled_visit_is_an_item_are_within_a_year(admin: Client, days: int | None) -> None:
    selection = "clinic { unbilledAfterDays }"
    assert done(admin, "updateClinic", selection, unbilledAfterDays=0) == {"unbilledAfterDays": 0}
    assert refused(admin, "updateClinic", selection, unbilledAfterDays=days)["path"] == ["input", "unbilledAfterDays"]
    assert done(admin, "updateClinic", selection, unbilledAfterDays=365) == {"unbilledAfterDays": 365}


def test_an_administrator_changes_the_clinics_name_and_cannot_leave_it_blank(admin: Client) -> None:
    before = admin.read("{ clinic { name } }")["clinic"]["name"]
    assert done(admin, "updateClinic", PROFILE, name="Bay Injury Clinic")["name"] == "Bay Injury Clinic"
    assert refused(admin, "updateClinic", PROFILE, name=" ")["path"] == ["input", "name"]
    done(admin, "updateClinic", PROFILE, name=before)
