"""The effect of posting a claim of a remittance: contractual adjustments, what was taken back, and what was paid, in one step."""

from collections.abc import Sequence
from dataclasses import replace

from domain.billing.effects.receipts import receive, take_back
from domain.billing.invoices import Invoice
from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.facts import ZERO, Adjustment, AgreementKind, Facts, Receipt
from domain.billing.ledger.late_facts import LateFact
from domain.billing.money import format_money
from domain.billing.outcomes import Actor, Inputs, Outcome
from domain.errors import InvalidInput

TAKEN_BACK = "Taken back by the payer"


def post_remittance(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Post a claim: `adjustments` are contractual, `reversals` take earlier receipts back, `receipt` is what is paid, if anything.

    InvalidInput where the invoice cannot take them; then nothing of the claim is posted.
    """
    adjustments: Sequence[Adjustment] = inputs["adjustments"]
    reversals: Sequence[Receipt] = inputs["reversals"]
    receipt: Receipt | None = inputs["receipt"]
    outcome, late = Outcome(facts=invoice.known), list[LateFact]()
    if reversals:
        outcome = take_back(invoice, {"reversals": reversals, "reason": TAKEN_BACK}, actor)
        late += outcome.late
    if adjustments:
        before = _with(invoice, outcome)
        outcome = replace(outcome, facts=_adjusted(before, adjustments))
    if receipt is not None:
        outcome = receive(_with(invoice, outcome), {"receipt": receipt}, actor)
        late += outcome.late
    return replace(outcome, late=late)


def _with(invoice: Invoice, outcome: Outcome) -> Invoice:
    """The invoice after a part of the posting."""
    if outcome.facts is invoice.facts or outcome.facts is None:
        return invoice
    ledger = ledger_of(outcome.facts)
    return replace(
        invoice,
        facts=outcome.facts,
        agreed=ledger.agreed,
        received=ledger.received,
        earlier_received=ledger.earlier_received,
        contractual=ledger.contractual,
        small_balance=ledger.small_balance,
        written_off=ledger.written_off,
        recovered=ledger.recovered,
    )


def _adjusted(invoice: Invoice, adjustments: Sequence[Adjustment]) -> Facts:
    """The facts with contractual adjustments; they take off no more than is open, and take back no more than was taken off."""
    facts, total = invoice.known, sum((one.amount for one in adjustments), ZERO)
    agreement = facts.agreement
    if total != 0 and agreement is not None and agreement.kind is not AgreementKind.FULL:
        words = (
            f"The payer adjusts ${format_money(total)} although an amount is agreed upon: reopen the negotiation first "
            "(reopenReduction), or close the claim (closeRemittanceClaim)"
        )
        raise InvalidInput(words, ("adjustments",))
    if total > invoice.balance + invoice.written_off:
        left = format_money(invoice.balance + invoice.written_off)
        words = f"The payer adjusts ${format_money(total)}, and only ${left} of the invoice is open"
        raise InvalidInput(words, ("adjustments",))
    if invoice.contractual + total < 0:
        words = f"The payer takes adjustments of ${format_money(-total)} back, and only ${format_money(invoice.contractual)} is adjusted"
        raise InvalidInput(words, ("adjustments",))
    return replace(facts, adjustments=(*facts.adjustments, *adjustments))
