"""The command that makes another payer, or another coverage, responsible for the open part of an invoice."""

from typing import Any
from uuid import UUID

from domain.billing.coverages import AdjustmentGroup, BalanceBilling, check_balance_billing
from domain.billing.ledger.facts import ResponsibilityReason
from domain.errors import InvalidInput, NotFound
from domain.texts import REMARK, optional_text
from resolvers.commands.billing.cases import lock_case
from resolvers.commands.billing.representations import list_owed_by_former_firm
from resolvers.commands.documents import consume
from resolvers.commands.payers import check_payer
from resolvers.commands.transitions import Row, lock, move
from resolvers.commands.unit_of_work import UnitOfWork

_COVERAGE = "select id, case_id, payer_id, status from coverages where clinic_id = $1 and id = $2"
_RULE = """select c.balance_billing from responsibilities r
    join coverages c on c.clinic_id = r.clinic_id and c.id = r.coverage_id
    where r.clinic_id = $1 and r.invoice_id = $2 order by r.number desc limit 1"""
# The coverage under which the present payer was billed, where the responsibility names none: its only one in the case.
_ONLY_ONE = """select min(balance_billing) as balance_billing from coverages
    where clinic_id = $1 and payer_id = $2 and case_id = $3 having count(*) = 1"""

# What the patient owes by the contract with the insurer; of other reasons, the group is not known before the remittance is.
_GROUPS = {
    ResponsibilityReason.DEDUCTIBLE: AdjustmentGroup.PR,
    ResponsibilityReason.COINSURANCE: AdjustmentGroup.PR,
}


async def transfer(work: UnitOfWork) -> UUID:
    """Transfer the open part of an invoice; the payer is that of the coverage, where one is named."""
    identity: UUID = work.inputs["invoice_id"]
    work.inputs = {**work.inputs, "note": optional_text(work.inputs, "note", REMARK)}
    if work.inputs.get("document_id"):
        await consume(work)
    row = (await lock(work, [identity], with_facts=True))[identity]
    inputs = await _with_payer(work, row)
    writes = work.writes()
    work.inputs = inputs
    move(work, writes, "transfer_balance", row, inputs)
    await _check_balance_billing(work, row)
    await writes.run(work.connection)
    return identity


async def transfer_from_former_firm(work: UnitOfWork) -> UUID:
    """Transfer what a former law firm of a case owes to another payer, all invoices in one step.

    Nothing changes where no invoice is owed so. An invoice that was never submitted gets the new payer; agreements are kept where
    the input says so and one stands.
    """
    work.inputs = {**work.inputs, "note": optional_text(work.inputs, "note", REMARK)}
    case = await lock_case(work, work.inputs["case_id"])
    await check_payer(work, work.inputs["payer_id"], case["patient_id"])
    owed = await list_owed_by_former_firm(work, case["id"])
    writes = work.writes()
    for row in (await lock(work, owed, with_facts=True)).values():
        name, inputs = _step(work, row)
        move(work, writes, name, row, inputs)
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


def _step(work: UnitOfWork, row: Row) -> tuple[str, dict[str, Any]]:
    payer, note = work.inputs["payer_id"], work.inputs.get("note") or "The law firm no longer represents the patient"
    if row["first_submitted_on"] is None:
        return "change_payer", {"payer_id": payer, "reason": note}
    keeps = bool(work.inputs["keep_agreements"]) and row["agreed_amount"] is not None
    reason = ResponsibilityReason.REPRESENTATION_ENDED
    return "transfer_balance", {"payer_id": payer, "reason": reason, "keep_agreement": keeps, "note": note}


async def _with_payer(work: UnitOfWork, row: Row) -> dict[str, Any]:
    payer, coverage = work.inputs.get("payer_id"), work.inputs.get("coverage_id")
    if coverage is not None:
        found = await work.one(_COVERAGE, coverage)
        if found is None or found["case_id"] != row["case_id"]:
            raise NotFound("There is no such coverage in the case of the invoice", ("coverage_id",))
        if payer not in (None, found["payer_id"]):
            raise InvalidInput("This payer is not that of the coverage", ("payer_id",))
        payer = found["payer_id"]
    if payer is not None:
        await check_payer(work, payer, row["patient_id"])
    return {**work.inputs, "payer_id": payer}


async def _check_balance_billing(work: UnitOfWork, row: Row) -> None:
    """Where a coverage forbids balance billing, only an administrator moves what it leaves, and says why."""
    found = await work.one(_RULE, row["id"]) or await work.one(_ONLY_ONE, row["payer_id"], row["case_id"])
    if found is None or work.inputs["payer_id"] == row["payer_id"]:
        return
    rule = BalanceBilling(found["balance_billing"])
    try:
        check_balance_billing(rule, _GROUPS.get(work.inputs["reason"]), work.actor.role, work.inputs.get("note"))
    except InvalidInput as refusal:
        refusal.path = ("note",) if refusal.path else ("payer_id",)
        raise
