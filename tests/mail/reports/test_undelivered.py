"""A message that a mail server reports as undelivered has failed and is an action item; forged, repeated and foreign reports change nothing."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.pools import Database
from domain.reminders.delivery_reports import read_report
from domain.reminders.reminders import PAUSES
from jobs.delivery_reports import apply_reports, read_delivery_reports
from server.database_urls import DatabaseUrls
from server.settings import SettingError, read_settings
from server.stores import open_mail, open_report_mailbox
from storage.report_mailbox import ReportMailbox
from tests.mail.reminding import LEAD, PAYER, Reminding, level, reminding_over
from tests.mail.reports.imap_server import ImapServer, imap_server
from tests.mail.reports.texts import plain_report
from tests.mail.smtp_server import HOST
from tests.support.databases import rows

GONE = "The address does not exist (5.1.1): correct the address, or put it on the suppression list"
_AUDITED = "select operation, user_id, role, entities from audit_events where operation = 'readDeliveryReport'"
_AGAIN = "update outbound_messages set status = 'queued', attempts = 0, failure = null, next_attempt_at = '2000-01-01'"


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        rows(own_address, "update users set email = $1 where role = 'admin'", LEAD)
        reminding.policy(level(30, copy_to="billing_lead"))
        yield reminding


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with imap_server() as found:
        yield found


def read(clinic: Reminding, mailbox: ReportMailbox, workers: int = 1) -> int:
    """Read the mailbox by some workers at once; returns the number of recipients that have failed."""

    async def run() -> int:
        async with Database(clinic.address.login) as database:
            one = [read_delivery_reports(database, lambda: clinic.now, mailbox) for _ in range(workers)]
            return sum(await asyncio.gather(*one))

    return asyncio.run(run())


def sent(clinic: Reminding) -> UUID:
    """Send the one message that is due."""
    clinic.invoice(30)
    assert len(clinic.run()) == 1
    identity: UUID = state(clinic)["id"]
    return identity


def state(clinic: Reminding) -> Any:
    """The row of the only message."""
    (message,) = clinic.messages()
    return message


def test_a_message_that_comes_back_has_failed_with_reason_and_audit_event_and_is_logged_without_addresses(
    clinic: Reminding, server: ImapServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "billing")
    identity = sent(clinic)
    server.put(
        plain_report(identity, PAYER.upper()), plain_report(uuid4(), PAYER), plain_report(identity, LEAD, "delayed")
    )
    assert read(clinic, server.mailbox()) == 1
    after = state(clinic)
    assert (after["status"], after["failure"], after["accepted_for"]) == ("failed", f"{PAYER}: {GONE}", [LEAD])
    [event] = rows(clinic.address, _AUDITED)
    assert (event["user_id"], event["role"]) == (None, "worker")
    assert rows(clinic.address, "select invoice_id from message_invoices")[0]["invoice_id"].bytes in event["entities"]
    [line] = [line for line in caplog.messages if line.startswith("delivery reports")]
    assert line.startswith("delivery reports: 3 read, 1 about no message, 1 recipients failed, in ")
    assert "@" not in caplog.text
    # Nothing follows until staff have sent it again, and then it goes to the one who did not get it.
    assert clinic.day() == []
    rows(clinic.address, _AGAIN)
    assert [to for to, _ in clinic.run()] == [(PAYER,)]
    assert state(clinic)["status"] == "sent"


def test_a_report_counts_once_however_often_it_is_read(clinic: Reminding, server: ImapServer) -> None:
    identity = sent(clinic)
    report = plain_report(identity, PAYER, own_id="<one@relay.example>")
    server.put(report)
    assert read(clinic, server.mailbox(), workers=3) == 1
    rows(clinic.address, _AGAIN)
    assert len(clinic.run()) == 1
    # The server numbers the mailbox anew, and the report is read again.
    server.renumber()
    server.put(report)
    assert (read(clinic, server.mailbox()), state(clinic)["status"]) == (0, "sent")
    server.put(plain_report(identity, PAYER, status="5.2.2"))
    assert (read(clinic, server.mailbox()), state(clinic)["failure"]) == (1, f"{PAYER}: The mailbox is full (5.2.2)")
    assert read(clinic, server.mailbox()) == 0


def test_a_worker_that_dies_before_the_position_is_kept_misses_nothing_and_does_nothing_twice(
    clinic: Reminding, server: ImapServer
) -> None:
    identity = sent(clinic)
    server.put(plain_report(identity, PAYER))
    report = read_report(plain_report(identity, PAYER, own_id="<other@relay.example>"))
    assert report is not None

    async def apply() -> tuple[int, int]:
        async with Database(clinic.address.login) as database:
            return await apply_reports(database, clinic.now, [report])

    assert [asyncio.run(apply()), asyncio.run(apply())] == [(1, 1), (0, 0)]
    assert len(rows(clinic.address, _AUDITED)) == 1
    assert (read(clinic, server.mailbox()), state(clinic)["failure"]) == (0, f"{PAYER}: {GONE}")


@pytest.mark.parametrize(
    ("recipient", "action"),
    [("stranger@else.example", "failed"), (PAYER, "delayed"), (PAYER, "relayed"), (PAYER, "delivered")],
)
def test_a_report_about_somebody_else_or_of_no_failure_changes_nothing(
    clinic: Reminding, server: ImapServer, recipient: str, action: str
) -> None:
    before = (sent(clinic), dict(state(clinic)))
    server.put(plain_report(before[0], recipient, action, "4.4.1" if action == "delayed" else "5.1.1"))
    assert (read(clinic, server.mailbox()), dict(state(clinic))) == (0, before[1])
    assert rows(clinic.address, _AUDITED) == []


def test_a_copy_that_comes_back_is_noted_and_the_message_stays_sent(clinic: Reminding, server: ImapServer) -> None:
    server.put(plain_report(sent(clinic), LEAD))
    assert read(clinic, server.mailbox()) == 1
    after = state(clinic)
    assert (after["status"], after["failure"], after["accepted_for"]) == ("sent", f"{LEAD}: {GONE}", [PAYER])


def test_a_report_that_is_faster_than_the_record_of_the_answer_counts(clinic: Reminding, server: ImapServer) -> None:
    clinic.invoice(30)
    clinic.mail_server.at_data = ["cut"]
    assert len(clinic.run()) == 1
    assert (state(clinic)["status"], state(clinic)["accepted_for"]) == ("queued", [])
    server.put(plain_report(state(clinic)["id"], PAYER))
    assert (read(clinic, server.mailbox()), state(clinic)["status"]) == (1, "failed")
    clinic.now += PAUSES[0] + timedelta(minutes=1)
    assert clinic.run() == []


def test_a_mailbox_that_cannot_be_read_is_one_line_and_so_is_its_return(
    clinic: Reminding, server: ImapServer, caplog: pytest.LogCaptureFixture
) -> None:
    identity = sent(clinic)
    server.put(plain_report(identity, PAYER))
    wrong = server.mailbox(password="other")  # noqa: S106 (of no account)
    assert [read(clinic, wrong), read(clinic, wrong), read(clinic, server.mailbox())] == [0, 0, 1]
    lines = [line.partition(";")[0].partition(" after")[0] for line in caplog.messages if "mailbox" in line]
    assert lines == [
        "the mailbox of delivery reports cannot be reached (it refuses the user or the password)",
        "the mailbox of delivery reports is back",
    ]


def test_with_a_mailbox_reports_are_asked_for_there_and_readers_see_the_sender_of_the_clinic(clinic: Reminding) -> None:
    rows(clinic.address, "update clinics set sender_address = 'accounts@bay.example'")
    clinic.invoice(30)
    mail_server = clinic.mail_server
    settings = {"BILLING_IMAP_HOST": HOST, "BILLING_IMAP_USER": "clinic", "BILLING_IMAP_PASSWORD": "secret"}
    address = {"BILLING_IMAP_ADDRESS": "reports@clinic.example"}
    mail = open_mail(read_settings({**mail_server.settings, **settings, **address}))
    asyncio.run(clinic.work(mail=mail))
    ((_, message),) = mail_server.taken
    assert mail_server.senders == ["reports@clinic.example"]
    assert "<accounts@bay.example>" in str(message["From"])


def test_the_settings_name_the_mailbox_or_say_what_is_missing() -> None:
    mail = {"BILLING_SMTP_HOST": "mail.example", "BILLING_MAIL_FROM": "a@b.example"}
    whole = {**mail, "BILLING_IMAP_HOST": "mail.example", "BILLING_IMAP_USER": "u", "BILLING_IMAP_PASSWORD": "p"}
    assert open_report_mailbox(read_settings(mail)) is None
    assert open_report_mailbox(read_settings(whole)) == ReportMailbox("mail.example", 993, "tls", "u", "p", "INBOX")
    for name in ("BILLING_SMTP_HOST", "BILLING_IMAP_USER", "BILLING_IMAP_PASSWORD"):
        with pytest.raises(SettingError, match="BILLING_IMAP_HOST needs"):
            read_settings({key: value for key, value in whole.items() if key != name})
    with pytest.raises(SettingError, match="BILLING_IMAP_ADDRESS"):
        read_settings({**whole, "BILLING_IMAP_ADDRESS": "nobody"})
