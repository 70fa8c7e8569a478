"""In a clinic that moves to working days, nothing goes to payers on weekends and holidays: it goes out on the next working day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from domain.reminders.reminders import PAUSES
from server.cli import main
from server.database_urls import DatabaseUrls
from tests.mail.reminding import LEAD, Reminding, level, numbers, reminding_over
from tests.support.api.clinic_clock import moment
from tests.support.databases import rows

THURSDAY, FRIDAY, SATURDAY = date(2026, 7, 2), date(2026, 7, 3), date(2026, 7, 4)
MONDAY = date(2026, 7, 6)
_SETTING = "update clinics set moves_to_working_days = $1, reminded_on = null"
MONDAY_AT_EIGHT = datetime(2026, 7, 6, 12, tzinfo=UTC)


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Reminding]:
    """A clinic that moves to working days, on the Thursday before Independence Day, which is a Saturday and observed on the Friday."""
    with reminding_over(own_address) as reminding:
        rows(own_address, "update users set email = $1 where role = 'admin'", LEAD)
        rows(own_address, _SETTING, True)
        reminding.policy(level(10), level(13))
        reminding.now = moment(THURSDAY)
        yield reminding


def sent_on(clinic: Reminding, days: int) -> dict[date, int]:
    """Run a worker on each of so many days from today on: the day → how many messages it sent."""
    counts = {}
    for _ in range(days):
        counts[clinic.today] = len(clinic.run())
        clinic.pass_days()
    return {day: count for day, count in counts.items() if count}


def test_what_falls_due_on_a_holiday_or_a_weekend_goes_out_on_the_next_working_day_as_one_message(
    clinic: Reminding,
) -> None:
    # Due on the Friday, the Saturday and the Sunday.
    made = [clinic.invoice(days) for days in (9, 8, 7)]
    for invoice in made:
        rows(clinic.address, "update payers set email = 'one@firm.example' where id = $1", invoice["payer_id"])
    assert sent_on(clinic, 4) == {}
    assert (clinic.today, clinic.messages()) == (MONDAY, [])
    (message,) = clinic.run()
    assert {number for _, number in numbers([message])} == {invoice["number"] for invoice in made}
    assert [row["due_on"] for row in clinic.messages()] == [MONDAY]


def test_a_clinic_that_keeps_calendar_days_writes_on_each_of_them(clinic: Reminding) -> None:
    rows(clinic.address, _SETTING, False)
    for days in (9, 8, 7):
        clinic.invoice(days)
    assert set(sent_on(clinic, 4)) == {FRIDAY, SATURDAY, date(2026, 7, 5)}


def test_the_next_level_counts_from_the_message_that_was_sent(clinic: Reminding) -> None:
    clinic.invoice(8)
    # Level 2 comes three days after level 1, which was due on Saturday and sent on Monday.
    assert sent_on(clinic, 12) == {MONDAY: 1, date(2026, 7, 9): 1}


def test_a_retry_never_falls_on_a_weekend(clinic: Reminding) -> None:
    clinic.invoice(10)
    clinic.now = moment(THURSDAY, 23, 58)
    clinic.mail_server.at_data = ["451 Later"]
    assert clinic.run() == []
    (waiting,) = clinic.messages()
    assert clinic.now + PAUSES[0] < moment(FRIDAY, 0)
    assert waiting["next_attempt_at"] == clinic.now + PAUSES[0]
    clinic.mail_server.at_data = ["451 Later"]
    clinic.now += PAUSES[0]
    assert clinic.run() == []
    (waiting,) = clinic.messages()
    assert (waiting["attempts"], waiting["next_attempt_at"]) == (2, MONDAY_AT_EIGHT)
    clinic.now = MONDAY_AT_EIGHT - timedelta(seconds=1)
    assert clinic.run() == []
    clinic.now = MONDAY_AT_EIGHT
    assert len(clinic.run()) == 1


def test_messages_that_wait_as_the_setting_is_switched_on_say_when_they_go_out(clinic: Reminding) -> None:
    rows(clinic.address, _SETTING, False)
    clinic.invoice(10)
    clinic.mail_server.at_data = ["451 Later"]
    clinic.now = moment(SATURDAY)
    assert clinic.run() == []
    rows(clinic.address, _SETTING, True)
    clinic.now += timedelta(hours=1)
    assert clinic.run(workers=2) == []
    (waiting,) = clinic.messages()
    assert (waiting["status"], waiting["next_attempt_at"]) == ("queued", MONDAY_AT_EIGHT)
    clinic.now = MONDAY_AT_EIGHT
    assert len(clinic.run(workers=2)) == 1


@pytest.mark.parametrize(
    ("zone", "sends"),
    [
        # At 03:30 UTC of a Saturday it is Friday evening in New York and Saturday afternoon in Auckland.
        ("America/New_York", True),
        ("Pacific/Auckland", False),
    ],
)
def test_a_day_is_that_of_the_time_zone_of_the_clinic(clinic: Reminding, zone: str, sends: bool) -> None:
    rows(clinic.address, "update clinics set time_zone = $1", zone)
    clinic.now = datetime(2026, 8, 1, 3, 30, tzinfo=UTC)
    clinic.invoice(30)
    assert bool(clinic.run()) is sends


def test_a_reminder_that_was_paid_over_the_weekend_is_not_sent_on_monday(clinic: Reminding) -> None:
    invoice: Any = clinic.invoice(8)
    assert sent_on(clinic, 4) == {}
    rows(
        clinic.address,
        "update invoices set status = 'written_off', written_off_amount = balance where id = $1",
        invoice["id"],
    )
    assert clinic.run() == []


def test_the_command_line_shows_a_dry_run_of_the_next_working_day(clinic: Reminding) -> None:
    clinic.invoice(8)
    for day, setting in (("2026-07-06", True), ("2026-07-04", False)):
        rows(clinic.address, _SETTING, setting)
        arguments = ["remind", "--dry-run", "--on", "2026-07-04", "--clinic", "demo"]
        answer = CliRunner().invoke(main, arguments, env={"DATABASE_URL": clinic.address.owner})
        assert answer.exit_code == 0, answer.output
        assert answer.output.startswith(f"Demo Injury Clinic, {day}: 1 messages about 1 of")
