"""The effects of money: receipts, and cheques that are returned."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.amounts import is_in_present_round, is_of_payer_of_its_day, ledger_of
from domain.billing.ledger.by_days import left_when
from domain.billing.ledger.facts import ZERO, Adjustment, AdjustmentKind, AgreementEnd, Facts, Receipt
from domain.billing.ledger.late_facts import contradicted_by_money
from domain.billing.money import format_money
from domain.billing.outcomes import Actor, Inputs, Outcome, reason_of
from domain.errors import InvalidInput


def left_for(invoice: Invoice, receipt: Receipt) -> Decimal:
    """The largest amount that the payer of a receipt can pay, in US dollars.

    For the payer of the present round it is what is due, with what was given up or written off; money of an earlier payer, and of
    the patient, reduces the open part, up to what was billed less contractual adjustments.
    """
    if is_in_present_round(invoice.known, receipt):
        return invoice.balance + invoice.small_balance + invoice.written_off
    return invoice.billed - invoice.contractual - invoice.received


def receive(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A part of a payment is allocated to the invoice; later money of the payer takes a small balance back that was given up."""
    receipt: Receipt = inputs["receipt"]
    facts = invoice.known
    late = contradicted_by_money(facts, replace(facts, receipts=(*facts.receipts, receipt)))
    # What is paid after the settlement opens no case again.
    is_paid = invoice.status is InvoiceStatus.PAID
    return Outcome(facts=received(invoice, receipt, actor, is_paid=is_paid), late=late)


def received(
    invoice: Invoice, receipt: Receipt, actor: Actor, *, is_paid: bool, reversed_amount: Decimal = ZERO
) -> Facts:
    """The facts with a receipt, and with what it takes back of a small balance; InvalidInput for more than its payer can still pay.

    `is_paid` is whether it comes after the settlement of the case, `reversed_amount` what of it has been reversed since, in US dollars.
    """
    left = left_for(invoice, receipt) + reversed_amount
    if not 0 < receipt.amount <= left:
        words = f"The amount must be above 0 and at most ${format_money(left)}, which this payer can still pay of the invoice"
        none = "Nothing is left that this payer can pay of the invoice: record the payment without it"
        raise InvalidInput(words if left > 0 else none, ("amount",))
    facts = invoice.known
    after = replace(facts, receipts=(*facts.receipts, receipt))
    decisions = facts.small_balance_decisions
    after = given_up_then(after, decisions, [receipt], invoice, actor)
    if not decisions or not _is_later(receipt, decisions[-1]):
        return after
    again = min(invoice.small_balance, receipt.amount) if is_paid else facts.given_up
    if again > 0 and is_of_payer_of_its_day(facts, receipt):
        after = _adjusted(after, -again, max(receipt.effective_on, decisions[-1].effective_on), actor)
    return after


def _is_later(fact: Receipt, given_up: Adjustment) -> bool:
    """Whether money came, or was returned, after a small balance was given up."""
    return (fact.effective_on, fact.recorded_at) > (given_up.effective_on, given_up.recorded_at)


def given_up_then(
    facts: Facts, decisions: Sequence[Adjustment], new: Sequence[Receipt], invoice: Invoice, actor: Actor
) -> Facts:
    """What came before a small balance was given up, and is recorded later, changes its amount, up to the tolerance of the clinic."""
    for decision in decisions:
        if not all(_is_later(one, decision) for one in new):
            left = max(left_when(facts, decision.effective_on, decision.recorded_at), ZERO)
            if left <= invoice.small_balance_tolerance:
                facts = _given_up(facts, decision, left, actor)
    return facts


def _given_up(facts: Facts, decision: Adjustment, left: Decimal, actor: Actor) -> Facts:
    """The same facts, with what was left given up; what has taken it back since, takes as much more, or less, back."""
    small = [one for one in facts.adjustments if one.kind is AdjustmentKind.SMALL_BALANCE]
    change = left - sum(one.amount for one in small if one.effective_on == decision.effective_on)
    if change == 0:
        return facts
    days = _due_again_on(facts, decision)
    # Also what took it back of a settled case.
    days += [one.effective_on for one in small if one.amount < 0 and one.effective_on > decision.effective_on]
    facts = _adjusted(facts, change, decision.effective_on, actor)
    return _adjusted(facts, -change, min(days), actor) if days else facts


def _due_again_on(facts: Facts, decision: Adjustment) -> list[date]:
    """The days on which what was given up is due again: of later money of the payer who owed, and of later reopenings.

    A reopening counts also where nothing was given up when it was recorded.
    """
    later = (one for one in facts.receipts if one.reverses_id is None and _is_later(one, decision))
    days = [one.effective_on for one in later if is_of_payer_of_its_day(facts, one)]
    reopened = [one for one in facts.agreements if one.ended_by is AgreementEnd.REOPENED]
    return [
        *days,
        *(one.ended_on for one in reopened if one.ended_on and one.ended_at and one.ended_at > decision.recorded_at),
    ]


def _adjusted(facts: Facts, amount: Decimal, on: date, actor: Actor) -> Facts:
    new = Adjustment(facts.next_adjustment, AdjustmentKind.SMALL_BALANCE, amount, on, actor.moment)
    return replace(facts, adjustments=(*facts.adjustments, new))


def taken_back_again(facts: Facts, right: Facts, actor: Actor) -> Facts:
    """The same facts, in which a small balance that stands is taken back on the day of the right facts; what took it back was typed wrong."""
    decisions, again = facts.small_balance_decisions, facts.given_up
    if again <= 0:
        return facts
    days = _due_again_on(right, decisions[-1])
    return _adjusted(facts, -again, max(min(days), decisions[-1].effective_on), actor) if days else facts


def take_back(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A payment was returned: what it paid is due again, or written off where the invoice is written off.

    What it had taken back of an earlier payment is received again. InvalidInput where others have paid that meanwhile.
    """
    reason_of(inputs)
    reversals: Sequence[Receipt] = inputs["reversals"]
    if not reversals:
        raise InvalidInput("No part of the cheque is allocated to the invoice", ("cheque_id",))
    facts = invoice.known
    after = replace(facts, receipts=(*facts.receipts, *reversals))
    late = contradicted_by_money(facts, after)
    after = given_up_then(after, facts.small_balance_decisions, reversals, invoice, actor)
    too_much = -ledger_of(after).balance
    if too_much > 0 and sum(one.amount for one in reversals) > 0:
        words = (
            f"What an earlier payment has paid counts again, which is ${format_money(too_much)} more than is left: "
            "move as much of what came since first (moveAllocation)"
        )
        raise InvalidInput(words, ("cheque_id",))
    return Outcome(facts=after, late=late)
