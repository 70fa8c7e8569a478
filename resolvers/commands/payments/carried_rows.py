"""Refunds and provider adjustments go along when their payment is corrected: they count on the right one, on their days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from db.write_batch import WriteBatch
from domain.errors import Conflict, InvalidInput
from domain.payments.recoupment import LOSS_CODE, RowReversal
from resolvers.commands.payments.provider_rows import RETURNED, STANDING, insert_row, reverse_row
from resolvers.commands.payments.refunds import STANDING_REFUNDS, check_may_refund, insert_refund, reverse_refund
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

_REFUNDS = f"{STANDING_REFUNDS} and r.cheque_id = $2 order by r.id"


@dataclass(frozen=True, slots=True)
class CarriedRows:
    """The refunds and provider adjustments of a payment that were not reversed, and those that its return has reversed."""

    refunds: list[Row]
    adjustments: list[Row]
    returned: list[Row]

    @property
    def used(self) -> Decimal:
        """What of the payment they use, or used until its return, in US dollars; what was given up after a refund uses nothing of it."""
        refunded = sum((row["amount"] for row in self.refunds), Decimal(0))
        return refunded - sum((row["amount"] for row in (*self.adjustments, *self.returned)), Decimal(0))

    def carry(
        self, work: UnitOfWork, writes: WriteBatch, wrong: Row, right: Mapping[str, Any], lowered_on: date
    ) -> None:
        """Reverse them on the wrong payment, on their own days, so that they count on no day there, and add them to the right one.

        `lowered_on` is from when on the right one has what it takes back of earlier payments.
        """
        for row in self.refunds:
            reverse_refund(work, writes, row, row["refunded_on"], RowReversal.CORRECTED)
            insert_refund(work, writes, right["id"], row, row["refunded_on"], carries_id=row["id"])
        for row in self.adjustments:
            reverse_row(work, writes, wrong["id"], row, row["effective_on"], RowReversal.CORRECTED)
            insert_row(work, writes, right["id"], row, _counts_on(row, right, lowered_on), carries_id=row["id"])
        for row in self.returned:
            on = _counts_on(row, right, lowered_on)
            identity = insert_row(work, writes, right["id"], row, on, carries_id=row["id"])
            again = {**row, "id": identity}
            reverse_row(work, writes, right["id"], again, max(right["returned_on"], on), RowReversal.RETURNED)


def _counts_on(row: Row, right: Mapping[str, Any], lowered_on: date) -> date:
    """From when on a provider adjustment counts on the right payment."""
    received_on: date = lowered_on if row["amount"] < 0 else right["received_on"]
    return row["effective_on"] if row["code"] == LOSS_CODE else received_on


async def find_carried(work: UnitOfWork, wrong: Row, right: Mapping[str, Any], *, is_held: bool) -> CarriedRows:
    """The rows that go along to the right payment, whose columns are given; refused where they do not fit it."""
    identity = wrong["id"]
    returned = await work.all(RETURNED, identity) if wrong["returned_on"] else []
    found = CarriedRows(await work.all(_REFUNDS, identity), await work.all(STANDING, identity), returned)
    if not found.refunds and not found.adjustments and not found.returned:
        return found
    check_may_refund(work, found.refunds)
    if right["payer_id"] != wrong["payer_id"]:
        words = "This payment was refunded or has rows of a remittance, which belong to its payer: the payer cannot be corrected"
        raise Conflict(f"{words}; return the refund first (returnRefund)" if found.refunds else words, ("payer_id",))
    if is_held:
        raise Conflict("This payment was refunded or has rows of a remittance: it was not held", ("cheque_date",))
    first = min((row["refunded_on"] for row in found.refunds), default=None)
    if first is not None and first < right["received_on"]:
        raise InvalidInput(f"A part of the payment was refunded on {first}: it was received by then", ("received_on",))
    return found
