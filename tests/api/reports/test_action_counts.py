"""The subscription to the number of action items: billing staff get it at once and whenever it changes, and not otherwise."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.access.people import Role
from resolvers import changes
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import REMINDER, done
from tests.support.api.records import Found, today, uuid_of
from tests.support.api.scenarios import Clinic
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.subscriber import Subscriber, announce_in, connected

COUNT = "subscription { actionItemsChanged }"
MOVE = "update reminders set target_date = $2 where id = $1"


def subscribed(subscriber: Subscriber) -> int:
    """The number at the beginning of the subscription."""
    subscriber.send(id="1", type="subscribe", payload={"query": COUNT})
    return next_number(subscriber)


def next_number(subscriber: Subscriber) -> int:
    """The next number."""
    message = subscriber.next()
    assert (message["type"], message["payload"].get("errors")) == ("next", None), message
    number: int = message["payload"]["data"]["actionItemsChanged"]
    return number


def total(client: Client) -> int:
    number: int = client.read("{ actionItems { totalCount } }")["actionItems"]["totalCount"]
    return number


@pytest.fixture
def staff(server_url: str, billing: Client) -> Iterator[Subscriber]:
    with connected(server_url, billing.token) as subscriber:
        yield subscriber


def remind(client: Client, invoice: str, **changes: Any) -> Any:
    inputs = {"invoiceId": invoice, "targetDate": today().isoformat(), "subject": "Call", **changes}
    return done(client, "scheduleReminder", REMINDER, **inputs)


def test_the_number_is_sent_at_once_and_whenever_it_changes(clinic: Clinic, staff: Subscriber) -> None:
    number = subscribed(staff)
    assert number == total(clinic.billing) > 0
    invoice = clinic.submitted()
    first = remind(clinic.admin, invoice)
    assert next_number(staff) == number + 1
    remind(clinic.billing, invoice)
    assert next_number(staff) == number + 2
    done(clinic.billing, "completeReminder", REMINDER, reminderId=first["id"], outcome="They pay")
    assert next_number(staff) == number + 1
    clinic.step("writeOffInvoice", invoice, clinic.admin, reason="Bankrupt")
    assert next_number(staff) == number
    assert total(clinic.billing) == number


def test_a_coverage_that_is_exhausted_changes_the_number_at_once(clinic: Clinic, staff: Subscriber) -> None:
    case = clinic.case()
    clinic.submitted("100.00", case)
    new = {"caseId": case, "payerId": clinic.payer, "kind": "LETTER_OF_PROTECTION"}
    coverage = done(clinic.billing, "addCoverage", "coverage { id }", **new)["id"]
    number = subscribed(staff)
    done(clinic.billing, "closeCoverage", "coverage { id }", coverageId=coverage, status="EXHAUSTED")
    assert next_number(staff) == number + 1
    reason = "The firm has more money"
    done(clinic.billing, "verifyCoverage", "coverage { id }", coverageId=coverage, reason=reason)
    assert next_number(staff) == number


def test_a_change_that_keeps_the_number_sends_no_event(clinic: Clinic, staff: Subscriber) -> None:
    subscribed(staff)
    invoice = clinic.submitted()
    clinic.step("acceptInFull", invoice)
    remind(clinic.billing, invoice, targetDate="2035-01-01")
    assert staff.is_silent(1.0)


def test_simultaneous_changes_send_one_event(clinic: Clinic, staff: Subscriber) -> None:
    number = subscribed(staff)
    case = clinic.case()
    invoices = [clinic.agreed("100.00", case) for _ in range(5)]
    cheque = clinic.pays("500.00", dict.fromkeys(invoices, "100.00"))
    assert staff.is_silent(1.0)
    clinic.bounces(cheque["id"])
    assert next_number(staff) == number + 5
    assert staff.is_silent(1.0)


def test_an_item_that_becomes_due_by_time_is_sent_soon_after(
    address: DatabaseUrls, clinic: Clinic, staff: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    reminder = remind(clinic.billing, clinic.submitted(), targetDate="2035-01-01")
    monkeypatch.setattr(changes, "_LOOKS_SECONDS", 0.3)
    number = subscribed(staff)
    # Its day comes: no command has announced it.
    rows(address, MOVE, uuid_of(reminder["id"]), today())
    assert next_number(staff) == number + 1


def test_another_clinic_is_not_counted(address: DatabaseUrls, staff: Subscriber, found: Found) -> None:
    subscribed(staff)
    [[clinic, invoice]] = rows(
        address, "select clinic_id, invoice_id from reminders where id = $1", uuid_of(found.foreign["Reminder"])
    )
    rows(address, MOVE, uuid_of(found.foreign["Reminder"]), today())
    for about in (clinic, rows(address, "select clinic_id from clinics where short_name = 'demo'")[0]["clinic_id"]):
        announce_in(address, about, invoice, "reminders")
    assert staff.is_silent(1.0)


@pytest.mark.parametrize("role", [None, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_other_roles_cannot_subscribe(server_url: str, sign_in: SignIn, role: Role | None) -> None:
    with connected(server_url, sign_in(role).token if role else None) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": COUNT})
        message = subscriber.next()
        assert message["type"] == "error", message
        assert "data" not in str(message)


def test_a_user_who_leaves_the_staff_gets_no_further_event(
    address: DatabaseUrls, server_url: str, anonymous: Client
) -> None:
    email = "admin@demo.example"
    with connected(server_url, anonymous.signed_in(email).token) as subscriber:
        subscribed(subscriber)
        rows(address, "update users set role = 'billing' where email = $1", email)
        try:
            assert subscriber.ended_with() in ("FORBIDDEN", "UNAUTHENTICATED")
        finally:
            rows(address, "update users set role = 'admin' where email = $1", email)


def test_a_subscription_leaves_audit_events(address: DatabaseUrls, clinic: Clinic, staff: Subscriber) -> None:
    number = subscribed(staff)
    remind(clinic.billing, clinic.submitted())
    assert next_number(staff) == number + 1
    seen = """select 1 from audit_events e join users u on u.id = e.user_id
        where operation = 'actionItemsChanged' and u.email = 'billing@demo.example'"""
    assert any(rows(address, seen) or not staff.is_silent(0.1) for _ in range(30))
