"""Which days and which allocations a payment has once what was typed wrong of it is right: as if it had been typed so at first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from domain.errors import InvalidInput
from domain.payments.cheques import PaymentMethod, ReversalKind, check_deposit, is_post_dated

_AMEND_CLEARING = "correct that day first (clearCheque)"


@dataclass(frozen=True, slots=True)
class PaymentDays:
    """The days of a payment: its own, on which it arrived, and those that are known of its deposit, its clearing and its return."""

    cheque_date: date
    arrived_on: date
    deposited_on: date | None = None
    cleared_on: date | None = None
    returned_on: date | None = None


@dataclass(frozen=True, slots=True)
class ReceiptDays:
    """On which day a payment is received, since when it is held (None: it is not), and whether its deposit has made it money."""

    received_on: date
    held_from: date | None = None
    is_released: bool = False

    @property
    def is_held(self) -> bool:
        """Whether it is no money yet."""
        return self.held_from is not None and not self.is_released


def receipt_days_of(method: PaymentMethod, days: PaymentDays) -> ReceiptDays:
    """When a payment is received by its days; InvalidInput where they do not fit together."""
    is_held = is_post_dated(method, days.cheque_date, days.arrived_on)
    if days.deposited_on is not None:
        _check_deposited(days)
    found = ReceiptDays(days.arrived_on)
    if is_held:
        received_on = days.deposited_on or days.arrived_on
        found = ReceiptDays(received_on, days.arrived_on, days.deposited_on is not None)
    if days.cleared_on is not None and found.is_held:
        words = f"The bank cleared the payment on {days.cleared_on}, so that it cannot be dated after its receipt"
        raise InvalidInput(words, ("cheque_date",))
    if days.cleared_on is not None and days.cleared_on < found.received_on:
        words = (
            f"The bank cleared the payment on {days.cleared_on}: it cannot have been received later; {_AMEND_CLEARING}"
        )
        raise InvalidInput(words, ("received_on",))
    if days.returned_on is not None and days.returned_on < found.received_on:
        words = f"The payment was returned on {days.returned_on}: it cannot have been received later"
        raise InvalidInput(words, ("received_on",))
    return found


def _check_deposited(days: PaymentDays) -> None:
    assert days.deposited_on is not None
    try:
        check_deposit(days.cheque_date, days.arrived_on, days.deposited_on)
    except InvalidInput as refusal:
        name = "cheque_date" if days.cheque_date > days.deposited_on else "received_on"
        words = f"The payment was deposited on {days.deposited_on}: it cannot be dated or received after that day"
        raise InvalidInput(words, (name,)) from refusal


@dataclass(frozen=True, slots=True)
class Part:
    """What a payment pays, or has paid, of an invoice in US dollars; `at` is the moment by which it is ordered among the facts of its day.

    `reversed_at` and `reversal` are the moment and the kind of its reversal: of a returned payment, or of a replaced invoice.
    `taken_back` is the id of the allocation that a later payment took back.
    """

    invoice_id: UUID
    amount: Decimal
    at: datetime
    coverage_id: UUID | None = None
    reversed_at: datetime | None = None
    reversal: ReversalKind | None = None
    taken_back: UUID | None = None

    @property
    def is_replaced(self) -> bool:
        """Whether another invoice stands in the place of its own."""
        return self.reversal is ReversalKind.REPLACED


def replaced_parts(
    parts: Iterable[Part],
    wanted: Mapping[UUID, Decimal],
    typed_at: datetime,
    replacing: Mapping[UUID, UUID],
    returned_at: datetime | None = None,
) -> list[Part]:
    """The parts of a payment once its allocations are other ones: `wanted` are the amounts by invoice.

    An allocation to an invoice that it paid keeps its moment, another one takes that of the first allocation which it gives up, or
    else `typed_at`, when the payment was first typed. `replacing` leads from an invoice that was replaced to the one in its place.
    `returned_at` is when the return of a returned payment was first typed, which may have paid nothing until then.
    """
    own = [one for one in parts if not one.is_replaced]
    kept = {one.invoice_id: one for one in sorted(own, key=lambda one: one.at, reverse=True)}
    given_up = sorted(one.at for one in own if one.invoice_id not in wanted)
    returned = (None, None) if returned_at is None else (returned_at, ReversalKind.RETURNED)
    end = next(((one.reversed_at, one.reversal) for one in own if one.reversal is not None), returned)
    found = []
    for invoice, amount in wanted.items():
        first = kept.get(invoice) or Part(invoice, amount, given_up[0] if given_up else typed_at, None, *end)
        found.append(replace(first, amount=amount))
    for one in parts:
        if one.is_replaced and replacing.get(one.invoice_id) in wanted:
            new = replacing[one.invoice_id]
            is_whole = new in kept and kept[new].amount == one.amount
            found.append(replace(one, amount=wanted[new]) if is_whole else one)
    return found


@dataclass(frozen=True, slots=True)
class TakenBack:
    """An allocation that a later payment took back, as a part; `number` and `payment` name the invoice and the later payment."""

    id: UUID
    part: Part
    number: str
    payment: str


def with_taken_back(parts: Iterable[Part], taken: Iterable[TakenBack]) -> list[Part]:
    """The parts, among which what was taken back is a part of its own: it goes along, whichever allocations are given.

    InvalidInput where less is given of its invoice than was taken back.
    """
    found = list(parts)
    given = {one.invoice_id for one in found}
    for one in taken:
        fitting = [part for part in found if _fits(part, one.part)]
        if not fitting and one.part.invoice_id in given:
            words = (
                f"With payment {one.payment} the payer took back ${one.part.amount} of what this payment paid of invoice {one.number}: "
                "allocate at least as much to it, or leave it out, and what was taken back goes along"
            )
            raise InvalidInput(words, ("allocations",))
        if fitting:
            whole = max(fitting, key=lambda part: (part.amount == one.part.amount, part.at == one.part.at))
            found.remove(whole)
            rest = whole.amount - one.part.amount
            found += [replace(whole, amount=rest)] if rest else []
            found.append(replace(whole, amount=one.part.amount, taken_back=one.id))
        else:
            found.append(replace(one.part, taken_back=one.id))
    return found


def _fits(part: Part, taken: Part) -> bool:
    """Whether a part of the same invoice is at least what was taken back, and not taken back itself."""
    is_alike = (part.invoice_id, part.is_replaced) == (taken.invoice_id, taken.is_replaced)
    return is_alike and part.taken_back is None and part.amount >= taken.amount
