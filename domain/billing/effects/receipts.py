"""The effects of money: receipts, and cheques that are returned."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.amounts import is_in_present_round
from domain.billing.ledger.facts import Adjustment, AdjustmentKind, Facts, Receipt
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
    """A part of a payment is allocated to the invoice; a small balance that was given up is due again first."""
    receipt: Receipt = inputs["receipt"]
    left = left_for(invoice, receipt)
    if not 0 < receipt.amount <= left:
        words = f"The amount must be above 0 and at most ${format_money(left)}, which this payer can still pay of the invoice"
        none = "Nothing is left that this payer can pay of the invoice: record the payment without it"
        raise InvalidInput(words if left > 0 else none, ("amount",))
    facts = invoice.known
    if invoice.small_balance > 0 and is_in_present_round(facts, receipt):
        # What is paid after the settlement opens no case again.
        is_paid = invoice.status is InvoiceStatus.PAID
        again = min(invoice.small_balance, receipt.amount) if is_paid else invoice.small_balance
        facts = _due_again(facts, again, receipt, actor)
    after = replace(facts, receipts=(*facts.receipts, receipt))
    return Outcome(facts=after, late=contradicted_by_money(facts, after))


def _due_again(facts: Facts, small_balance: Decimal, receipt: Receipt, actor: Actor) -> Facts:
    number, kind = len(facts.adjustments) + 1, AdjustmentKind.SMALL_BALANCE
    given_up_on = max(one.effective_on for one in facts.adjustments if one.kind is kind)
    new = Adjustment(number, kind, -small_balance, max(receipt.effective_on, given_up_on), actor.moment)
    return replace(facts, adjustments=(*facts.adjustments, new))


def take_back(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A payment was returned: what it paid is due again, or written off where the invoice is written off."""
    reason_of(inputs)
    reversals: Sequence[Receipt] = inputs["reversals"]
    if not reversals:
        raise InvalidInput("No part of the cheque is allocated to the invoice", ("cheque_id",))
    facts = invoice.known
    after = replace(facts, receipts=(*facts.receipts, *reversals))
    return Outcome(facts=after, late=contradicted_by_money(facts, after))
