"""A reminder goes to the payer who is responsible now, also on the day of a transfer, and the schedule begins anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from db.global_ids import make_id
from db.pools import Database
from server.database_urls import DatabaseUrls
from tests.mail.reminding import PAYER, Reminding, level, reminding_over
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import ClinicClock
from tests.support.api.mutations import done
from tests.support.client import Client
from tests.support.databases import rows

NEW, NEW_FIRM = "accounts@newfirm.example", "New Firm LLP"
MOVED = "invoice { id status payer { id } }"


@dataclass
class Transferring:
    """A clinic with reminders whose billing staff transfer balances at the time of its clock."""

    reminding: Reminding
    clock: ClinicClock
    billing: Client
    payer: str

    def transfer(self, invoice: Any, **values: Any) -> Any:
        """The transfer of an invoice to the new firm."""
        self.clock.moment = self.reminding.now
        inputs = {"payerId": self.payer, "reason": "OTHER", "note": "Another firm represents the patient", **values}
        return done(self.billing, "transferBalance", MOVED, invoiceId=make_id("Invoice", invoice["id"]), **inputs)

    def submit(self, invoice: Any) -> None:
        """Submit an invoice today."""
        day = {"submittedOn": self.reminding.today.isoformat(), "method": "EMAIL"}
        done(self.billing, "submitInvoice", MOVED, invoiceId=make_id("Invoice", invoice["id"]), **day)


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Transferring]:
    clock = ClinicClock()
    with (
        reminding_over(own_address) as reminding,
        served(assembled(Database(own_address.login), clock=clock)) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as billing,
    ):
        made = done(billing, "createPayer", "payer { id }", name=NEW_FIRM, kind="ATTORNEY", email=NEW)["id"]
        yield Transferring(reminding, clock, billing, made)


def _recipients(messages: list[tuple[tuple[str, ...], str]]) -> list[tuple[str, str]]:
    """The recipient and the level of each message."""
    return [(to, text.splitlines()[0]) for addresses, text in messages for to in addresses]


def test_a_reminder_that_is_due_on_the_day_of_a_transfer_is_not_sent_to_the_payer_before(clinic: Transferring) -> None:
    reminding = clinic.reminding
    reminding.policy(level(30), level(60))
    invoice = reminding.invoice(30)
    clinic.transfer(invoice)
    assert reminding.run() == []
    clinic.submit(invoice)
    assert reminding.run() == []
    reminding.pass_days(29)
    assert reminding.run() == []
    assert _recipients(reminding.day()) == [(NEW, "Level 1")]


def test_a_reminder_that_waits_to_be_sent_is_dropped_by_a_transfer(clinic: Transferring) -> None:
    reminding = clinic.reminding
    reminding.policy(level(30), level(60))
    invoice = reminding.invoice(30)
    reminding.mail_server.at_data = ["451 Later"]
    assert reminding.run() == []
    assert [row["status"] for row in reminding.messages()] == ["queued"]
    clinic.transfer(invoice)
    reminding.now += timedelta(hours=2)
    assert reminding.run() == []
    assert reminding.messages() == []


def test_the_reminders_of_a_kept_agreement_go_to_the_new_payer_and_count_from_the_transfer(
    clinic: Transferring,
) -> None:
    reminding = clinic.reminding
    reminding.policy(level(10, "pending_cheque"), level(20, "pending_cheque"))
    invoice = reminding.invoice(10, "pending_cheque")
    assert _recipients(reminding.run()) == [(PAYER, "Level 1")]
    reminding.pass_days(10)
    # The second level is due today.
    moved = clinic.transfer(invoice, keepAgreement=True)
    assert moved["status"] == "PENDING_CHEQUE"
    assert reminding.run() == []
    reminding.pass_days(9)
    assert reminding.run() == []
    assert _recipients(reminding.day()) == [(NEW, "Level 1")]
    reminding.pass_days(9)
    assert _recipients(reminding.day()) == [(NEW, "Level 2")]


def test_a_payer_without_an_address_of_its_own_is_written_to_at_the_one_of_its_attorney(clinic: Transferring) -> None:
    reminding = clinic.reminding
    reminding.policy(level(0, "pending_cheque"))
    invoice = reminding.invoice(0, "pending_cheque")
    address = "partner@newfirm.example"
    lawyer = done(clinic.billing, "createAttorney", "attorney { id }", name="Partner", firm=NEW_FIRM, email=address)
    own = {"name": "New Firm of the partner", "kind": "ATTORNEY", "attorneyId": lawyer["id"]}
    payer = done(clinic.billing, "createPayer", "payer { id }", **own)["id"]
    clinic.transfer(invoice, keepAgreement=True, payerId=payer)
    assert _recipients(reminding.run()) == [(address, "Level 1")]
    assert PAYER not in [to for to, _ in _recipients(sorted(reminding.mail_server.texts()))]
    assert rows(reminding.address, "select from outbound_messages where recipient = $1", PAYER) == []
