"""A clinic moves reminders to working days if its administrator says so: what is scheduled says its day and the day to which it moved."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from db.pools import Database
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import ClinicClock, moment
from tests.support.api.mutations import done, refused
from tests.support.client import Client
from tests.support.databases import TODAY, rows

# In 2026, Independence Day is a Saturday and observed on the Friday before it.
FRIDAY, SATURDAY, MONDAY = "2026-07-03", "2026-07-04", "2026-07-06"
REMINDER = "reminder { id targetDate dueOn invoice { history { transition changes { field before after } } } }"
SETTING = "clinic { movesToWorkingDays }"
ITEMS = "query ($day: Date!) { actionItems(asOf: $day, first: 500) { nodes { kind dueOn subject reminder { id } } } }"
DRY_RUN = "mutation { previewReminders(input: {first: 0}) { dryRun { token dryRunOn messageCount } } }"
WAITING = "outboundMessage { status nextAttemptAt }"
_FAILED = """insert into outbound_messages (clinic_id, id, recipient, subject, status, due_on, failure)
    select clinic_id, gen_random_uuid(), 'firm@law.example', 'Open invoice', 'failed', '2026-06-30', 'Refused' from clinics"""


@pytest.fixture(scope="module")
def clock() -> ClinicClock:
    return ClinicClock()


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, clock: ClinicClock) -> Iterator[str]:
    with served(assembled(Database(address.login), clock=clock)) as url:
        yield url


@pytest.fixture
def billing(sign_in: SignIn) -> Client:
    return sign_in(Role.BILLING)


@pytest.fixture
def admin(sign_in: SignIn) -> Client:
    admin = sign_in(Role.ADMIN)
    done(admin, "updateClinic", SETTING, movesToWorkingDays=True)
    return admin


@pytest.fixture
def invoice(billing: Client) -> Any:
    (found,) = billing.read("{ invoices(first: 1, filter: {status: [PENDING_REDUCTION]}) { nodes { id } } }")[
        "invoices"
    ]["nodes"]
    return found["id"]


def scheduled(billing: Client, invoice: str, day: str) -> Any:
    return done(billing, "scheduleReminder", REMINDER, invoiceId=invoice, targetDate=day, subject="Call the adjuster")


@pytest.mark.parametrize(
    ("day", "moved"),
    [
        ("2026-07-02", "2026-07-02"),
        (FRIDAY, MONDAY),
        (SATURDAY, MONDAY),
        ("2026-09-05", "2026-09-08"),
        # Saturday, Sunday, and New Year's Day on the Monday.
        ("2034-12-30", "2035-01-02"),
    ],
)
def test_a_reminder_is_due_on_the_next_working_day_and_keeps_the_day_for_which_it_was_scheduled(
    admin: Client, billing: Client, invoice: str, day: str, moved: str
) -> None:
    made = scheduled(billing, invoice, day)
    assert (made["targetDate"], made["dueOn"]) == (day, moved)
    said = day if day == moved else f"{day}, moved to {moved}"
    (change,) = made["invoice"]["history"][-1]["changes"]
    assert change == {"field": "reminder", "before": None, "after": f"{said}: Call the adjuster"}


def test_a_moved_reminder_is_an_action_item_from_the_working_day_on(
    admin: Client, billing: Client, clock: ClinicClock
) -> None:
    without = "{ invoices(first: 1, filter: {status: [PENDING_REDUCTION], hasDueReminder: false}) { nodes { id } } }"
    with clock.set_to(moment(date.fromisoformat(MONDAY))):
        invoice = billing.read(without)["invoices"]["nodes"][0]["id"]
    made = scheduled(billing, invoice, FRIDAY)

    def due(day: str) -> list[str]:
        nodes = billing.read(ITEMS, day=day)["actionItems"]["nodes"]
        return [node["dueOn"] for node in nodes if node["reminder"] == {"id": made["id"]}]

    assert [due(day) for day in (FRIDAY, SATURDAY, "2026-07-05", MONDAY)] == [[], [], [], [MONDAY]]
    found = "{ invoices(first: 500, filter: {hasDueReminder: true}) { nodes { id } } }"
    for day, is_due in ((SATURDAY, False), (MONDAY, True)):
        with clock.set_to(moment(date.fromisoformat(day))):
            assert ({"id": invoice} in billing.read(found)["invoices"]["nodes"]) is is_due


def test_nothing_that_is_scheduled_moves_until_its_day_is_set_again(
    sign_in: SignIn, billing: Client, invoice: str
) -> None:
    admin = sign_in(Role.ADMIN)
    done(admin, "updateClinic", SETTING, movesToWorkingDays=False)
    before = scheduled(billing, invoice, SATURDAY)
    assert before["dueOn"] == SATURDAY
    assert done(admin, "updateClinic", SETTING, movesToWorkingDays=True) == {"movesToWorkingDays": True}
    reworded = done(billing, "updateReminder", REMINDER, reminderId=before["id"], subject="Write to the adjuster")
    assert reworded["dueOn"] == SATURDAY
    again = done(billing, "updateReminder", REMINDER, reminderId=before["id"], targetDate=SATURDAY)
    assert (again["targetDate"], again["dueOn"]) == (SATURDAY, MONDAY)
    (change,) = again["invoice"]["history"][-1]["changes"]
    assert change == {
        "field": "reminderTargetDate",
        "before": SATURDAY,
        "after": f"{SATURDAY}, moved to {MONDAY}",
    }
    weekday = done(billing, "updateReminder", REMINDER, reminderId=before["id"], targetDate="2026-07-07")
    assert (weekday["targetDate"], weekday["dueOn"]) == ("2026-07-07", "2026-07-07")
    done(admin, "updateClinic", SETTING, movesToWorkingDays=False)
    assert scheduled(billing, invoice, SATURDAY)["dueOn"] == SATURDAY


def test_the_setting_is_yes_or_no_and_the_administrators(admin: Client, billing: Client) -> None:
    error = refused(admin, "updateClinic", SETTING, movesToWorkingDays=None)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "movesToWorkingDays"])
    assert "Cannot query field" in billing.refusals("{ clinic { movesToWorkingDays } }")[0]
    assert admin.read("{ " + SETTING + " }")["clinic"] == {"movesToWorkingDays": True}


def test_a_dry_run_on_a_holiday_is_that_of_the_next_working_day_and_can_be_confirmed_over_the_weekend(
    admin: Client, billing: Client, clock: ClinicClock, address: DatabaseUrls
) -> None:
    rows(address, "update reminder_confirmations set ended_at = now() where ended_at is null")
    with clock.set_to(moment(date.fromisoformat(FRIDAY))):
        run = billing.read(DRY_RUN)["previewReminders"]["dryRun"]
    assert (run["dryRunOn"], run["messageCount"] > 0) == (MONDAY, True)
    with clock.set_to(moment(date.fromisoformat(SATURDAY))):
        made = done(billing, "confirmReminders", "reminderConfirmation { dryRunOn }", token=run["token"])
    assert made == {"dryRunOn": MONDAY}


def test_a_message_that_is_sent_again_on_a_weekend_says_that_it_waits_for_monday(
    admin: Client, billing: Client, clock: ClinicClock, address: DatabaseUrls
) -> None:
    rows(address, _FAILED)
    query = "{ outboundMessages(first: 1, filter: {status: [FAILED]}) { nodes { id } } }"
    (failed,) = billing.read(query)["outboundMessages"]["nodes"]
    with clock.set_to(moment(date.fromisoformat(SATURDAY))):
        again = done(billing, "resendMessage", WAITING, outboundMessageId=failed["id"])
    assert again == {"status": "QUEUED", "nextAttemptAt": "2026-07-06T12:00:00+00:00"}


def test_days_of_others_never_move(admin: Client, billing: Client) -> None:
    """A hold until a Saturday ends on it; an appeal is due, and an agreement good, on the day that was typed."""
    found = billing.read("{ invoices(first: 1, filter: {status: [PENDING_REDUCTION]}) { nodes { id balance } } }")
    (one,) = found["invoices"]["nodes"]
    held = done(billing, "placeHold", "hold { id untilOn }", invoiceId=one["id"], untilOn=SATURDAY, reason="Trial")
    assert held["untilOn"] == SATURDAY
    inputs = {"invoiceId": one["id"], "amount": one["balance"], "conditionalUntil": SATURDAY}
    agreed = done(billing, "agreeReduction", "invoice { negotiation { conditionalUntil } }", **inputs)
    assert agreed == {"negotiation": {"conditionalUntil": SATURDAY}}
    query = "{ invoices(first: 100, filter: {status: [PENDING_INVOICE]}) { nodes { id submittedOn } } }"
    other = next(node for node in billing.read(query)["invoices"]["nodes"] if node["submittedOn"])
    denial = {"deniedOn": TODAY.isoformat(), "reasonCode": "197", "appealDueOn": SATURDAY}
    denied = done(billing, "recordDenial", "invoice { denials { appealDueOn } }", invoiceId=other["id"], **denial)
    assert denied["denials"][-1] == {"appealDueOn": SATURDAY}
    noticed = (date.fromisoformat(SATURDAY) - timedelta(days=14)).isoformat()
    items = billing.read(ITEMS, day=SATURDAY)["actionItems"]["nodes"]
    due = [item["dueOn"] for item in items if item["subject"] == f"Appeal the denial by {SATURDAY}"]
    assert due == [max(noticed, TODAY.isoformat())]
