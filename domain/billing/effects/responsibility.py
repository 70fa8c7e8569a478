"""The effects of moving the open part of an invoice to another payer, and the rule of balance billing that every move obeys."""

from dataclasses import replace
from datetime import date
from typing import Any

from domain.billing.coverages import AdjustmentGroup, BalanceBilling, check_balance_billing
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.facts import (
    Agreement,
    AgreementEnd,
    AgreementKind,
    Facts,
    Responsibility,
    ResponsibilityReason,
)
from domain.billing.money import format_money
from domain.billing.negotiation import OfferStatus
from domain.billing.outcomes import UNSUBMITTED, Actor, Inputs, Outcome
from domain.days import not_later
from domain.errors import InvalidInput
from domain.texts import REMARK, optional_text

_WITH_A_LETTER = (ResponsibilityReason.EXHAUSTED, ResponsibilityReason.REFUSED)
# What the patient owes by the contract with the insurer; of other reasons, the group is not known before the remittance is.
_GROUPS = {
    ResponsibilityReason.DEDUCTIBLE: AdjustmentGroup.PR,
    ResponsibilityReason.COINSURANCE: AdjustmentGroup.PR,
}


def moved(facts: Facts, new: Responsibility, inputs: Inputs, actor: Actor, explained_by: str) -> Facts:
    """The facts with another payer, or another coverage, that owes the open part: every move goes through this function.

    What a coverage that forbids balance billing leaves moves only as far as `check_balance_billing` permits. An override's reason
    is the input `explained_by`, unless `override_reason` says what the user gave.
    """
    rule = BalanceBilling.FORBIDDEN if facts.forbids_balance_billing else BalanceBilling.ALLOWED
    reason = inputs.get("override_reason", inputs.get(explained_by))
    try:
        check_balance_billing(rule, _group(facts, new.reason), actor.role, reason)
    except InvalidInput as refusal:
        asked = "payer_id" if new.coverage_id is None else "coverage_id"
        refusal.path = (explained_by if refusal.path else asked,)
        refusal.message += _remitted(facts)
        raise
    return replace(facts, responsibilities=(*facts.responsibilities, new))


def _group(facts: Facts, reason: ResponsibilityReason) -> AdjustmentGroup | None:
    """The group of what moves: as the last remittance says it, where there is one, else as the reason says."""
    if facts.patient_amount is None:
        return _GROUPS.get(reason)
    return AdjustmentGroup.PR if ledger_of(facts).balance <= facts.patient_amount else None


def _remitted(facts: Facts) -> str:
    """What the last remittance says of a balance that does not move, and which step helps."""
    if facts.patient_amount is None:
        return ""
    return (
        f". By the last remittance that is ${format_money(facts.patient_amount)} of the ${format_money(ledger_of(facts).balance)} that is "
        "open: record what the contract takes off first (recordAdjustment)"
    )


def transfer_balance(invoice: Invoice, inputs: Inputs, actor: Actor) -> Outcome:
    """Another payer, or another coverage of the same payer, owes the open part from a day on; a new round begins."""
    facts, reason = invoice.known, ResponsibilityReason(inputs["reason"])
    payer, coverage = inputs.get("payer_id"), inputs.get("coverage_id")
    if payer is None:
        raise InvalidInput("The new payer or the new coverage is required", ("payer_id",))
    last = facts.responsibilities[-1]
    if facts.are_one(payer, last.payer_id):
        # The same payer under another id is told to nobody as another one.
        payer = last.payer_id
    if (payer, coverage) == (last.payer_id, last.coverage_id):
        raise InvalidInput("This payer owes the open part already: name another payer or coverage", ("payer_id",))
    if reason is ResponsibilityReason.FIRST:
        raise InvalidInput("The reason FIRST is that of the first payer: choose another one", ("reason",))
    if reason in _WITH_A_LETTER and inputs.get("document_id") is None and inputs.get("remittance_claim_id") is None:
        words = "The payer's letter is required for this reason: upload it first, or name the claim of a remittance that says so"
        raise InvalidInput(words, ("document_id",))
    from_on, keeps = _effective_on(invoice, last, inputs, actor), _keeps(invoice, inputs)
    ended = facts.ended(AgreementEnd.TRANSFERRED, from_on, actor.moment)
    new = Responsibility(len(facts.responsibilities) + 1, payer, from_on, actor.moment, reason, coverage)
    ended = moved(ended, new, inputs, actor, "note")
    values: dict[str, Any] = {"payer_id": payer, "responsible_since": from_on, "floor_amount": None}
    return Outcome(
        {**values, "target_amount": None, **UNSUBMITTED},
        open_offer=OfferStatus.SUPERSEDED,
        agreed_offer=None if keeps or invoice.agreed is None else OfferStatus.SUPERSEDED,
        facts=_continued(ended, from_on, actor) if keeps else ended,
        open_status=InvoiceStatus.PENDING_CHEQUE if keeps else InvoiceStatus.PENDING_INVOICE,
    )


def _effective_on(invoice: Invoice, last: Responsibility, inputs: Inputs, actor: Actor) -> date:
    day = not_later(inputs.get("effective_on") or actor.today, actor.today, "effective_on")
    decided = [one.ended_on or one.agreed_on for one in invoice.known.agreements]
    if day < max(last.from_on, invoice.created_on, *decided):
        words = "The date must not be before the day from which the present payer owes, nor before the last agreement"
        raise InvalidInput(words, ("effective_on",))
    return day


def _keeps(invoice: Invoice, inputs: Inputs) -> bool:
    """Whether the new payer honours the agreement; where a conditional one still runs, the user has to say."""
    keeps = inputs.get("keep_agreement")
    if keeps and invoice.agreed is None:
        raise InvalidInput("Nothing is agreed that could be kept", ("keep_agreement",))
    runs = invoice.agreed is not None and invoice.conditional_until is not None
    if runs and keeps is None:
        raise InvalidInput(
            "A conditional agreement is running: keep it, or say in the note why it ends", ("keep_agreement",)
        )
    if runs and not keeps and not optional_text(inputs, "note", REMARK):
        raise InvalidInput("Say why the conditional agreement ends", ("note",))
    return bool(keeps)


def _continued(facts: Facts, from_on: date, actor: Actor) -> Facts:
    before = facts.agreements[-1]
    new = Agreement(
        len(facts.agreements) + 1, AgreementKind.CONTINUED, None, from_on, actor.moment, before.conditional_until
    )
    return replace(facts, agreements=(*facts.agreements, new))
