"""Decides how a visit is recorded: by staff for whoever treated, by a physician for the own patients and in the own name."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from db.pools import pricing
from domain.days import not_later
from domain.errors import InvalidInput, NotFound
from domain.exams import Exam, SelectedExam, check_selection, lines_of
from domain.ids import new_id
from domain.people import Role
from domain.pricing import BilateralPolicy, check_line, naming
from resolvers.pricing import EXAMS, exams_of
from resolvers.writing import Work

# Row security leaves a physician no case but those that he or she treats, and no place but where he or she did.
_CASE = "select patient_id from cases where clinic_id = $1 and id = $2"
_PHYSICIAN = "select id from physicians where clinic_id = $1 and id = $2"
_FACILITY = "select id from facilities where clinic_id = $1 and id = $2"
_POLICIES = """select code, bilateral_policy from cpt_codes where clinic_id = $1 and code = any($2) and active
    and valid_from <= $3 and (valid_to is null or valid_to > $3)"""


async def record(work: Work) -> UUID:
    """A visit with what was done at it. What could not be billed is refused now, and not when somebody bills it."""
    given, identity = work.given, new_id(work.moment)
    physician = await _physician(work)
    case = await _found(work, _CASE, "case", given["case_id"])
    if given.get("facility_id") is not None:
        await _found(work, _FACILITY, "facility", given["facility_id"])
    not_later(given["service_date"], work.today, "service_date")
    selected = [SelectedExam(**exam) for exam in given["exams"]]
    await _check(work, selected)
    writes = work.writes()
    who = {"case_id": given["case_id"], "patient_id": case["patient_id"], "physician_id": physician}
    where = {"facility_id": given.get("facility_id"), "service_date": given["service_date"]}
    writes.insert("encounters", id=identity, recorded_at=work.moment, **who, **where)
    await writes.run(work.connection)
    # The database lets exams join a visit in reach: it has to be there first.
    writes.insert_all("encounter_exams", [_row(work, identity, *exam) for exam in enumerate(selected)])
    await writes.run(work.connection)
    return identity


async def _physician(work: Work) -> UUID:
    """Who treated: a physician records what he or she did, and nobody else's."""
    if work.actor.role is Role.PHYSICIAN:
        if work.person_id is None:
            raise NotFound("There is no such physician", ("physician_id",))
        return work.person_id
    named: UUID | None = work.given.get("physician_id")
    if named is None:
        raise InvalidInput("Say who treated", ("physician_id",))
    await _found(work, _PHYSICIAN, "physician", named)
    return named


async def _found(work: Work, sql: str, word: str, identity: UUID) -> Any:
    row = await work.one(sql, identity)
    if row is None:
        raise NotFound(f"There is no such {word}", (f"{word}_id",))
    return row


async def _check(work: Work, selected: Sequence[SelectedExam]) -> None:
    """That the exams may be selected together, and that each can be billed as it was done."""
    exams: dict[UUID, Exam] = exams_of(await work.all(EXAMS.format(ids="$2"), [one.exam_type_id for one in selected]))
    check_selection(selected, exams, "exams")
    lines, places = lines_of(selected, exams, "exams")
    assert work.actor.role is not None
    # Who treats may not read the list of codes.
    async with pricing(work.connection, work.actor.role):
        rows = await work.all(_POLICIES, list({line.code for line in lines}), work.given["service_date"])
    policies = {row["code"]: BilateralPolicy(row["bilateral_policy"]) for row in rows}
    for line, place in zip(lines, places, strict=True):
        with naming(place):
            check_line(line, policies.get(line.code))


def _row(work: Work, encounter: UUID, position: int, exam: SelectedExam) -> dict[str, Any]:
    known = {"id": new_id(work.moment), "encounter_id": encounter, "recorded_at": work.moment, "position": position}
    return {**known, "exam_type_id": exam.exam_type_id, "bilateral": exam.bilateral, "units": exam.units}
