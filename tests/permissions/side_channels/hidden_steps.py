"""Steps of billing staff about an attorney's invoices of which the attorney sees nothing: what comes before each, and the step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.api.merges.test_merging import a_patient, a_payer
from tests.api.payments.paying import CHEQUE, day, electronic, paid, refund_of, returned
from tests.api.payments.test_recoupment import ask
from tests.api.remittances.remitting import REMITTANCE, claim, imported, number_of, payment, posted
from tests.support.api.mutations import done
from tests.support.api.scenarios import TODAY, Clinic, allocations
from tests.support.merges import merge, part

_numbers = count(1)
_DENIAL = "denial { id }"


@dataclass
class Scene:
    """Invoices of 100.00 of one payer in a case of the attorney: two with an agreement of which 40.00 are paid by one payment, one sent."""

    clinic: Clinic
    case: str
    invoices: list[str]
    sent: str
    cheque: str
    # What a step needs that comes before it.
    known: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def new(cls, clinic: Clinic, attorney: str) -> "Scene":
        """A scene of its own."""
        own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
        own.payer = a_payer(clinic.billing)
        case = own.case(attorneyId=attorney, patientId=a_patient(clinic.billing))
        invoices = [own.agreed("100.00", case) for _ in range(2)]
        sent = own.submitted("100.00", case)
        cheque = paid(own, "60.00", {invoices[0]: "40.00"})["id"]
        return cls(own, case, invoices, sent, cheque)

    def correct(self, **values: Any) -> Any:
        """Correct the payment."""
        told = {"chequeId": self.cheque, "reason": "A typing error", **values}
        return done(self.clinic.admin, "correctCheque", CHEQUE, **told)

    def move(self, **values: Any) -> Any:
        """Move what the payment pays of the first invoice, or a part of it."""
        told = {"chequeId": self.cheque, "invoiceId": self.invoices[0], "reason": "A typing error", **values}
        return done(self.clinic.billing, "moveAllocation", CHEQUE, **told)

    def remittance(self, invoice: str, *adjustments: str, amount: str = "10.00", **values: Any) -> Any:
        """An imported remittance of one claim of an invoice."""
        return imported(
            self.clinic, payment(claim(number_of(self.clinic, invoice), "100.00", amount, *adjustments, **values))
        )

    def denied(self) -> str:
        """The id of a denial of the invoice that was sent."""
        told: dict[str, Any] = {"deniedOn": TODAY, "reasonCode": "X1"}
        found = self.clinic.step("recordDenial", self.sent, **told)
        assert found
        query = "query ($id: ID!) { invoice(id: $id) { denials { id } } }"
        identity: str = self.clinic.billing.read(query, id=self.sent)["invoice"]["denials"][-1]["id"]
        return identity

    def refunded(self) -> str:
        """The id of a refund of what is unapplied of the payment."""
        selection = "cheque { id refunds { id } }"
        found = done(self.clinic.admin, "refundCheque", selection, **refund_of(self.cheque, "20.00"))
        identity: str = found["refunds"][-1]["id"]
        return identity


Step = Callable[[Scene], Any]


def _nothing(scene: Scene) -> None:
    pass


def _know(name: str, make: Step) -> Step:
    def before(scene: Scene) -> None:
        scene.known[name] = make(scene)

    return before


def _cover(scene: Scene) -> list[str]:
    terms = {"caseId": scene.case, "payerId": scene.clinic.payer, "balanceBilling": "ALLOWED"}
    kinds = ("PIP", "MEDPAY")
    return [done(scene.clinic.billing, "addCoverage", "coverage { id }", kind=kind, **terms)["id"] for kind in kinds]


def _close(scene: Scene, **values: Any) -> Any:
    return done(scene.clinic.billing, "closeDenial", _DENIAL, denialId=scene.known["denial"], closedOn=TODAY, **values)


def _appeal(scene: Scene) -> Any:
    return done(scene.clinic.billing, "appealDenial", _DENIAL, denialId=scene.known["denial"], appealedOn=TODAY)


def _adjust(scene: Scene, amount: str = "7.00") -> Any:
    told: dict[str, Any] = {"group": "CO", "reasonCode": "X1", "amount": amount}
    return scene.clinic.step("recordAdjustment", scene.sent, **told)


def _unknown_claim(scene: Scene) -> Any:
    return imported(scene.clinic, payment(claim(f"NONE-{next(_numbers)}", "100.00", "10.00", "PR-2 90.00")))


def _match(scene: Scene) -> Any:
    of = {"claimId": scene.known["file"]["claims"]["nodes"][0]["id"], "invoiceId": scene.invoices[1]}
    return done(scene.clinic.billing, "matchRemittanceClaim", "remittanceClaim { id }", **of)


def _reversal(scene: Scene) -> Any:
    """The payer takes the 40.00 back and pays 30.00 instead, in one payment of other claims."""
    number = number_of(scene.clinic, scene.invoices[0])
    back = claim(number, "-100.00", "-40.00", "PR-2 -60.00", status_code="22")
    again = claim(number, "100.00", "30.00", "PR-2 70.00")
    more = claim(number_of(scene.clinic, scene.invoices[1]), "100.00", "20.00", "PR-2 80.00")
    return posted(scene.clinic, imported(scene.clinic, payment(back, again, more)))


def _merge_payer(scene: Scene) -> Any:
    return merge(scene.clinic.admin, a_payer(scene.clinic.billing), scene.clinic.payer)


def _merge_patient(scene: Scene) -> Any:
    """Another record of the client, who stays, with a case of nobody."""
    query = "query ($id: ID!) { case(id: $id) { patient { id } } }"
    patient = scene.clinic.billing.read(query, id=scene.case)["case"]["patient"]["id"]
    other = a_patient(scene.clinic.billing)
    scene.clinic.case(patientId=other)
    return merge(scene.clinic.admin, other, patient)


def _from_paper(scene: Scene) -> Any:
    query = "query ($id: ID!) { invoice(id: $id) { lines { id } } }"
    [of] = scene.clinic.billing.read(query, id=scene.sent)["invoice"]["lines"]
    lines = [
        {"lineId": of["id"], "paid": "15.00", "adjustments": [{"group": "PR", "reasonCode": "2", "amount": "85.00"}]}
    ]
    typed = {"payerId": scene.clinic.payer, "method": "ACH", "number": f"EOB-H{next(_numbers)}", "amount": "15.00"}
    claims = [{"invoiceId": scene.sent, "paid": "15.00", "lines": lines}]
    return done(scene.clinic.billing, "recordRemittance", REMITTANCE, receivedOn=TODAY, claims=claims, **typed)


def _answer(scene: Scene) -> Any:
    told = {"requestId": scene.known["request"]["id"], "step": "APPEAL"}
    return done(scene.clinic.billing, "answerRecoupmentRequest", "recoupmentRequest { id }", **told)


def _twice(scene: Scene) -> Any:
    once = scene.correct(amount="70.00")["id"]
    scene.cheque = once
    return scene.correct(amount="60.00")


# What comes before, which may be seen, and the step that is hidden.
HIDDEN_STEPS: dict[str, tuple[Step, Step]] = {
    "the number of a payment is corrected": (_nothing, lambda of: of.correct(number=f"hidden-{next(_numbers)}")),
    "the amount of a payment is corrected": (_nothing, lambda of: of.correct(amount="75.00")),
    "the day of a payment is corrected": (_nothing, lambda of: of.correct(receivedOn=day(-1), chequeDate=day(-1))),
    "the invoices of a payment are corrected": (
        _nothing,
        lambda of: of.correct(allocations=allocations({of.invoices[1]: "55.00"})),
    ),
    "a payment is corrected twice": (_nothing, _twice),
    "the coverage of a payment is corrected": (
        _know("covers", _cover),
        lambda of: of.correct(coverageId=of.known["covers"][1]),
    ),
    "a bounced payment is corrected": (
        lambda of: returned(of.clinic, of.cheque),
        lambda of: of.correct(amount="50.00"),
    ),
    "an allocation is moved to another invoice": (_nothing, lambda of: of.move(toInvoiceId=of.invoices[1])),
    "a part of an allocation is moved": (_nothing, lambda of: of.move(toInvoiceId=of.sent, amount="5.00")),
    "an allocation is moved to unapplied": (_nothing, lambda of: of.move()),
    "a contractual adjustment is recorded": (_nothing, _adjust),
    "a contractual adjustment is taken back": (_adjust, lambda of: _adjust(of, "-7.00")),
    "an invoice is denied": (_nothing, Scene.denied),
    "a denial is appealed": (_know("denial", Scene.denied), _appeal),
    "a denial is overturned": (_know("denial", Scene.denied), lambda of: _close(of, outcome="OVERTURNED")),
    "a denial is paid in part": (
        _know("denial", Scene.denied),
        lambda of: (_appeal(of), _close(of, outcome="PARTIAL", amountRecovered="30.00")),
    ),
    "a remittance is imported": (_nothing, lambda of: of.remittance(of.invoices[0], "PR-2 90.00")),
    "a remittance is posted": (
        _nothing,
        lambda of: posted(of.clinic, of.remittance(of.sent, "CO-45 20.00", "PR-2 70.00")),
    ),
    "a remittance with a denial is posted": (
        _nothing,
        lambda of: posted(of.clinic, of.remittance(of.sent, "CO-50 100.00", amount="0.00", status_code="4")),
    ),
    "a remittance from paper is recorded": (_nothing, _from_paper),
    "a claim of a remittance is matched and posted": (
        _know("file", _unknown_claim),
        lambda of: (_match(of), posted(of.clinic, of.known["file"])),
    ),
    "a payer takes back what it has paid": (_nothing, _reversal),
    "a payer asks for money back": (_nothing, lambda of: ask(of.clinic, chequeId=of.cheque)),
    "a request for money is appealed": (_know("request", lambda of: ask(of.clinic, chequeId=of.cheque)), _answer),
    "money is refunded": (_nothing, Scene.refunded),
    "a refund comes back": (
        _know("refund", Scene.refunded),
        lambda of: done(
            of.clinic.admin, "returnRefund", CHEQUE, refundId=of.known["refund"], returnedOn=TODAY, reason="Moved"
        ),
    ),
    "another payer is merged into that of the invoices": (_nothing, _merge_payer),
    "another record of the client is merged": (_nothing, _merge_patient),
    "merges are undone": (
        _know("merges", lambda of: [_merge_payer(of), _merge_patient(of)]),
        lambda of: [part(of.clinic.admin, one["id"]) for one in of.known["merges"]],
    ),
    "a payment bounces": (_nothing, lambda of: returned(of.clinic, of.cheque)),
}


def finish(scene: Scene) -> None:
    """What the attorney sees afterwards: all three invoices are accepted and paid, the one after the other, and the case is settled."""
    for invoice in (*scene.invoices, scene.sent):
        now = scene.clinic.look(invoice)
        possible = {row["name"] for row in now["availableTransitions"] if row["allowed"]}
        if "submit_invoice" in possible:
            scene.clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
        if now["status"] == "PENDING_INVOICE":
            scene.clinic.step("acceptInFull", invoice)
        due = scene.clinic.look(invoice)["balance"]
        coverage = scene.known.get("covers", [None])[0]
        part = {"invoiceId": invoice, "amount": due, "coverageId": coverage}
        typed = {**electronic(scene.clinic, due), "allocations": [part]}
        done(scene.clinic.billing, "recordCheque", CHEQUE, **typed)
    scene.clinic.settles(scene.case)
