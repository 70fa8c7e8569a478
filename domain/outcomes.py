"""Decides what each transition does to an invoice's ledger and negotiation, and which inputs it refuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from domain.errors import InvalidInput
from domain.invoices import Invoice
from domain.negotiation import OfferStatus, Party
from domain.people import Role
from domain.texts import CODE, NOTE, REASON, REMARK, needed, said

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts (None: the worker), and which day it is in the clinic."""

    role: Role | None
    today: date


@dataclass(frozen=True, slots=True)
class Outcome:
    """What changes besides the state: columns of the invoice, a new offer or denial, and what becomes of the open offer.

    `agreed_offer` says what becomes of an offer that was accepted, when the agreement is undone.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    offer: Mapping[str, Any] | None = None
    open_offer: OfferStatus | None = None
    agreed_offer: OfferStatus | None = None
    denial: Mapping[str, Any] | None = None


Effect = Callable[[Invoice, Given, Actor], Outcome]
_UNSUBMITTED: Mapping[str, Any] = {"submitted_on": None, "submission_method": None}
_NOT_AGREED: Mapping[str, Any] = {"agreed_amount": None, "agreed_on": None, "conditional_until": None}


def _not_later(given: Given, name: str, actor: Actor) -> date:
    day: date = given[name]
    if day > actor.today:
        raise InvalidInput("This day has not come yet", (name,))
    return day


def _offered(given: Given, largest: Decimal, *, below: bool = False) -> Decimal:
    amount: Decimal = given["amount"]
    if amount <= 0 or amount > largest or (below and amount == largest):
        bound = "below" if below else "at most"
        raise InvalidInput(f"The amount is above 0 and {bound} what is billed", ("amount",))
    return amount


def _not_past(given: Given, name: str, actor: Actor) -> date | None:
    day: date | None = given.get(name)
    if day is not None and day < actor.today:
        raise InvalidInput("This day has passed already", (name,))
    return day


def reason_of(given: Given) -> str:
    """The reason that is given; refuses an empty one, and a novel."""
    return needed(given, "reason", REASON).strip()


def submit(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The invoice went to the payer on a day, by a way."""
    submitted_on = _not_later(given, "submitted_on", actor)
    if submitted_on < invoice.created_on:
        raise InvalidInput("An invoice is submitted after it was created", ("submitted_on",))
    return Outcome({"submitted_on": submitted_on, "submission_method": given["method"].value})


def accept_in_full(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The payer pays what is billed."""
    return Outcome({"agreed_amount": invoice.billed, "agreed_on": actor.today})


def request_reduction(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The payer offers less than is billed."""
    amount = _offered(given, invoice.billed, below=True)
    reason = said(given, "reason", REMARK)
    return Outcome(offer=_offer(Party.PAYER, amount, reason, _not_past(given, "expires_on", actor)))


def counter_reduction(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """One of the parties makes the next offer, which supersedes the one before."""
    amount = _offered(given, invoice.billed)
    offer = _offer(given["party"], amount, said(given, "note", REMARK), _not_past(given, "expires_on", actor))
    return Outcome(offer=offer, open_offer=OfferStatus.SUPERSEDED)


def _offer(
    party: Party, amount: Decimal, reason: str | None, expires_on: date | None, status: OfferStatus = OfferStatus.OPEN
) -> Mapping[str, Any]:
    return {"party": party.value, "amount": amount, "reason": reason, "expires_on": expires_on, "status": status.value}


def agree_reduction(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """Both sides agree on an amount: by default the open offer; below the floor only an admin may."""
    wanted = invoice.open_offer if given.get("amount") is None else given["amount"]
    if wanted is None:
        raise InvalidInput("There is no open offer to agree to: say the amount", ("amount",))
    amount = _offered({"amount": wanted}, invoice.billed)
    if invoice.floor is not None and amount < invoice.floor and actor.role is not Role.ADMIN:
        raise InvalidInput("The amount is below the floor: only an administrator can agree to it", ("amount",))
    until = _not_past(given, "conditional_until", actor)
    values = {"agreed_amount": amount, "agreed_on": actor.today, "conditional_until": until}
    if amount == invoice.open_offer:
        return Outcome(values, open_offer=OfferStatus.ACCEPTED)
    accepted = _offer(Party.CLINIC, amount, None, None, OfferStatus.ACCEPTED)
    return Outcome(values, offer=accepted, open_offer=OfferStatus.SUPERSEDED)


def decline_reduction(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The clinic does not negotiate further; the invoice waits at its billed amount."""
    reason_of(given)
    return Outcome(open_offer=OfferStatus.DECLINED)


def reopen_reduction(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """What was agreed is open to negotiation again."""
    reason_of(given)
    return Outcome(_NOT_AGREED, agreed_offer=OfferStatus.SUPERSEDED)


def lapse_agreement(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The day passed by which a conditional agreement was to be paid."""
    return Outcome(_NOT_AGREED, agreed_offer=OfferStatus.LAPSED)


def record_denial(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The payer refuses; the invoice must be submitted again."""
    amount = _offered(given, invoice.billed) if given.get("amount") is not None else None
    denial = {
        "denied_on": _not_later(given, "denied_on", actor),
        "reason_code": needed(given, "reason_code", CODE),
        "amount": amount,
        "note": said(given, "note", NOTE),
        "appeal_due_on": given.get("appeal_due_on"),
    }
    return Outcome(_UNSUBMITTED, open_offer=OfferStatus.DECLINED, denial=denial)


def change_payer(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """Somebody else is to pay; what was sent to the one before counts no more."""
    reason_of(given)
    if given["payer_id"] == invoice.payer_id:
        raise InvalidInput("This is the payer already", ("payer_id",))
    return Outcome({"payer_id": given["payer_id"], **_UNSUBMITTED})


def void(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The invoice was issued in error."""
    reason_of(given)
    return Outcome()


def write_off(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """What is left will not be paid."""
    reason_of(given)
    return Outcome({"written_off_amount": invoice.owed - invoice.received}, open_offer=OfferStatus.DECLINED)


def settle(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The case is closed with all of its invoices."""
    return Outcome({"paid_on": actor.today})


def reopen_case(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """The case is open again; the invoice is as it was before the settlement."""
    return Outcome({"paid_on": None})


def allocate(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """A part of a cheque pays the invoice; it may not exceed what is left of it."""
    amount: Decimal = given["amount"]
    left = invoice.owed - invoice.received
    if amount <= 0 or amount > left:
        raise InvalidInput("The amount is above 0 and at most the invoice's balance", ("amount",))
    paid = {"fully_paid_on": given["received_on"]} if amount == left else {}
    return Outcome({"received_amount": invoice.received + amount, **paid})


def take_back(invoice: Invoice, given: Given, actor: Actor) -> Outcome:
    """A cheque came back: what it had paid is owed again, or was written off with the rest."""
    received = invoice.received - given["amount"]
    if invoice.status == "written_off":
        return Outcome({"received_amount": received, "written_off_amount": invoice.written_off + given["amount"]})
    return Outcome({"received_amount": received, "fully_paid_on": None, "paid_on": None})
