"""Reminders: staff schedule one for an invoice on a day, change it and close it; a closed invoice has none."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.api.billing.test_machine import breaches
from tests.conftest import SignIn
from tests.support.api.mutations import NEW, REMINDER, done, refused
from tests.support.api.records import Found, today
from tests.support.client import Client

TOMORROW, LATER = ((today() + timedelta(days=days)).isoformat() for days in (1, 9))
DUE = "{ invoices(filter: {hasDueReminder: true}, first: 500) { nodes { id } } }"


@pytest.fixture
def reminder(billing: Client, invoice: Any) -> Any:
    """A reminder for tomorrow."""
    return scheduled(billing, invoice)


def scheduled(client: Client, invoice: Any, **changes: Any) -> Any:
    inputs = {"invoiceId": invoice["id"], "targetDate": TOMORROW, "subject": "Call the adjuster", **changes}
    return done(client, "scheduleReminder", REMINDER, **inputs)


def last_event(reminder: Any) -> Any:
    """The last event of the invoice's history."""
    return reminder["invoice"]["history"][-1]


def test_a_reminder_is_stored_as_entered_and_is_in_the_history(
    billing: Client, invoice: Any, found: Found, sign_in: SignIn
) -> None:
    # An assignee must belong to billing staff.
    inputs = {"invoiceId": invoice["id"], "targetDate": TOMORROW, "subject": "Call", "assigneeId": found.own["User"]}
    assert refused(billing, "scheduleReminder", REMINDER, **inputs)["path"] == ["input", "assigneeId"]
    oneself = sign_in(Role.BILLING).read("{ viewer { id } }")["viewer"]["id"]
    made = scheduled(billing, invoice, notes="Ask for Ann.\nNot before ten.", assigneeId=oneself)
    assert (made["status"], made["targetDate"], made["subject"]) == ("SCHEDULED", TOMORROW, "Call the adjuster")
    assert (made["notes"], made["outcome"], made["closedAt"]) == ("Ask for Ann.\nNot before ten.", None, None)
    assert made["createdBy"] == {"name": "Bill Ingfield"}
    assert made["assignee"]["name"]
    change = {"field": "reminder", "before": None, "after": f"{TOMORROW}: Call the adjuster"}
    assert last_event(made) == {"transition": "schedule_reminder", "changes": [change]}
    read = billing.read("query ($id: ID!) { invoice(id: $id) { version reminders { id } } }", id=invoice["id"])
    assert read["invoice"] == {"version": invoice["version"], "reminders": [{"id": made["id"]}]}


def test_a_reminder_is_due_from_its_day_on(billing: Client, invoice: Any, reminder: Any) -> None:
    def is_due() -> bool:
        return invoice["id"] in {node["id"] for node in billing.read(DUE)["invoices"]["nodes"]}

    assert not is_due()
    done(billing, "updateReminder", REMINDER, reminderId=reminder["id"], targetDate=today().isoformat())
    assert is_due()
    done(billing, "completeReminder", REMINDER, reminderId=reminder["id"], outcome="They pay in May")
    assert not is_due()


def test_a_reminder_gets_another_day_subject_and_assignee(billing: Client, reminder: Any, sign_in: SignIn) -> None:
    moved = done(
        billing,
        "updateReminder",
        REMINDER,
        reminderId=reminder["id"],
        targetDate=LATER,
        subject="Write to them",
        notes="By post",
        assigneeId=sign_in(Role.ADMIN).read("{ viewer { id } }")["viewer"]["id"],
    )
    assert (moved["targetDate"], moved["subject"], moved["notes"]) == (LATER, "Write to them", "By post")
    assert moved["assignee"]
    assert last_event(moved)["changes"] == [
        {"field": "reminderTargetDate", "before": TOMORROW, "after": LATER},
        {"field": "reminderSubject", "before": "Call the adjuster", "after": "Write to them"},
        {"field": "reminderNotes", "before": None, "after": None},
        {"field": "reminderAssignee", "before": None, "after": "Ada Minster"},
    ]
    anonymous = done(billing, "updateReminder", REMINDER, reminderId=reminder["id"], assigneeId=None)
    assert (anonymous["assignee"], anonymous["subject"]) == (None, "Write to them")
    count = len(anonymous["invoice"]["history"])
    same = done(billing, "updateReminder", REMINDER, reminderId=reminder["id"], subject="Write to them")
    assert len(same["invoice"]["history"]) == count


