"""Provider adjustments, the rows of payments that concern no claim (PLB): adding them, and reversing them with their payment."""

from datetime import date
from uuid import UUID

from db.write_batch import WriteBatch
from domain.errors import InvalidInput
from domain.payments.recoupment import LOSS_CODE, RowReversal
from domain.remittances.remittance import ProviderAdjustment
from domain.texts import CODE, optional_text, required_text
from resolvers.commands.payments.provider_rows import STANDING, insert_row, reverse_row
from resolvers.commands.payments.recoupment_answers import REFERENCE, reopen
from resolvers.commands.payments.refunds import reverse_withheld_refunds
from resolvers.commands.unit_of_work import UnitOfWork


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
