"""The queue of claims that wait: a person chooses the payer of a payment, the invoice of a claim, or closes the claim."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from db.write_batch import WriteBatch
from domain.billing.invoices import InvoiceStatus
from domain.billing.outcomes import reason_of
from domain.errors import Conflict, InvalidInput, NotFound
from domain.remittances.matching import match_lines, status_of, unknown_status
from domain.remittances.statuses import NEVER_POSTED, RemittanceStatus
from resolvers.commands.payers import are_one_payer
from resolvers.commands.remittances.finding import find_lines, find_traces
from resolvers.commands.remittances.rows import claim_of, lines_json
from resolvers.commands.remittances.storing import check_new_payer, look_up
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
_PAYMENT_OF = "select payment_id from remittance_claims where clinic_id = $1 and id = $2"
_PAYMENT = """select id, remittance_id, payer_id, trace, status, reason, posted_at from remittance_payments
    where clinic_id = $1 and id = $2 for no key update"""
_COLUMNS = """id, remittance_id, payment_id, place, number, status_code, charge_amount, paid_amount, patient_amount, payer_number,
    adjustments, remark_codes, lines, status, reason, invoice_id, posted_at, closed_at"""
_CLAIM = f"select {_COLUMNS} from remittance_claims where clinic_id = $1 and id = $2"
_CLAIMS = f"select {_COLUMNS} from remittance_claims where clinic_id = $1 and payment_id = $2 order by place"
_INVOICE = "select id, number, status, case_id from invoices where clinic_id = $1 and id = $2"
_COVERAGE = "select case_id, payer_id from coverages where clinic_id = $1 and id = $2"
_DUPLICATE = "This payment of the payer has come in a remittance before"


async def identify_payer(work: UnitOfWork) -> UUID:
    """Choose the payer of a payment, and match its claims; the next file of this payer will know it."""
    payment = await work.one(_PAYMENT, work.inputs["payment_id"])
    if payment is None:
        raise NotFound("There is no such payment of a remittance", ("payment_id",))
    payer: UUID = work.inputs["payer_id"]
    await check_new_payer(work, payer)
    if payment["posted_at"] is not None:
        raise Conflict("The payment is posted: correct its payer (correctCheque)", ("payment_id",))
    if payment["status"] in NEVER_POSTED:
        raise Conflict(payment["reason"], ("payment_id",))
    before = payment["payer_id"]
    is_another = before is None or not await are_one_payer(work, payer, before)
    if is_another and await find_traces(work, [payer], [payment["trace"]]):
        raise Conflict(_DUPLICATE, ("payer_id",))
    writes = work.bulk_writes()
    writes.update(
        "remittance_payments", {"id": payment["id"]}, payer_id=payer, status=RemittanceStatus.MATCHED.value, reason=None
    )
    rows = [row for row in await work.all(_CLAIMS, payment["id"]) if row["closed_at"] is None]
    claims = {row["id"]: claim_of(row) for row in rows}
    known = await look_up(work, claims.values())
    for row in rows:
        found = known.match(claims[row["id"]], payer)
        _match(writes, row, found.status, found.reason, found.invoice_id, found.line_ids)
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict(_DUPLICATE, ("payer_id",)) from error
    identity: UUID = payment["remittance_id"]
    return identity


async def match_claim(work: UnitOfWork) -> UUID:
    """Choose the invoice of a claim that waits, and the coverage under which it pays where the payer has several."""
    claim, _ = await _waiting(work)
    invoice = await work.one(_INVOICE, work.inputs["invoice_id"])
    if invoice is None:
        raise NotFound("There is no such invoice", ("invoice_id",))
    if invoice["status"] == InvoiceStatus.VOID:
        raise Conflict("This invoice is void: choose the one that replaces it", ("invoice_id",))
    coverage = work.inputs.get("coverage_id")
    if coverage is not None:
        found = await work.one(_COVERAGE, coverage)
        if found is None or found["case_id"] != invoice["case_id"]:
            raise NotFound("There is no such coverage in the case of the invoice", ("coverage_id",))
    sent = claim_of(claim)
    reason = unknown_status(sent)
    if reason is not None:
        raise InvalidInput(reason, ("claim_id",))
    ours = (await find_lines(work, [invoice["id"]]))[invoice["id"]]
    writes = work.bulk_writes()
    status = status_of(sent, is_found=True)
    _match(writes, claim, status, None, invoice["id"], match_lines(sent.lines, ours))
    if coverage is not None:
        writes.update("remittance_claims", {"id": claim["id"]}, coverage_id=coverage)
    await writes.run(work.connection)
    identity: UUID = claim["id"]
    return identity


async def close_claim(work: UnitOfWork) -> UUID:
    """Close a claim that will not be posted, with the reason."""
    reason = reason_of(work.inputs)
    claim = await _locked(work)
    if claim["posted_at"] is not None:
        raise Conflict("The claim is posted: correct what was posted (correctCheque, moveAllocation)", ("claim_id",))
    if claim["closed_at"] is not None:
        raise Conflict("The claim is closed already", ("claim_id",))
    writes = work.writes()
    closed = {"closed_at": work.moment, "closed_by": work.user_id, "closing_reason": reason}
    writes.update("remittance_claims", {"id": claim["id"]}, **closed)
    await writes.run(work.connection)
    identity: UUID = claim["id"]
    return identity


async def _locked(work: UnitOfWork) -> Row:
    """The claim of the input, with its payment locked, as when it is posted."""
    of = await work.one(_PAYMENT_OF, work.inputs["claim_id"])
    if of is None:
        raise NotFound("There is no such claim of a remittance", ("claim_id",))
    await work.one(_PAYMENT, of["payment_id"])
    claim: Row = await work.one(_CLAIM, work.inputs["claim_id"])
    return claim


async def _waiting(work: UnitOfWork) -> tuple[Row, Row]:
    """A claim that waits and may be matched, and its payment."""
    claim = await _locked(work)
    payment = await work.one(_PAYMENT, claim["payment_id"])
    if claim["posted_at"] is not None:
        raise Conflict(
            "The claim is posted: move what was allocated to another invoice (moveAllocation)", ("claim_id",)
        )
    if claim["closed_at"] is not None:
        raise Conflict("The claim is closed: nothing of it is posted", ("claim_id",))
    if payment["status"] != RemittanceStatus.MATCHED:
        raise Conflict(payment["reason"], ("claim_id",))
    return claim, payment


def _match(
    writes: WriteBatch,
    row: Row,
    status: RemittanceStatus,
    reason: str | None,
    invoice: UUID | None,
    line_ids: Sequence[UUID | None],
) -> None:
    lines = lines_json(claim_of(row).lines, line_ids)
    found = {"status": status.value, "reason": reason, "invoice_id": invoice, "lines": lines}
    writes.update("remittance_claims", {"id": row["id"]}, **found)
