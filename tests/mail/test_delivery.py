"""A message is tried until the mail server has taken it or never will, by whichever worker lives, and what it says is true as it goes."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.pools import Database
from domain.reminders import LEASE, PAUSES
from exports.messages import Answer, Letter
from resolvers.message_delivery import send_messages
from server.addresses import Address
from tests.databases import rows
from tests.mail.post_office import SENDER, plain
from tests.mail.reminding import LEAD, PAYER, Reminding, level, reminding_over

_AUDITED = "select operation, user_id, role from audit_events where operation = 'sendMessage'"


@pytest.fixture
def clinic(own_address: Address) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        rows(own_address, "update users set email = $1 where role = 'admin'", LEAD)
        reminding.policy(level(30, copy_to="billing_lead"))
        yield reminding


def state(clinic: Reminding) -> Any:
    """The one message as it stands."""
    (message,) = clinic.messages()
    return message


def after(clinic: Reminding, pause: timedelta) -> list[tuple[tuple[str, ...], str]]:
    """What goes out some time later."""
    clinic.now += pause
    return clinic.run()


def test_what_is_refused_for_now_is_tried_again_after_pauses_that_grow_until_it_is_taken(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.office.at_data = ["451 Later"] * 3
    assert clinic.run() == []
    for attempts, pause in enumerate(PAUSES[:3], 1):
        waiting = state(clinic)
        assert (waiting["status"], waiting["attempts"]) == ("queued", attempts)
        assert waiting["failure"] == f"{LEAD}: 451 Later; {PAYER}: 451 Later"
        assert waiting["next_attempt_at"] == clinic.now + pause
        assert after(clinic, pause - timedelta(seconds=1)) == []
        assert len(after(clinic, timedelta(seconds=1))) == (1 if attempts == 3 else 0)
    sent = state(clinic)
    assert (sent["status"], sent["attempts"], sent["sent_at"], sent["failure"]) == ("sent", 4, clinic.now, None)
    assert sent["accepted_for"] == [LEAD, PAYER]
    assert list(PAUSES) == sorted(PAUSES)
    assert len({(row["operation"], row["user_id"], row["role"]) for row in rows(clinic.address, _AUDITED)}) == 1


def test_what_is_refused_again_and_again_has_failed_in_the_end(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.office.at_data = ["451 Later"] * 99
    clinic.run()
    for pause in PAUSES:
        assert state(clinic)["status"] == "queued"
        after(clinic, pause)
    assert (state(clinic)["status"], state(clinic)["attempts"]) == ("failed", len(PAUSES) + 1)
    assert after(clinic, timedelta(days=9)) == []


def test_what_is_refused_for_good_has_failed_at_once(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.office.at_rcpt = {PAYER: "550 No such mailbox", LEAD: "451 Later"}
    assert clinic.run() == []
    failed = state(clinic)
    assert (failed["status"], failed["attempts"]) == ("failed", 1)
    assert "550 No such mailbox" in failed["failure"]
    clinic.office.at_rcpt = {}
    assert after(clinic, timedelta(days=1)) == []


def test_a_copy_that_cannot_be_delivered_stops_nothing_and_nobody_gets_it_twice(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.office.at_rcpt = {LEAD: "451 Later"}
    assert [to for to, _ in clinic.run()] == [(PAYER,)]
    assert (state(clinic)["status"], state(clinic)["accepted_for"]) == ("queued", [PAYER])
    clinic.office.at_rcpt = {LEAD: "550 Gone"}
    assert after(clinic, PAUSES[0]) == []
    assert (state(clinic)["status"], state(clinic)["failure"]) == ("sent", f"{LEAD}: 550 Gone")


def test_a_connection_cut_after_the_content_loses_nothing_and_what_is_recorded_is_never_sent_again(
    clinic: Reminding,
) -> None:
    clinic.invoice(30)
    clinic.office.at_data = ["cut"]
    assert len(clinic.run()) == 1
    assert state(clinic)["status"] == "queued"
    assert len(after(clinic, PAUSES[0])) == 1
    assert state(clinic)["status"] == "sent"
    # Whoever got it twice sees that it is one message.
    assert len({str(letter["Message-ID"]) for _, letter in clinic.office.taken}) == 1
    assert [after(clinic, pause) for pause in PAUSES] == [[]] * len(PAUSES)


class _Dies:
    """A worker that is gone before, or after, the mail server has answered."""

    sender = SENDER

    def __init__(self, clinic: Reminding, *, takes: bool) -> None:
        self._clinic, self._takes = clinic, takes

    async def send(self, letter: Letter) -> Answer:
        if self._takes:
            await self._clinic.office.server.send(letter)
        raise asyncio.CancelledError


@pytest.mark.parametrize("takes", [False, True])
def test_a_message_of_a_worker_that_died_is_taken_up_by_another_within_a_minute(clinic: Reminding, takes: bool) -> None:
    clinic.invoice(30)
    clinic.office.at_data = ["451 Later"]
    clinic.run()
    clinic.now += PAUSES[0]

    async def die() -> None:
        async with Database(clinic.address.login) as database:
            await send_messages(database, lambda: clinic.now, _Dies(clinic, takes=takes))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(die())
    assert (state(clinic)["status"], state(clinic)["attempts"]) == ("queued", 2)
    assert clinic.run() == []
    assert timedelta(seconds=50) > LEASE
    assert len(after(clinic, LEASE)) == 1
    assert (state(clinic)["status"], state(clinic)["attempts"]) == ("sent", 3)


def test_while_the_mail_server_is_down_everything_waits_and_all_of_it_goes_out_afterwards(clinic: Reminding) -> None:
    for number in range(3):
        clinic.invoice(30, payer=f"payer{number}@firm.example")
    office = clinic.office
    port, office.port = office.port, 9
    assert clinic.run() == []
    # One was tried; the others did not have to find out themselves.
    assert sorted(message["attempts"] for message in clinic.messages()) == [0, 0, 1]
    office.port = port
    assert len(after(clinic, PAUSES[0])) == 3


@pytest.mark.parametrize(
    "change",
    [
        "update invoices set status = 'written_off' where id = $1",
        "update invoices set submitted_on = null, submission_method = null where id = $1",
        """insert into holds (clinic_id, id, invoice_id, until_on, reason, placed_at)
            select clinic_id, gen_random_uuid(), $1, '2099-01-01', 'Asked for', now() from clinics""",
        "update payers set email = 'another@firm.example' where id = (select payer_id from invoices where id = $1)",
        "update reminder_policies set active = $1::uuid is null",
    ],
)
def test_what_is_not_due_any_more_as_it_would_go_is_withdrawn_and_the_rest_is_sent(
    clinic: Reminding, change: str
) -> None:
    gone, stays = clinic.invoice(30), clinic.invoice(30)
    clinic.office.at_data = ["451 Later"]
    clinic.run()
    rows(clinic.address, change, gone["id"])
    letters = after(clinic, PAUSES[0])
    told = [number for number in (gone["number"], stays["number"]) if any(number in text for _, text in letters)]
    both_change = gone["payer_id"] == stays["payer_id"] and "payers" in change
    assert told == ([] if "policies" in change or both_change else [stays["number"]])
    # What was withdrawn is as if it had never been planned.
    left = rows(clinic.address, "select count(*) from message_invoices where invoice_id = $1", gone["id"])
    assert left[0][0] == 0
    assert len(clinic.messages()) == len(told)


def test_a_transition_under_way_is_waited_for(clinic: Reminding) -> None:
    invoice = clinic.invoice(30)
    clinic.office.at_data = ["451 Later"]
    clinic.run()
    clinic.now += PAUSES[0]

    async def write_off_meanwhile() -> None:
        clerk = await asyncpg.connect(clinic.address.owner)
        transaction = clerk.transaction()
        await transaction.start()
        await clerk.execute("update invoices set status = 'written_off' where id = $1", invoice["id"])
        working = asyncio.create_task(clinic.work())
        await asyncio.sleep(0.5)
        assert clinic.office.taken == []
        await transaction.commit()
        await working
        await clerk.close()

    asyncio.run(write_off_meanwhile())
    assert (clinic.office.taken, clinic.messages()) == ([], [])


def test_a_later_level_takes_the_place_of_an_earlier_one_that_still_waits(clinic: Reminding) -> None:
    rows(clinic.address, "update reminder_policies set active = false")
    clinic.policy(level(30), level(31))
    invoice = clinic.invoice(30)
    clinic.office.at_data = ["451 Later"]
    assert clinic.run() == []
    assert [text.splitlines()[0] for _, text in clinic.day()] == ["Level 2"]
    assert [
        row["level"]
        for row in rows(clinic.address, "select level from message_invoices where invoice_id = $1", invoice["id"])
    ] == [2]


def test_a_template_that_cannot_be_filled_in_fails_its_message_alone(clinic: Reminding) -> None:
    clinic.invoice(30, payer="first@firm.example")
    rows(clinic.address, "update reminder_templates set body = '{{ nonsense }}'")
    assert clinic.run() == []
    assert state(clinic)["status"] == "failed"


def test_what_is_sent_is_what_the_message_says_afterwards(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.run()
    ((_, letter),) = clinic.office.taken
    sent = state(clinic)
    assert (sent["subject"], sent["body"].rstrip()) == (str(letter["Subject"]), plain(letter))
    assert UUID(str(letter["Message-ID"])[1:37]) == sent["id"]
