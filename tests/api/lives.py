"""Decides how tests live through an invoice's life: by the steps that billing staff take, each over HTTP."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import asyncpg
import httpx

from db.identity import make_id
from db.verifying import Breach, find_breaches
from domain.invoices import InvoiceStatus
from server.addresses import Address
from tests.api.records import Found, today, uuid_of
from tests.api.steps import CASE, NEW, done
from tests.client import Client
from tests.databases import rows

INVOICE = """invoice { id number version status billedAmount agreedAmount receivedAmount writtenOffAmount balance submittedOn
    fullyPaidOn paidOn payer { id } case { id status settledOn attorney { id } }
    negotiation { offers { round party amount status reason } openOffer { amount } conditionalUntil reductionAmount }
    denials { reasonCode deniedOn amount note appealDueOn } cheques { amount effectiveOn cheque { number } }
    availableTransitions { name allowed blockedBy }
    history { transition fromStatus toStatus by { name } changes { field before after } } }"""
CHEQUE = "cheque { id number amount unappliedAmount returnedOn allocations { amount effectiveOn invoice { id status balance } } }"
SETTLED = "case { id status settledOn invoices { nodes { id status balance paidOn } } }"
SCAN = b"%PDF-1.7\nthe scan of a cheque"
TODAY = today().isoformat()
_SELECTIONS = {
    **dict.fromkeys(("record_cheque", "allocate_cheque", "return_cheque"), CHEQUE),
    **dict.fromkeys(("settle_case", "reopen_case"), SETTLED),
}
_numbers = count(1)


def mutation(transition: str) -> str:
    """The mutation of a transition."""
    first, *rest = transition.split("_")
    return first + "".join(word.capitalize() for word in rest)


def selection(transition: str) -> str:
    """What is read of the record that a transition answers with."""
    return _SELECTIONS.get(transition, INVOICE)


def line(price: str) -> dict[str, Any]:
    """A line that bills so much."""
    return {"code": "A4556", "overridePrice": price, "overrideReason": "As agreed for this story"}


@dataclass
class Clinic:
    """The clinic's people, and what they do again and again. `payer` pays unless a step says otherwise."""

    billing: Client
    admin: Client
    found: Found
    address: Address
    payer: str = field(init=False)

    def __post_init__(self) -> None:
        self.payer = self.found.own["Payer"]

    def case(self, **said: Any) -> str:
        """The id of a new case."""
        opened = {"patientId": self.found.own["Patient"], "dateOfInjury": "2026-01-05", **said}
        identity: str = done(self.billing, "createCase", CASE, **opened)["id"]
        return identity

    def invoice(self, price: str = "1000.00", case: str | None = None) -> str:
        """The id of a new invoice, in a case of its own unless it is said."""
        draft = {"caseId": case or self.case(), "payerId": self.payer, "serviceDate": "2026-03-02"}
        identity: str = done(self.billing, "createInvoice", NEW, lines=[line(price)], **draft)["id"]
        return identity

    def step(self, name: str, invoice: str, client: Client | None = None, **said: Any) -> Any:
        """The invoice after a step of billing staff, or of whoever is named."""
        return done(client or self.billing, name, INVOICE, invoiceId=invoice, **said)

    def submitted(self, price: str = "1000.00", case: str | None = None) -> str:
        """The id of an invoice that is with its payer."""
        identity = self.invoice(price, case)
        self.step("submitInvoice", identity, submittedOn=TODAY, method="EMAIL")
        return identity

    def agreed(self, price: str = "1000.00", case: str | None = None) -> str:
        """The id of an invoice that is to be paid in full."""
        identity = self.submitted(price, case)
        self.step("acceptInFull", identity)
        return identity

    def upload(self, client: Client | None = None) -> str:
        """The id of a scan that was sent."""
        said = {"fileName": "cheque.pdf", "contentType": "application/pdf", "byteSize": len(SCAN)}
        upload = done(client or self.billing, "createUpload", "upload { id uploadUrl }", **said)
        assert httpx.put(upload["uploadUrl"], content=SCAN).status_code == 201
        identity: str = upload["id"]
        return identity

    def cheque_of(
        self, amount: str, parts: dict[str, str], client: Client | None = None, **said: Any
    ) -> dict[str, Any]:
        """The input that records a cheque with its scan, and what it pays of which invoices."""
        known = {"payerId": self.payer, "number": f"story-{next(_numbers)}", "amount": amount}
        days = {"chequeDate": TODAY, "receivedOn": TODAY}
        document = said.pop("documentId", None) or self.upload(client)
        return {**known, **days, "documentId": document, "allocations": allocations(parts), **said}

    def pays(self, amount: str, parts: dict[str, str], **said: Any) -> Any:
        """A recorded cheque of so much, which pays parts of invoices."""
        return done(self.billing, "recordCheque", CHEQUE, **self.cheque_of(amount, parts, **said))

    def bounces(self, cheque: str, client: Client | None = None) -> Any:
        """The cheque, which the bank has returned."""
        said = {"returnedOn": TODAY, "reason": "No funds"}
        return done(client or self.billing, "returnCheque", CHEQUE, chequeId=cheque, **said)

    def settles(self, case: str) -> Any:
        """The case, settled."""
        return done(self.billing, "settleCase", SETTLED, caseId=case)

    def inputs(self, name: str, invoice: Any, scan: str, cheque: str) -> dict[str, Any]:
        """An input of a transition with which nothing is wrong, unless the invoice is in another state.

        `scan` is for a new cheque, of `cheque` something is left, and the latest cheque of the invoice is the one that comes back.
        """
        identity, parts = invoice["id"], {invoice["id"]: "0.01"}
        named = {"invoiceId": identity, "reason": "As it should be"}
        given: dict[str, dict[str, Any]] = {
            "submit_invoice": {"invoiceId": identity, "submittedOn": TODAY, "method": "MAIL"},
            "accept_in_full": {"invoiceId": identity},
            "request_reduction": {"invoiceId": identity, "amount": "0.01"},
            "counter_reduction": {"invoiceId": identity, "party": "CLINIC", "amount": "0.01"},
            "agree_reduction": {"invoiceId": identity, "amount": invoice["billedAmount"]},
            "record_denial": {"invoiceId": identity, "deniedOn": TODAY, "reasonCode": "X1"},
            "allocate_cheque": {"chequeId": cheque, "allocations": allocations(parts)},
            "settle_case": {"caseId": invoice["case"]["id"]},
            "reopen_case": {"caseId": invoice["case"]["id"], "reason": "As it should be"},
            "change_payer": {**named, "payerId": self.another_payer(invoice)},
        }
        if name == "record_cheque":
            return self.cheque_of("5.00", parts, documentId=scan, payerId=invoice["payer"]["id"])
        if name == "return_cheque":
            return {"chequeId": self.latest_cheque(identity), "returnedOn": TODAY, "reason": "As it should be"}
        return given.get(name, named)

    def another_payer(self, invoice: Any) -> str:
        """The id of somebody else who could pay."""
        query = (
            "select id from payers where id <> $1 and clinic_id = (select clinic_id from payers where id = $1) limit 1"
        )
        return make_id("Payer", rows(self.address, query, uuid_of(invoice["payer"]["id"]))[0]["id"])

    def latest_cheque(self, invoice: str) -> str:
        """The id of the latest cheque that stands on an invoice."""
        query = """select c.id from cheques c join cheque_allocations a on a.cheque_id = c.id
            where a.invoice_id = $1 and c.returned_on is null order by a.id desc limit 1"""
        return make_id("Cheque", rows(self.address, query, uuid_of(invoice))[0]["id"])

    def look(self, invoice: str, client: Client | None = None) -> Any:
        """The invoice as it is now; None when it is not in reach."""
        query = "query ($id: ID!) { invoice(id: $id) " + INVOICE.removeprefix("invoice ") + " }"
        return (client or self.billing).read(query, id=invoice)["invoice"]

    def in_state(self, status: InvoiceStatus) -> str:
        """The id of an invoice in a state, alone in its case."""
        if status is InvoiceStatus.PENDING_INVOICE:
            return self.submitted()
        if status is InvoiceStatus.PENDING_REDUCTION:
            identity = self.submitted()
            self.step("requestReduction", identity, amount="700.00")
            return identity
        if status in (InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF):
            identity = self.submitted()
            ends = "voidInvoice" if status is InvoiceStatus.VOID else "writeOffInvoice"
            self.step(ends, identity, self.admin, reason="For this story")
            return identity
        return self._with_cheques(status)

    def _with_cheques(self, status: InvoiceStatus) -> str:
        identity = self.agreed()
        if status is not InvoiceStatus.PENDING_CHEQUE:
            self.pays("1000.00", {identity: "1000.00"})
        if status is InvoiceStatus.PAID:
            self.settles(self.look(identity)["case"]["id"])
        return identity


def allocations(parts: dict[str, str]) -> list[dict[str, str]]:
    """What a cheque pays, as the input says it."""
    return [{"invoiceId": invoice, "amount": amount} for invoice, amount in parts.items()]


def told(invoice: Any) -> list[str]:
    """What happened to an invoice, in order."""
    return [event["transition"] for event in invoice["history"]]


def allowed(invoice: Any) -> Iterator[str]:
    """The steps that are possible now."""
    return (step["name"] for step in invoice["availableTransitions"] if step["allowed"])


def broken_laws(address: Address) -> tuple[Breach, ...]:
    """The laws of the records that something has broken."""

    async def ask() -> tuple[Breach, ...]:
        connection = await asyncpg.connect(address.owner)
        try:
            return await find_breaches(connection)
        finally:
            await connection.close()

    return asyncio.run(ask())
