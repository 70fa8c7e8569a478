"""What a document states of an invoice as of a day: payments by payer, adjustments, and totals that foot."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.by_days import facts_on
from domain.billing.ledger.facts import ZERO, AdjustmentKind, Facts


@dataclass(frozen=True, slots=True)
class StatedPayment:
    """What a payer paid on a day; negative where it was returned or taken back."""

    on: date
    payer_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class StatedAdjustment:
    """What was taken off the charges, and from which day on; a positive amount lowers the balance."""

    on: date
    words: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """The amounts of an invoice: billed less paid less adjusted is the balance."""

    billed: Decimal
    payments: tuple[StatedPayment, ...]
    adjustments: tuple[StatedAdjustment, ...]
    balance: Decimal

    @property
    def paid(self) -> Decimal:
        """The sum of the payments."""
        return sum((one.amount for one in self.payments), ZERO)

    @property
    def adjusted(self) -> Decimal:
        """The sum of the adjustments."""
        return sum((one.amount for one in self.adjustments), ZERO)


def figures_on(facts: Facts, day: date, billed: Decimal) -> Figures:
    """The amounts by the end of a day, restated: by the days on which facts count, with all that is known now."""
    then = facts_on(facts, day, billed)
    ledger = ledger_of(then)
    payments = tuple(
        StatedPayment(one.effective_on, one.payer_id, one.amount)
        for one in sorted(then.receipts, key=lambda one: (one.effective_on, one.recorded_at))
    )
    contractual = [one for one in then.adjustments if one.kind is AdjustmentKind.CONTRACTUAL]
    adjustments = [StatedAdjustment(one.effective_on, "Contractual adjustment", one.amount) for one in contractual]
    small = [one.effective_on for one in then.adjustments if one.kind is AdjustmentKind.SMALL_BALANCE]
    write_off = then.write_off
    # What is left between the charges and the balance is what was agreed.
    given_up = ledger.contractual + ledger.small_balance + ledger.written_off
    reduced = billed - ledger.received - given_up - ledger.balance
    if reduced and ledger.agreed_on:
        adjustments.append(StatedAdjustment(ledger.agreed_on, "Agreed reduction", reduced))
    if ledger.small_balance:
        adjustments.append(StatedAdjustment(max(small), "Small balance", ledger.small_balance))
    if write_off and ledger.written_off:
        adjustments.append(StatedAdjustment(write_off.written_off_on, "Write-off", ledger.written_off))
    return Figures(billed, payments, tuple(adjustments), ledger.balance)
