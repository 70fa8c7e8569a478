"""Commands of cases: opening, changing, settling, closing and reopening a case."""

from collections.abc import Iterable
from datetime import date
from typing import NoReturn
from uuid import UUID

from db.write_batch import WriteBatch
from domain.api_names import enum_name
from domain.billing.cases import NUMBER, CaseStatus, CloseReason, begin_of_number, check_injury, number_of
from domain.billing.invoice_events import change_of
from domain.billing.invoices import COVERED, InvoiceStatus
from domain.billing.lifecycle import legal_now
from domain.billing.next_steps import named
from domain.billing.outcomes import reason_of
from domain.days import not_later
from domain.errors import Conflict, IllegalTransition, InputReason, InvalidInput, NotFound, StaleVersion
from domain.ids import new_id
from domain.normal_forms import normal_key
from domain.texts import REMARK, checked, optional_text
from resolvers.commands.billing.case_history import record_case_event
from resolvers.commands.billing.injuries import refuse_past_treatment
from resolvers.commands.payments.payments import warn_of_unapplied
from resolvers.commands.transitions import Row, invoice_of, lock, move
from resolvers.commands.unit_of_work import UnitOfWork

_CASE = """select id, number, patient_id, attorney_id, status, version, date_of_injury, opened_on,
    settled_on, closed_on, closed_reason from cases where clinic_id = $1 and id = $2 for update"""
_SHARED = """select id from cases where clinic_id = $1 and id in (select case_id from invoices where clinic_id = $1 and id = any($2))
    order by id for key share"""
_INVOICES = "select id from invoices where clinic_id = $1 and case_id = $2"
_RETIRED = "select retired_at from {word}s where clinic_id = $1 and id = $2"
# Cases are opened one after the other, so that two cases of a clinic never get the same number.
_IN_TURN = "select pg_advisory_xact_lock(hashtextextended('cases ' || $1::uuid::text, 0))"
_TAKEN = "select 1 from cases where clinic_id = $1 and number_key = $2"
_LAST_NUMBER = """select max(substring(number_key from length($2::text) + 1)::integer) from cases
    where clinic_id = $1 and number_key >= $2 and number_key < $2 || ':' and number_key ~ ('^' || $2 || '[0-9]{5,9}$')"""


async def lock_case(work: UnitOfWork, identity: UUID) -> Row:
    """A case, locked until the transaction ends so that no invoice is added meanwhile; NotFound if it cannot be accessed."""
    row: Row | None = await work.one(_CASE, identity)
    if row is None:
        raise NotFound("There is no such case", ("case_id",))
    return row


async def share_cases(work: UnitOfWork, invoices: Iterable[UUID]) -> None:
    """Let the cases of some invoices not be locked by others until the transaction ends.

    A document of an invoice refers to its case, and so does, anew, an invoice that is changed twice in one transaction, as by a payment
    that lets its agreement lapse. Whoever has locked the case, and waits for the invoice or its payment, would wait forever.
    """
    wanted = sorted(set(invoices))
    if wanted:
        await work.all(_SHARED, wanted)


async def lock_invoices(work: UnitOfWork, case: UUID) -> dict[UUID, Row]:
    """All invoices of a case, locked."""
    return await lock(work, [row["id"] for row in await work.all(_INVOICES, case)])


async def check_active(work: UnitOfWork, word: str, identity: UUID) -> None:
    """Raise an error for a patient or an attorney who cannot be accessed or is retired."""
    row = await work.one(_RETIRED.format(word=word), identity)
    if row is None:
        raise NotFound(f"There is no such {word}", (f"{word}_id",))
    if row["retired_at"]:
        raise Conflict(f"This {word} is retired", (f"{word}_id",))


async def create(work: UnitOfWork) -> UUID:
    """Open a case of a patient, with an attorney if one is given."""
    inputs, identity = work.inputs, new_id(work.moment)
    opened_on = not_later(inputs.get("opened_on") or work.today, work.today, "opened_on")
    check_injury(inputs["date_of_injury"], opened_on)
    await check_active(work, "patient", inputs["patient_id"])
    attorney = inputs.get("attorney_id")
    if attorney is not None:
        await check_active(work, "attorney", attorney)
    days = {"date_of_injury": inputs["date_of_injury"], "opened_on": opened_on}
    of = {"patient_id": inputs["patient_id"], "attorney_id": attorney}
    number, writes = await _number(work, opened_on.year), work.writes()
    numbered = {"number": number, "number_key": normal_key(number)}
    writes.insert("cases", id=identity, recorded_at=work.moment, status="open", **numbered, **of, **days)
    if attorney is not None:
        begun = {"case_id": identity, "attorney_id": attorney, "from_on": opened_on}
        writes.insert("representations", id=new_id(work.moment), recorded_at=work.moment, **begun)
    await writes.run(work.connection)
    return identity


async def _number(work: UnitOfWork, year: int) -> str:
    """The given number, or the next number of the year."""
    inputs = checked(work.inputs, {"number": NUMBER}).get("number")
    await work.all(_IN_TURN)
    if inputs is not None:
        if await work.one(_TAKEN, normal_key(inputs)):
            raise Conflict("Another case has this number", ("number",))
        return inputs
    begin = begin_of_number(year)
    return number_of(begin, ((await work.one(_LAST_NUMBER, normal_key(begin)))[0] or 0) + 1)