def test_a_reminder_is_closed_once_and_stores_its_outcome(billing: Client, admin: Client, reminder: Any) -> None:
    closed = done(billing, "completeReminder", REMINDER, reminderId=reminder["id"], outcome="Cheque is in the mail")
    assert (closed["status"], closed["outcome"]) == ("COMPLETED", "Cheque is in the mail")
    assert closed["closedAt"] >= closed["createdAt"]
    assert last_event(closed)["transition"] == "complete_reminder"
    for client, name, more in (
        (admin, "completeReminder", {"outcome": "Again"}),
        (billing, "cancelReminder", {}),
        (billing, "updateReminder", {"subject": "Again"}),
    ):
        assert refused(client, name, REMINDER, reminderId=reminder["id"], **more)["code"] == "CONFLICT"


def test_a_reminder_is_cancelled(billing: Client, reminder: Any) -> None:
    closed = done(billing, "cancelReminder", REMINDER, reminderId=reminder["id"], reason="They have called us")
    assert (closed["status"], closed["outcome"]) == ("CANCELLED", "They have called us")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"targetDate": (today() - timedelta(days=1)).isoformat()}, "targetDate"),
        ({"subject": " "}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"subject": "two\nlines"}, "subject"),
        ({"notes": "x" * 2_001}, "notes"),
    ],
)
def test_an_invalid_reminder_is_refused(billing: Client, invoice: Any, changes: dict[str, str], field: str) -> None:
    inputs = {"invoiceId": invoice["id"], "targetDate": TOMORROW, "subject": "Call", **changes}
    assert refused(billing, "scheduleReminder", REMINDER, **inputs)["path"] == ["input", field]
    made = scheduled(billing, invoice)
    assert refused(billing, "updateReminder", REMINDER, reminderId=made["id"], **changes)["path"] == ["input", field]


def test_a_reminder_must_have_a_day(billing: Client, reminder: Any) -> None:
    error = refused(billing, "updateReminder", REMINDER, reminderId=reminder["id"], targetDate=None)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "targetDate"])


def test_an_outcome_cannot_be_blank(billing: Client, reminder: Any) -> None:
    error = refused(billing, "completeReminder", REMINDER, reminderId=reminder["id"], outcome=" ")
    assert error["path"] == ["input", "outcome"]


@pytest.mark.parametrize("mutation_name", ["voidInvoice", "writeOffInvoice"])
def test_closing_an_invoice_cancels_its_reminders_and_none_can_be_added(
    billing: Client, admin: Client, invoice: Any, mutation_name: str
) -> None:
    kept, closed = scheduled(billing, invoice), scheduled(billing, invoice)
    done(billing, "completeReminder", REMINDER, reminderId=closed["id"], outcome="Done")
    done(admin, mutation_name, NEW, invoiceId=invoice["id"], reason="Twice")
    query = "query ($id: ID!) { invoice(id: $id) { reminders { id status closedAt } history { changes { field before after } } } }"
    history = billing.read(query, id=invoice["id"])["invoice"]["history"]
    assert {"field": "openReminders", "before": "1", "after": "0"} in history[-1]["changes"]
    states = {one["id"]: one for one in billing.read(query, id=invoice["id"])["invoice"]["reminders"]}
    assert (states[kept["id"]]["status"], states[closed["id"]]["status"]) == ("CANCELLED", "COMPLETED")
    assert states[kept["id"]]["closedAt"]
    inputs = {"invoiceId": invoice["id"], "targetDate": TOMORROW, "subject": "Call"}
    assert refused(billing, "scheduleReminder", REMINDER, **inputs)["code"] == "CONFLICT"


def test_of_two_concurrent_closings_of_a_reminder_one_succeeds(server_url: str, billing: Client, reminder: Any) -> None:
    async def both() -> list[Any]:
        def close(outcome: str) -> Any:
            with Client(server_url, billing.token) as client:
                query = f"mutation ($i: CompleteReminderInput!) {{ completeReminder(input: $i) {{ {REMINDER} errors {{ code }} }} }}"
                return client.read(query, i={"reminderId": reminder["id"], "outcome": outcome})["completeReminder"]

        return await asyncio.gather(*(asyncio.to_thread(close, word) for word in ("One", "Other")))

    answers = asyncio.run(both())
    assert sorted(len(answer["errors"]) for answer in answers) == [0, 1]


def test_every_law_of_the_records_holds_after_these_tests(address: DatabaseUrls, reminder: Any) -> None:
    assert reminder
    assert breaches(address) == set()
