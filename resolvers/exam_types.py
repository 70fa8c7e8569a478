"""Decides how the tree of exams is kept: main exams, their sub-exams, and the codes that they are billed by."""

from uuid import UUID

from domain.errors import InvalidInput, NotFound
from domain.price_lists import EXAM_TYPE
from resolvers import parties
from resolvers.writing import Work

_PARENT = "select parent_id from exam_types where clinic_id = $1 and id = $2"
_CODE = "select 1 from cpt_codes where clinic_id = $1 and code = $2 limit 1"


async def create(work: Work) -> UUID:
    """A new main exam, or a sub-exam of one."""
    parent = work.given.get("parent_id")
    if parent is not None:
        above = await work.one(_PARENT, parent)
        if above is None:
            raise NotFound("There is no such exam", ("parent_id",))
        if above["parent_id"] is not None:
            raise InvalidInput("A sub-exam has no sub-exams of its own", ("parent_id",))
    await _check_code(work)
    return await parties.create(work, EXAM_TYPE)


async def update(work: Work) -> UUID:
    """What the input says of an exam, the rest as it was."""
    await _check_code(work)
    return await parties.update(work, EXAM_TYPE)


async def _check_code(work: Work) -> None:
    """Whether a code is valid is asked on the day of service: here it has to be in the master list at all."""
    code = work.given.get("code")
    if code is not None and code.strip() and await work.one(_CODE, code) is None:
        raise InvalidInput("There is no such code", ("code",))
