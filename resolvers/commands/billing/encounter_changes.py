"""Correcting and cancelling encounters (visits) that are not billed: what was recorded before is kept, and what changed is told."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from db.write_batch import WriteBatch
from domain.billing.invoice_events import Change, change_of
from domain.days import not_later
from domain.errors import Conflict, InputReason, InvalidInput, NotFound, StaleVersion
from domain.texts import REASON, required_text
from domain.treatment.exams import SelectedExam
from permissions.rules import STAFF
from resolvers.commands.billing.case_history import event_columns
from resolvers.commands.billing.cases import lock_case
from resolvers.commands.billing.encounters import FACILITY, PHYSICIAN, check_exams, exam_rows, found
from resolvers.commands.billing.injuries import confirmation_of
from resolvers.commands.next_steps import next_step
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
_ENCOUNTER = """select id, case_id, physician_id, facility_id, service_date, recorded_at, changed_at, cancelled_at, is_billed,
    version from encounters where clinic_id = $1 and id = $2 for update"""
_CASE_OF = "select case_id from encounters where clinic_id = $1 and id = $2"
_BILLED_BY = """select i.number from encounters e join invoices i on i.clinic_id = e.clinic_id and i.id = e.invoice_id
    where e.clinic_id = $1 and e.id = $2"""
_INJURY = "select date_of_injury from cases where clinic_id = $1 and id = $2"
_EXAMS = """select e.exam_type_id, e.bilateral, e.units, t.name from encounter_exams e
    join exam_types t on t.clinic_id = e.clinic_id and t.id = e.exam_type_id
    where e.clinic_id = $1 and e.encounter_id = $2 and e.removed_at is null order by e.position, e.id"""
_EXAM_NAMES = "select id, name from exam_types where clinic_id = $1 and id = any($2::uuid[])"
_STATE = ("physician_id", "facility_id", "service_date")
# Column → what the history calls it, the query that finds the record, and the table with its name.
_PARTIES = {"physician_id": ("physician", PHYSICIAN, "physicians"), "facility_id": ("facility", FACILITY, "facilities")}
_NAMES = "select id, name from {table} where clinic_id = $1 and id = any($2::uuid[])"


async def update(work: UnitOfWork) -> UUID:
    """Correct a visit: its day, physician, facility or exams."""
    await _lock_case(work)
    row = await _locked(work)
    changed = {name: work.inputs[name] for name in _STATE if name in work.inputs and work.inputs[name] != row[name]}
    changes = await _checked(work, row, changed)
    values: dict[str, Any] = dict(changed)
    if "service_date" in changed:
        injury = (await work.one(_INJURY, row["case_id"]))["date_of_injury"]
        values |= confirmation_of(work, changed["service_date"], injury)
        if values["before_injury_reason"]:
            changes.append(change_of("before_injury_reason", None, values["before_injury_reason"]))
    writes = work.writes()
    changes += await _correct_exams(work, writes, row, changed.get("service_date", row["service_date"]))
    if changes:
        _keep_state(work, writes, row, changed)
        await _write(work, writes, row, "update_encounter", values, changes)
    identity: UUID = row["id"]
    return identity


async def cancel(work: UnitOfWork) -> UUID:
    """Cancel a visit; it stays in the records with the reason."""
    reason = required_text(work.inputs, "reason", REASON)
    row = await _locked(work)
    changes = [change_of("status", "recorded", "cancelled"), change_of("reason", None, reason)]
    await _write(work, work.writes(), row, "cancel_encounter", {"cancelled_at": work.moment}, changes)
    identity: UUID = row["id"]
    return identity


async def _lock_case(work: UnitOfWork) -> None:
    """Lock the case where the physician changes, so that who treats in it changes with one command at a time.

    All commands lock cases before visits. Physicians change no physician.
    """
    if "physician_id" in work.inputs and (found := await work.one(_CASE_OF, work.inputs["encounter_id"])):
        await lock_case(work, found["case_id"])


async def _locked(work: UnitOfWork) -> Row:
    """The visit, locked until the transaction ends; what is billed or cancelled is not changed."""
    row: Row | None = await work.one(_ENCOUNTER, work.inputs["encounter_id"])
    if row is None:
        raise NotFound("There is no such visit", ("encounter_id",))
    if row["cancelled_at"]:
        raise Conflict(f"The visit is cancelled: record it anew ({next_step('record_encounter')})", ("encounter_id",))
    if row["is_billed"]:
        raise Conflict(await _refusal_of_billed(work, row["id"]), ("encounter_id",))
    if work.inputs.get("version") not in (None, row["version"]):
        raise StaleVersion("The visit has been changed since it was read", ("version",), row["version"])
    return row


async def _refusal_of_billed(work: UnitOfWork, encounter: UUID) -> str:
    """Physicians see whether a visit is billed, and nothing of its billing."""
    if work.actor.role not in STAFF:
        return "The visit is billed: ask billing staff to correct it"
    number = (await work.one(_BILLED_BY, encounter))["number"]
    return f"Invoice {number} bills this visit: void it first ({next_step('void_invoice')})"


async def _checked(work: UnitOfWork, row: Row, changed: Mapping[str, Any]) -> list[Change]:
    """Check the new values; the changes as the history tells them."""
    changes = []
    for name, value in changed.items():
        if value is None and name != "facility_id":
            raise InvalidInput("This cannot be left blank", (name,), InputReason.BLANK)
        if name == "service_date":
            not_later(value, work.today, name)
            changes.append(change_of(name, row[name], value))
            continue
        word, query, table = _PARTIES[name]
        if value is not None:
            await found(work, query, word, value)
        names = {party["id"]: party["name"] for party in await work.all(_NAMES.format(table=table), [row[name], value])}
        changes.append(change_of(word, names.get(row[name]), names.get(value)))
    return changes


async def _correct_exams(work: UnitOfWork, writes: WriteBatch, row: Row, service_date: Any) -> list[Change]:
    """Replace the exams if others are given; on another day those that stay are checked again."""
    kept = await work.all(_EXAMS, row["id"])
    before = [SelectedExam(exam["exam_type_id"], exam["bilateral"], exam["units"]) for exam in kept]
    given = work.inputs.get("exams")
    after = before if given is None else [SelectedExam(**exam) for exam in given]
    if after != before or service_date != row["service_date"]:
        await check_exams(work, after, service_date)
    if after == before:
        return []
    writes.update("encounter_exams", {"encounter_id": row["id"], "removed_at": None}, removed_at=work.moment)
    writes.insert_all("encounter_exams", exam_rows(work, row["id"], after))
    names = {exam["exam_type_id"]: exam["name"] for exam in kept}
    names |= {exam["id"]: exam["name"] for exam in await work.all(_EXAM_NAMES, [exam.exam_type_id for exam in after])}
    return [change_of("exams", _texts_of(before, names), _texts_of(after, names))]


def _texts_of(exams: Sequence[SelectedExam], names: Mapping[UUID, str]) -> str:
    return ", ".join(f"{exam.units} of {names[exam.exam_type_id]}{' both sides' * exam.bilateral}" for exam in exams)


def _keep_state(work: UnitOfWork, writes: WriteBatch, row: Row, changed: Mapping[str, Any]) -> None:
    """Keep what the visit was until now, for reports on past days."""
    since = row["changed_at"] or row["recorded_at"]
    if changed and since < work.moment:
        known = {"encounter_id": row["id"], "known_from": since, "known_until": work.moment}
        writes.insert("encounter_states", **known, **{name: row[name] for name in _STATE})


async def _write(
    work: UnitOfWork, writes: WriteBatch, row: Row, action: str, values: Mapping[str, Any], changes: Sequence[Change]
) -> None:
    since = {"changed_at": work.moment} if set(values) & set(_STATE) else {}
    writes.update("encounters", {"id": row["id"]}, **values, **since, version=row["version"] + 1)
    event = {"encounter_id": row["id"], "action": action, "changes": list(changes)}
    writes.insert("encounter_events", **event, **event_columns(work))
    await writes.run(work.connection)
