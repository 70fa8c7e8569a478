"""The answers of recoupment requests: adding one, opening requests again whose answer was reversed, and proposing those that a row answers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.merged_records import group
from db.write_batch import WriteBatch
from domain.ids import new_id
from domain.payments.recoupment import RecoupmentStatus, RecoupmentStep, status_reopened
from domain.texts import Text, optional_text
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

REFERENCE = Text(200, capitals=True)
# A row and those that it carries over, with the answers that name one of them and were not reopened.
_ANSWERED = """with recursive carried as (select id, carries_id from {table} where clinic_id = $1 and id = any($2)
        union all select r.id, r.carries_id from {table} r join carried c on r.clinic_id = $1 and r.id = c.carries_id)
    select a.request_id, a.{column} as row_id, sum(a.amount) as amount from recoupment_answers a
    where a.clinic_id = $1 and a.{column} in (select id from carried) group by 1, 2 having sum(a.amount) > 0 order by 1, 2"""
_REQUESTS = """select r.id, r.status, r.answered_amount, r.requested_on, (select max(a.number) from recoupment_answers a
        where a.clinic_id = r.clinic_id and a.request_id = r.id) as number
    from recoupment_requests r where r.clinic_id = $1 and r.id = any($2) order by r.id for no key update of r"""
# Open requests that name the reference of a row of a later payment, or whose invoice or payment it names.
_PROPOSED = f"""select r.id, r.requested_on, r.reason from recoupment_requests r
    where r.clinic_id = $1 and r.payer_id = any({group("payer", "$2")}) and r.status in ('open', 'appealed')
        and (r.reference = $3
            or exists (select from invoices i where i.clinic_id = r.clinic_id and i.id = r.invoice_id and i.number = $3)
            or exists (select from cheques c where c.clinic_id = r.clinic_id and c.id = r.cheque_id and c.number = $3))
    order by r.amount - r.answered_amount = $4 desc, r.due_on, r.id"""


def insert_answer(
    work: UnitOfWork,
    writes: WriteBatch,
    request: UUID,
    number: int,
    step: RecoupmentStep,
    answered_on: date,
    amount: Decimal | None,
    **columns: Any,
) -> None:
    """Add an answer to the batch, `number` after the last one of its request."""
    known = {"id": new_id(work.moment), "recorded_at": work.moment, "request_id": request, "number": number}
    said = {"step": step.value, "answered_on": answered_on, "amount": amount, "answered_by": work.user_id}
    writes.insert("recoupment_answers", **known, **said, **columns)


async def reopen(
    work: UnitOfWork,
    writes: WriteBatch,
    on: date,
    *,
    refunds: Sequence[UUID] = (),
    provider_adjustments: Sequence[UUID] = (),
) -> None:
    """Open the requests again that refunds or provider adjustments had answered which are reversed on a day; payments are locked before."""
    answered = [
        (column, row)
        for table, column, ids in (
            ("refunds", "refund_id", refunds),
            ("provider_adjustments", "provider_adjustment_id", provider_adjustments),
        )
        if ids
        for row in await work.all(_ANSWERED.format(table=table, column=column), list(ids))
    ]
    if not answered:
        return
    locked = await work.all(_REQUESTS, sorted({row["request_id"] for _, row in answered}))
    for request in locked:
        mine = [(column, row) for column, row in answered if row["request_id"] == request["id"]]
        day = max(on, request["requested_on"])
        for place, (column, row) in enumerate(mine, request["number"] + 1):
            step, named = RecoupmentStep.REOPENING, {column: row["row_id"]}
            insert_answer(work, writes, request["id"], place, step, day, -row["amount"], **named)
        rest = request["answered_amount"] - _sum(row["amount"] for _, row in mine)
        then = status_reopened(RecoupmentStatus(request["status"]))
        values: Mapping[str, Any] = {"status": then.value, "answered_amount": rest}
        writes.update("recoupment_requests", {"id": request["id"]}, **values)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal("0.00"))


async def find_proposals(work: UnitOfWork, payer_id: UUID, reference: str | None, amount: Decimal) -> list[Row]:
    """The open requests of a payer (id, requested_on, reason) that one row of a payment may answer, the likeliest first.

    The reference is that of the request, or the number of its invoice or of its payment. A row that raises the payment answers none.
    """
    named = optional_text({"reference": reference}, "reference", REFERENCE)
    if named is None or amount <= 0:
        return []
    return list(await work.all(_PROPOSED, payer_id, named, amount))
