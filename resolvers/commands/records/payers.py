"""Commands of payers: one of the kind ATTORNEY may name the law firm that pays; one is retired only when nothing is open."""

from dataclasses import replace
from uuid import UUID

from db.merged_records import group
from domain.access.people import PayerKind
from domain.errors import Conflict
from domain.parties import PAYER
from resolvers.commands.next_steps import next_step
from resolvers.commands.records import parties
from resolvers.commands.records.firms import check_firm
from resolvers.commands.records.likeness import warn_of_payers
from resolvers.commands.records.open_matters import check_nothing_open
from resolvers.commands.unit_of_work import UnitOfWork

_FIRM = "select firm_id from attorneys where clinic_id = $1 and id = $2"
# Whose money a payment is, and who may have a coverage, depends on the kind of the payer and on the patient.
_PAID_OR_COVERS = f"""select kind, patient_id from payers p where clinic_id = $1 and id = $2
    and (exists (select from cheques c where c.clinic_id = p.clinic_id and c.payer_id = any({group("payer", "p.id")}))
        or exists (select from coverages v where v.clinic_id = p.clinic_id and v.payer_id = any({group("payer", "p.id")})))"""
_PERSON = ("kind", "patient_id")


async def create(work: UnitOfWork) -> UUID:
    """Create a payer; without a firm, that of its attorney. Another one of the same name is a warning."""
    await _check_firm(work)
    attorney = work.inputs.get("attorney_id")
    if work.inputs.get("firm_id") is None and attorney is not None and work.inputs.get("kind") == PayerKind.ATTORNEY:
        found = await work.one(_FIRM, attorney)
        if found:
            work = replace(work, inputs={**work.inputs, "firm_id": found["firm_id"]})
    payer = await parties.create(work, PAYER)
    await warn_of_payers(work, payer)
    return payer


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a payer; once payments or coverages name it, it stays who it is."""
    parties.refuse_merged(work, PAYER)
    await _check_firm(work)
    is_retired = work.inputs.get("active") is False
    if is_retired or any(name in work.inputs for name in _PERSON):
        await parties.lock_alone(work, PAYER)
        await _check_person(work)
    if is_retired:
        await check_nothing_open(work, "payer", work.inputs["payer_id"], "active")
    payer = await parties.update(work, PAYER)
    if "name" in work.inputs:
        await warn_of_payers(work, payer)
    return payer


async def retire(work: UnitOfWork) -> UUID:
    """Retire a payer of whom nothing is open."""
    await parties.lock_alone(work, PAYER)
    await check_nothing_open(work, "payer", work.inputs["payer_id"], "payer_id")
    return await parties.retire(work, PAYER)


async def _check_firm(work: UnitOfWork) -> None:
    if work.inputs.get("firm_id") is not None:
        await check_firm(work, work.inputs["firm_id"])


async def _check_person(work: UnitOfWork) -> None:
    given = {name: work.inputs[name] for name in _PERSON if name in work.inputs}
    used = await work.one(_PAID_OR_COVERS, work.inputs["payer_id"]) if given else None
    for name, value in given.items():
        if used is not None and value != used[name]:
            words = "Payments or coverages name this payer, so that its kind and its patient stay: create another payer"
            raise Conflict(f"{words} ({next_step('create_payer')})", (name,))
