"""The workflows of billing staff in the soak test: invoices from the exam to the settled case or another final status."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.api.billing.test_encounters import TREE, VISIT
from tests.support.api.mutations import NEW, REMINDER, answered, done
from tests.support.api.records import Found
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.client import Client

_OWN = """query Parties { patients(first: 1) { nodes { id } } physicians(first: 1) { nodes { id } }
    facilities(first: 1) { nodes { id } } payers(first: 20) { nodes { id active hold { reason } } } }"""
# An insurer whose mailbox does not exist: its messages fail, are resent, and fail again.
UNKNOWN_MAILBOX = "claims@insurer1.example"
_FAILED = """query Failed($to: String!) { outboundMessages(first: 1, filter: {status: [FAILED], recipient: $to}) { nodes { id } } }"""
_EXAMS = ("RAY-RIBS", "THERAPY-MOVE")
_SEEN_ON = "2026-03-02"


def find_parties(client: Client) -> Found:
    """A patient, a physician, a facility and a payer without a hold."""
    data = client.read(_OWN)
    first = {name: data[name]["nodes"][0]["id"] for name in ("patients", "physicians", "facilities")}
    payer = next(node["id"] for node in data["payers"]["nodes"] if node["active"] and not node["hold"])
    own = {"Patient": first["patients"], "Physician": first["physicians"], "Facility": first["facilities"]}
    return Found({**own, "Payer": payer}, {})


def exams(client: Client) -> list[dict[str, Any]]:
    """The exams of an encounter, as its input."""
    mains = client.read(TREE)["examTypes"]
    by_code = {exam["code"] or exam["name"]: exam["id"] for main in mains for exam in (main, *main["subExams"])}
    wanted = ("X-ray", *_EXAMS)
    return [{"examTypeId": by_code[name]} for name in wanted]


def negotiated(clinic: Clinic, rng: Random) -> None:
    """An exam is billed, negotiated in three rounds, paid and settled."""
    case = clinic.case()
    own = clinic.found.own
    who = {"physicianId": own["Physician"], "facilityId": own["Facility"], "serviceDate": _SEEN_ON}
    visit = done(clinic.billing, "recordEncounter", VISIT, caseId=case, **who, exams=exams(clinic.billing))
    of = {"caseId": case, "payerId": clinic.payer, "serviceDate": _SEEN_ON}
    draft = {**of, "encounterId": visit["id"], "confirmDuplicate": True}
    invoice = done(clinic.billing, "createInvoice", NEW, **draft)["id"]
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    clinic.step("requestReduction", invoice, amount="20.00")
    clinic.step("counterReduction", invoice, party="CLINIC", amount="60.00")
    clinic.step("counterReduction", invoice, party="PAYER", amount="40.00")
    clinic.step("agreeReduction", invoice)
    clinic.pays("40.00", {invoice: "40.00"})
    clinic.settles(case)


def paid_in_parts(clinic: Clinic, rng: Random) -> None:
    """An invoice is accepted, paid by three cheques of which one bounces, and settled."""
    case = clinic.case()
    invoice = clinic.agreed("500.00", case)
    bad = clinic.pays("300.00", {invoice: "300.00"})
    clinic.bounces(bad["id"])
    clinic.pays("300.00", {invoice: "300.00"})
    clinic.pays("200.00", {invoice: "200.00"})
    clinic.settles(case)


def denied(clinic: Clinic, rng: Random) -> None:
    """An invoice is denied, corrected, accepted and paid; a transition that comes too late is refused."""
    case = clinic.case()
    invoice = clinic.submitted("400.00", case)
    clinic.step("recordDenial", invoice, deniedOn=TODAY, reasonCode="CO-50")
    line = {"code": "A4556", "overridePrice": "300.00", "overrideReason": "The payer was right"}
    clinic.step("replaceInvoiceLines", invoice, lines=[line])
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    clinic.step("acceptInFull", invoice)
    clinic.pays("300.00", {invoice: "300.00"})
    answered(clinic.billing, "acceptInFull", "invoice { id }", invoiceId=invoice)
    clinic.settles(case)


def written_off_or_voided(clinic: Clinic, rng: Random) -> None:
    """An invoice is written off or voided, with an internal note."""
    invoice = clinic.submitted("250.00")
    clinic.step("addInternalNote", invoice, body="Agreed on the phone")
    name = rng.choice(("writeOffInvoice", "voidInvoice"))
    clinic.step(name, invoice, clinic.admin, reason="Uncollectible")


def reminded(clinic: Clinic, rng: Random) -> None:
    """A reminder is scheduled, changed and completed, and the invoice is accepted."""
    invoice = clinic.submitted("150.00")
    values = {"invoiceId": invoice, "targetDate": TODAY, "subject": "Call the adjuster"}
    reminder = done(clinic.billing, "scheduleReminder", REMINDER, **values)["id"]
    done(clinic.billing, "updateReminder", REMINDER, reminderId=reminder, subject="Call again")
    done(clinic.billing, "completeReminder", REMINDER, reminderId=reminder, outcome="They will pay")
    clinic.step("acceptInFull", invoice)


def send_again(client: Client) -> None:
    """Resend a failed message, if there is one."""
    for message in client.read(_FAILED, to=UNKNOWN_MAILBOX)["outboundMessages"]["nodes"]:
        done(client, "resendMessage", "outboundMessage { id status }", outboundMessageId=message["id"])


Workflow = Callable[[Clinic, Random], None]
WORKFLOWS: tuple[Workflow, ...] = (negotiated, paid_in_parts, denied, written_off_or_voided, reminded)
