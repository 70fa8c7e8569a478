"""Finds the decisions that a fact from outside would have prevented, had it been known: they stand, and are named (decision 21).

A fact that counts on or before the day of a decision, and was recorded after it, contradicts the decision where the decision would
have been refused with it, or would have been about another amount. A submission is named by the transfer or the agreement beside
it, and no money can be recorded for a void invoice.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.billing.ledger.amounts import Ledger, is_in_present_round, ledger_of
from domain.billing.ledger.facts import (
    AdjustmentKind,
    Agreement,
    AgreementEnd,
    AgreementKind,
    Facts,
    Receipt,
)


class OutsideFact(StrEnum):
    """What happened outside of the clinic, and may be recorded late."""

    RECEIPT = "receipt"
    RETURN = "return"
    DENIAL = "denial"
    CORRECTION = "correction"
    ADJUSTMENT = "adjustment"


class Decision(StrEnum):
    """What was decided about an invoice by what was known then."""

    TRANSFER = "transfer"
    AGREEMENT = "agreement"
    REOPENING = "reopening"
    LAPSE = "lapse"
    SMALL_BALANCE = "small_balance"
    WRITE_OFF = "write_off"


@dataclass(frozen=True, slots=True)
class LateFact:
    """A fact that was recorded late, and a decision that it contradicts, each with its day.

    `amount` is by how much a return makes the agreed reduction larger, in US dollars.
    """

    fact: OutsideFact
    fact_on: date
    decision: Decision
    decided_on: date
    amount: Decimal | None = None

    @property
    def words(self) -> str:
        """What contradicts what, and the step that helps."""
        return f"{FACT_WORDS[self.fact]} {self.fact_on} {RECORDED} {DECISION_WORDS[self.decision]} {self.decided_on}{HELPS[self.decision]}"


# The words of the action item, around the two days; the action items say the same in SQL.
FACT_WORDS = {
    OutsideFact.RECEIPT: "The payment of",
    OutsideFact.RETURN: "The return of",
    OutsideFact.DENIAL: "The denial of",
    OutsideFact.CORRECTION: "The correction of a payment of",
    OutsideFact.ADJUSTMENT: "The adjustment of",
}
RECORDED = "was recorded after"
DECISION_WORDS = {
    Decision.TRANSFER: "the transfer of",
    Decision.AGREEMENT: "the agreement of",
    Decision.REOPENING: "the reopening of the negotiation on",
    Decision.LAPSE: "the lapse of the agreement on",
    Decision.SMALL_BALANCE: "the closing of a small balance on",
    Decision.WRITE_OFF: "the write-off of",
}
HELPS = {
    Decision.TRANSFER: ", which it contradicts: tell the new payer, or transfer the balance back",
    Decision.AGREEMENT: ", which it contradicts: keep the agreement, or reopen the negotiation",
    Decision.REOPENING: ", which it contradicts: agree on what the payer has paid, or go on negotiating",
    Decision.LAPSE: ", which it contradicts: agree on the same amount again, or answer the newer offer",
    Decision.SMALL_BALANCE: ", which it contradicts: check what is due",
    Decision.WRITE_OFF: ", which it contradicts: settle the case, or reverse the write-off if it still stands",
}


@dataclass(frozen=True, slots=True)
class _Decided:
    """A decision about an invoice; `until` is the last day of the facts that it should have considered."""

    kind: Decision
    on: date
    at: datetime
    until: date
    amount: Decimal | None = None


def contradicted_by_money(before: Facts, after: Facts) -> tuple[LateFact, ...]:
    """The decisions that the receipts or the reversals contradict which `after` has, and `before` has not."""
    new = after.receipts[len(before.receipts) :]
    if not new:
        return ()
    kind = OutsideFact.RECEIPT if new[0].reverses_id is None else OutsideFact.RETURN
    first = min(one.effective_on for one in new)
    decided = [one for one in _decisions(after) if one.until >= first and one.at < new[0].recorded_at]
    if sum(one.amount for one in new) < 0:
        # What is returned on the day of an agreement, and recorded after it, is owed again and is not given away.
        decided = [one for one in decided if one.kind is not Decision.AGREEMENT or one.on > first]
    # The return of a payment that had taken money back restores what was received: it leaves less to pay, too.
    is_less = sum(one.amount for one in new) > 0
    found = _contradicted(kind, first, decided, before, after, is_less=is_less)
    lapsed = (LateFact(kind, one.effective_on, Decision.LAPSE, on) for one in new for on in _lapsed_before(after, one))
    return (*found, *lapsed)


def contradicted_by_adjustments(before: Facts, after: Facts) -> tuple[LateFact, ...]:
    """The decisions that the contractual adjustments contradict which `after` has, and `before` has not."""
    new = after.adjustments[len(before.adjustments) :]
    first = min(one.effective_on for one in new)
    decided = [one for one in _decisions(after) if one.until >= first and one.at < new[0].recorded_at]
    is_less = sum(one.amount for one in new) > 0
    return (*_contradicted(OutsideFact.ADJUSTMENT, first, decided, before, after, is_less=is_less),)


def _contradicted(
    kind: OutsideFact, first: date, decided: Sequence[_Decided], before: Facts, after: Facts, *, is_less: bool
) -> Iterator[LateFact]:
    """The decisions that would have been others with what differs between the facts, which leaves less or more to pay."""
    for one in decided:
        is_wrong, amount = _contradiction(one, _then(before, one), _then(after, one), is_less=is_less)
        if is_wrong:
            yield LateFact(kind, first, one.kind, one.on, amount)


def contradicted_by_correction(before: Facts, after: Facts, changed: Collection[Receipt]) -> tuple[LateFact, ...]:
    """The decisions that would have been refused, or about another amount, had the receipts been typed right from the beginning.

    `changed` are the receipts that the correction takes away or adds.
    """
    if not changed:
        return ()
    kind, first = OutsideFact.CORRECTION, min(one.effective_on for one in changed)
    found = []
    for one in _decisions(after):
        was, now = _then(before, one), _then(after, one)
        # What is paid less is as if it had been returned.
        is_refused, _ = _contradiction(one, was, now, is_less=True)
        is_larger, amount = _contradiction(one, was, now, is_less=False)
        if is_refused or is_larger:
            found.append(LateFact(kind, first, one.kind, one.on, None if is_refused else amount))
    new = [one for one in after.receipts if one in changed]
    lapsed = {on for one in new for on in _lapsed_before(after, one)}
    return (*found, *(LateFact(kind, first, Decision.LAPSE, on) for on in sorted(lapsed)))


def contradicted_by_denial(facts: Facts, denied_on: date) -> tuple[LateFact, ...]:
    """The agreement of the present payer that a denial contradicts, which was recorded late."""
    agreement = facts.agreement
    if agreement is None or not facts.responsibilities[-1].from_on <= denied_on < agreement.agreed_on:
        return ()
    return (LateFact(OutsideFact.DENIAL, denied_on, Decision.AGREEMENT, agreement.agreed_on),)


def _decisions(facts: Facts) -> Iterator[_Decided]:
    """The decisions that changed who owes what, and those that stand, of all others."""
    for turn in facts.responsibilities[1:]:
        yield _Decided(Decision.TRANSFER, turn.from_on, turn.recorded_at, turn.from_on)
    for ended in facts.agreements:
        if ended.ended_by is AgreementEnd.REOPENED and ended.ended_on and ended.ended_at:
            # What is received on that day, and recorded after the reopening, is paid after it.
            until = ended.ended_on - timedelta(days=1)
            yield _Decided(Decision.REOPENING, ended.ended_on, ended.ended_at, until)
    agreement, write_off, small = facts.agreement, facts.write_off, AdjustmentKind.SMALL_BALANCE
    if agreement is not None and agreement.kind is not AgreementKind.CONTINUED:
        on = agreement.agreed_on
        yield _Decided(Decision.AGREEMENT, on, agreement.recorded_at, on, agreement.amount)
    given_up = [one for one in facts.adjustments if one.kind is small]
    if sum(one.amount for one in given_up) > 0:
        last = max((one for one in given_up if one.amount > 0), key=lambda one: one.number)
        yield _Decided(Decision.SMALL_BALANCE, last.effective_on, last.recorded_at, last.effective_on, last.amount)
    if write_off is not None:
        on = write_off.written_off_on
        yield _Decided(Decision.WRITE_OFF, on, write_off.recorded_at, on)


def _then(facts: Facts, decided: _Decided) -> Ledger | None:
    """The amounts when it was decided, with the receipts and adjustments that should have been known; None where its payers are not known."""
    known = _as_decided(facts, decided.at)
    counted = [one for one in facts.receipts if one.recorded_at < decided.at or one.effective_on <= decided.until]
    late = [one for one in facts.contractual if one.recorded_at >= decided.at and one.effective_on <= decided.until]
    adjustments = (*known.adjustments, *late)
    return (
        ledger_of(replace(known, receipts=tuple(counted), adjustments=adjustments)) if known.responsibilities else None
    )


def _as_decided(facts: Facts, at: datetime) -> Facts:
    """The decisions before a moment, as they stood then; what is decided is never written off."""
    return replace(
        facts,
        responsibilities=tuple(one for one in facts.responsibilities if one.recorded_at < at),
        agreements=tuple(_as_it_stood(one, at) for one in facts.agreements if one.recorded_at < at),
        adjustments=tuple(one for one in facts.adjustments if one.recorded_at < at),
        write_offs=(),
    )


def _as_it_stood(agreement: Agreement, at: datetime) -> Agreement:
    return agreement if agreement.ended_at is None or agreement.ended_at < at else agreement.without_end()


def _contradiction(
    decided: _Decided, before: Ledger | None, after: Ledger | None, *, is_less: bool
) -> tuple[bool, Decimal | None]:
    """Whether a decision is contradicted by what differs between two ledgers, and by how much its reduction grows."""
    if before is None or after is None:
        return False, None
    if is_less:
        return not _is_refused(decided, before) and _is_refused(decided, after), None
    if decided.amount is None:
        return False, None
    if decided.kind is Decision.AGREEMENT:
        more = after.open_part - max(before.open_part, decided.amount)
        return more > 0, max(more, Decimal(0))
    return decided.kind is Decision.SMALL_BALANCE and after.balance > decided.amount >= before.balance, None


def _is_refused(decided: _Decided, then: Ledger) -> bool:
    """Whether a decision is refused: less is open than the amount that is agreed upon, or nothing is left for another decision."""
    if decided.kind is Decision.AGREEMENT:
        # What its payer paid before is a part of the amount.
        return decided.amount is not None and decided.amount > then.open_part
    return then.balance <= 0


def _lapsed_before(facts: Facts, receipt: Receipt) -> Iterator[date]:
    """The days on which agreements lapsed although a receipt was in time; the agreement that it revives has not lapsed."""
    for one in facts.agreements:
        if one.ended_by is not AgreementEnd.LAPSED or one.ended_at is None or one.conditional_until is None:
            continue
        is_in_time = receipt.reverses_id is None and receipt.effective_on <= one.conditional_until
        if is_in_time and is_in_present_round(_as_decided(facts, one.ended_at), receipt) and one.ended_on:
            yield one.ended_on
