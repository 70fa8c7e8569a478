"""Messages have the letterhead of their clinic, its sender and reply address, and a way to unsubscribe that staff honour."""

from collections.abc import Iterator
from typing import Any

import pytest

from exports.messages import Letterhead, letterhead_of
from server.database_urls import DatabaseUrls
from tests.mail.reminding import PAYER, Reminding, level, numbers, reminding_over
from tests.mail.smtp_server import SENDER, plain
from tests.support.databases import rows

_SET = """update clinics set address = $1, phone = $2, sender_name = $3, sender_address = $4, reply_to = $5"""
_SUPPRESS = """insert into suppressed_addresses (clinic_id, id, email, added_at)
    select clinic_id, gen_random_uuid(), $1, now() from clinics"""
OWN = (
    "1 Bay <Road>\nTampa, FL 33601",
    "(813) 555-0199",
    "Bay Clinic, Billing",
    "accounts@bay.example",
    "office@bay.example",
)


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        reminding.policy(level(30))
        yield reminding


def only_message(clinic: Reminding) -> Any:
    ((_, message),) = clinic.mail_server.taken
    return message


def test_a_message_has_the_sender_and_the_letterhead_of_its_clinic(clinic: Reminding) -> None:
    rows(clinic.address, _SET, *OWN)
    clinic.invoice(30)
    clinic.run()
    message = only_message(clinic)
    assert str(message["From"]) == '"Bay Clinic, Billing" <accounts@bay.example>'
    assert str(message["Reply-To"]) == "office@bay.example"
    assert clinic.mail_server.senders == ["accounts@bay.example"]
    lines = ["Demo Injury Clinic", "1 Bay <Road>", "Tampa, FL 33601", "Phone (813) 555-0199"]
    assert plain(message).rstrip().splitlines()[-5:] == ["-- ", *lines]
    html = message.get_body(("html",)).get_content().replace("\r", "")
    assert "1 Bay &lt;Road&gt;<br>\nTampa, FL 33601<br>\nPhone (813) 555-0199" in html
    (stored,) = clinic.messages()
    assert stored["body"].rstrip() == plain(message).rstrip()


def test_without_a_sender_of_the_clinic_the_server_sends(clinic: Reminding) -> None:
    rows(clinic.address, _SET, None, None, None, None, None)
    clinic.invoice(30)
    clinic.run()
    message = only_message(clinic)
    assert (str(message["From"]), str(message["Reply-To"])) == (f"Demo Injury Clinic <{SENDER}>", SENDER)
    assert (clinic.mail_server.senders, "-- " in plain(message)) == ([SENDER], False)


def test_a_message_says_how_to_unsubscribe_and_is_not_sent_to_an_address_that_did(clinic: Reminding) -> None:
    rows(clinic.address, _SET, *OWN)
    invoice = clinic.invoice(30, payer=PAYER.upper())
    clinic.run()
    message = only_message(clinic)
    assert (
        str(message["List-Unsubscribe"])
        == f"<mailto:office@bay.example?subject=unsubscribe%20{clinic.messages()[0]['id']}>"
    )
    assert message["List-Unsubscribe-Post"] is None
    rows(clinic.address, _SUPPRESS, PAYER)
    other = clinic.invoice(30, payer="other@firm.example")
    rows(clinic.address, "delete from message_invoices where invoice_id = $1", invoice["id"])
    rows(clinic.address, "update payers set email = $1 where id = $2", PAYER.upper(), invoice["payer_id"])
    if other["payer_id"] != invoice["payer_id"]:
        assert numbers(clinic.day()) == [("Level 1", other["number"])]
    rows(clinic.address, "update suppressed_addresses set removed_at = now()")
    assert ("Level 1", invoice["number"]) in numbers(clinic.day())


def test_an_unsubscribed_copy_is_left_out_and_a_waiting_message_is_withdrawn(clinic: Reminding) -> None:
    rows(clinic.address, "update reminder_policies set active = false")
    clinic.policy(level(30, copy_to="address", copy_address="Copy@firm.example"))
    clinic.invoice(30)
    rows(clinic.address, _SUPPRESS, "copy@firm.example")
    clinic.mail_server.at_data = ["451 Later"]
    assert clinic.run() == []
    assert [message["copy_to"] for message in clinic.messages()] == [None]
    rows(clinic.address, _SUPPRESS, PAYER)
    assert [clinic.day(), clinic.day(), clinic.messages()] == [[], [], []]


@pytest.mark.parametrize("phone", ["555", None])
def test_a_letterhead_needs_an_address_or_a_phone(phone: str | None) -> None:
    row = {
        "name": "Ours",
        "address": None,
        "phone": phone,
        "sender_name": None,
        "sender_address": None,
        "reply_to": None,
    }
    lines = ("Ours", "Phone 555") if phone else ()
    assert letterhead_of(row, SENDER) == Letterhead(SENDER, "Ours", SENDER, lines)
