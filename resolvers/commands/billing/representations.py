"""Commands of representations: the attorney of a case from a day on, at once or when a coming day begins."""

from datetime import date
from uuid import UUID

from db.action_items import OWED_BY_FORMER_FIRM
from db.merged_records import followed
from db.write_batch import Sql, WriteBatch
from domain.billing.invoice_events import change_of
from domain.billing.representations import AttorneyChangeStatus, Period, Substitution, check_effective_day, substitute
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from resolvers.commands.billing.case_history import record_case_event
from resolvers.commands.billing.cases import check_active, lock_invoices
from resolvers.commands.transitions import Row, announce
from resolvers.commands.unit_of_work import UnitOfWork

_CASE = "select id, attorney_id, date_of_injury from cases where clinic_id = $1 and id = $2 for update"
_PERIODS = """select id, attorney_id, from_on, until_on from representations
    where clinic_id = $1 and case_id = $2 and known_until is null order by from_on, id"""
_PENDING = """select id, attorney_id, effective_on from attorney_changes
    where clinic_id = $1 and case_id = $2 and status = 'pending' for no key update"""
_NAMES = "select id, name from attorneys where clinic_id = $1 and id = any($2::uuid[])"
_OWED = f"select i.id from {followed(OWED_BY_FORMER_FIRM)} and r.clinic_id = $1 and r.case_id = $2 order by i.id"


async def assign_attorney(work: UnitOfWork) -> UUID:
    """Assign the attorney, or none, from a day on; a future day is recorded, and the worker moves access as it begins."""
    if "attorney_id" not in work.inputs:
        raise InvalidInput(
            "Give the attorney who represents the patient from then on, or null for none", ("attorney_id",)
        )
    attorney: UUID | None = work.inputs["attorney_id"]
    case = await _lock_case(work, work.inputs["case_id"])
    day = work.inputs.get("effective_on") or work.today
    check_effective_day(day, work.today, case["date_of_injury"])
    if attorney is not None:
        await check_active(work, "attorney", attorney)
    if day > work.today:
        await _announce_change(work, case, attorney, day)
    else:
        await _apply(work, case, attorney, day)
        # A pending change to another attorney goes on.
        await _replace_pending(work, case["id"], only_to=[attorney])
    identity: UUID = case["id"]
    return identity


async def cancel_change(work: UnitOfWork) -> UUID:
    """Cancel the pending change of a case."""
    case = await _lock_case(work, work.inputs["case_id"])
    pending = await work.one(_PENDING, case["id"])
    if pending is None:
        raise Conflict("The case has no change of attorney that is still to take effect", ("case_id",))
    writes = work.writes()
    _end(work, writes, pending["id"], AttorneyChangeStatus.CANCELLED)
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


async def apply_change(work: UnitOfWork, case_id: UUID) -> bool:
    """Let the pending change of a case take effect if its day has come, for the worker; False if it has not, or there is none."""
    case = await _lock_case(work, case_id)
    pending = await work.one(_PENDING, case_id)
    if pending is None or pending["effective_on"] > work.today:
        return False
    writes = work.writes()
    writes.update("attorney_changes", {"id": pending["id"]}, status=AttorneyChangeStatus.APPLIED, ended_at=work.moment)
    await writes.run(work.connection)
    try:
        await _apply(work, case, pending["attorney_id"], pending["effective_on"])
    except Conflict:
        # Staff recorded the same change in the meantime.
        return True
    return True


async def list_owed_by_former_firm(work: UnitOfWork, case_id: UUID) -> list[UUID]:
    """The open invoices of a case whose payer is a firm that represented it and does not any more."""
    return [row["id"] for row in await work.all(_OWED, case_id)]


async def _lock_case(work: UnitOfWork, identity: UUID) -> Row:
    row: Row | None = await work.one(_CASE, identity)
    if row is None:
        raise NotFound("There is no such case", ("case_id",))
    return row


async def _announce_change(work: UnitOfWork, case: Row, attorney: UUID | None, day: date) -> None:
    """Record a change for a future day, in the place of the one that is pending."""
    if case["attorney_id"] == attorney:
        raise Conflict("The case already has this attorney", ("attorney_id",))
    await _replace_pending(work, case["id"])
    writes = work.writes()
    by = {"requested_by": work.user_id, "requested_at": work.moment, "recorded_at": work.moment}
    what = {"case_id": case["id"], "attorney_id": attorney, "effective_on": day}
    writes.insert("attorney_changes", id=new_id(work.moment), **what, **by)
    await writes.run(work.connection)


async def _replace_pending(work: UnitOfWork, case_id: UUID, only_to: list[UUID | None] | None = None) -> None:
    pending = await work.one(_PENDING, case_id)
    if pending is not None and (only_to is None or pending["attorney_id"] in only_to):
        # A statement of its own: at most one change of a case is pending.
        writes = work.writes()
        _end(work, writes, pending["id"], AttorneyChangeStatus.REPLACED)
        await writes.run(work.connection)


def _end(work: UnitOfWork, writes: WriteBatch, change: UUID, status: AttorneyChangeStatus) -> None:
    writes.update("attorney_changes", {"id": change}, status=status, ended_by=work.user_id, ended_at=work.moment)


async def _apply(work: UnitOfWork, case: Row, attorney: UUID | None, day: date) -> None:
    """Move the periods from a day on, today or before, and access to the case and its invoices now."""
    periods = [Period(**row) for row in await work.all(_PERIODS, case["id"])]
    try:
        made = substitute(periods, attorney, day, work.today)
    except Conflict:
        if case["attorney_id"] == attorney:
            raise
        # The periods are right, and the attorney of the case was not (a law of `billing verify`).
        made = Substitution()
    writes = work.writes()
    if case["attorney_id"] != attorney:
        # The database copies the attorney to the invoices, which are locked here in the order that all commands keep.
        for invoice in await lock_invoices(work, case["id"]):
            announce(work, invoice, ["attorney_id"])
    writes.update("cases", {"id": case["id"]}, attorney_id=attorney, version=Sql("version + 1"))
    names = {row["id"]: row["name"] for row in await work.all(_NAMES, [case["attorney_id"], attorney])}
    change = change_of("attorney", names.get(case["attorney_id"]), names.get(attorney))
    record_case_event(work, writes, case["id"], "assign_attorney", [change, change_of("effective_on", None, day)])
    _write(work, writes, case["id"], made)
    await writes.run(work.connection)


def _write(work: UnitOfWork, writes: WriteBatch, case_id: UUID, made: Substitution) -> None:
    for identity in made.ended:
        writes.update("representations", {"id": identity}, until_on=work.today)
    for identity in made.replaced:
        writes.update("representations", {"id": identity}, known_until=work.today)
    for period in made.added:
        days = {"from_on": period.from_on, "until_on": period.until_on, "known_from": period.known_from}
        who = {"case_id": case_id, "attorney_id": period.attorney_id}
        writes.insert("representations", id=new_id(work.moment), recorded_at=work.moment, **who, **days)
