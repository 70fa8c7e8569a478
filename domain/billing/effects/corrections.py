"""The effect of a correction: what a payment paid of an invoice was typed wrong, and counts as if it had been typed right."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from domain.billing.effects.receipts import given_up_then, received, taken_back_again
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.by_days import days_of, facts_on
from domain.billing.ledger.conditions import lapse_day, lapsed_agreement, received_by
from domain.billing.ledger.facts import ZERO, AgreementEnd, Facts, Receipt
from domain.billing.ledger.late_facts import contradicted_by_correction
from domain.billing.negotiation import OfferStatus
from domain.billing.outcomes import Actor, Inputs, Outcome, reason_of


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction changes of one invoice.

    `removed` are the ids of the receipts and reversals that were wrong, `moments` are when those were recorded; `receipts` are the
    right ones, `reversals` what is known of their returns, and of what was taken back. The right ones have the moments of the wrong ones.
    """

    removed: Collection[UUID] = frozenset()
    moments: Collection[datetime] = frozenset()
    receipts: Sequence[Receipt] = ()
    reversals: Sequence[Receipt] = ()


def correct(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Wrong receipts give way to the right ones: agreements lapse or hold, and a small balance is what it would have been."""
    reason_of(inputs)
    wrong: Corrected = inputs["corrected"]
    known, decisions = invoice.known, invoice.known.small_balance_decisions
    if _is_alike(known, wrong):
        # Only what is no fact of the invoice was wrong, such as the number.
        return Outcome(facts=_with(known, wrong))
    facts = known.without_receipts(wrong.removed, wrong.moments, actor.moment)
    if facts.undone != known.undone:
        # First, since an agreement lapses only where something is due, also of what was given up.
        facts = taken_back_again(facts, _with(facts, wrong), actor)
    outcome = _agreed(invoice, facts, wrong, actor)
    facts = outcome.facts or facts
    facts = _received_right(invoice, facts, wrong, actor)
    changed = {*known.receipts} ^ {*facts.receipts}
    facts = given_up_then(facts, decisions, sorted(changed, key=lambda one: one.id), invoice, actor)
    late = contradicted_by_correction(known, facts, changed)
    return replace(outcome, facts=facts, late=late)


def _received_right(invoice: Invoice, facts: Facts, wrong: Corrected, actor: Actor) -> Facts:
    """The facts with the right receipts, each with its reversals, so that it needs no more room than was left of it."""
    roots, right = _with(facts, wrong).roots, {one.id for one in wrong.receipts}
    of_others = (one for one in wrong.reversals if roots[one.id] not in right)
    facts = replace(facts, receipts=(*facts.receipts, *of_others))
    for receipt in sorted(wrong.receipts, key=lambda one: one.recorded_at):
        is_later = invoice.paid_on is not None and receipt.recorded_at.date() > invoice.paid_on
        own = [one for one in wrong.reversals if roots[one.id] == receipt.id]
        back = -sum((one.amount for one in own), ZERO)
        facts = received(invoice.with_facts(facts), receipt, actor, is_paid=is_later, reversed_amount=back)
        facts = replace(facts, receipts=(*facts.receipts, *own))
    return facts


def _is_alike(facts: Facts, wrong: Corrected) -> bool:
    """Whether the right receipts count as the wrong ones did."""
    removed = [one for one in facts.receipts if one.id in wrong.removed]
    return sorted(map(_counts_as, removed), key=str) == sorted(map(_counts_as, _all(wrong)), key=str)


def _counts_as(one: Receipt) -> tuple[object, ...]:
    reverses = one.reverses_id is not None
    return (one.payer_id, one.amount, one.effective_on, one.recorded_at, one.coverage_id, one.is_patient, reverses)


def _all(wrong: Corrected) -> tuple[Receipt, ...]:
    return (*wrong.receipts, *wrong.reversals)


def _with(facts: Facts, wrong: Corrected) -> Facts:
    kept = tuple(one for one in facts.receipts if one.id not in wrong.removed)
    return replace(facts, receipts=(*kept, *_all(wrong)))


def _agreed(invoice: Invoice, facts: Facts, wrong: Corrected, actor: Actor) -> Outcome:
    """The agreement lapses where nothing was received in time after all, and holds again where something was."""
    right = _with(facts, wrong)
    agreement, until = right.agreement, right.agreement.conditional_until if right.agreement else None
    if agreement is not None and until is not None and _has_lapsed(right, until, actor.today):
        lapsed = facts.ended(AgreementEnd.LAPSED, lapse_day(right, agreement), actor.moment)
        return Outcome(facts=lapsed, agreed_offer=OfferStatus.LAPSED, open_status=InvoiceStatus.PENDING_REDUCTION)
    last = lapsed_agreement(right)
    is_negotiated = invoice.open_status is InvoiceStatus.PENDING_REDUCTION and invoice.open_offer is None
    if last is not None and last.conditional_until is not None and is_negotiated and right.write_off is None:
        is_in_time = any(one.effective_on <= last.conditional_until for one in wrong.receipts)
        if is_in_time and not _has_lapsed(right.revived(), last.conditional_until, actor.today):
            held = OfferStatus.ACCEPTED
            return Outcome(facts=facts.revived(), lapsed_offer=held, open_status=InvoiceStatus.PENDING_CHEQUE)
    return Outcome()


def _has_lapsed(facts: Facts, day: date, today: date) -> bool:
    """Whether nothing was received by the last day of an agreement, and something was due at the end of it or of a later day."""
    if day >= today or facts.write_off is not None or received_by(facts, day) > 0:
        return False
    # Also on a day on which no money came or went: what was written off is due again since the write-off was reversed.
    days = {day, *(one for one in days_of(facts) if day < one < today)}
    return any(ledger_of(facts_on(facts, one)).balance > 0 for one in days)
