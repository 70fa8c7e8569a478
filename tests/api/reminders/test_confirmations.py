"""Reminders of a clinic are off until somebody has seen a dry run and has confirmed it."""

from typing import Any

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.client import Client
from tests.support.databases import rows

RUN = """mutation { previewReminders(input: {first: 3}) { errors { __typename } dryRun { token dryRunOn messageCount invoiceCount skippedCount
    messages { recipient copyTo invoices { invoiceId listedInvoice listedCase balance policy level repetition dueOn } } } } }"""
CONFIRMATION = "reminderConfirmation { id confirmedBy { name } confirmedAt dryRunOn messageCount invoiceCount endedBy { name } endedAt }"
_OFF = "update reminder_confirmations set ended_at = now() where ended_at is null"
_EVENTS = "select * from audit_events where operation = 'previewReminders' order by at desc"
_WITHHELD = "update payers set email = 'other@firm.example' where email is not null"


@pytest.fixture
def off(address: DatabaseUrls) -> DatabaseUrls:
    rows(address, _OFF)
    return address


def dry_run(client: Client) -> Any:
    return client.read(RUN)["previewReminders"]["dryRun"]


def test_a_confirmed_dry_run_switches_reminders_on_and_they_can_be_stopped(off: DatabaseUrls, billing: Client) -> None:
    run = dry_run(billing)
    assert (run["messageCount"] > 3, len(run["messages"])) == (True, 3)
    made = done(billing, "confirmReminders", CONFIRMATION, token=run["token"])
    assert (made["confirmedBy"], made["messageCount"], made["endedAt"]) == (
        {"name": "Bill Ingfield"},
        run["messageCount"],
        None,
    )
    assert (
        refused(billing, "confirmReminders", CONFIRMATION, token=run["token"])["message"] == "Reminders are on already"
    )
    ended = done(billing, "stopReminders", CONFIRMATION)
    assert (ended["id"], ended["endedBy"]) == (made["id"], {"name": "Bill Ingfield"})
    assert refused(billing, "stopReminders", CONFIRMATION)["message"] == "Reminders are off already"
    listed = billing.read("{ reminderConfirmations { id endedAt } }")["reminderConfirmations"]
    assert listed[0] == {"id": made["id"], "endedAt": ended["endedAt"]}
    assert len(listed) >= 2


def test_a_dry_run_whose_messages_have_changed_since_confirms_nothing(off: DatabaseUrls, billing: Client) -> None:
    token = dry_run(billing)["token"]
    rows(off, _WITHHELD)
    assert "has changed" in refused(billing, "confirmReminders", CONFIRMATION, token=token)["message"]
    assert "has changed" in refused(billing, "confirmReminders", CONFIRMATION, token="")["message"]
    assert rows(off, "select from reminder_confirmations where ended_at is null") == []
    assert dry_run(billing)["token"] != token


def test_a_dry_run_without_a_policy_in_use_cannot_be_confirmed(off: DatabaseUrls, billing: Client) -> None:
    stopped = rows(off, "update reminder_policies set active = false where active returning id")
    try:
        run = dry_run(billing)
        error = refused(billing, "confirmReminders", CONFIRMATION, token=run["token"])
    finally:
        ids = ", ".join(f"'{row['id']}'" for row in stopped)
        rows(off, f"update reminder_policies set active = true where id in ({ids})")
    assert run["messageCount"] == 0
    assert (error["code"], "No reminder policy is active" in error["message"]) == ("CONFLICT", True)
    assert rows(off, "select from reminder_confirmations where ended_at is null") == []


@pytest.mark.parametrize(
    "change",
    [
        "update reminder_templates set body = body || ' More.' returning id",
        "update invoices set billed_amount = billed_amount + 1 where status = 'pending_invoice' and submitted_on is not null returning id",
    ],
)
def test_the_words_and_the_amounts_of_messages_are_confirmed_too(
    off: DatabaseUrls, billing: Client, change: str
) -> None:
    token = dry_run(billing)["token"]
    assert dry_run(billing)["token"] == token
    assert rows(off, change)
    assert "has changed" in refused(billing, "confirmReminders", CONFIRMATION, token=token)["message"]


def test_a_dry_run_says_to_whom_about_what_and_is_in_the_audit_log(off: DatabaseUrls, billing: Client) -> None:
    run = dry_run(billing)
    first = run["messages"][0]["invoices"][0]
    (invoice,) = rows(off, "select id, balance from invoices where number = $1", first["listedInvoice"])
    assert first["balance"] == str(invoice["balance"])
    event = rows(off, _EVENTS)[0]
    assert invoice["id"].bytes in event["entities"]
    assert event["entities"].count(b"in") >= sum(len(message["invoices"]) for message in run["messages"])
    assert set(event["fields"]) >= {"Case.number", "Invoice.balance"}
    assert rows(off, "select from outbound_messages") == []


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_other_roles_have_no_dry_run(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    for query in (
        RUN,
        "mutation { stopReminders(input: {}) { errors { __typename } } }",
        "{ reminderConfirmations { id } }",
    ):
        assert "Cannot query field" in client.refusals(query)[0]
