"""The effects of a negotiation: offers, agreements, and how an agreement ends."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain.access.people import Role
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.conditions import lapse_day
from domain.billing.ledger.facts import ZERO, Agreement, AgreementEnd, AgreementKind, Facts
from domain.billing.negotiation import OfferStatus, Party
from domain.billing.outcomes import Actor, Inputs, Outcome, amount_of, future_day, offer_of, reason_of
from domain.errors import InvalidInput
from domain.texts import REMARK, optional_text

_OPEN_PART = "the open part of the billed amount"


def accept_in_full(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The payer pays the whole open part."""
    facts = _with_agreement(invoice.known, AgreementKind.FULL, None, actor)
    return Outcome(facts=facts, open_status=InvoiceStatus.PENDING_CHEQUE)


def _with_agreement(
    facts: Facts, kind: AgreementKind, amount: Decimal | None, actor: Actor, until: date | None = None
) -> Facts:
    new = Agreement(len(facts.agreements) + 1, kind, amount, actor.today, actor.moment, until)
    return replace(facts, agreements=(*facts.agreements, new))


def request_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The payer offers less than is open; an import may know that a reduction is negotiated, and not the offer."""
    if inputs["amount"] is None:
        return Outcome(open_status=InvoiceStatus.PENDING_REDUCTION)
    amount = _offered(invoice, inputs, below=True)
    reason = optional_text(inputs, "reason", REMARK)
    offer = offer_of(Party.PAYER, amount, reason, future_day(inputs, "expires_on", actor))
    return Outcome(offer=offer, open_status=InvoiceStatus.PENDING_REDUCTION)


def _offered(invoice: Invoice, inputs: Inputs, *, below: bool = False) -> Decimal:
    amount = amount_of(inputs, invoice.open_part, _OPEN_PART, below=below)
    _check_received(invoice, amount)
    return amount


def _check_received(invoice: Invoice, amount: Decimal) -> None:
    if amount < invoice.round_received:
        raise InvalidInput("The amount must not be below what this payer has already paid", ("amount",))


def counter_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """One of the parties makes a counter-offer, which supersedes the open offer."""
    amount = _offered(invoice, inputs)
    note = optional_text(inputs, "note", REMARK)
    offer = offer_of(inputs["party"], amount, note, future_day(inputs, "expires_on", actor))
    return Outcome(offer=offer, open_offer=OfferStatus.SUPERSEDED)


def agree_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Both sides agree on an amount: by default the open offer; below the floor only an admin may."""
    amount = invoice.open_offer if inputs.get("amount") is None else inputs["amount"]
    if amount is None:
        raise InvalidInput("There is no open offer to agree to: give the amount", ("amount",))
    _check_agreed(invoice, amount, actor)
    until = future_day(inputs, "conditional_until", actor)
    facts = _with_agreement(invoice.known, AgreementKind.NEGOTIATED, amount, actor, until)
    if amount == invoice.open_offer:
        offers = Outcome(open_offer=OfferStatus.ACCEPTED)
    elif amount > 0:
        accepted = offer_of(Party.CLINIC, amount, None, None, OfferStatus.ACCEPTED)
        offers = Outcome(offer=accepted, open_offer=OfferStatus.SUPERSEDED)
    else:
        # The rest is given up after earlier receipts: that is no offer of an amount.
        offers = Outcome(open_offer=OfferStatus.SUPERSEDED)
    return replace(offers, facts=facts, open_status=InvoiceStatus.PENDING_CHEQUE)


def _check_agreed(invoice: Invoice, amount: Decimal, actor: Actor) -> None:
    if not (amount == ZERO and invoice.earlier_received > 0):
        amount_of({"amount": amount}, invoice.open_part, _OPEN_PART)
    _check_received(invoice, amount)
    # The floor may have been set when more was open.
    floor = None if invoice.floor is None else min(invoice.floor, invoice.open_part)
    if floor is not None and amount < floor and actor.role is not Role.ADMIN:
        raise InvalidInput("The amount is below the floor: only an administrator can agree to it", ("amount",))


def decline_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The clinic declines the reduction; the open part stays due."""
    reason_of(inputs)
    return Outcome(open_offer=OfferStatus.DECLINED, open_status=InvoiceStatus.PENDING_INVOICE)


def reopen_reduction(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The agreement is undone and all that is not paid is negotiated again, also what was given up, or written off and recovered.

    The limits no longer contain what was received.
    """
    reason_of(inputs)
    paid = invoice.round_received
    limits = {"floor_amount": invoice.floor, "target_amount": invoice.target}
    return Outcome(
        {name: max(limit - paid, ZERO) for name, limit in limits.items() if limit is not None},
        agreed_offer=OfferStatus.SUPERSEDED,
        facts=_reopened(invoice.known, actor),
        open_status=InvoiceStatus.PENDING_REDUCTION,
    )


def _reopened(facts: Facts, actor: Actor) -> Facts:
    ended = facts.ended(AgreementEnd.REOPENED, actor.today, actor.moment)
    return ended.without_small_balance(actor.today, actor.moment).without_write_off(actor.today)


def lapse_agreement(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A conditional agreement lapses: nothing was received by its date that was not returned."""
    facts = invoice.known
    return Outcome(
        agreed_offer=OfferStatus.LAPSED,
        facts=facts.ended(AgreementEnd.LAPSED, lapse_day(facts, facts.agreements[-1]), actor.moment),
        open_status=InvoiceStatus.PENDING_REDUCTION,
    )


def revive_agreement(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A lapsed agreement holds after all: money that was received in time has been recorded late."""
    return Outcome(
        lapsed_offer=OfferStatus.ACCEPTED,
        facts=invoice.known.revived(),
        open_status=InvoiceStatus.PENDING_CHEQUE,
    )
