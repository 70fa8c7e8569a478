"""The command that corrects a payment: another one takes the place of one that was typed wrong, at any state of it and of its invoices."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from domain.billing.ledger.amounts import effective_day
from domain.billing.ledger.facts import Receipt
from domain.billing.money import format_money
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import PaymentMethod, ReversalKind
from domain.payments.corrections import Part, replaced_parts
from resolvers.commands.billing.cheques import lock_settled, lock_with_paid, patients_of
from resolvers.commands.corrections.changes import (
    Change,
    Locked,
    apply_changes,
    check_may_pay,
    counting,
    may_pay,
    record_after,
    reversals_of,
    reverse,
    rows_of,
)
from resolvers.commands.corrections.taken_along import Taken, find_taken
from resolvers.commands.documents import consume
from resolvers.commands.payments.carried_rows import find_carried
from resolvers.commands.payments.corrected_payments import WRONG, corrected_payment, marks_of
from resolvers.commands.payments.covered_payments import PayerCoverages, find_coverages
from resolvers.commands.payments.payments import refuse_corrected, warn_of_similar
from resolvers.commands.payments.taken_back import check_taken_back, lock_with_linked
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

_TYPED_AT = """with recursive chain as (select clinic_id, corrects_id, recorded_at, returned_at, return_kind from cheques
            where clinic_id = $1 and id = $2
        union all select c.clinic_id, c.corrects_id, c.recorded_at, c.returned_at, c.return_kind from cheques c join chain n
            on n.clinic_id = c.clinic_id and n.corrects_id = c.id)
    select min(recorded_at) as at, min(returned_at) filter (where return_kind is distinct from 'corrected') as returned_at from chain"""
# The payments of remittances that are posted to a payment.
_POSTED = "select id from remittance_payments where clinic_id = $1 and cheque_id = $2 order by id"
_HELD = "A post-dated cheque is held until its deposit is recorded, and pays nothing: give no allocations ([]) as well"


@dataclass
class _Right:
    """The payment that is right: its columns, what it pays, and who of the patients its payer is."""

    columns: Mapping[str, Any]
    parts: Sequence[Part]
    patients: Collection[UUID]
    # From when on it has what it takes back of earlier payments.
    lowered_on: date

    @property
    def payer_id(self) -> UUID:
        """Its payer."""
        identity: UUID = self.columns["payer_id"]
        return identity

    def receipts(self, row: Row, part: Part, coverage: UUID | None) -> Iterable[tuple[Receipt, ReversalKind | None]]:
        """What a part pays of a locked invoice, and its reversal, if it has one."""
        on = effective_day(self.lowered_on, row["created_on"])
        is_patient = row["patient_id"] in self.patients
        identity = new_id()
        known = Receipt(identity, self.payer_id, part.amount, on, part.at, None, coverage, is_patient)
        yield known, None
        if part.reversal is not None and part.reversed_at is not None:
            is_return = part.reversal is ReversalKind.RETURNED
            on = max(self.columns["returned_on"], on) if is_return else on
            back = replace(known, id=new_id(), amount=-part.amount, reverses_id=identity)
            yield replace(back, effective_on=on, recorded_at=part.reversed_at), part.reversal


async def correct(work: UnitOfWork) -> UUID:
    """Correct what was typed wrong of a payment; its allocations and its return go along to the right one."""
    identity: UUID = work.inputs["cheque_id"]
    # Documents are locked first, by all commands.
    if work.inputs.get("document_id") is not None:
        await consume(work)
    # What is posted to the payment is locked first, as when it is posted.
    posted = await work.all(f"{_POSTED} for no key update", identity)
    cases = {one["case_id"] for one in await rows_of(work, identity) if one["cheque_id"] == identity}
    # All commands lock cases before cheques, and cheques before invoices.
    settled = await lock_settled(work, cases)
    links = await lock_with_linked(work, identity)
    wrong, known = await _locked(work, identity, posted), await rows_of(work, identity)
    record_after(work, known)
    of_wrong = [one for one in known if one["cheque_id"] == identity]
    own = counting(of_wrong)
    if not {one["case_id"] for one in own} <= cases:
        raise Conflict("More of this payment has just been allocated: read it again", ("cheque_id",))
    columns, receipt = await corrected_payment(work, wrong)
    taken = await find_taken(work, links, wrong, columns)
    parts = taken.along(await _parts(work, wrong, own), own)
    if receipt.is_held:
        taken.check_not_held()
        if any(not one.is_replaced for one in parts):
            raise InvalidInput(_HELD, ("allocations",))
        parts = []
    carried = await find_carried(work, wrong, columns, is_held=receipt.is_held)
    _check_sum(parts, columns["amount"], carried.used + taken.amount)
    involved = {*(one["invoice_id"] for one in own), *(one.invoice_id for one in parts)}
    locked = await lock_with_paid(work, involved, settled)
    await check_taken_back(work, identity, links)
    changes = {one: Change(locked[one]) for one in sorted(involved)}
    await _take_away(work, wrong, of_wrong, changes)
    patients, lowered_on = await patients_of(work, columns["payer_id"]), taken.lowered_on(columns["received_on"])
    right = _Right({"id": new_id(work.moment), **columns}, parts, patients, lowered_on)
    await _warn(work, wrong, right)
    await _bring_along(work, wrong, right, own, changes, taken)
    writes = work.writes()
    known += await taken.carry(work, writes, right.columns, changes)
    writes.insert("cheques", recorded_at=work.moment, **right.columns)
    for remitted in posted:
        writes.update("remittance_payments", {"id": remitted["id"]}, cheque_id=right.columns["id"])
    carried.carry(work, writes, wrong, right.columns, right.lowered_on)
    apply_changes(work, writes, "correct_cheque", right.columns["id"], changes, known, Locked(settled, locked))
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("Another payment of this payer has this number", ("number",)) from error
    found: UUID = right.columns["id"]
    return found


async def _locked(work: UnitOfWork, identity: UUID, posted: Sequence[Row]) -> Row:
    """The wrong payment, locked, to which no more was posted while its lock was waited for."""
    row: Row | None = await work.one(WRONG, identity)
    if row is None:
        raise NotFound("There is no such cheque", ("cheque_id",))
    await refuse_corrected(work, row)
    if await work.all(_POSTED, identity) != posted:
        raise Conflict("A remittance has just been posted to this payment: read it again", ("cheque_id",))
    return row


async def _parts(work: UnitOfWork, wrong: Row, own: list[Row]) -> list[Part]:
    """What the right payment pays: the same as the wrong one, or what the input says."""
    back, found = reversals_of(own), list[Part]()
    for one in own:
        if one["reverses_id"] is None:
            part = Part(one["invoice_id"], one["amount"], one["at"], one["coverage_id"])
            if end := back.get(one["id"]):
                part = replace(part, reversed_at=end["at"], reversal=ReversalKind(end["reversal_kind"]))
            found.append(part)
    given = work.inputs.get("allocations")
    if given is None:
        return found
    amounts = {part["invoice_id"]: part["amount"] for part in given}
    if len(amounts) != len(given):
        raise InvalidInput("An invoice is listed twice", ("allocations",))
    typed = await work.one(_TYPED_AT, wrong["id"])
    returned_at = typed["returned_at"] or typed["at"] if wrong["returned_on"] else None
    replacing = {one["invoice_id"]: one["replaced_by"] for one in own if one["replaced_by"]}
    return replaced_parts(found, amounts, typed["at"], replacing, returned_at)


def _check_sum(parts: Iterable[Part], amount: Decimal, carried: Decimal) -> None:
    """`carried` is what its refunds and the rows of its remittance use of it, in US dollars."""
    total = sum((one.amount for one in parts if not one.is_replaced), Decimal(0)) + carried
    if total > amount:
        word = "used" if carried else "allocated"
        words = (
            f"${format_money(total)} of the payment is {word}, which is more than its amount: give other allocations"
        )
        raise InvalidInput(words, ("allocations",))


async def _take_away(work: UnitOfWork, wrong: Row, own: list[Row], changes: Mapping[UUID, Change]) -> None:
    """Mark the wrong payment, and reverse all of its rows, in a statement of its own: a number is that of one payment at a time."""
    writes = work.writes()
    writes.update("cheques", {"id": wrong["id"]}, **marks_of(work, wrong))
    for one in counting(own):
        changes[one["invoice_id"]].removed.append(one)
        reverse(work, writes, changes[one["invoice_id"]].row, one, ReversalKind.CORRECTED)
    await writes.run(work.connection)


async def _warn(work: UnitOfWork, wrong: Row, right: _Right) -> None:
    named = [right.columns[name] != wrong[name] for name in ("number", "payer_id", "method")]
    if any(named) and right.columns["method"] != PaymentMethod.CASH:
        await warn_of_similar(work, right.payer_id, right.columns["number"])


async def _bring_along(
    work: UnitOfWork, wrong: Row, right: _Right, own: list[Row], changes: Mapping[UUID, Change], taken: Taken
) -> None:
    """Add what the right payment pays to the changes, each under a coverage of its payer."""
    parts = [one for one in right.parts if not one.is_replaced or may_pay(changes[one.invoice_id].row, *_payer(right))]
    check_may_pay([changes[one.invoice_id].row for one in parts], *_payer(right))
    cases = [changes[one.invoice_id].row["case_id"] for one in parts]
    coverages = await find_coverages(work, right.payer_id, cases)
    if (chosen := work.inputs.get("coverage_id")) and coverages.rows.get(chosen, {}).get("case_id") not in cases:
        raise InvalidInput("The payer has no such coverage in a case of its allocations", ("coverage_id",))
    before = {one["invoice_id"]: one for one in own if one["reverses_id"] is None}
    for part in parts:
        row, was = changes[part.invoice_id].row, before.get(part.invoice_id)
        is_kept = was is not None and right.payer_id == wrong["payer_id"]
        coverage = _coverage_of(work, row, part, coverages, is_kept=is_kept)
        is_more = was is None or (coverage, part.amount) != (was["coverage_id"], was["amount"])
        if part.reversal is None and is_more and part.taken_back is None:
            coverages.pay(work, coverage, part.amount, ("allocations",))
        receipts = list(right.receipts(row, part, coverage))
        changes[part.invoice_id].added.extend(receipts)
        if part.taken_back is not None:
            taken.receipts[part.taken_back] = receipts


def _payer(right: _Right) -> tuple[UUID, Collection[UUID]]:
    return right.payer_id, right.patients


def _coverage_of(work: UnitOfWork, row: Row, part: Part, coverages: PayerCoverages, *, is_kept: bool) -> UUID | None:
    """The coverage under which a part counts: the one of the input, or that of before, or the payer's only one."""
    given = (one.get("coverage_id") for one in work.inputs.get("allocations") or () if one["invoice_id"] == row["id"])
    wanted = next(given, None)
    chosen = work.inputs.get("coverage_id")
    if wanted is None and chosen is not None and coverages.rows[chosen]["case_id"] == row["case_id"]:
        wanted = chosen
    return part.coverage_id if wanted is None and is_kept else coverages.coverage_of(row["case_id"], wanted)
