"""What users of other systems complain of does not happen: each payer hears of each invoice when it is time, once, and no more."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from server.addresses import Address
from tests.databases import rows
from tests.mail.post_office import plain
from tests.mail.reminding import CLERK, LAWYER, LEAD, PAYER, Reminding, level, numbers, reminding_over

_HOLD = """insert into holds (clinic_id, id, {column}, until_on, reason, placed_at)
    select clinic_id, gen_random_uuid(), $1, $2, 'Asked for', now() from clinics"""
_OFFER = """insert into reduction_offers (clinic_id, id, invoice_id, round, party, amount, status, expires_on, made_at)
    select clinic_id, gen_random_uuid(), $1, 99, 'payer', 1, 'open', $2, now() from clinics"""
_DENIED = "update invoices set submitted_on = null, submission_method = null where id = $1"
_PAID_PARTLY = "update invoices set received_amount = balance - 50 where id = $1"


@pytest.fixture
def clinic(own_address: Address) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        yield reminding


def test_a_payer_hears_of_an_invoice_on_the_day_and_not_before(clinic: Reminding) -> None:
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


def test_a_repeated_run_sends_nothing_that_day_nor_until_the_next_level(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    clinic.invoice(29)
    assert len(clinic.day()) == 1
    assert clinic.run() == []
    clinic.now += timedelta(hours=5)
    assert clinic.run(workers=2) == []
    # Twenty-two days, and not twenty-two copies.
    assert [clinic.day() for _ in range(22)] == [[]] * 22


def test_days_on_which_no_worker_ran_are_made_up_for_by_the_highest_level_alone(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60, repeat_days=7, repeat_times=2))
    early, late = clinic.invoice(29), clinic.invoice(20)
    clinic.pass_days(20)
    assert numbers(clinic.run()) == [("Level 1", n) for n in sorted((early["number"], late["number"]))]
    # Level 2 on the 60th day, repeated on the 67th and on the 74th; on the 75th only the last is left.
    clinic.pass_days(26)
    assert numbers(clinic.run()) == [("Level 2", late["number"]), ("Level 2", early["number"])]
    assert [
        row["repetition"] for row in rows(clinic.address, "select repetition from message_invoices order by 1")
    ] == [0, 0, 0, 2]


def test_two_workers_that_run_at_once_send_everything_once(clinic: Reminding) -> None:
    clinic.policy(level(30))
    invoices = [clinic.invoice(30, payer=f"payer{number}@firm.example") for number in range(4)]
    assert sorted(numbers(clinic.run(workers=4))) == sorted(("Level 1", one["number"]) for one in invoices)
    assert [message["attempts"] for message in clinic.messages()] == [1] * len(clinic.messages())


@pytest.mark.parametrize("column", ["id", "case_id", "payer_id"])
def test_what_is_on_hold_stays_quiet_until_its_last_day_has_passed(clinic: Reminding, column: str) -> None:
    clinic.policy(level(30))
    invoice, name = clinic.invoice(29), "invoice_id" if column == "id" else column
    rows(clinic.address, _HOLD.format(column=name), invoice[column], clinic.today + timedelta(days=3))
    assert [clinic.day() for _ in range(3)] == [[], [], []]
    assert numbers(clinic.day()) == [("Level 1", invoice["number"])]


def test_a_hold_that_was_lifted_holds_nothing(clinic: Reminding) -> None:
    clinic.policy(level(30))
    invoice = clinic.invoice(29)
    rows(clinic.address, _HOLD.format(column="invoice_id"), invoice["id"], clinic.today + timedelta(days=99))
    rows(clinic.address, "update holds set released_at = now()")
    assert len(clinic.day()) == 1


def test_an_open_offer_holds_by_itself_until_it_expires(clinic: Reminding) -> None:
    clinic.policy(level(30))
    invoice = clinic.invoice(29)
    rows(clinic.address, _OFFER, invoice["id"], clinic.today + timedelta(days=2))
    assert [clinic.day() for _ in range(2)] == [[], []]
    assert len(clinic.day()) == 1


def test_what_was_denied_is_quiet_until_it_is_submitted_again_and_counts_from_then(clinic: Reminding) -> None:
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


@pytest.mark.parametrize("status", ["void", "written_off"])
def test_what_is_closed_is_left_alone(clinic: Reminding, status: str) -> None:
    clinic.policy(level(30))
    invoice = clinic.invoice(29)
    rows(clinic.address, "update invoices set status = $2 where id = $1", invoice["id"], status)
    assert clinic.day() == []


def test_what_is_paid_but_for_less_than_the_least_that_is_asked_for_is_left_alone(clinic: Reminding) -> None:
    clinic.policy(
        level(10, "pending_cheque", minimum_balance=Decimal("50.01")),
        level(20, "pending_cheque", minimum_balance=Decimal(50)),
    )
    invoice = clinic.invoice(15, "pending_cheque")
    rows(clinic.address, _PAID_PARTLY, invoice["id"])
    assert clinic.run() == []
    clinic.pass_days(5)
    assert numbers(clinic.run()) == [("Level 2", invoice["number"])]


def test_an_agreement_counts_from_the_day_on_which_it_was_made(clinic: Reminding) -> None:
    clinic.policy(level(30), level(5, "pending_cheque", repeat_days=10, repeat_times=1))
    invoice = clinic.invoice(4, "pending_cheque")
    sent = [len(clinic.day()) for _ in range(40)]
    assert [day for day, count in enumerate(sent) if count] == [0, 10]
    assert invoice["number"] in plain(clinic.office.taken[-1][1])


def test_what_is_due_for_one_recipient_on_one_day_is_one_message_with_each_invoice_once(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    first = sorted(clinic.invoice(30, payer=payer)["number"] for payer in (PAYER, PAYER.upper(), PAYER))
    second = clinic.invoice(61)["number"]
    mine = [letter for letter in clinic.run() if letter[0][0].lower() == PAYER]
    assert len(mine) == 1
    assert numbers(mine) == [("Level 2", second), *(("Level 1", number) for number in first)]
    ours = [message for message in clinic.messages() if message["recipient"].lower() == PAYER]
    assert [message["subject"] for message in ours] == ["Level 2"]


def test_a_level_says_who_is_written_to_and_who_gets_a_copy(clinic: Reminding) -> None:
    rows(clinic.address, "update users set email = $1 where role = 'admin'", LEAD)
    clinic.policy(
        level(10),
        level(20, recipient="attorney", copy_to="billing_lead"),
        level(30, recipient="address", recipient_address=CLERK, copy_to="payer"),
        level(40, recipient="billing_lead"),
    )
    invoice = clinic.invoice(9)
    rows(clinic.address, "update attorneys set email = $2 where id = $1", invoice["attorney_id"], LAWYER)
    letters: list[Any] = []
    for _ in range(40):
        letters += clinic.day()
    assert [to for to, _ in letters] == [(PAYER,), (LAWYER, LEAD), (CLERK, PAYER), (LEAD,)]


def test_a_payer_without_an_address_is_somebody_s_business_at_once(clinic: Reminding) -> None:
    clinic.policy(level(30), level(60))
    invoice = clinic.invoice(30)
    rows(clinic.address, "update payers set email = null where id = $1", invoice["payer_id"])
    rows(clinic.address, "update attorneys set email = null")
    assert clinic.run() == []
    (message,) = clinic.messages()
    assert (message["status"], message["recipient"], message["failure"]) == (
        "failed",
        "",
        "There is no e-mail address to write to",
    )
    assert clinic.day() == []


def test_the_policy_that_names_most_is_the_one_that_counts(clinic: Reminding) -> None:
    clinic.policy(level(1), everywhere=True)
    clinic.policy(level(500), kind="attorney")
    invoice = clinic.invoice(30)
    assert invoice["number"] not in {number for _, number in numbers(clinic.run())}


def test_a_policy_that_was_switched_off_asks_for_nothing(clinic: Reminding) -> None:
    clinic.policy(level(30))
    clinic.invoice(30)
    rows(clinic.address, "update reminder_policies set active = false")
    assert clinic.run() == []


def test_nobody_is_written_to_before_the_clinics_morning(clinic: Reminding) -> None:
    clinic.policy(level(30))
    clinic.invoice(30)
    noon = clinic.now
    clinic.now = noon - timedelta(hours=4, minutes=1)
    assert clinic.run() == []
    clinic.now = noon - timedelta(hours=4)
    assert len(clinic.run()) == 1
