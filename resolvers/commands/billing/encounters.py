"""Recording an encounter (visit): by billing staff for any physician, by a physician for the own patients and in the own name."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from db.pools import pricing
from domain.access.people import Role
from domain.days import not_later
from domain.errors import InvalidInput, NotFound
from domain.ids import new_id
from domain.pricing.pricing import BilateralPolicy, check_line, naming
from domain.treatment.exams import Exam, SelectedExam, check_selection, lines_of
from resolvers.commands.billing.injuries import confirmation_of
from resolvers.commands.billing.pricing import EXAMS, exams_of
from resolvers.commands.unit_of_work import UnitOfWork

# Row-level security restricts physicians to the cases that they treat and to the facilities where they treated.
_CASE = "select patient_id, date_of_injury from cases where clinic_id = $1 and id = $2"
PHYSICIAN = "select id from physicians where clinic_id = $1 and id = $2"
FACILITY = "select id from facilities where clinic_id = $1 and id = $2"
_POLICIES = """select code, bilateral_policy from cpt_codes where clinic_id = $1 and code = any($2) and active
    and valid_from <= $3 and (valid_to is null or valid_to > $3)"""


async def record(work: UnitOfWork) -> UUID:
    """Record a visit with its exams. What could not be billed is rejected now, and not when it is billed."""
    inputs, identity = work.inputs, new_id(work.moment)
    physician = await _physician(work)
    case = await found(work, _CASE, "case", inputs["case_id"])
    if inputs.get("facility_id") is not None:
        await found(work, FACILITY, "facility", inputs["facility_id"])
    service_date = not_later(inputs["service_date"], work.today, "service_date")
    selected = [SelectedExam(**exam) for exam in inputs["exams"]]
    await check_exams(work, selected, service_date)
    confirmed = confirmation_of(work, service_date, case["date_of_injury"])
    writes = work.writes()
    who = {"case_id": inputs["case_id"], "patient_id": case["patient_id"], "physician_id": physician}
    where = {"facility_id": inputs.get("facility_id"), "service_date": service_date}
    writes.insert("encounters", id=identity, recorded_at=work.moment, **who, **where, **confirmed)
    await writes.run(work.connection)
    # The insert waits for a change of the case, which may have moved the day of injury.
    case = await found(work, _CASE, "case", inputs["case_id"])
    confirmation_of(work, service_date, case["date_of_injury"])
    # Row-level security lets exams be added to an accessible visit only: the visit has to be inserted first.
    writes.insert_all("encounter_exams", exam_rows(work, identity, selected))
    await writes.run(work.connection)
    return identity


async def _physician(work: UnitOfWork) -> UUID:
    """The treating physician: a physician can record only the own visits."""
    if work.actor.role is Role.PHYSICIAN:
        if work.person_id is None:
            raise NotFound("There is no such physician", ("physician_id",))
        return work.person_id
    named: UUID | None = work.inputs.get("physician_id")
    if named is None:
        raise InvalidInput("The treating physician is required", ("physician_id",))
    await found(work, PHYSICIAN, "physician", named)
    return named


async def found(work: UnitOfWork, sql: str, word: str, identity: UUID) -> Any:
    """The row that a query finds by an id; NotFound for one that does not exist or cannot be accessed."""
    row = await work.one(sql, identity)
    if row is None:
        raise NotFound(f"There is no such {word}", (f"{word}_id",))
    return row


async def check_exams(work: UnitOfWork, selected: Sequence[SelectedExam], service_date: date) -> None:
    """Check that the exams may be selected together, and that each can be billed as it was done on a day."""
    exams: dict[UUID, Exam] = exams_of(await work.all(EXAMS.format(ids="$2"), [one.exam_type_id for one in selected]))
    check_selection(selected, exams, "exams")
    lines, places = lines_of(selected, exams, "exams")
    assert work.actor.role is not None
    # Physicians may not read the master list of codes.
    async with pricing(work.connection, work.actor.role):
        rows = await work.all(_POLICIES, list({line.code for line in lines}), service_date)
    policies = {row["code"]: BilateralPolicy(row["bilateral_policy"]) for row in rows}
    for line, place in zip(lines, places, strict=True):
        with naming(place):
            check_line(line, policies.get(line.code))


def exam_rows(work: UnitOfWork, encounter: UUID, selected: Sequence[SelectedExam]) -> list[dict[str, Any]]:
    """The rows of the exams of a visit, in their order."""
    return [_row(work, encounter, *exam) for exam in enumerate(selected)]


def _row(work: UnitOfWork, encounter: UUID, position: int, exam: SelectedExam) -> dict[str, Any]:
    known = {"id": new_id(work.moment), "encounter_id": encounter, "recorded_at": work.moment, "position": position}
    return {**known, "exam_type_id": exam.exam_type_id, "bilateral": exam.bilateral, "units": exam.units}
