"""Known complaints about reminder systems do not occur: each payer gets each reminder when it is due, and exactly once."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from server.database_urls import DatabaseUrls
from tests.mail.reminding import CLERK, LAWYER, LEAD, PAYER, WRITE_OFF, Reminding, level, numbers, reminding_over
from tests.mail.smtp_server import plain
from tests.support.databases import rows

_HOLD = """insert into holds (clinic_id, id, {column}, until_on, reason, placed_at)
    select clinic_id, gen_random_uuid(), $1, $2, 'Asked for', now() from clinics"""
_OFFER = """insert into reduction_offers (clinic_id, id, invoice_id, round, party, amount, status, expires_on, made_at)
    select clinic_id, gen_random_uuid(), $1, 99, 'payer', 1, 'open', $2, now() from clinics"""
_DENIED = "update invoices set submitted_on = null, submission_method = null where id = $1"
_VOID = "update invoices set status = 'void' where id = $1"
_PAID_PARTLY = "update invoices set received_amount = balance - 50 where id = $1"


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        yield reminding


def test_a_reminder_is_sent_on_its_day_and_not_before(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    invoice = clinic.invoice(28)
    assert clinic.day() == []
    ((to, text),) = clinic.day()
    assert (to, numbers([(to, text)])) == ((PAYER,), [("Level 1", invoice["number"])])
    (message,) = clinic.messages()
    assert (message["status"], message["due_on"], message["attempts"]) == ("sent", clinic.today, 1)
    assert message["body"].rstrip() == text
    clinic.pass_days(30)
    assert numbers(clinic.run()) == [("Level 2", invoice["number"])]


def test_a_repeated_run_sends_nothing_on_the_same_day_or_until_the_next_level(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    clinic.invoice(29)
    assert len(clinic.day()) == 1
    assert clinic.run() == []
    clinic.now += timedelta(hours=5)
    assert clinic.run(workers=2) == []
    # Twenty-two days without a further message.
    assert [clinic.day() for _ in range(22)] == [[]] * 22


def test_after_days_without_a_worker_each_invoice_gets_the_level_that_follows(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60, repeat_days=7, repeat_times=2))
    early, late = clinic.invoice(29), clinic.invoice(20)
    clinic.pass_days(20)
    assert numbers(clinic.run()) == [("Level 1", n) for n in sorted((early["number"], late["number"]))]
    # The first level was late, so that the second is, too: thirty days lie between them.
    clinic.pass_days(29)
    assert clinic.run() == []
    clinic.pass_days(20)
    assert sorted(numbers(clinic.run())) == sorted([("Level 2", late["number"]), ("Level 2", early["number"])])
    # A repetition follows seven days after the message before it, and each is sent.
    clinic.pass_days(6)
    assert clinic.run() == []
    clinic.pass_days(30)
    assert [len(numbers(clinic.run())), len(clinic.day()), len(clinic.run())] == [2, 0, 0]
    clinic.pass_days(7)
    assert len(numbers(clinic.run())) == 2
    clinic.pass_days(300)
    assert clinic.run() == []


def days_with_messages(clinic: Reminding, days: int) -> list[tuple[int, str]]:
    """The messages of the next days, as (day from today, first line of the text); the invoice is the only one."""
    found = []
    for day in range(days):
        found += [(day, numbered) for numbered, _ in numbers(clinic.run())]
        clinic.pass_days()
    return found


def test_an_invoice_that_was_never_reminded_gets_the_first_level_first_and_then_the_schedule(
    clinic: Reminding,
) -> None:
    clinic.policy(level(30), level(60), level(90, repeat_days=10, repeat_times=1))
    clinic.invoice(400)
    assert days_with_messages(clinic, 90) == [(0, "Level 1"), (30, "Level 2"), (60, "Level 3"), (70, "Level 3")]


def test_a_level_that_is_added_later_follows_the_levels_that_were_sent(clinic: Reminding) -> None:
    policy = clinic.policy(level(30), level(60))
    clinic.invoice(30)
    assert days_with_messages(clinic, 100) == [(0, "Level 1"), (30, "Level 2")]
    clinic.add_level(policy, 3, level(90))
    assert days_with_messages(clinic, 10) == [(0, "Level 3")]


def test_an_invoice_that_was_submitted_again_gets_the_first_level_again(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    invoice = clinic.invoice(30)
    assert days_with_messages(clinic, 40) == [(0, "Level 1"), (30, "Level 2")]
    again = "update invoices set submitted_on = $2, submission_method = 'email' where id = $1"
    rows(clinic.address, again, invoice["id"], clinic.today)
    assert days_with_messages(clinic, 70) == [(30, "Level 1"), (60, "Level 2")]


def test_a_policy_that_applies_later_goes_on_where_the_one_before_it_has_stopped(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60), level(90))
    clinic.invoice(30)
    assert days_with_messages(clinic, 1) == [(0, "Level 1")]
    clinic.policy(level(10), level(20), level(70), kind="attorney")
    assert days_with_messages(clinic, 80) == [(9, "Level 2"), (59, "Level 3")]


def test_no_level_follows_a_message_that_has_failed_until_it_was_sent_again(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    invoice = clinic.invoice(30)
    clinic.mail_server.at_rcpt = {PAYER: "550 No such mailbox"}
    assert days_with_messages(clinic, 60) == []
    clinic.mail_server.at_rcpt = {}
    assert days_with_messages(clinic, 2) == []
    rows(clinic.address, "update outbound_messages set status = 'queued', attempts = 0, next_attempt_at = '2000-01-01'")
    assert days_with_messages(clinic, 40) == [(0, "Level 1"), (30, "Level 2")]
    assert [row["invoice_id"] for row in rows(clinic.address, "select invoice_id from message_invoices")] == [
        invoice["id"]
    ] * 2


def test_levels_below_their_minimum_balance_are_passed_over(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60, minimum_balance=Decimal(1_000_000)), level(90))
    clinic.invoice(200)
    assert days_with_messages(clinic, 100) == [(0, "Level 1"), (60, "Level 3")]


def test_each_status_has_levels_of_its_own(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60), level(10, "pending_cheque"), level(20, "pending_cheque"))
    clinic.invoice(100, "pending_cheque")
    assert days_with_messages(clinic, 30) == [(0, "Level 3"), (10, "Level 4")]


def test_concurrent_workers_send_every_reminder_once(clinic: Reminding) -> None:
    clinic.policy(level(30))
    invoices = [clinic.invoice(30, payer=f"payer{number}@firm.example") for number in range(4)]
    assert sorted(numbers(clinic.run(workers=4))) == sorted(("Level 1", one["number"]) for one in invoices)
    assert [message["attempts"] for message in clinic.messages()] == [1] * len(clinic.messages())


@pytest.mark.parametrize("column", ["id", "case_id", "payer_id"])
def test_an_invoice_on_hold_gets_no_reminder_until_the_last_day_of_the_hold_has_passed(
    clinic: Reminding, column: str
) -> None:
    clinic.policy(level(30))
    invoice, name = clinic.invoice(29), "invoice_id" if column == "id" else column
    rows(clinic.address, _HOLD.format(column=name), invoice[column], clinic.today + timedelta(days=3))
    assert [clinic.day() for _ in range(3)] == [[], [], []]
    assert numbers(clinic.day()) == [("Level 1", invoice["number"])]


def test_a_released_hold_prevents_no_reminder(clinic: Reminding) -> None:
    clinic.policy(level(30))
    invoice = clinic.invoice(29)
    rows(clinic.address, _HOLD.format(column="invoice_id"), invoice["id"], clinic.today + timedelta(days=99))
    rows(clinic.address, "update holds set released_at = now()")
    assert len(clinic.day()) == 1


def test_an_open_offer_prevents_reminders_until_it_expires(clinic: Reminding) -> None:
    clinic.policy(level(30))
    invoice = clinic.invoice(29)
    rows(clinic.address, _OFFER, invoice["id"], clinic.today + timedelta(days=2))
    assert [clinic.day() for _ in range(2)] == [[], []]
    assert len(clinic.day()) == 1


def test_a_denied_invoice_gets_no_reminder_until_it_is_submitted_again_and_days_count_from_then(
    clinic: Reminding,
) -> None:
    clinic.policy(level(30))
    invoice = clinic.invoice(29)
    rows(clinic.address, _DENIED, invoice["id"])
    assert [clinic.day() for _ in range(2)] == [[], []]
    rows(
        clinic.address,
        "update invoices set submitted_on = $2, submission_method = 'email' where id = $1",
        invoice["id"],
        clinic.today,
    )
    clinic.pass_days(29)
    assert clinic.run() == []
    assert len(clinic.day()) == 1


@pytest.mark.parametrize("closed", [_VOID, WRITE_OFF], ids=["void", "written_off"])
def test_a_closed_invoice_gets_no_reminder(clinic: Reminding, closed: str) -> None:
    clinic.policy(level(30))
    invoice = clinic.invoice(29)
    rows(clinic.address, closed, invoice["id"])
    assert clinic.day() == []


def test_a_balance_below_the_minimum_of_the_level_gets_no_reminder(clinic: Reminding) -> None:
    clinic.policy(
        level(10, "pending_cheque", minimum_balance=Decimal("50.01")),
        level(20, "pending_cheque", minimum_balance=Decimal(50)),
    )
    invoice = clinic.invoice(15, "pending_cheque")
    rows(clinic.address, _PAID_PARTLY, invoice["id"])
    assert clinic.run() == []
    clinic.pass_days(5)
    assert numbers(clinic.run()) == [("Level 2", invoice["number"])]


def test_the_days_of_an_agreed_invoice_count_from_the_day_of_the_agreement(clinic: Reminding) -> None:
    clinic.policy(level(30), level(5, "pending_cheque", repeat_days=10, repeat_times=1))
    invoice = clinic.invoice(4, "pending_cheque")
    sent = [len(clinic.day()) for _ in range(40)]
    assert [day for day, count in enumerate(sent) if count] == [0, 10]
    assert invoice["number"] in plain(clinic.mail_server.taken[-1][1])


def test_all_reminders_of_one_recipient_on_one_day_are_one_message_with_each_invoice_once(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    second = clinic.invoice(30, payer=LAWYER)
    assert numbers(clinic.run()) == [("Level 1", second["number"])]
    clinic.pass_days(30)
    rows(clinic.address, "update payers set email = $1 where id = $2", PAYER, second["payer_id"])
    first = sorted(clinic.invoice(30, payer=payer)["number"] for payer in (PAYER, PAYER.upper(), PAYER))
    second = second["number"]
    mine = [message for message in clinic.run() if message[0][0].lower() == PAYER]
    assert len(mine) == 1
    assert numbers(mine) == [("Level 2", second), *(("Level 1", number) for number in first)]
    ours = [message for message in clinic.messages() if message["recipient"].lower() == PAYER]
    assert [message["subject"] for message in ours] == ["Level 2"]


def test_a_level_decides_the_recipient_and_the_copy(clinic: Reminding) -> None:
    rows(clinic.address, "update users set email = $1 where role = 'admin'", LEAD)
    clinic.policy(
        level(10),
        level(20, recipient="attorney", copy_to="billing_lead"),
        level(30, recipient="address", recipient_address=CLERK, copy_to="payer"),
        level(40, recipient="billing_lead"),
    )
    invoice = clinic.invoice(9)
    rows(clinic.address, "update attorneys set email = $2 where id = $1", invoice["attorney_id"], LAWYER)
    messages_sent: list[Any] = []
    for _ in range(40):
        messages_sent += clinic.day()
    assert [to for to, _ in messages_sent] == [(PAYER,), (LAWYER, LEAD), (CLERK, PAYER), (LEAD,)]


def test_a_reminder_to_a_payer_without_an_address_fails_at_once_and_sends_nothing(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    invoice = clinic.invoice(30)
    rows(clinic.address, "update payers set email = null where id = $1", invoice["payer_id"])
    rows(clinic.address, "update attorneys set email = null")
    assert clinic.run() == []
    (message,) = clinic.messages()
    assert (message["status"], message["recipient"], message["failure"]) == (
        "failed",
        "",
        "The recipient has no e-mail address",
    )
    assert clinic.day() == []


def test_the_most_specific_policy_applies(clinic: Reminding) -> None:
    clinic.policy(level(1), everywhere=True)
    clinic.policy(level(500), kind="attorney")
    invoice = clinic.invoice(30)
    assert invoice["number"] not in {number for _, number in numbers(clinic.run())}


def test_a_deactivated_policy_sends_no_reminder(clinic: Reminding) -> None:
    clinic.policy(level(30))
    clinic.invoice(30)
    rows(clinic.address, "update reminder_policies set active = false")
    assert clinic.run() == []


def test_no_reminder_is_sent_before_the_morning_of_the_clinic(clinic: Reminding) -> None:
    clinic.policy(level(30))
    clinic.invoice(30)
    noon = clinic.now
    clinic.now = noon - timedelta(hours=4, minutes=1)
    assert clinic.run() == []
    clinic.now = noon - timedelta(hours=4)
    assert len(clinic.run()) == 1


def test_reminders_are_off_until_a_dry_run_is_confirmed_and_waiting_messages_wait_while_they_are_off(
    clinic: Reminding,
) -> None:
    clinic.policy(level(30))
    rows(clinic.address, "update reminder_confirmations set ended_at = now()")
    clinic.invoice(30)
    assert [clinic.run(), clinic.day()] == [[], []]
    assert clinic.messages() == []
    rows(clinic.address, "update reminder_confirmations set ended_at = null")
    clinic.mail_server.at_data = ["451 Later"]
    assert clinic.run() == []
    rows(clinic.address, "update reminder_confirmations set ended_at = now()")
    assert [clinic.day(), clinic.day()] == [[], []]
    rows(clinic.address, "update reminder_confirmations set ended_at = null")
    assert len(clinic.run()) == 1
