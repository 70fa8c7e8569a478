"""What later payments took back goes along when one of the two payments is corrected: it is about the right one, on its days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.write_batch import WriteBatch
from domain.billing.ledger.amounts import effective_day
from domain.billing.ledger.facts import Receipt
from domain.errors import Conflict, InvalidInput
from domain.ids import new_id
from domain.payments.cheques import ReversalKind
from domain.payments.corrections import Part, TakenBack, with_taken_back
from resolvers.commands.corrections.changes import Change, reverse, rows_of
from resolvers.commands.payers import are_one_payer
from resolvers.commands.payments.taken_back import restored_row
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

_AGAIN = "return that payment first (returnCheque), and record it again"


@dataclass
class Taken:
    """What later payments took back of the payment that is corrected (`of`), and what it took back of earlier ones (`by`).

    `receipts` are the right allocations, each with its reversals, by the id of the one that was taken back, at times more than once.
    """

    of: Sequence[Row]
    by: Sequence[Row]
    receipts: dict[UUID, list[tuple[Receipt, ReversalKind | None]]] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        """What the payment uses of what it took back, in US dollars, at most 0; the payer owes it where an earlier payment was returned."""
        return sum((one["amount"] for one in self.by), Decimal(0))

    def lowered_on(self, received_on: date) -> date:
        """From when on a payment that is received on a day has what it takes back: of a younger invoice, since that was paid."""
        paid: list[date] = [one["paid_on"] for one in self.by]
        return max([received_on, *paid])

    def check_not_held(self) -> None:
        """Refuse a payment that is held after all: nothing is taken back with it, or of it."""
        for one in (*self.of, *self.by):
            words = f"With payment {one['later_number']} the payer took money back of payment {one['earlier_number']}: neither was held"
            raise Conflict(words, ("cheque_date",))

    def along(self, parts: Sequence[Part], own: Sequence[Row]) -> list[Part]:
        """The parts of the right payment, with what was taken back; `own` are the rows of the wrong one."""
        if not self.of:
            return list(parts)
        back = {one["reverses_id"]: one for one in own if one["reverses_id"] is not None}
        paid = {one["id"]: _part(one, back.get(one["id"])) for one in own}
        last = {one["reverses_id"]: (one["number"], one["later_number"]) for one in self.of}
        return with_taken_back(parts, (TakenBack(identity, paid[identity], *names) for identity, names in last.items()))

    async def carry(
        self, work: UnitOfWork, writes: WriteBatch, right: Mapping[str, Any], changes: Mapping[UUID, Change]
    ) -> list[Row]:
        """Add what was taken back to the changes; returns the rows of the later payments, of whose moments are facts."""
        known, last = list[Row](), {one["reverses_id"]: one["id"] for one in self.of}
        for one in self.by:
            change, paid = changes[one["invoice_id"]], (one["reverses_id"], one["paid_on"], one["coverage_id"])
            days = (right["received_on"], right.get("returned_on") if _is_by_later(one) else one["earlier_returned_on"])
            new = _again(change.row, one, paid, days)
            change.added.extend((replace(receipt, payer_id=right["payer_id"]), kind) for receipt, kind in new)
        for one in self.of:
            change, ((receipt, _), *reversals) = changes[one["invoice_id"]], self._of(one)
            removed = [one, *([restored_row(one)] if one["restored_id"] else [])]
            for row in removed:
                change.removed.append(row)
                reverse(work, writes, change.row, row, ReversalKind.MOVED)
            days = (
                one["later_received_on"],
                one["later_returned_on"] if _is_by_later(one) else right.get("returned_on"),
            )
            new = _again(change.row, one, (receipt.id, receipt.effective_on, receipt.coverage_id), days)
            change.of_others.extend((one["cheque_id"], *row) for row in new)
            for back, kind in reversals:
                if kind is ReversalKind.REPLACED and last[one["reverses_id"]] == one["id"]:
                    # Of a void invoice, which takes nothing again: on the day on which it would have been restored.
                    moved = (replace(back, effective_on=new[-1][0].effective_on), kind)
                    change.added[change.added.index((back, kind))] = moved
            known += [row for row in await rows_of(work, one["cheque_id"]) if row not in known]
        return known

    def _of(self, one: Row) -> list[tuple[Receipt, ReversalKind | None]]:
        """The right allocation that was taken back, with its reversals; of a void invoice, only a payer of it has one."""
        if one["reverses_id"] not in self.receipts:
            words = f"Payment {one['later_number']} had taken back what this payment paid of invoice {one['number']}, which is void"
            raise Conflict(f"{words}: the payer cannot be corrected", ("payer_id",))
        return self.receipts[one["reverses_id"]]


def _part(row: Row, back: Row | None) -> Part:
    part = Part(row["invoice_id"], row["amount"], row["at"], row["coverage_id"])
    return part if back is None else replace(part, reversed_at=back["at"], reversal=ReversalKind(back["reversal_kind"]))


def _is_by_later(one: Row) -> bool:
    """Whether what was taken back was restored by the return of the later payment, and not of the earlier one."""
    returned_on: date | None = one["later_returned_on"]
    return returned_on is not None and one["restored_on"] == max(returned_on, one["effective_on"])


def _again(
    row: Row, one: Row, paid: tuple[UUID, date, UUID | None], days: tuple[date, date | None]
) -> list[tuple[Receipt, ReversalKind]]:
    """The rows that take an allocation back, and restore it where that was done: `paid` are its id, day and coverage.

    `days` are the receipt of the later payment, and the return that restored it.
    """
    allocation, paid_on, coverage = paid
    known = {receipt.id: receipt for receipt in row["facts"].receipts}
    on = max(effective_day(days[0], row["created_on"]), paid_on)
    taken = replace(known[one["id"]], id=new_id(), effective_on=on, reverses_id=allocation, coverage_id=coverage)
    found = [(taken, ReversalKind.TAKEN_BACK)]
    if one["restored_id"] is not None:
        assert days[1] is not None, "what restored it was the return of one of the two"
        back = replace(known[one["restored_id"]], id=new_id(), effective_on=max(days[1], on), reverses_id=taken.id)
        found.append((replace(back, coverage_id=coverage), ReversalKind.RETURNED))
    return found


async def find_taken(work: UnitOfWork, links: Sequence[Row], wrong: Row, right: Mapping[str, Any]) -> Taken:
    """What was taken back of a payment and by it; refused where it does not fit the columns that are right."""
    found = Taken(
        [one for one in links if one["earlier_id"] == wrong["id"]],
        [one for one in links if one["cheque_id"] == wrong["id"]],
    )
    for one in found.of:
        words = f"With payment {one['later_number']} of {one['later_received_on']} the payer took back what this payment paid of invoice"
        if right["received_on"] > max(one["later_received_on"], wrong["received_on"]):
            raise InvalidInput(f"{words} {one['number']}: it was received by then", ("received_on",))
        if one["restored_id"] is None and not await are_one_payer(work, right["payer_id"], one["later_payer_id"]):
            raise Conflict(f"{words} {one['number']}: {_AGAIN}", ("payer_id",))
    for one in found.by:
        words = f"With this payment the payer took back what payment {one['earlier_number']} paid of invoice {one['number']}"
        if right["received_on"] < min(one["paid_on"], wrong["received_on"]):
            raise InvalidInput(f"{words} on {one['paid_on']}: it was not received before that day", ("received_on",))
        if one["restored_id"] is None and not await are_one_payer(work, right["payer_id"], one["earlier_payer_id"]):
            words = f"{words}, which is of its payer: return this payment (returnCheque), and record it again with the right payer"
            raise Conflict(words, ("payer_id",))
    return found
