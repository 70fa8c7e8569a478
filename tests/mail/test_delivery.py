"""Messages are retried with backoff until the mail server accepts or rejects them, also after a worker has died, and are up to date when sent."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.pools import Database
from domain.reminders.reminders import LEASE, PAUSES
from jobs.message_delivery import send_messages
from server.database_urls import DatabaseUrls
from storage.letters import DeliveryResult, EmailMessage
from tests.mail.reminding import LEAD, PAYER, WRITE_OFF, Reminding, level, reminding_over
from tests.mail.smtp_server import SENDER, plain
from tests.support.databases import rows

_AUDITED = "select operation, user_id, role from audit_events where operation = 'sendMessage'"


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        rows(own_address, "update users set email = $1 where role = 'admin'", LEAD)
        reminding.policy(level(30, copy_to="billing_lead"))
        yield reminding


def state(clinic: Reminding) -> Any:
    """The row of the only message."""
    (message,) = clinic.messages()
    return message


def after(clinic: Reminding, pause: timedelta) -> list[tuple[tuple[str, ...], str]]:
    """Move the clock forward, run a worker and return the messages sent."""
    clinic.now += pause
    return clinic.run()


def test_a_temporarily_refused_message_is_retried_with_growing_pauses_until_it_is_accepted(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.mail_server.at_data = ["451 Later"] * 3
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


def test_a_message_that_is_refused_at_every_attempt_fails_in_the_end(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.mail_server.at_data = ["451 Later"] * 99
    clinic.run()
    for pause in PAUSES:
        assert state(clinic)["status"] == "queued"
        after(clinic, pause)
    assert (state(clinic)["status"], state(clinic)["attempts"]) == ("failed", len(PAUSES) + 1)
    assert after(clinic, timedelta(days=9)) == []


def test_a_permanently_refused_message_fails_at_once(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.mail_server.at_rcpt = {PAYER: "550 No such mailbox", LEAD: "451 Later"}
    assert clinic.run() == []
    failed = state(clinic)
    assert (failed["status"], failed["attempts"]) == ("failed", 1)
    assert "550 No such mailbox" in failed["failure"]
    clinic.mail_server.at_rcpt = {}
    assert after(clinic, timedelta(days=1)) == []


def test_an_undeliverable_copy_does_not_stop_the_message_and_no_recipient_gets_it_twice(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.mail_server.at_rcpt = {LEAD: "451 Later"}
    assert [to for to, _ in clinic.run()] == [(PAYER,)]
    assert (state(clinic)["status"], state(clinic)["accepted_for"]) == ("queued", [PAYER])
    clinic.mail_server.at_rcpt = {LEAD: "550 Gone"}
    assert after(clinic, PAUSES[0]) == []
    assert (state(clinic)["status"], state(clinic)["failure"]) == ("sent", f"{LEAD}: 550 Gone")


def test_a_connection_cut_after_the_content_loses_no_message_and_a_recorded_message_is_never_sent_again(
    clinic: Reminding,
) -> None:
    clinic.invoice(30)
    clinic.mail_server.at_data = ["cut"]
    assert len(clinic.run()) == 1
    assert state(clinic)["status"] == "queued"
    assert len(after(clinic, PAUSES[0])) == 1
    assert state(clinic)["status"] == "sent"
    # A recipient who got it twice can see by the Message-ID that it is one message.
    assert len({str(message["Message-ID"]) for _, message in clinic.mail_server.taken}) == 1
    assert [after(clinic, pause) for pause in PAUSES] == [[]] * len(PAUSES)


class _DyingClient:
    """A mail client whose worker dies before, or after, the mail server has accepted the message."""

    sender = SENDER

    def __init__(self, clinic: Reminding, *, is_accepted: bool) -> None:
        self._clinic, self._is_accepted = clinic, is_accepted

    async def send(self, message: EmailMessage) -> DeliveryResult:
        if self._is_accepted:
            await self._clinic.mail_server.server.send(message)
        raise asyncio.CancelledError


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_message_of_a_dead_worker_is_sent_by_another_within_a_minute(clinic: Reminding, is_accepted: bool) -> None:
    clinic.invoice(30)
    clinic.mail_server.at_data = ["451 Later"]
    clinic.run()
    clinic.now += PAUSES[0]

    async def die() -> None:
        async with Database(clinic.address.login) as database:
            await send_messages(database, lambda: clinic.now, _DyingClient(clinic, is_accepted=is_accepted))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(die())
    assert (state(clinic)["status"], state(clinic)["attempts"]) == ("queued", 2)
    assert clinic.run() == []
    assert timedelta(seconds=50) > LEASE
    assert len(after(clinic, LEASE)) == 1
    assert (state(clinic)["status"], state(clinic)["attempts"]) == ("sent", 3)


def test_messages_wait_while_the_mail_server_is_down_and_are_all_sent_afterwards(clinic: Reminding) -> None:
    payers = set[UUID]()
    while len(payers) < 3:
        payers.add(clinic.invoice(30, payer=f"{uuid4()}@firm.example")["payer_id"])
    mail_server = clinic.mail_server
    port, mail_server.port = mail_server.port, 9
    assert clinic.run() == []
    # Only one message was tried; the others were not attempted while the server was unreachable.
    assert sorted(message["attempts"] for message in clinic.messages()) == [0, 0, 1]
    mail_server.port = port
    assert len(after(clinic, PAUSES[0])) == 3


@pytest.mark.parametrize(
    "change",
    [
        WRITE_OFF,
        "update invoices set submitted_on = null, submission_method = null where id = $1",
        """insert into holds (clinic_id, id, invoice_id, until_on, reason, placed_at)
            select clinic_id, gen_random_uuid(), $1, '2035-01-01', 'Asked for', now() from clinics""",
        "update payers set email = 'another@firm.example' where id = (select payer_id from invoices where id = $1)",
        "update reminder_policies set active = $1::uuid is null",
    ],
)
def test_a_message_that_is_no_longer_due_is_withdrawn_and_the_others_are_sent(clinic: Reminding, change: str) -> None:
    withdrawn, kept = clinic.invoice(30), clinic.invoice(30)
    clinic.mail_server.at_data = ["451 Later"]
    clinic.run()
    rows(clinic.address, change, withdrawn["id"])
    messages_sent = after(clinic, PAUSES[0])
    reminded = [
        number for number in (withdrawn["number"], kept["number"]) if any(number in text for _, text in messages_sent)
    ]
    both_change = withdrawn["payer_id"] == kept["payer_id"] and "payers" in change
    assert reminded == ([] if "policies" in change or both_change else [kept["number"]])
    # A withdrawn reminder leaves no row.
    left = rows(clinic.address, "select count(*) from message_invoices where invoice_id = $1", withdrawn["id"])
    assert left[0][0] == 0
    assert len(clinic.messages()) == len(reminded)


def test_sending_waits_for_a_concurrent_transition(clinic: Reminding) -> None:
    invoice = clinic.invoice(30)
    clinic.mail_server.at_data = ["451 Later"]
    clinic.run()
    clinic.now += PAUSES[0]

    async def write_off_meanwhile() -> None:
        clerk = await asyncpg.connect(clinic.address.owner)
        transaction = clerk.transaction()
        await transaction.start()
        await clerk.execute(WRITE_OFF, invoice["id"])
        working = asyncio.create_task(clinic.work())
        await asyncio.sleep(0.5)
        assert clinic.mail_server.taken == []
        await transaction.commit()
        await working
        await clerk.close()

    asyncio.run(write_off_meanwhile())
    assert (clinic.mail_server.taken, clinic.messages()) == ([], [])


def test_a_level_waits_for_the_one_before_it_that_is_still_queued(clinic: Reminding) -> None:
    rows(clinic.address, "update reminder_policies set active = false")
    clinic.policy(level(30), level(31))
    invoice = clinic.invoice(30)
    clinic.mail_server.at_data = ["451 Later"]
    assert clinic.run() == []
    assert [[text.splitlines()[0] for _, text in clinic.day()] for _ in range(3)] == [["Level 1"], ["Level 2"], []]
    sent = rows(clinic.address, "select level from message_invoices where invoice_id = $1 order by 1", invoice["id"])
    assert [row["level"] for row in sent] == [1, 2]


def test_a_template_that_cannot_be_filled_in_fails_only_its_message(clinic: Reminding) -> None:
    clinic.invoice(30, payer="first@firm.example")
    rows(clinic.address, "update reminder_templates set body = '{{ nonsense }}'")
    assert clinic.run() == []
    assert state(clinic)["status"] == "failed"


def test_the_stored_text_of_a_message_is_the_text_that_was_sent(clinic: Reminding) -> None:
    clinic.invoice(30)
    clinic.run()
    ((_, message),) = clinic.mail_server.taken
    sent = state(clinic)
    assert (sent["subject"], sent["body"].rstrip()) == (str(message["Subject"]), plain(message))
    assert UUID(str(message["Message-ID"])[1:37]) == sent["id"]


def test_a_run_is_one_line_and_so_is_an_outage_of_the_mail_server_and_its_end(
    clinic: Reminding, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "billing")
    clinic.invoice(30)
    mail_server = clinic.mail_server
    port, mail_server.port = mail_server.port, 9
    clinic.run()
    for pause in PAUSES[:3]:
        assert after(clinic, pause) == []
    mail_server.port = port
    assert len(after(clinic, PAUSES[3])) == 1
    assert clinic.run() == []
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("billing")]
    runs = [line for line in lines if line.startswith("reminders of clinic")]
    assert len(runs) == len({line.split(": ")[0] for line in runs})
    assert runs[0].split(": ")[1].startswith("1 messages, 0 invoices without an address, in ")
    others = [line for line in lines if line not in runs]
    assert [line.partition(" (")[0].partition(" after")[0] for line in others] == [
        "the mail server cannot be reached",
        "the mail server is back",
    ]
    assert PAYER not in caplog.text
