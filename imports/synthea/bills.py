"""Converts Synthea claims, or encounters without claims, to invoices with a history of payments."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from random import SystemRandom
from uuid import UUID

from domain.billing.negotiation import SubmissionMethod
from domain.ids import new_id
from domain.normal_forms import code_form
from domain.pricing.pricing import PriceSource
from imports.history.batch import Batch
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import HistoryLine, HistoryStart, noon_of
from imports.synthea.csv_rows import ZERO
from imports.synthea.files import CLAIMS, ENCOUNTERS, Charge, Claim, Encounter, Payment, SyntheaFolder

ADJUSTED, IMPORTED = "Adjustment by the payer", "Imported with its price"
# Synthea's claims are submitted electronically.
_METHOD = SubmissionMethod.PORTAL
_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True)
class Bill:
    """The future invoice. Payer None: the patient; sent_on None: it was never submitted as far as the files show.

    `adjusted` is the payer's adjustment; `left_out` are payments that the import was asked to leave out.
    """

    key: str
    file: str
    line: int
    patient_id: str
    payer_id: str | None
    provider_id: str | None
    organization_id: str | None
    encounter_id: str | None
    day: date
    charges: tuple[Charge, ...]
    sent_on: date | None = None
    payments: tuple[Payment, ...] = ()
    adjusted: Decimal = ZERO
    left_out: Decimal = ZERO

    @property
    def billed(self) -> Decimal:
        """The sum of what the lines bill."""
        return sum((charge.amount for charge in self.charges), ZERO)

    @property
    def paid(self) -> Decimal:
        """The sum of the payments, including overpayments."""
        return sum((payment.amount for payment in self.payments), ZERO)

    @property
    def received(self) -> Decimal:
        """The part of the payments that the bill can absorb; the rest stays unapplied."""
        return min(self.paid, self.billed)


def bills_of(folder: SyntheaFolder, open_since: date | None, today: date) -> list[Bill]:
    """One bill per claim, or per encounter when the export has no transactions, in the order of their days.

    Claims served since `open_since` keep no payments. No payment is dated after `today`, nor before the claim's service.
    """
    if folder.claims is None:
        bills = [_encounter_bill(folder, key, encounter) for key, encounter in folder.encounters.items()]
    else:
        bills = [_claim_bill(folder, key, claim, today) for key, claim in folder.claims.items()]
    kept = [_left_open(bill) if open_since and bill.day >= open_since else bill for bill in bills]
    return sorted(kept, key=lambda bill: bill.day)


def lines_of(bill: Bill) -> tuple[HistoryLine, ...]:
    """The lines of the bill's invoice; their prices come from the export, and the price trace says so."""
    return tuple(
        HistoryLine(
            charge.code,
            charge.label,
            charge.units,
            charge.unit_price,
            charge.amount,
            source=PriceSource.OVERRIDE,
            override_reason=IMPORTED,
        )
        for charge in bill.charges
    )


def history_of(bill: Bill, start: HistoryStart, batch: Batch) -> InvoiceHistory:
    """The history of the bill's invoice; its cheques are added to the batch, its own rows are not."""
    history = InvoiceHistory(start, _RANDOM)
    if history.billed and bill.sent_on:
        history.submit_invoice(bill.sent_on, _METHOD)
        _answer(bill, history, bill.sent_on)
    for payment in bill.payments:
        _pay(payment, history, start, batch)
    return history


def _encounter_bill(folder: SyntheaFolder, key: str, encounter: Encounter) -> Bill:
    charges = tuple(folder.procedures.get(key, (encounter.charge,)))
    return Bill(
        key,
        ENCOUNTERS,
        encounter.line,
        encounter.patient_id,
        encounter.payer_id,
        encounter.provider_id,
        encounter.organization_id,
        key,
        encounter.day,
        charges,
    )


def _claim_bill(folder: SyntheaFolder, key: str, claim: Claim, today: date) -> Bill:
    encounter = folder.encounters[claim.encounter_id] if claim.encounter_id else None
    provider = folder.providers[claim.provider_id] if claim.provider_id else None
    place = encounter.organization_id if encounter else provider.organization_id if provider else None
    dated = (replace(payment, day=min(max(payment.day, claim.day), today)) for payment in claim.payments)
    payments = tuple(sorted(dated, key=lambda payment: payment.day))
    return Bill(
        key,
        CLAIMS,
        claim.line,
        claim.patient_id,
        claim.payer_id,
        claim.provider_id or (encounter.provider_id if encounter else None),
        place,
        claim.encounter_id,
        claim.day,
        tuple(claim.charges),
        _sent_on(claim, payments, today),
        payments,
        claim.adjusted,
    )


def _sent_on(claim: Claim, payments: tuple[Payment, ...], today: date) -> date | None:
    """The day of the last billing, but never after the first payment: a paid claim must have been submitted before."""
    if claim.sent_on is None and not payments and not claim.adjusted:
        return None
    latest = payments[0].day if payments else today
    return min(max(claim.sent_on or claim.day, claim.day), latest)


def _left_open(bill: Bill) -> Bill:
    """The bill before its payer answered: adjustments arrive with the remittance of payments, so they are left out too."""
    return replace(bill, payments=(), adjusted=ZERO, left_out=bill.paid)


def _answer(bill: Bill, history: InvoiceHistory, sent_on: date) -> None:
    """The amount that the payer agreed to pay: all, or less if it adjusted the claim; without either there is no known answer."""
    on = bill.payments[0].day if bill.payments else sent_on
    # A payer that paid more than its own adjustment allows has agreed to what it paid.
    payable = max(bill.billed - bill.adjusted, bill.received)
    if payable <= 0:
        history.write_off_invoice(on, ADJUSTED)
    elif payable < bill.billed:
        history.request_reduction(on, payable, ADJUSTED)
        history.agree_reduction(on)
    elif bill.payments or bill.adjusted:
        history.accept_in_full(on)


def _pay(payment: Payment, history: InvoiceHistory, start: HistoryStart, batch: Batch) -> None:
    """One cheque per payment; what exceeds the balance stays unapplied on the cheque."""
    cheque_id = _add_cheque(payment, start.clinic_id, start.payer_id, batch)
    applied = min(payment.amount, history.unpaid)
    if applied > 0:
        history.apply_cheque(payment.day, cheque_id, applied)


def _add_cheque(payment: Payment, clinic_id: UUID, payer_id: UUID, batch: Batch) -> UUID:
    cheque_id = new_id(noon_of(payment.day))
    batch.add(
        "cheques",
        clinic_id=clinic_id,
        id=cheque_id,
        payer_id=payer_id,
        method=payment.method,
        number=payment.id,
        number_key=code_form(payment.id),
        external_key=payment.id,
        amount=payment.amount,
        cheque_date=payment.day,
        received_on=payment.day,
        imported=True,
        recorded_at=noon_of(payment.day),
    )
    return cheque_id
