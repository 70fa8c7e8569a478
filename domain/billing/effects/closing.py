"""The effects that end the collection of an invoice: settlement, write-off, small and empty balances, voiding."""

from dataclasses import replace

from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.facts import Adjustment, AdjustmentKind, Agreement, AgreementEnd, AgreementKind, WriteOff
from domain.billing.negotiation import OfferStatus
from domain.billing.outcomes import Actor, Inputs, Outcome, reason_of


def void(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The invoice was issued in error; one of 0.00 may have been closed."""
    reason_of(inputs)
    if invoice.known.agreement is None:
        return Outcome()
    facts = invoice.known.ended(AgreementEnd.VOIDED, actor.today, actor.moment)
    return Outcome(facts=facts, end=InvoiceStatus.VOID)


def replace_invoice(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Another invoice bills other lines in the place of this one, which is void; what was received goes along."""
    reason_of(inputs)
    facts = invoice.known.ended(AgreementEnd.REPLACED, actor.today, actor.moment)
    facts = replace(facts, receipts=(*facts.receipts, *inputs["reversals"]))
    facts = facts.without_small_balance(actor.today, actor.moment)
    ended = OfferStatus.SUPERSEDED if invoice.agreed is not None else None
    return Outcome(open_offer=OfferStatus.DECLINED, agreed_offer=ended, facts=facts, end=InvoiceStatus.VOID)


def write_off(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """What is left is uncollectible."""
    reason_of(inputs)
    facts = invoice.known
    new = WriteOff(len(facts.write_offs) + 1, actor.today, actor.moment)
    return Outcome(open_offer=OfferStatus.DECLINED, facts=replace(facts, write_offs=(*facts.write_offs, new)))


def reverse_write_off(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """What was written off is due again."""
    reason_of(inputs)
    return Outcome(facts=invoice.known.without_write_off(actor.today))


def close_small_balance(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The clinic gives up a balance that costs more to collect than it is worth."""
    facts, kind = invoice.known, AdjustmentKind.SMALL_BALANCE
    new = Adjustment(facts.next_adjustment, kind, invoice.balance, actor.today, actor.moment)
    return Outcome(facts=replace(facts, adjustments=(*facts.adjustments, new)))


def close_empty(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """An invoice of 0.00 needs no payment."""
    reason_of(inputs)
    facts = invoice.known
    new = Agreement(len(facts.agreements) + 1, AgreementKind.FULL, None, actor.today, actor.moment)
    agreements = (*facts.agreements, new)
    return Outcome(facts=replace(facts, agreements=agreements), open_status=InvoiceStatus.PENDING_CHEQUE)


def settle(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The case is closed with all of its invoices."""
    return Outcome({"paid_on": actor.today})


def reopen_case(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The case is open again; the invoice is in the status before the settlement."""
    reason_of(inputs)
    return Outcome({"paid_on": None})
