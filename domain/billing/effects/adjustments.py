"""The effect of contractual adjustments: what a payer does not pay by its contract with the clinic is no longer due."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain.billing.claims.adjustments import ADJUSTING, remark_codes_of
from domain.billing.coverages import AdjustmentGroup
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.facts import ZERO, Adjustment, AdjustmentKind, Facts
from domain.billing.ledger.late_facts import LateFact, contradicted_by_adjustments
from domain.billing.money import format_money
from domain.billing.negotiation import OfferStatus
from domain.billing.outcomes import Actor, Inputs, Outcome
from domain.days import CREATION_ADJUSTMENT, not_later
from domain.errors import InvalidInput
from domain.texts import CODE, REMARK, optional_text, required_text

# Steps that help, as refusals name them.
_TRANSFER, _RETURN = "Transfer the balance (transferBalance)", "Record a returned cheque (returnCheque)"
_REVERSE = "Reverse the write-off (reverseWriteOff, by an administrator)"


def record_adjustment(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """A contractual adjustment, or (negative) one that is taken back; of a line, its amount is `line_amount` of the input.

    `posted` in the input are adjustments that come with a payment, instead of the other inputs.
    """
    posted: Sequence[Adjustment] | None = inputs.get("posted")
    facts = invoice.known
    if posted is None:
        new = _typed(invoice, inputs, actor)
        _check_line(facts, new, inputs.get("line_amount"))
        posted = [new]
    after = adjusted(facts, posted)
    return settled(invoice, after, contradicted_by_adjustments(facts, after))


def _typed(invoice: Invoice, inputs: Inputs, actor: Actor) -> Adjustment:
    """The adjustment that a person typed; InvalidInput for a value that is not valid."""
    group, amount = AdjustmentGroup(inputs["group"]), inputs["amount"]
    if group not in ADJUSTING:
        words = f"What the patient is responsible for (PR) stays due; instead: {_TRANSFER}"
        raise InvalidInput(words, ("group",))
    if amount == 0:
        raise InvalidInput("The amount must not be 0.00", ("amount",))
    day: date = not_later(inputs.get("adjusted_on") or actor.today, actor.today, "adjusted_on")
    if not CREATION_ADJUSTMENT.holds(invoice.created_on, day):
        raise InvalidInput(f"{CREATION_ADJUSTMENT.message}, {invoice.created_on}", ("adjusted_on",))
    return Adjustment(
        invoice.known.next_adjustment,
        AdjustmentKind.CONTRACTUAL,
        amount,
        day,
        actor.moment,
        group,
        required_text(inputs, "reason_code", CODE),
        tuple(remark_codes_of(inputs)),
        inputs.get("line_id"),
        note=optional_text(inputs, "note", REMARK),
    )


def _check_line(facts: Facts, new: Adjustment, line_amount: Decimal | None) -> None:
    """An adjustment of a line is at most its amount; one that is taken back stands with the same reason, of the same line."""
    alike = [one for one in facts.contractual if one.line_id == new.line_id]
    if new.amount < 0:
        of_reason = (new.adjustment_group, new.reason_code)
        stands = sum((one.amount for one in alike if (one.adjustment_group, one.reason_code) == of_reason), ZERO)
        if stands + new.amount < 0:
            where = "of the whole invoice; of a line, name it" if new.line_id is None else "of this line"
            words = f"An adjustment can be taken back up to ${format_money(stands)}, which stands with this group and reason {where}"
            raise InvalidInput(words, ("amount",))
    elif line_amount is not None and sum(one.amount for one in alike) + new.amount > line_amount:
        left = line_amount - sum(one.amount for one in alike)
        words = f"The amount must be at most ${format_money(left)}, what is left of the line; of several lines, record one adjustment each"
        raise InvalidInput(words, ("amount",))


def adjusted(facts: Facts, new: Sequence[Adjustment]) -> Facts:
    """The facts with contractual adjustments, which are numbered here.

    InvalidInput where they would take off more than is neither received nor taken off, or take back more than stands.
    """
    first = facts.next_adjustment
    numbered = (replace(one, number=number) for number, one in enumerate(new, first))
    after = replace(facts, adjustments=(*facts.adjustments, *numbered))
    if after.unpaid < 0:
        left = format_money(facts.unpaid)
        words = f"The amount must be at most ${left}, what is neither received nor taken off by contract"
        if facts.unpaid <= 0:
            words = f"Nothing is left to take off: take an adjustment back by a negative amount, or first: {_RETURN}"
        raise InvalidInput(words, ("amount",))
    if sum(one.amount for one in after.contractual) < 0:
        raise InvalidInput("More is taken back than was taken off by contract", ("amount",))
    return after


def settled(invoice: Invoice, after: Facts, late: Sequence[LateFact] = ()) -> Outcome:
    """The outcome of facts with other adjustments: where nothing is left and nothing was agreed or received, nothing is negotiated."""
    is_empty = ledger_of(after).is_taken_off
    if is_empty and after.write_off is not None:
        words = f"Nothing would be left that is written off; first: {_REVERSE}"
        raise InvalidInput(words, ("amount",))
    if is_empty and invoice.open_status is InvoiceStatus.PENDING_REDUCTION:
        return Outcome(
            open_offer=OfferStatus.DECLINED, facts=after, open_status=InvoiceStatus.PENDING_INVOICE, late=late
        )
    return Outcome(facts=after, late=late)
