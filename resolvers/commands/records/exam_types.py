"""Maintaining the tree of exam types: main exams, their sub-exams and their CPT codes."""

from uuid import UUID

from domain.errors import InvalidInput, NotFound
from domain.normal_forms import code_form
from domain.pricing.price_lists import EXAM_TYPE
from resolvers.commands.records import parties
from resolvers.commands.unit_of_work import UnitOfWork

_PARENT = "select parent_id from exam_types where clinic_id = $1 and id = $2"
_CODE = "select 1 from cpt_codes where clinic_id = $1 and code = $2 limit 1"


async def create(work: UnitOfWork) -> UUID:
    """Create a main exam, or a sub-exam of one."""
    parent = work.inputs.get("parent_id")
    if parent is not None:
        above = await work.one(_PARENT, parent)
        if above is None:
            raise NotFound("There is no such exam", ("parent_id",))
        if above["parent_id"] is not None:
            raise InvalidInput("A sub-exam cannot have sub-exams of its own", ("parent_id",))
    await _check_code(work)
    return await parties.create(work, EXAM_TYPE)


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of an exam."""
    await _check_code(work)
    return await parties.update(work, EXAM_TYPE)


async def _check_code(work: UnitOfWork) -> None:
    """The validity of a code is checked on the day of service: here it only has to be in the master list."""
    code = work.inputs.get("code")
    if code is not None and code.strip() and await work.one(_CODE, code_form(code)) is None:
        raise InvalidInput("There is no such code", ("code",))