async def update(work: UnitOfWork) -> UUID:
    """Change the day of injury or the opening day. The day of injury cannot be moved past treatment."""
    case = await lock_case(work, work.inputs["case_id"])
    if work.inputs.get("version") not in (None, case["version"]):
        raise StaleVersion("The case has been changed since it was read", ("version",), case["version"])
    days: dict[str, date] = {}
    for name in ("date_of_injury", "opened_on"):
        if name in work.inputs:
            if work.inputs[name] is None:
                raise InvalidInput("This cannot be left blank", (name,), InputReason.BLANK)
            days[name] = work.inputs[name]
    injured_on: date = days.get("date_of_injury") or case["date_of_injury"]
    check_injury(injured_on, days.get("opened_on") or case["opened_on"])
    if injured_on > case["date_of_injury"]:
        await refuse_past_treatment(work, case["id"], injured_on)
    changed = {name: day for name, day in days.items() if day != case[name]}
    if changed:
        writes = work.writes()
        writes.update("cases", {"id": case["id"]}, **changed, version=case["version"] + 1)
        changes = [change_of(name, case[name], day) for name, day in changed.items()]
        record_case_event(work, writes, case["id"], "update_case", changes)
        await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


async def close(work: UnitOfWork) -> UUID:
    """Close a case that was dropped or lost, and of which no invoice is open."""
    case = await lock_case(work, work.inputs["case_id"])
    rows = list((await lock_invoices(work, case["id"])).values())
    _check_covered(work, "close_case", case, rows)
    reason, note = CloseReason(work.inputs["reason"]), optional_text(work.inputs, "note", REMARK)
    writes, told = work.writes(), {"reason": note or reason.name}
    for row in rows:
        if row["status"] == InvoiceStatus.CHEQUE_RECEIVED:
            move(work, writes, "close_case", row, told)
    closed = {"status": CaseStatus.CLOSED.value, "closed_on": work.today, "closed_reason": reason.value}
    writes.update("cases", {"id": case["id"]}, **closed, version=case["version"] + 1)
    changes = [change_of("status", case["status"], CaseStatus.CLOSED.value), change_of("closed_on", None, work.today)]
    changes += [change_of("closed_reason", None, reason.value), *([change_of("reason", None, note)] if note else [])]
    record_case_event(work, writes, case["id"], "close_case", changes)
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


async def settle(work: UnitOfWork) -> UUID:
    """Settle a case of which no invoice is open."""
    case = await lock_case(work, work.inputs["case_id"])
    rows = list((await lock_invoices(work, case["id"])).values())
    covered = [row for row in rows if row["status"] == InvoiceStatus.CHEQUE_RECEIVED]
    _check_covered(work, "settle_case", case, rows)
    if not covered:
        words = f"at least one must have the status CHEQUE_RECEIVED; instead: {named('close_case')}"
        _refuse(work, "settle_case", rows, words)
    writes = work.writes()
    for row in covered:
        move(work, writes, "settle_case", row, work.inputs)
    writes.update("cases", {"id": case["id"]}, status="settled", settled_on=work.today, version=case["version"] + 1)
    changes = [change_of("status", case["status"], "settled"), change_of("settled_on", None, work.today)]
    record_case_event(work, writes, case["id"], "settle_case", changes)
    await writes.run(work.connection)
    await warn_of_unapplied(work, rows)
    identity: UUID = case["id"]
    return identity


def _check_covered(work: UnitOfWork, name: str, case: Row, rows: list[Row]) -> None:
    """Refuse to end a case that has ended, or of which an invoice is open."""
    has_ended = f"the case is {enum_name(case['status'])} already; first: {named('reopen_case')}"
    waiting = [row for row in rows if row["status"] not in COVERED]
    if waiting:
        steps = f"{named('record_cheque')} or {named('write_off_invoice')}"
        is_open = f"no invoice of the case may be open; first: {steps}"
        _refuse(work, name, waiting, has_ended if case["status"] != CaseStatus.OPEN else is_open)
    if case["status"] != CaseStatus.OPEN:
        raise Conflict(f"T{has_ended[1:]}", ("case_id",))


def _refuse(work: UnitOfWork, name: str, rows: list[Row], words: str) -> NoReturn:
    """Report the first invoice that prevents a command on its case."""
    if not rows:
        raise Conflict("The case has no invoices", ("case_id",))
    invoice = invoice_of(rows[0])
    message = f"Invoice {invoice.number} is {enum_name(invoice.status)}: {words}"
    raise IllegalTransition(message, ("case_id",), invoice.status, name, legal_now(invoice, work.actor))


async def open_again(work: UnitOfWork) -> UUID:
    """Reopen a settled or closed case: its paid invoices return to their status before the settlement."""
    reason_of(work.inputs)
    case = await lock_case(work, work.inputs["case_id"])
    rows = list((await lock_invoices(work, case["id"])).values())
    if case["status"] == CaseStatus.OPEN:
        _refuse(work, "reopen_case", rows, "the case is open")
    writes = work.writes()
    for row in rows:
        if row["status"] == InvoiceStatus.PAID:
            move(work, writes, "reopen_case", row, work.inputs)
    reopen(work, writes, case, "reopen_case")
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


def reopen(work: UnitOfWork, writes: WriteBatch, case: Row, action: str) -> None:
    """Add the change that a locked case is open again to the batch of writes; `action` is the command that reopens it."""
    opened = {"status": CaseStatus.OPEN.value, "settled_on": None, "closed_on": None, "closed_reason": None}
    writes.update("cases", {"id": case["id"]}, **opened, version=case["version"] + 1)
    changes = [change_of(name, case[name], value) for name, value in opened.items() if case[name] != value]
    reason = (work.inputs.get("reason") or "").strip()
    record_case_event(
        work, writes, case["id"], action, [*changes, *([change_of("reason", None, reason)] if reason else [])]
    )
