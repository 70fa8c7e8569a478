"""The command that makes another payer, or another coverage, responsible for the open part of an invoice."""

from typing import Any
from uuid import UUID

from domain.api_names import enum_name
from domain.billing.coverages import PAYING
from domain.billing.ledger.facts import ResponsibilityReason
from domain.billing.next_steps import named
from domain.errors import Conflict, InvalidInput, NotFound
from domain.texts import REMARK, optional_text
from resolvers.commands.billing.cases import lock_case
from resolvers.commands.billing.representations import list_owed_by_former_firm
from resolvers.commands.documents import consume
from resolvers.commands.next_steps import next_step
from resolvers.commands.payers import are_one_payer, check_payer
from resolvers.commands.transitions import Row, lock, move
from resolvers.commands.unit_of_work import UnitOfWork

# Locked, so that it is not closed meanwhile.
_COVERAGE = "select id, case_id, payer_id, status from coverages where clinic_id = $1 and id = $2 for share"

_CLAIM = """select c.invoice_id, c.posted_at, r.document_id from remittance_claims c
    join remittances r on r.clinic_id = c.clinic_id and r.id = c.remittance_id where c.clinic_id = $1 and c.id = $2"""


async def transfer(work: UnitOfWork) -> UUID:
    """Transfer the open part of an invoice; the payer is that of the coverage, where one is named."""
    identity: UUID = work.inputs["invoice_id"]
    work.inputs = {**work.inputs, "note": optional_text(work.inputs, "note", REMARK)}
    if work.inputs.get("document_id"):
        await consume(work)
    await _with_remittance(work)
    row = (await lock(work, [identity], with_facts=True))[identity]
    inputs = await _with_payer(work, row)
    writes = work.writes()
    work.inputs = inputs
    move(work, writes, "transfer_balance", row, inputs)
    await writes.run(work.connection)
    return identity


async def _with_remittance(work: UnitOfWork) -> None:
    """The remittance in which the payer says why somebody else owes the balance is its letter."""
    claim = work.inputs.get("remittance_claim_id")
    if claim is None:
        return
    found = await work.one(_CLAIM, claim)
    if found is None or found["invoice_id"] != work.inputs["invoice_id"]:
        raise NotFound("There is no such claim of a remittance for the invoice", ("remittance_claim_id",))
    if found["posted_at"] is None:
        raise Conflict(f"The claim is not posted: first: {named('post_remittance')}", ("remittance_claim_id",))
    work.inputs = {**work.inputs, "document_id": work.inputs.get("document_id") or found["document_id"]}


async def transfer_from_former_firm(work: UnitOfWork) -> UUID:
    """Transfer what a former law firm of a case owes to another payer, all invoices in one step.

    Where no invoice is owed so, it is refused. An invoice that was never submitted gets the new payer; agreements are kept where
    the input says so and one stands.
    """
    work.inputs = {**work.inputs, "note": optional_text(work.inputs, "note", REMARK)}
    case = await lock_case(work, work.inputs["case_id"])
    await check_payer(work, work.inputs["payer_id"], case["patient_id"])
    owed = await list_owed_by_former_firm(work, case["id"])
    if not owed:
        words = "No law firm that has ceased to represent this case owes an open invoice of it: transfer the balance of one invoice"
        raise Conflict(f"{words} (transferBalance)", ("case_id",))
    writes = work.writes()
    for row in (await lock(work, owed, with_facts=True)).values():
        name, inputs = _step(work, row)
        move(work, writes, name, row, inputs)
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


def _step(work: UnitOfWork, row: Row) -> tuple[str, dict[str, Any]]:
    given = work.inputs.get("note")
    note = given or "The law firm no longer represents the patient"
    to = {"payer_id": work.inputs["payer_id"], "override_reason": given}
    if row["first_submitted_on"] is None:
        return "change_payer", {**to, "reason": note}
    keeps = bool(work.inputs["keep_agreements"]) and row["agreed_amount"] is not None
    reason = ResponsibilityReason.REPRESENTATION_ENDED
    return "transfer_balance", {**to, "reason": reason, "keep_agreement": keeps, "note": note}


async def _with_payer(work: UnitOfWork, row: Row) -> dict[str, Any]:
    payer, coverage = work.inputs.get("payer_id"), work.inputs.get("coverage_id")
    if coverage is not None:
        found = await work.one(_COVERAGE, coverage)
        if found is None or found["case_id"] != row["case_id"]:
            raise NotFound("There is no such coverage in the case of the invoice", ("coverage_id",))
        if payer is not None and not await are_one_payer(work, payer, found["payer_id"]):
            raise InvalidInput("This payer is not that of the coverage", ("payer_id",))
        if found["status"] not in PAYING:
            words = f"This coverage is {enum_name(found['status'])}: verify it first ({next_step('verify_coverage')})"
            raise Conflict(words, ("coverage_id",))
        payer = found["payer_id"]
    if payer is not None:
        await check_payer(work, payer, row["patient_id"])
    return {**work.inputs, "payer_id": payer}
