"""Decides how a case is opened, changes its attorney, is settled as a whole and opened again."""

from datetime import date
from typing import NoReturn
from uuid import UUID

from db.writing import Sql, Writes
from domain.cases import NUMBER, begin_of_number, check_injury, number_of
from domain.days import not_later
from domain.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from domain.ids import new_id
from domain.invoices import InvoiceStatus
from domain.outcomes import reason_of
from domain.people import searchable
from domain.texts import checked
from resolvers.transitions import Row, announce, invoice_of, legal_now, lock, move
from resolvers.writing import Work

_CASE = "select id, number, patient_id, attorney_id, status, version, opened_on from cases where clinic_id = $1 and id = $2 for update"
_INVOICES = "select id from invoices where clinic_id = $1 and case_id = $2"
_PATIENT = "select retired_at from patients where clinic_id = $1 and id = $2"
_ATTORNEY = "select retired_at from attorneys where clinic_id = $1 and id = $2"
# Cases are opened one after the other: two of a clinic never take the same number.
_IN_TURN = "select pg_advisory_xact_lock(hashtextextended('cases ' || $1::uuid::text, 0))"
_TAKEN = "select 1 from cases where clinic_id = $1 and number = $2"
_LAST_NUMBER = """select max(substring(number from length($2::text) + 1)::integer) from cases
    where clinic_id = $1 and number >= $2 and number < $2 || ':' and number ~ ('^' || $2 || '[0-9]{5,9}$')"""
_CLOSED = (InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF)


async def lock_case(work: Work, identity: UUID) -> Row:
    """A case, locked until the transaction ends, so that no invoice joins it meanwhile; NotFound when it is not in reach."""
    row: Row | None = await work.one(_CASE, identity)
    if row is None:
        raise NotFound("There is no such case", ("case_id",))
    return row


async def lock_invoices(work: Work, case: UUID) -> dict[UUID, Row]:
    """Every invoice of a case, locked."""
    return await lock(work, [row["id"] for row in await work.all(_INVOICES, case)])


async def create(work: Work) -> UUID:
    """A new case of a patient, perhaps with the attorney who brought it."""
    given, identity = work.given, new_id(work.moment)
    opened_on = not_later(given.get("opened_on") or work.today, work.today, "opened_on")
    check_injury(given["date_of_injury"], opened_on)
    await _check_party(work, _PATIENT, "patient", given["patient_id"])
    attorney = given.get("attorney_id")
    if attorney is not None:
        await _check_party(work, _ATTORNEY, "attorney", attorney)
    days = {"date_of_injury": given["date_of_injury"], "opened_on": opened_on}
    of = {"patient_id": given["patient_id"], "attorney_id": attorney}
    number, writes = await _number(work, opened_on.year), work.writes()
    numbered = {"number": number, "number_key": searchable(number)}
    writes.insert("cases", id=identity, recorded_at=work.moment, status="open", **numbered, **of, **days)
    if attorney is not None:
        _represent(work, writes, identity, attorney, opened_on)
    await writes.run(work.connection)
    return identity


async def _number(work: Work, year: int) -> str:
    """The number that is given, or the next of the year."""
    given = checked(work.given, {"number": NUMBER}).get("number")
    await work.all(_IN_TURN)
    if given is not None:
        if await work.one(_TAKEN, given):
            raise Conflict("Another case has this number", ("number",))
        return given
    begin = begin_of_number(year)
    return number_of(begin, ((await work.one(_LAST_NUMBER, begin))[0] or 0) + 1)


async def _check_party(work: Work, sql: str, word: str, identity: UUID) -> None:
    row = await work.one(sql, identity)
    if row is None:
        raise NotFound(f"There is no such {word}", (f"{word}_id",))
    if row["retired_at"]:
        raise Conflict(f"This {word} is retired", (f"{word}_id",))


def _represent(work: Work, writes: Writes, case: UUID, attorney: UUID, from_on: date) -> None:
    who = {"case_id": case, "attorney_id": attorney, "from_on": from_on}
    writes.insert("representations", id=new_id(work.moment), recorded_at=work.moment, **who)


async def assign_attorney(work: Work) -> UUID:
    """Somebody else, or nobody, represents the patient from now on; with the case, its invoices move into reach or out of it."""
    if "attorney_id" not in work.given:
        raise InvalidInput("Say who represents the patient from now on, or null for nobody", ("attorney_id",))
    attorney: UUID | None = work.given["attorney_id"]
    case = await lock_case(work, work.given["case_id"])
    if case["attorney_id"] == attorney:
        raise Conflict("It is so already", ("attorney_id",))
    if attorney is not None:
        await _check_party(work, _ATTORNEY, "attorney", attorney)
    writes = work.writes()
    # The database passes the attorney on to the invoices, which are locked here in the order that everybody keeps.
    for invoice in await lock_invoices(work, case["id"]):
        announce(work, writes, invoice, ["attorney_id"])
    writes.update("representations", {"case_id": case["id"], "until_on": None}, until_on=work.today)
    if attorney is not None:
        _represent(work, writes, case["id"], attorney, work.today)
    writes.update("cases", {"id": case["id"]}, attorney_id=attorney, version=case["version"] + 1)
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


async def settle(work: Work) -> UUID:
    """Close a case whose invoices are all covered, void or written off."""
    case = await lock_case(work, work.given["case_id"])
    rows = list((await lock_invoices(work, case["id"])).values())
    covered = [row for row in rows if row["status"] == InvoiceStatus.CHEQUE_RECEIVED]
    waiting = [row for row in rows if row["status"] not in (*_CLOSED, InvoiceStatus.CHEQUE_RECEIVED)]
    if waiting or not covered:
        _refuse(work, "settle_case", [*waiting, *rows], "every one must be covered, void or written off, one covered")
    writes = work.writes()
    for row in covered:
        move(work, writes, "settle_case", row, work.given)
    writes.update("cases", {"id": case["id"]}, status="settled", settled_on=work.today, version=case["version"] + 1)
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


def _refuse(work: Work, name: str, rows: list[Row], words: str) -> NoReturn:
    """Say which invoice stands in the way of a step of its case: the first one."""
    if not rows:
        raise Conflict("The case has no invoices", ("case_id",))
    invoice = invoice_of(rows[0])
    said = f"Invoice {invoice.number} is {invoice.status}: {words}"
    raise IllegalTransition(said, ("case_id",), invoice.status, name, legal_now(invoice, work))


async def open_again(work: Work) -> UUID:
    """Open a settled case: its paid invoices are as they were before it was settled."""
    reason_of(work.given)
    case = await lock_case(work, work.given["case_id"])
    rows = list((await lock_invoices(work, case["id"])).values())
    if case["status"] != "settled":
        _refuse(work, "reopen_case", rows, "the case is not settled")
    writes = work.writes()
    for row in rows:
        if row["status"] == InvoiceStatus.PAID:
            move(work, writes, "reopen_case", row, work.given)
    reopen(writes, case["id"])
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


def reopen(writes: Writes, case: UUID) -> None:
    """Gather that a case is open again."""
    writes.update("cases", {"id": case}, status="open", settled_on=None, version=Sql("version + 1"))
