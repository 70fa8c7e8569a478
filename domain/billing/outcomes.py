"""What a transition changes of an invoice, who applies it, and the checks that inputs of several transitions need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.access.people import Role
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.facts import Facts
from domain.billing.ledger.late_facts import LateFact
from domain.billing.negotiation import OfferStatus, Party
from domain.days import not_past
from domain.errors import InvalidInput
from domain.texts import REASON, required_text

Inputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """The role of the acting user (None: the worker), the current day in the clinic, and the moment of the change."""

    role: Role | None
    today: date
    moment: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What changes besides the status: columns of the invoice, a new offer or denial, and the open offer's new status.

    `agreed_offer` is the new status of the accepted offer, when the agreement is undone; `lapsed_offer` that of the lapsed one, when
    its agreement is revived. `facts` are the facts after the transition, from which the amounts are computed, where it changes any;
    `open_status` is the status that the invoice has from now on while something is left to pay, where it changes; `end` is its
    status where that does not follow from the amounts. `late` are the decisions that a fact contradicts which was recorded late.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    offer: Mapping[str, Any] | None = None
    open_offer: OfferStatus | None = None
    agreed_offer: OfferStatus | None = None
    lapsed_offer: OfferStatus | None = None
    denial: Mapping[str, Any] | None = None
    facts: Facts | None = None
    open_status: InvoiceStatus | None = None
    end: InvoiceStatus | None = None
    late: Sequence[LateFact] = ()
    # Denials that came with a payment: records, which move nothing.
    posted_denials: Sequence[Mapping[str, Any]] = ()

    @property
    def denied_on(self) -> date | None:
        """The day of a denial of the whole invoice, which may move it; None without one."""
        denial = self.denial or {}
        is_whole = denial.get("line_id") is None and denial.get("cheque_id") is None
        return denial.get("denied_on") if is_whole else None


Effect = Callable[[Invoice, Inputs, Actor], Outcome]
# What a new payer, or a denial, leaves of a submission.
UNSUBMITTED: Mapping[str, Any] = {"submitted_on": None, "submission_method": None}


def reason_of(inputs: Inputs) -> str:
    """The required reason of the input; InvalidInput when it is blank or too long."""
    return required_text(inputs, "reason", REASON).strip()


def future_day(inputs: Inputs, name: str, actor: Actor) -> date | None:
    """The day of a future event, if there is one; InvalidInput for one in the past."""
    day: date | None = inputs.get(name)
    return None if day is None else not_past(day, actor.today, name)


def amount_of(inputs: Inputs, largest: Decimal, bound: str, *, below: bool = False) -> Decimal:
    """The amount of the input in US dollars; InvalidInput unless it is above 0 and at most (or `below`) the largest, which `bound` names."""
    amount: Decimal = inputs["amount"]
    if amount <= 0 or amount > largest or (below and amount == largest):
        relation = "below" if below else "at most"
        raise InvalidInput(f"The amount must be above 0 and {relation} {bound}", ("amount",))
    return amount


def offer_of(
    party: Party, amount: Decimal, reason: str | None, expires_on: date | None, status: OfferStatus = OfferStatus.OPEN
) -> Mapping[str, Any]:
    """The columns of a new offer."""
    return {"party": party.value, "amount": amount, "reason": reason, "expires_on": expires_on, "status": status.value}
