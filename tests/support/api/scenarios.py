"""Scenarios of an invoice: the mutations of billing staff, each over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import httpx

from db.global_ids import make_id
from db.verify import Breach, find_breaches
from domain.billing.invoices import InvoiceStatus
from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import RemittedClaim, RemittedPayment
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import CASE, NEW, done
from tests.support.api.records import Found, today, uuid_of
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.owner_connection import ask
from tests.support.x12.writer import written

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
    "post_remittance": "remittance { id postedCount claims(first: 1) { nodes { reason invoice { id status balance } } } }",
    **dict.fromkeys(("record_cheque", "allocate_cheque", "return_cheque", "correct_cheque", "move_allocation"), CHEQUE),
    **dict.fromkeys(("settle_case", "close_case", "reopen_case"), SETTLED),
}
_numbers = count(1)
_EARLIER = {
    "invoices": """created_on = created_on - 10, submitted_on = submitted_on - 10, first_submitted_on = first_submitted_on - 10,
        responsible_since = responsible_since - 10""",
    "responsibilities": "from_on = from_on - 10",
    "cheque_allocations": "effective_on = effective_on - 10",
    "invoice_events": f"changes = replace(changes::text, '{TODAY}', '{today() - timedelta(days=10)}')::json",
}


# An agreement with a payer that was to pay by yesterday, and that the worker has not let lapse.
_AGE = """set session_replication_role = replica;
    update invoices set conditional_until = '{day}', created_on = '{day}', agreed_on = '{day}' where id = '{id}';
    update responsibilities set from_on = '{day}' where invoice_id = '{id}';
    update agreements set conditional_until = '{day}', agreed_on = '{day}' where invoice_id = '{id}'"""


def mutation(transition: str) -> str:
    """The mutation of a transition."""
    first, *rest = transition.split("_")
    return first + "".join(word.capitalize() for word in rest)


def selection(transition: str) -> str:
    """The selection of the record that a transition returns."""
    return _SELECTIONS.get(transition, INVOICE)


def line(price: str) -> dict[str, Any]:
    """A line with a price."""
    return {"code": "A4556", "overridePrice": price, "overrideReason": "As agreed in this scenario"}


@dataclass
class Clinic:
    """The users of the clinic, and their usual mutations. `payer` is the default payer."""

    billing: Client
    admin: Client
    found: Found
    address: DatabaseUrls
    payer: str = field(init=False)

    def __post_init__(self) -> None:
        self.payer = self.found.own["Payer"]

    def case(self, **values: Any) -> str:
        """The id of a new case."""
        opened = {"patientId": self.found.own["Patient"], "dateOfInjury": "2026-01-05", **values}
        identity: str = done(self.billing, "createCase", CASE, **opened)["id"]
        return identity

    def invoice(self, price: str = "1000.00", case: str | None = None) -> str:
        """The id of a new invoice, in a new case by default."""
        of = {"caseId": case or self.case(), "payerId": self.payer}
        draft = {**of, "serviceDate": "2026-03-02", "confirmDuplicate": True}
        identity: str = done(self.billing, "createInvoice", NEW, lines=[line(price)], **draft)["id"]
        return identity

    def step(self, name: str, invoice: str, client: Client | None = None, **values: Any) -> Any:
        """The invoice after a mutation by billing staff, or by `client`."""
        return done(client or self.billing, name, INVOICE, invoiceId=invoice, **values)

    def submitted(self, price: str = "1000.00", case: str | None = None) -> str:
        """The id of a submitted invoice."""
        identity = self.invoice(price, case)
        self.step("submitInvoice", identity, submittedOn=TODAY, method="EMAIL")
        return identity

    def agreed(self, price: str = "1000.00", case: str | None = None) -> str:
        """The id of an invoice that was accepted in full."""
        identity = self.submitted(price, case)
        self.step("acceptInFull", identity)
        return identity

    def upload(self, client: Client | None = None) -> str:
        """The id of an uploaded scan."""
        values = {"fileName": "cheque.pdf", "contentType": "application/pdf", "byteSize": len(SCAN)}
        upload = done(client or self.billing, "createUpload", "upload { id uploadUrl }", **values)
        assert httpx.put(upload["uploadUrl"], content=SCAN, timeout=20).status_code == 201
        identity: str = upload["id"]
        return identity

    def cheque_of(
        self, amount: str, parts: dict[str, str], client: Client | None = None, **values: Any
    ) -> dict[str, Any]:
        """The input of a cheque with its scan and its allocations."""
        details = {"payerId": self.payer, "number": f"scenario-{next(_numbers)}", "amount": amount}
        days = {"chequeDate": TODAY, "receivedOn": TODAY}
        document = values.pop("documentId", None) or self.upload(client)
        return {**details, **days, "documentId": document, "allocations": allocations(parts), **values}

    def pays(self, amount: str, parts: dict[str, str], **values: Any) -> Any:
        """A recorded cheque with its allocations."""
        return done(self.billing, "recordCheque", CHEQUE, **self.cheque_of(amount, parts, **values))

    def bounces(self, cheque: str, client: Client | None = None) -> Any:
        """The cheque, which the bank has returned."""
        values = {"returnedOn": TODAY, "reason": "No funds"}
        return done(client or self.billing, "returnCheque", CHEQUE, chequeId=cheque, **values)

    def settles(self, case: str) -> Any:
        """The case, settled."""
        return done(self.billing, "settleCase", SETTLED, caseId=case)

    def inputs(self, name: str, invoice: Any, scan: str, cheque: str) -> dict[str, Any]:
        """A valid input of a transition, if the invoice has a legal status for it.

        `scan` is for a new cheque, `cheque` has an unapplied amount, and the latest cheque of the invoice is the one that bounces.
        """
        identity, parts = invoice["id"], {invoice["id"]: "0.01"}
        named = {"invoiceId": identity, "reason": "As it should be"}
        by_transition: dict[str, dict[str, Any]] = {
            "submit_invoice": {"invoiceId": identity, "submittedOn": TODAY, "method": "MAIL"},
            "accept_in_full": {"invoiceId": identity},
            "request_reduction": {"invoiceId": identity, "amount": self._offer(identity)},
            "counter_reduction": {"invoiceId": identity, "party": "CLINIC", "amount": "0.01"},
            "agree_reduction": {"invoiceId": identity, "amount": self._open_part(identity)},
            "record_denial": {"invoiceId": identity, "deniedOn": TODAY, "reasonCode": "X1"},
            "record_adjustment": {"invoiceId": identity, "group": "CO", "reasonCode": "X1", "amount": "0.01"},
            "allocate_cheque": {"chequeId": cheque, "allocations": allocations(parts)},
            "settle_case": {"caseId": invoice["case"]["id"]},
            "close_case": {"caseId": invoice["case"]["id"], "reason": "LOST"},
            "reopen_case": {"caseId": invoice["case"]["id"], "reason": "As it should be"},
            "close_small_balance": {"invoiceId": identity},
            "transfer_balance": {
                **named,
                "payerId": self.another_payer(invoice),
                "reason": "OTHER",
                "keepAgreement": False,
                "note": "As it should be",
            },
            "replace_invoice": {**named, "lines": [line("1000.00")], "confirmDuplicate": True},
            "change_payer": {**named, "payerId": self.another_payer(invoice)},
        }
        if name == "record_cheque":
            return self.cheque_of("5.00", parts, documentId=scan, payerId=self.payer_of(invoice))
        if name == "post_remittance":
            return {"remittanceId": self.remittance(invoice, self.payer_of(invoice))}
        if name == "return_cheque":
            return {"chequeId": self.latest_cheque(identity), "returnedOn": TODAY, "reason": "As it should be"}
        if name in ("correct_cheque", "move_allocation"):
            return self._correction(name, identity, cheque)
        return by_transition.get(name, named)

    def remittance(self, invoice: Any, payer: str, amount: str = "0.01", client: Client | None = None) -> str:
        """The id of an imported remittance in which a payer pays an amount of an invoice, and nothing else."""
        user = client or self.billing
        number = rows(self.address, "select number from invoices where id = $1", uuid_of(invoice["id"]))[0]["number"]
        claim = RemittedClaim(1, number, "1", Decimal(amount), Decimal(amount))
        trace = f"SCENARIO{next(_numbers)}"
        paid = RemittedPayment(
            1, Decimal(amount), PaymentMethod.ACH, today(), trace, payer, f"Scenario {payer}", (claim,)
        )
        data = written(paid)
        values = {"fileName": "paid.835", "contentType": "application/edi-x12", "byteSize": len(data)}
        upload = done(user, "createUpload", "upload { id uploadUrl }", **values)
        assert httpx.put(upload["uploadUrl"], content=data, timeout=20).status_code == 201
        imported = {"uploadId": upload["id"], "payerId": payer}
        identity: str = done(user, "importRemittance", "remittance { id }", **imported)["id"]
        return identity

    def _correction(self, name: str, invoice: str, cheque: str) -> dict[str, Any]:
        """A correction of what pays the invoice, or else of another payment, so that it pays 0.01 of the invoice."""
        told = {"reason": "As it should be"}
        query = """select a.cheque_id from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
            where a.invoice_id = $1 and c.returned_on is null group by 1 having sum(a.amount) > 0 order by 1 desc limit 1"""
        found = rows(self.address, query, uuid_of(invoice))
        if found:
            of = {"chequeId": make_id("Cheque", found[0]["cheque_id"]), **told}
            more = {"number": f"right-{next(_numbers)}"} if name == "correct_cheque" else {"invoiceId": invoice}
            return {**of, **more}
        if name == "correct_cheque":
            return {"chequeId": cheque, "allocations": allocations({invoice: "0.01"}), **told}
        other = self.agreed("1.00")
        paid = self.pays("1.00", {other: "1.00"}, payerId=self.payer)
        return {"chequeId": paid["id"], "invoiceId": other, "toInvoiceId": invoice, "amount": "0.01", **told}

    def _offer(self, invoice: str) -> str:
        """What a payer can offer, who may have paid a part: a little less than the open part."""
        return str(max(Decimal(self._open_part(invoice)) - Decimal("0.01"), Decimal("0.01")))

    def _open_part(self, invoice: str) -> str:
        query = "select billed_amount - contractual_amount - earlier_received_amount from invoices where id = $1"
        return str(rows(self.address, query, uuid_of(invoice))[0][0])

    def payer_of(self, invoice: Any) -> str:
        """The id of a payer who can pay a part of the invoice.

        Of one of which nothing is left to pay it is an earlier payer or else the patient, whose money shrinks the reduction.
        """
        if invoice["status"] not in ("CHEQUE_RECEIVED", "PAID"):
            identity: str = invoice["payer"]["id"]
            return identity
        earlier = """select r.payer_id from responsibilities r join invoices i on i.clinic_id = r.clinic_id and i.id = r.invoice_id
            where i.id = $1 and r.payer_id <> i.payer_id limit 1"""
        for found in rows(self.address, earlier, uuid_of(invoice["id"])):
            return make_id("Payer", found["payer_id"])
        patient = rows(self.address, "select patient_id from invoices where id = $1", uuid_of(invoice["id"]))[0][
            "patient_id"
        ]
        known = rows(self.address, "select id from payers where patient_id = $1", patient)
        if known:
            return make_id("Payer", known[0]["id"])
        named = {"name": f"Patient {next(_numbers)}", "kind": "PATIENT", "patientId": make_id("Patient", patient)}
        made: str = done(self.billing, "createPayer", "payer { id }", **named)["id"]
        return made

    def another_payer(self, invoice: Any) -> str:
        """The id of another payer."""
        query = """select id from payers where id <> $1 and clinic_id = (select clinic_id from payers where id = $1)
            and patient_id is null limit 1"""
        return make_id("Payer", rows(self.address, query, uuid_of(invoice["payer"]["id"]))[0]["id"])

    def latest_cheque(self, invoice: str) -> str:
        """The id of the latest cheque of an invoice that was not returned."""
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
            self.step(ends, identity, self.admin, reason="For this scenario")
            return identity
        return self._with_cheques(status)

    def _with_cheques(self, status: InvoiceStatus) -> str:
        identity = self.agreed()
        if status is not InvoiceStatus.PENDING_CHEQUE:
            self.pays("1000.00", {identity: "1000.00"})
        if status is InvoiceStatus.PAID:
            self.settles(self.look(identity)["case"]["id"])
        return identity


def backdate(clinic: Clinic, invoice: str) -> None:
    """Make everything that has been recorded about an invoice ten days older."""
    for table, values in _EARLIER.items():
        key = "id" if table == "invoices" else "invoice_id"
        rows(clinic.address, f"alter table {table} disable trigger user")
        rows(clinic.address, f"update {table} set {values} where {key} = $1", uuid_of(invoice))
        rows(clinic.address, f"alter table {table} enable trigger user")


def age(address: DatabaseUrls, invoice: str) -> None:
    """Make an invoice with its conditional agreement of yesterday, which was its last day."""
    statement = _AGE.format(day=(today() - timedelta(days=1)).isoformat(), id=uuid_of(invoice))
    ask(address.owner, lambda connection: connection.execute(statement))


def allocations(parts: dict[str, str]) -> list[dict[str, str]]:
    """The allocations of a cheque, as an input."""
    return [{"invoiceId": invoice, "amount": amount} for invoice, amount in parts.items()]


def transition_names(invoice: Any) -> list[str]:
    """The transitions of an invoice, in order."""
    return [event["transition"] for event in invoice["history"]]


def allowed(invoice: Any) -> Iterator[str]:
    """The transitions that are allowed now."""
    return (step["name"] for step in invoice["availableTransitions"] if step["allowed"])


def broken_laws(address: DatabaseUrls) -> tuple[Breach, ...]:
    """The laws (invariants) that the records break."""
    found: tuple[Breach, ...] = ask(address.owner, find_breaches)
    return found
