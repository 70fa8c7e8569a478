"""Commands of attorneys: each belongs to a law firm, which is named by its id or by its name."""

from dataclasses import replace
from uuid import UUID

from domain.errors import Conflict, InputReason, InvalidInput
from domain.parties import ATTORNEY
from domain.warnings import represents_open_cases
from resolvers.commands.records import parties
from resolvers.commands.records.firms import find_firm
from resolvers.commands.records.likeness import warn_of_attorneys
from resolvers.commands.unit_of_work import UnitOfWork

_CHANGES = "select count(*) from attorney_changes where clinic_id = $1 and attorney_id = $2 and status = 'pending'"

_CASES = "select count(*) from cases where clinic_id = $1 and attorney_id = $2 and status = 'open'"


async def create(work: UnitOfWork) -> UUID:
    """Create an attorney of a firm, which is created as well if there is none of its name."""
    if work.inputs.get("firm") is None and work.inputs.get("firm_id") is None:
        raise InvalidInput("Give the law firm, by its id or by its name", ("firm",))
    attorney = await parties.create(await _of_firm(work), ATTORNEY)
    await warn_of_attorneys(work, attorney)
    return attorney


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of an attorney; another firm is that of the attorney from now on."""
    if work.inputs.get("active") is False:
        await _check_no_change(work, "active")
    attorney = await parties.update(await _of_firm(work), ATTORNEY)
    await _warn(work, attorney)
    return attorney


async def retire(work: UnitOfWork) -> UUID:
    """Retire an attorney to whom no case is to change; open cases are a warning, since the access of the attorney has to end at once."""
    await _check_no_change(work, "attorney_id")
    attorney = await parties.retire(work, ATTORNEY)
    await _warn_of_cases(work, attorney)
    return attorney


async def _warn(work: UnitOfWork, attorney: UUID) -> None:
    if "name" in work.inputs:
        await warn_of_attorneys(work, attorney)
    if work.inputs.get("active") is False:
        await _warn_of_cases(work, attorney)


async def _warn_of_cases(work: UnitOfWork, attorney: UUID) -> None:
    [count] = await work.one(_CASES, attorney)
    if count:
        work.warnings.append(represents_open_cases(count))


async def _of_firm(work: UnitOfWork) -> UnitOfWork:
    """The same unit of work, in which the firm is named by its id and by its name as its own record spells it."""
    given = {name: value for name, value in work.inputs.items() if name in ("firm", "firm_id")}
    # On creation, a null is a field that is not given; nothing clears the firm of an attorney.
    if len(given) > 1:
        given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return work
    if given.get("firm_id", "") is None:
        raise InvalidInput("This cannot be left blank", ("firm_id",), InputReason.BLANK)
    firm = await find_firm(work, given)
    return replace(work, inputs={**work.inputs, "firm": firm["name"], "firm_id": firm["id"]})


async def _check_no_change(work: UnitOfWork, field: str) -> None:
    [count] = await work.one(_CHANGES, work.inputs["attorney_id"])
    if count:
        words = f"{count:,} cases are to change to this attorney: cancel these changes first (cancelAttorneyChange)"
        raise Conflict(words, (field,))
