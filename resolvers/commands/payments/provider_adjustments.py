"""Provider adjustments, the rows of payments that concern no claim (PLB): adding them, and reversing them with their payment."""

from datetime import date
from uuid import UUID

from db.write_batch import WriteBatch
from domain.errors import InvalidInput
from domain.ids import new_id
from domain.payments.recoupment import LOSS_CODE, RowReversal
from domain.remittances.remittance import ProviderAdjustment
from domain.texts import CODE, optional_text, required_text
from resolvers.commands.payments.recoupment_answers import REFERENCE, reopen
from resolvers.commands.payments.refunds import reverse_withheld_refunds
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

STANDING = """select p.id, p.code, p.reference, p.amount, p.note, p.effective_on from provider_adjustments p
    where p.clinic_id = $1 and p.cheque_id = $2 and p.reverses_id is null and not exists (select from provider_adjustments r
        where r.clinic_id = p.clinic_id and r.reverses_id = p.id) order by p.id"""


def insert_provider_adjustment(
    work: UnitOfWork, writes: WriteBatch, cheque: UUID, row: ProviderAdjustment, effective_on: date
) -> UUID:
    """Add a row of a payment to the batch, effective on the day of its receipt; returns its id. InvalidInput for a missing code."""
    texts = {"code": row.code, "reference": row.reference}
    code, reference = required_text(texts, "code", CODE), optional_text(texts, "reference", REFERENCE)
    if code == LOSS_CODE:
        raise InvalidInput(
            f"The code {LOSS_CODE} stands for refunds that the clinic gives up (giveUpRefund)", ("code",)
        )
    return insert_row(work, writes, cheque, {"code": code, "reference": reference, "amount": row.amount}, effective_on)


def insert_row(work: UnitOfWork, writes: WriteBatch, cheque: UUID, row: Row, on: date, **columns: str | UUID) -> UUID:
    """Add a row of a payment to the batch; returns its id."""
    identity = new_id(work.moment)
    known = {"id": identity, "recorded_at": work.moment, "cheque_id": cheque, "recorded_by": work.user_id}
    kept = {name: row.get(name) for name in ("code", "reference", "amount", "note")}
    writes.insert("provider_adjustments", **{**known, **kept, "effective_on": on, **columns})
    return identity


async def reverse_provider_adjustments(
    work: UnitOfWork, writes: WriteBatch, cheque: UUID, returned_on: date, reason: str
) -> None:
    """Reverse the rows of a payment that is returned, which is locked, and what was refunded by them; requests open again."""
    found = await work.all(STANDING, cheque)
    if not found:
        return
    for row in found:
        reverse_row(work, writes, cheque, row, max(returned_on, row["effective_on"]), RowReversal.RETURNED)
    reversed_ids = [row["id"] for row in found]
    await reverse_withheld_refunds(work, writes, reversed_ids, returned_on, reason)
    await reopen(work, writes, returned_on, provider_adjustments=reversed_ids)


def reverse_row(work: UnitOfWork, writes: WriteBatch, cheque: UUID, row: Row, on: date, kind: RowReversal) -> None:
    """Add the equal and opposite row to the batch."""
    opposite = {**row, "amount": -row["amount"]}
    insert_row(work, writes, cheque, opposite, on, reverses_id=row["id"], reversal_kind=kind.value)
