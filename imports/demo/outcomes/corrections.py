"""Payments of the demo clinic that were typed wrong and corrected, and some that were allocated to the wrong invoice of a case."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.billing.cases import CaseStatus
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.amounts import effective_day
from domain.billing.ledger.facts import Receipt
from domain.ids import new_id
from domain.payments.cheques import CORRECTED, ReversalKind
from imports.demo.cases import CaseFile
from imports.demo.cheques import Cheque
from imports.demo.clinic import NAME, DemoClinic
from imports.demo.seeded_random import SeededRandom
from imports.history.corrections import correct
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import ZERO, noon_of

# One of so many payments that can be corrected, or moved, is.
_EVERY_CHEQUE, _EVERY_MOVE = 12, 3
_SWAPPED, _MISTAKEN = "Two digits of the amount were swapped", "Meant for the other invoice, says the firm"


class CorrectionDesk:
    """Corrects and moves some payments of one invoice each; its choices and ids leave the rest of the clinic as it is."""

    def __init__(self, clinic: DemoClinic) -> None:
        self.clinic, self._random = clinic, SeededRandom(len(NAME) + 3)
        self._cheques = self._moves = 0

    def follow(self, case: CaseFile, cheques: Mapping[UUID, Cheque]) -> Iterator[dict[str, Any]]:
        """Mend what is wrong in a case, of which all cheques are known; returns the rows of cheques that are right."""
        if case.row["status"] != CaseStatus.OPEN:
            return
        for history in case.histories:
            cheque = self._only(history, cheques)
            if cheque is None:
                continue
            meant = next((one for one in case.histories if self._may_be_meant(one, history, cheque)), None)
            if meant is not None:
                self._moves += 1
                if self._moves % _EVERY_MOVE == 1:
                    self._move(history, meant, cheque)
            elif (right := _unswapped(cheque.row["amount"])) is not None:
                self._cheques += 1
                if self._cheques % _EVERY_CHEQUE == 1:
                    yield from self._correct(history, cheque, right)

    def _only(self, history: InvoiceHistory, cheques: Mapping[UUID, Cheque]) -> Cheque | None:
        """The cheque that alone pays the invoice, and nothing else, where that can be mended without other consequences."""
        is_paid = history.status in (InvoiceStatus.PENDING_CHEQUE, InvoiceStatus.CHEQUE_RECEIVED)
        if not is_paid or len(history.received_by_cheque) != 1 or not self._is_plain(history):
            return None
        cheque = cheques[next(iter(history.received_by_cheque))]
        is_whole = len(cheque.paid) == 1 and cheque.row["amount"] == history.received
        is_own = cheque.row["payer_id"] == history.row["payer_id"] and cheque.row["returned_on"] is None
        is_one = len(history.receipts_of(cheque.row["id"])) == 1
        return cheque if is_whole and is_own and is_one else None

    def _may_be_meant(self, other: InvoiceHistory, paid: InvoiceHistory, cheque: Cheque) -> bool:
        """Whether another invoice was due to be paid by the same payer before the cheque came."""
        is_due = other.status is InvoiceStatus.PENDING_CHEQUE and other.received == 0 and self._is_plain(other)
        is_same = other is not paid and other.row["payer_id"] == cheque.row["payer_id"]
        return is_due and is_same and other.last_day < cheque.row["received_on"]

    def _is_plain(self, history: InvoiceHistory) -> bool:
        """Whether a law firm or a patient has owed it from the beginning, without conditions and adjustments."""
        known = history.facts.known
        is_insured = history.row["payer_id"] in self.clinic.insurances
        is_settled = bool(known.adjustments or known.write_offs or len(known.responsibilities) > 1)
        return not is_insured and not is_settled and history.row["conditional_until"] is None

    def _correct(self, history: InvoiceHistory, cheque: Cheque, right: Decimal) -> Iterator[dict[str, Any]]:
        """The bank's statement shows the right amount; a part of the invoice is due again."""
        on = self._day(history)
        if on > self.clinic.today:
            return
        [part] = history.receipts_of(cheque.row["id"])
        row = {**cheque.row, "id": self._id(on), "amount": right, "applied_amount": right}
        receipt = replace(part, id=self._id(on), amount=right)
        of = {"removed": [(cheque.row["id"], part)], "added": [(row["id"], receipt)]}
        at = correct(history, on, ReversalKind.CORRECTED, _SWAPPED, self._random, **of)
        cheque.row |= {"returned_on": cheque.row["received_on"], "return_reason": _SWAPPED, "return_kind": CORRECTED}
        cheque.row |= {"returned_at": at, "corrected_at": at, "applied_amount": ZERO}
        yield row | {"recorded_at": at, "corrects_id": cheque.row["id"], "correction_reason": _SWAPPED}

    def _move(self, paid: InvoiceHistory, meant: InvoiceHistory, cheque: Cheque) -> None:
        """What is due of the other invoice is moved there; the rest stays."""
        on = max(self._day(paid), meant.last_day)
        if on > self.clinic.today:
            return
        identity: UUID = cheque.row["id"]
        [part] = paid.receipts_of(identity)
        moved = replace(part, id=self._id(on), amount=min(part.amount, meant.unpaid))
        moved = replace(moved, effective_on=effective_day(cheque.row["received_on"], meant.start.created_on))
        rest = list[tuple[UUID, Receipt]]()
        if moved.amount < part.amount:
            rest.append((identity, replace(part, id=self._id(on), amount=part.amount - moved.amount)))
        how = (on, ReversalKind.MOVED, _MISTAKEN, self._random)
        correct(paid, *how, removed=[(identity, part)], added=rest)
        correct(meant, *how, added=[(identity, moved)])

    def _day(self, history: InvoiceHistory) -> date:
        history.by = self.clinic.users[Role.BILLING]
        return history.last_day + timedelta(days=self._random.between(2, 12))

    def _id(self, on: date) -> UUID:
        return new_id(noon_of(on), self._random.getrandbits)


def _unswapped(amount: Decimal) -> Decimal | None:
    """The amount with the last two digits of its dollars in the other order, if that is less."""
    tens, ones = int(amount) // 10 % 10, int(amount) % 10
    return amount - 9 * (tens - ones) if amount >= 100 and tens > ones else None
