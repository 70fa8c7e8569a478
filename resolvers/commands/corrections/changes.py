"""What a correction changes of invoices: receipts give way to others, and paid invoices of a case are open again where they are due."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from db.write_batch import WriteBatch
from domain.billing.effects.corrections import Corrected
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import Receipt
from domain.errors import DomainError, InvalidInput
from domain.ids import new_id
from domain.payments.cheques import ReversalKind
from resolvers.commands.billing.cheques import insert_allocation, reopen_cases
from resolvers.commands.transitions import Row, moment_of, move
from resolvers.commands.unit_of_work import UnitOfWork

# All that a payment paid, and what those paid that it corrects; the reversals included.
_ROWS = """with recursive chain as (select clinic_id, id, corrects_id from cheques where clinic_id = $1 and id = $2
        union all select c.clinic_id, c.id, c.corrects_id from cheques c join chain n
            on n.clinic_id = c.clinic_id and n.corrects_id = c.id)
    select a.id, a.cheque_id, a.invoice_id, a.amount, a.coverage_id, a.effective_on, a.recorded_at,
        coalesce(a.ordered_at, a.recorded_at) as at, a.reverses_id, coalesce(a.reversal_kind, 'returned') as reversal_kind,
        i.case_id, i.number, (select n.id from invoices n where n.clinic_id = i.clinic_id and n.replaces_id = i.id) as replaced_by
    from chain join cheque_allocations a on a.clinic_id = chain.clinic_id and a.cheque_id = chain.id
    join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id order by a.id"""


@dataclass
class Change:
    """What is changed of a locked invoice: the rows of allocations that were wrong, and the receipts and reversals that are right."""

    row: Row
    removed: list[Row] = field(default_factory=list)
    added: list[tuple[Receipt, ReversalKind | None]] = field(default_factory=list)
    # The rows of other payments that are right, each with its payment.
    of_others: list[tuple[UUID, Receipt, ReversalKind]] = field(default_factory=list)

    def corrected(self, known: Iterable[Row]) -> Corrected:
        """The same for the rules; among the `known` rows are those that an earlier correction had carried over."""
        ordered = {one["at"] for one in self.removed}
        of_same = (one for one in known if one["invoice_id"] == self.row["id"] and one["at"] in ordered)
        reversals = (*(receipt for receipt, kind in self.added if kind), *(receipt for _, receipt, _ in self.of_others))
        return Corrected(
            frozenset(one["id"] for one in self.removed),
            frozenset(one["recorded_at"] for one in of_same),
            tuple(receipt for receipt, kind in self.added if kind is None),
            reversals,
        )


@dataclass(frozen=True, slots=True)
class Locked:
    """The cases that are not open, and the invoices, which a correction may change, locked."""

    cases: Mapping[UUID, Row]
    invoices: Mapping[UUID, Row]


async def rows_of(work: UnitOfWork, cheque: UUID) -> list[Row]:
    """The allocations and reversals of a payment, and of those that it corrects, in the order in which they were recorded."""
    found: list[Row] = await work.all(_ROWS, cheque)
    return found


def record_after(work: UnitOfWork, rows: Iterable[Row]) -> None:
    """Record the correction after all that it corrects, whichever request began first."""
    last = max((one["recorded_at"] for one in rows), default=work.moment)
    work.moment = max(work.moment, last + timedelta(microseconds=1))


def reversals_of(rows: Iterable[Row]) -> dict[UUID, Row]:
    """The reversal of each allocation that was reversed."""
    return {one["reverses_id"]: one for one in rows if one["reverses_id"] is not None}


def counting(rows: list[Row]) -> list[Row]:
    """The rows without allocations that were moved: those never counted."""
    back = reversals_of(rows)
    moved = {identity for identity, row in back.items() if row["reversal_kind"] == ReversalKind.MOVED}
    return [one for one in rows if one["id"] not in moved and one["reverses_id"] not in moved]


def reverse(work: UnitOfWork, writes: WriteBatch, row: Row, part: Row, kind: ReversalKind) -> None:
    """Add the reversal of an allocation, or of a reversal, to the batch: it counts on the same day, so that neither ever counted."""
    amounts = (-part["amount"], part["effective_on"], moment_of(work, row))
    reversal = Receipt(new_id(work.moment), row["payer_id"], *amounts, part["id"], part["coverage_id"])
    insert_allocation(work, writes, part["cheque_id"], row["id"], reversal, kind)


def apply_changes(
    work: UnitOfWork,
    writes: WriteBatch,
    name: str,
    cheque: UUID,
    changes: Mapping[UUID, Change],
    known: Sequence[Row],
    of: Locked,
) -> None:
    """Add what changes of each invoice to the batch, with the allocations of the payment that are right."""
    reopened = set[UUID]()
    for identity, change in sorted(changes.items()):
        row = change.row
        if row["status"] == InvoiceStatus.VOID and change.removed:
            # Nothing is owed of it, whatever was received on past days.
            work.restated.add(identity)
        else:
            end = _move(work, writes, name, change, known)
            if row["status"] == InvoiceStatus.PAID != end:
                reopened.add(row["case_id"])
        for receipt, kind in change.added:
            insert_allocation(work, writes, cheque, identity, receipt, kind, moment_of(work, row))
        for other, receipt, kind in change.of_others:
            insert_allocation(work, writes, other, identity, receipt, kind, moment_of(work, row))
    reopen_cases(work, writes, name, {case: of.cases[case] for case in reopened}, of.invoices, changes)


def _move(work: UnitOfWork, writes: WriteBatch, name: str, change: Change, known: Sequence[Row]) -> InvoiceStatus:
    inputs = {"reason": work.inputs["reason"], "corrected": change.corrected(known)}
    try:
        return move(work, writes, name, change.row, inputs)
    except DomainError as refusal:
        refusal.message = f"Invoice {change.row['number']}: {refusal.message}"
        refusal.path = ()
        raise


def check_may_pay(rows: Collection[Row], payer_id: UUID, patients: Collection[UUID]) -> None:
    """Refuse invoices for which the payer never was responsible, and that are not the paying patient's."""
    refused = [row["number"] for row in rows if not may_pay(row, payer_id, patients)]
    if refused:
        words = f"The payer was never responsible for {', '.join(sorted(refused))}"
        ways = "give other allocations, or transfer the balance first (transferBalance)"
        raise InvalidInput(f"{words}: {ways}", ("allocations",))


def may_pay(row: Row, payer_id: UUID, patients: Collection[UUID]) -> bool:
    """Whether a payer is or was responsible for a locked invoice, or is its patient."""
    return bool(row["facts"].is_responsible(payer_id) or row["patient_id"] in patients)
