"""Commands of patients: one like another is warned of, and one is retired only when nothing is open."""

from uuid import UUID

from domain.parties import PATIENT
from resolvers.commands.records import parties
from resolvers.commands.records.likeness import warn_of_patients
from resolvers.commands.records.open_matters import check_nothing_open
from resolvers.commands.unit_of_work import UnitOfWork

_IDENTITY = ("first_name", "last_name", "birth_date")


async def create(work: UnitOfWork) -> UUID:
    """Create a patient; another one of the same name and date of birth is a warning."""
    patient = await parties.create(work, PATIENT)
    await warn_of_patients(work, patient)
    return patient


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a patient."""
    if work.inputs.get("active") is False:
        await _check_nothing_open(work, "active")
    patient = await parties.update(work, PATIENT)
    if any(name in work.inputs for name in _IDENTITY):
        await warn_of_patients(work, patient)
    return patient


async def retire(work: UnitOfWork) -> UUID:
    """Retire a patient of whom nothing is open."""
    await _check_nothing_open(work, "patient_id")
    return await parties.retire(work, PATIENT)


async def _check_nothing_open(work: UnitOfWork, field: str) -> None:
    await parties.lock_alone(work, PATIENT)
    await check_nothing_open(work, "patient", work.inputs["patient_id"], field)
