"""The effect of posting a claim of a remittance: contractual adjustments, what was taken back, and what was paid, in one step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.billing.effects.adjustments import adjusted, settled
from domain.billing.effects.receipts import receive, take_back
from domain.billing.invoices import Invoice
from domain.billing.ledger.facts import ZERO, Adjustment, AgreementKind, Receipt
from domain.billing.ledger.late_facts import LateFact, contradicted_by_adjustments
from domain.billing.money import format_money
from domain.billing.outcomes import Actor, Inputs, Outcome
from domain.errors import InvalidInput

TAKEN_BACK = "Taken back by the payer"


def post_remittance(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Post a claim: `reversals` take earlier receipts back, `adjustments` are contractual, `receipt` is what is paid, if anything.

    `denials` are the columns of denials, which are records alone. InvalidInput where the invoice cannot take all of it.
    """
    adjustments: Sequence[Adjustment] = inputs["adjustments"]
    reversals: Sequence[Receipt] = inputs["reversals"]
    receipt: Receipt | None = inputs["receipt"]
    denials: Sequence[Mapping[str, Any]] = inputs["denials"]
    outcome, late = Outcome(facts=invoice.known), list[LateFact]()
    if reversals:
        outcome = take_back(invoice, {"reversals": reversals, "reason": TAKEN_BACK}, actor)
        late += outcome.late
    if adjustments:
        outcome = _adjusted(_with(invoice, outcome), adjustments, is_last=receipt is None)
        late += outcome.late
    if receipt is not None:
        outcome = receive(_with(invoice, outcome), {"receipt": receipt}, actor)
        late += outcome.late
    return replace(outcome, late=late, posted_denials=denials)


def _adjusted(invoice: Invoice, adjustments: Sequence[Adjustment], *, is_last: bool) -> Outcome:
    """The outcome of contractual adjustments; nothing is adjusted of an amount that was negotiated."""
    facts, total = invoice.known, sum((one.amount for one in adjustments), ZERO)
    if total != 0 and facts.agreement is not None and facts.agreement.kind is not AgreementKind.FULL:
        words = (
            f"The payer adjusts ${format_money(total)} although an amount is agreed upon: reopen the negotiation first "
            "(reopenReduction), or close the claim (closeRemittanceClaim) and record what is paid (recordCheque)"
        )
        raise InvalidInput(words, ("adjustments",))
    after = adjusted(facts, adjustments)
    late = contradicted_by_adjustments(facts, after)
    return settled(invoice, after, late) if is_last else Outcome(facts=after, late=late)


def _with(invoice: Invoice, outcome: Outcome) -> Invoice:
    """The invoice after a part of the posting."""
    if outcome.facts is None or outcome.facts is invoice.facts:
        return invoice
    return invoice.with_facts(outcome.facts)
