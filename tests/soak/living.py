"""Decides what staff do with invoices while the clinic works: whole lives, from the exam to the settled case or another end."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.api.lives import TODAY, Clinic
from tests.api.records import Found
from tests.api.steps import NEW, REMINDER, answered, done
from tests.api.test_encounters import TREE, VISIT
from tests.client import Client

_OWN = """query Parties { patients(first: 1) { nodes { id } } physicians(first: 1) { nodes { id } }
    facilities(first: 1) { nodes { id } } payers(first: 20) { nodes { id active hold { reason } } } }"""
# An insurer whose mailbox is gone: its messages fail, are sent again, and fail again.
GONE = "claims@insurer1.example"
_FAILED = """query Failed($to: String!) { outboundMessages(first: 1, filter: {status: [FAILED], recipient: $to}) { nodes { id } } }"""
_EXAMS = ("RAY-RIBS", "THERAPY-MOVE")
_SEEN_ON = "2026-03-02"


def parties(client: Client) -> Found:
    """Who is treated, where, by whom, and who pays."""
    data = client.read(_OWN)
    first = {name: data[name]["nodes"][0]["id"] for name in ("patients", "physicians", "facilities")}
    payer = next(node["id"] for node in data["payers"]["nodes"] if node["active"] and not node["hold"])
    own = {"Patient": first["patients"], "Physician": first["physicians"], "Facility": first["facilities"]}
    return Found({**own, "Payer": payer}, {})


def exams(client: Client) -> list[dict[str, Any]]:
    """What is done at a visit."""
    mains = client.read(TREE)["examTypes"]
    known = {exam["code"] or exam["name"]: exam["id"] for main in mains for exam in (main, *main["subExams"])}
    wanted = ("X-ray", *_EXAMS)
    return [{"examTypeId": known[name]} for name in wanted]


def negotiated(clinic: Clinic, dice: Random) -> None:
    """An exam is billed, haggled over in three rounds, paid and settled."""
    case = clinic.case()
    own = clinic.found.own
    who = {"physicianId": own["Physician"], "facilityId": own["Facility"], "serviceDate": _SEEN_ON}
    visit = done(clinic.billing, "recordEncounter", VISIT, caseId=case, **who, exams=exams(clinic.billing))
    draft = {"caseId": case, "payerId": clinic.payer, "serviceDate": _SEEN_ON, "encounterId": visit["id"]}
    invoice = done(clinic.billing, "createInvoice", NEW, **draft)["id"]
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    clinic.step("requestReduction", invoice, amount="20.00")
    clinic.step("counterReduction", invoice, party="CLINIC", amount="60.00")
    clinic.step("counterReduction", invoice, party="PAYER", amount="40.00")
    clinic.step("agreeReduction", invoice)
    clinic.pays("40.00", {invoice: "40.00"})
    clinic.settles(case)


def paid_in_parts(clinic: Clinic, dice: Random) -> None:
    """A bill is accepted, paid by two cheques of which one bounces, and settled."""
    case = clinic.case()
    invoice = clinic.agreed("500.00", case)
    bad = clinic.pays("300.00", {invoice: "300.00"})
    clinic.bounces(bad["id"])
    clinic.pays("300.00", {invoice: "300.00"})
    clinic.pays("200.00", {invoice: "200.00"})
    clinic.settles(case)


def denied(clinic: Clinic, dice: Random) -> None:
    """A bill is denied, mended, accepted and paid; what comes too late is refused."""
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


def given_up(clinic: Clinic, dice: Random) -> None:
    """A bill is written off, or void, and the note says why."""
    invoice = clinic.submitted("250.00")
    clinic.step("addInternalNote", invoice, body="It was said on the phone")
    name = dice.choice(("writeOffInvoice", "voidInvoice"))
    clinic.step(name, invoice, clinic.admin, reason="Nobody will pay")


def reminded(clinic: Clinic, dice: Random) -> None:
    """Somebody is reminded, and the bill is accepted at last."""
    invoice = clinic.submitted("150.00")
    given = {"invoiceId": invoice, "targetDate": TODAY, "subject": "Call the adjuster"}
    reminder = done(clinic.billing, "scheduleReminder", REMINDER, **given)["id"]
    done(clinic.billing, "updateReminder", REMINDER, reminderId=reminder, subject="Call again")
    done(clinic.billing, "completeReminder", REMINDER, reminderId=reminder, outcome="They will pay")
    clinic.step("acceptInFull", invoice)


def send_again(client: Client) -> None:
    """Send a message again that has failed, if there is one."""
    for message in client.read(_FAILED, to=GONE)["outboundMessages"]["nodes"]:
        done(client, "resendMessage", "outboundMessage { id status }", outboundMessageId=message["id"])


Life = Callable[[Clinic, Random], None]
LIVES: tuple[Life, ...] = (negotiated, paid_in_parts, denied, given_up, reminded)
