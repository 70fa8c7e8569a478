"""The effects of the transitions on an invoice's amounts and negotiation, and the checks of their inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from domain.access.people import Role
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.negotiation import OfferStatus, Party
from domain.errors import InvalidInput
from domain.texts import CODE, NOTE, REASON, REMARK, optional_text, required_text

Inputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """The role of the acting user (None: the worker), and the current day in the clinic."""

    role: Role | None
    today: date


@dataclass(frozen=True, slots=True)
class Outcome:
    """What changes besides the status: columns of the invoice, a new offer or denial, and the open offer's new status.

    `agreed_offer` is the new status of the accepted offer, when the agreement is undone.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    offer: Mapping[str, Any] | None = None
    open_offer: OfferStatus | None = None
    agreed_offer: OfferStatus | None = None
    denial: Mapping[str, Any] | None = None


Effect = Callable[[Invoice, Inputs, Actor], Outcome]
_UNSUBMITTED: Mapping[str, Any] = {"submitted_on": None, "submission_method": None}
_NOT_AGREED: Mapping[str, Any] = {"agreed_amount": None, "agreed_on": None, "conditional_until": None}


def _not_later(inputs: Inputs, name: str, actor: Actor) -> date:
    day: date = inputs[name]
    if day > actor.today:
        raise InvalidInput("The date is in the future", (name,))
    return day


def _offered(inputs: Inputs, largest: Decimal, *, below: bool = False) -> Decimal:
    amount: Decimal = inputs["amount"]
    if amount <= 0 or amount > largest or (below and amount == largest):
        bound = "below" if below else "at most"
        raise InvalidInput(f"The amount must be above 0 and {bound} the billed amount", ("amount",))
    return amount


def _not_past(inputs: Inputs, name: str, actor: Actor) -> date | None:
    day: date | None = inputs.get(name)
    if day is not None and day < actor.today:
        raise InvalidInput("The date is in the past", (name,))
    return day


def reason_of(inputs: Inputs) -> str:
    """The required reason of the input; InvalidInput when it is blank or too long."""
    return required_text(inputs, "reason", REASON).strip()


def submit(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The invoice was submitted to the payer on a date, by a method."""
    submitted_on = _not_later(inputs, "submitted_on", actor)
    if submitted_on < invoice.created_on:
        raise InvalidInput("The date must not be before the invoice date", ("submitted_on",))
    # An import may not know the method.
    method = inputs["method"] and inputs["method"].value
    return Outcome({"submitted_on": submitted_on, "submission_method": method})


def accept_in_full(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The payer pays what is billed."""
    return Outcome({"agreed_amount": invoice.billed, "agreed_on": actor.today})


def request_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The payer offers less than is billed; an import may know that a reduction is negotiated, and not the offer."""
    if inputs["amount"] is None:
        return Outcome()
    amount = _offered(inputs, invoice.billed, below=True)
    reason = optional_text(inputs, "reason", REMARK)
    return Outcome(offer=_offer(Party.PAYER, amount, reason, _not_past(inputs, "expires_on", actor)))


def counter_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """One of the parties makes a counter-offer, which supersedes the open offer."""
    amount = _offered(inputs, invoice.billed)
    offer = _offer(
        inputs["party"], amount, optional_text(inputs, "note", REMARK), _not_past(inputs, "expires_on", actor)
    )
    return Outcome(offer=offer, open_offer=OfferStatus.SUPERSEDED)


def _offer(
    party: Party, amount: Decimal, reason: str | None, expires_on: date | None, status: OfferStatus = OfferStatus.OPEN
) -> Mapping[str, Any]:
    return {"party": party.value, "amount": amount, "reason": reason, "expires_on": expires_on, "status": status.value}


def agree_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Both sides agree on an amount: by default the open offer; below the floor only an admin may."""
    wanted = invoice.open_offer if inputs.get("amount") is None else inputs["amount"]
    if wanted is None:
        raise InvalidInput("There is no open offer to agree to: give the amount", ("amount",))
    amount = _offered({"amount": wanted}, invoice.billed)
    if invoice.floor is not None and amount < invoice.floor and actor.role is not Role.ADMIN:
        raise InvalidInput("The amount is below the floor: only an administrator can agree to it", ("amount",))
    until = _not_past(inputs, "conditional_until", actor)
    values = {"agreed_amount": amount, "agreed_on": actor.today, "conditional_until": until}
    if amount == invoice.open_offer:
        return Outcome(values, open_offer=OfferStatus.ACCEPTED)
    accepted = _offer(Party.CLINIC, amount, None, None, OfferStatus.ACCEPTED)
    return Outcome(values, offer=accepted, open_offer=OfferStatus.SUPERSEDED)


def decline_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The clinic declines the reduction; the billed amount stays due."""
    reason_of(inputs)
    return Outcome(open_offer=OfferStatus.DECLINED)


def reopen_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The agreement is undone; the negotiation is open again."""
    reason_of(inputs)
    return Outcome(_NOT_AGREED, agreed_offer=OfferStatus.SUPERSEDED)


def lapse_agreement(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A conditional agreement lapses: it was not paid by its date."""
    return Outcome(_NOT_AGREED, agreed_offer=OfferStatus.LAPSED)


def record_denial(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The payer denies the invoice; it must be submitted again."""
    amount = _offered(inputs, invoice.billed) if inputs.get("amount") is not None else None
    denial = {
        "denied_on": _not_later(inputs, "denied_on", actor),
        "reason_code": required_text(inputs, "reason_code", CODE),
        "amount": amount,
        "note": optional_text(inputs, "note", NOTE),
        "appeal_due_on": inputs.get("appeal_due_on"),
    }
    return Outcome(_UNSUBMITTED, open_offer=OfferStatus.DECLINED, denial=denial)


def change_payer(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Another payer becomes responsible; the submission to the previous payer no longer counts."""
    reason_of(inputs)
    if inputs["payer_id"] == invoice.payer_id:
        raise InvalidInput("This is the payer already", ("payer_id",))
    return Outcome({"payer_id": inputs["payer_id"], **_UNSUBMITTED})


def void(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The invoice was issued in error."""
    reason_of(inputs)
    return Outcome()


def write_off(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The write-off of the remaining balance."""
    reason_of(inputs)
    return Outcome({"written_off_amount": invoice.owed - invoice.received}, open_offer=OfferStatus.DECLINED)


def settle(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The case is settled with all of its invoices."""
    return Outcome({"paid_on": actor.today})


def reopen_case(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The case is open again; the invoice is in the status before the settlement."""
    reason_of(inputs)
    return Outcome({"paid_on": None})


def allocate(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A part of a cheque is allocated to the invoice; it may not exceed the invoice's balance."""
    amount: Decimal = inputs["amount"]
    left = invoice.owed - invoice.received
    if amount <= 0 or amount > left:
        raise InvalidInput("The amount must be above 0 and at most the invoice's balance", ("amount",))
    paid = {"fully_paid_on": inputs["received_on"]} if amount == left else {}
    return Outcome({"received_amount": invoice.received + amount, **paid})


def take_back(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A cheque was returned: its amount is due again, or is added to the write-off of a written-off invoice."""
    reason_of(inputs)
    if inputs["amount"] <= 0:
        raise InvalidInput("No part of the cheque is allocated to the invoice", ("cheque_id",))
    received = invoice.received - inputs["amount"]
    if invoice.status is InvoiceStatus.WRITTEN_OFF:
        return Outcome({"received_amount": received, "written_off_amount": invoice.written_off + inputs["amount"]})
    return Outcome({"received_amount": received, "fully_paid_on": None, "paid_on": None})
