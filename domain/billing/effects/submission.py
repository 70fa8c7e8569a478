"""The effects of submitting an invoice, of a denial, and of correcting its payer before any money was received."""

from datetime import date

from domain.billing.claims.adjustments import remark_codes_of
from domain.billing.coverages import AdjustmentGroup
from domain.billing.effects.responsibility import moved
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.facts import Responsibility, ResponsibilityReason
from domain.billing.ledger.late_facts import contradicted_by_denial
from domain.billing.negotiation import OfferStatus
from domain.billing.outcomes import UNSUBMITTED, Actor, Inputs, Outcome, amount_of, reason_of
from domain.days import DENIAL_APPEAL, SUBMISSION_DENIAL, not_later
from domain.errors import InvalidInput
from domain.texts import CODE, NOTE, optional_text, required_text


def submit(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The invoice was submitted to the payer on a date, by a method."""
    submitted_on = not_later(inputs["submitted_on"], actor.today, "submitted_on")
    if submitted_on < invoice.created_on:
        raise InvalidInput("The date must not be before the invoice date", ("submitted_on",))
    if submitted_on < invoice.responsible_since:
        words = f"The date must not be before {invoice.responsible_since}, since when this payer owes the invoice"
        raise InvalidInput(words, ("submitted_on",))
    # An import may not know the method.
    method = inputs["method"] and inputs["method"].value
    return Outcome({"submitted_on": submitted_on, "submission_method": method})


def record_denial(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """The payer denies the invoice; it must be submitted again. What was agreed no longer holds.

    A denial of one line (`line_id`, with its amount as `line_amount`), and one that comes with a payment (`cheque_id`), moves nothing.
    """
    named, line_id = inputs.get("amount") is not None, inputs.get("line_id")
    largest = invoice.open_part if line_id is None else inputs["line_amount"]
    bound = "the open part of the billed amount" if line_id is None else "the amount of the line"
    denied_on, appeal_due_on = not_later(inputs["denied_on"], actor.today, "denied_on"), inputs.get("appeal_due_on")
    # What was denied of the invoice that this one replaces may be older.
    if not invoice.is_replacement and not SUBMISSION_DENIAL.holds(invoice.first_submitted_on, denied_on):
        raise InvalidInput(f"{SUBMISSION_DENIAL.message}, {invoice.first_submitted_on}", ("denied_on",))
    if not DENIAL_APPEAL.holds(denied_on, appeal_due_on):
        raise InvalidInput(DENIAL_APPEAL.message, ("appeal_due_on",))
    group, cheque_id = inputs.get("group"), inputs.get("cheque_id")
    denial = {
        "denied_on": denied_on,
        "adjustment_group": group and AdjustmentGroup(group).value,
        "reason_code": required_text(inputs, "reason_code", CODE),
        "remark_codes": remark_codes_of(inputs),
        "line_id": line_id,
        "cheque_id": cheque_id,
        "amount": amount_of(inputs, largest, bound) if named else None,
        "note": optional_text(inputs, "note", NOTE),
        "appeal_due_on": appeal_due_on,
    }
    standing = invoice.known.agreement
    owes_since = invoice.known.responsibilities[-1].from_on
    if line_id is not None or cheque_id is not None:
        # The payer refuses one line alone, or pays another part of the invoice.
        return Outcome(denial=denial, facts=invoice.known)
    sent_on = invoice.submitted_on or date.min
    if denied_on < max(owes_since, sent_on) or (standing is not None and denied_on < standing.agreed_on):
        # Recorded late: another payer owes since then, or it was sent to this one again, or this one has agreed.
        late = contradicted_by_denial(invoice.known, denied_on)
        return Outcome(denial=denial, facts=invoice.known.denied(denied_on, actor.moment), late=late)
    return Outcome(
        UNSUBMITTED,
        open_offer=OfferStatus.DECLINED,
        agreed_offer=OfferStatus.SUPERSEDED if standing else None,
        denial=denial,
        facts=invoice.known.denied(denied_on, actor.moment),
        open_status=InvoiceStatus.PENDING_INVOICE,
    )


def change_payer(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Another payer is responsible, before any money was received; the submission to the previous payer no longer counts."""
    reason_of(inputs)
    facts = invoice.known
    if facts.are_one(inputs["payer_id"], invoice.payer_id):
        raise InvalidInput("This is the payer already", ("payer_id",))
    number = len(facts.responsibilities) + 1
    # On a day that is earlier than a backdated transfer the new payer would not be the last one.
    from_on = max(actor.today, facts.responsibilities[-1].from_on)
    new = Responsibility(number, inputs["payer_id"], from_on, actor.moment, ResponsibilityReason.OTHER)
    return Outcome(
        {"payer_id": inputs["payer_id"], "responsible_since": from_on, **UNSUBMITTED},
        facts=moved(facts, new, inputs, actor, "reason"),
    )
