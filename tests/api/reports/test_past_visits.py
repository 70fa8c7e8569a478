"""Reports on a past day count visits as they were known then: corrections and cancellations change none of them."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from db.pools import Database
from domain.access.people import Role
from domain.clinics import clinic_day
from server.database_urls import DatabaseUrls
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import NEW_YORK, ClinicClock
from tests.support.api.mutations import CASE, done
from tests.support.api.records import Found, find_records
from tests.support.client import Client

_PRODUCTIVITY = """query ($of: AnalyticsFilter!, $on: Date) { analytics(filter: $of, asOf: $on) {
    physicianProductivity { physician { id } encounterCount examCount } } }"""
SERVED = "2026-03-02"


class Clinic:
    """A clinic whose days pass when a test says so, with a case of its own."""

    def __init__(self, billing: Client, physician: Client, found: Found, clock: ClinicClock) -> None:
        self.billing, self.physician, self.found, self.clock = billing, physician, found, clock
        patient = done(billing, "createPatient", "patient { id }", mrn="PAST-1", firstName="Past", lastName="Day")["id"]
        self.case = done(billing, "createCase", CASE, patientId=patient, dateOfInjury="2026-01-05")["id"]
        mains = billing.read("{ examTypes { subExams { id code } } }")["examTypes"]
        self.exams = {exam["code"]: exam["id"] for main in mains for exam in main["subExams"]}
        query = "{ encounters(first: 1) { nodes { physician { id } } } }"
        self.doctor = physician.read(query)["encounters"]["nodes"][0]["physician"]["id"]

    def counts(self, on: date | None = None, day: str = SERVED, client: Client | None = None) -> dict[str, Any]:
        """The visits and exams of a day by physician, as known at the end of another day."""
        variables = {"of": {"from": day, "to": day}, "on": on.isoformat() if on else None}
        rows = (client or self.billing).read(_PRODUCTIVITY, **variables)["analytics"]["physicianProductivity"]
        return {row["physician"]["id"]: (row["encounterCount"], row["examCount"]) for row in rows}

    def next_day(self) -> date:
        """Move the clock to the next day; returns the day before."""
        ended = clinic_day(self.clock.moment, NEW_YORK)
        self.clock.moment += timedelta(days=1)
        return ended


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Clinic]:
    clock = ClinicClock()
    clock.moment = datetime.now(UTC)
    with ExitStack() as opened:
        url = opened.enter_context(served(assembled(Database(own_address.login), clock=clock)))
        anonymous = opened.enter_context(Client(url))
        billing, physician = (
            opened.enter_context(anonymous.signed_in(f"{role}@demo.example")) for role in (Role.BILLING, Role.PHYSICIAN)
        )
        yield Clinic(billing, physician, find_records(own_address), clock)


def test_a_corrected_visit_is_counted_on_past_days_as_it_was(clinic: Clinic) -> None:
    other = clinic.found.own["Physician"]
    before = clinic.next_day()
    exams = [{"examTypeId": clinic.exams["THERAPY-MOVE"], "units": 3}]
    of = {"caseId": clinic.case, "physicianId": clinic.doctor, "serviceDate": SERVED, "exams": exams}
    visit = done(clinic.billing, "recordEncounter", "encounter { id }", **of)["id"]
    base, base_other = clinic.counts(before).get(clinic.doctor, (0, 0)), clinic.counts(before).get(other, (0, 0))
    recorded = clinic.next_day()
    one = [{"examTypeId": clinic.exams["RAY-RIBS"]}]
    done(clinic.billing, "updateEncounter", "encounter { id }", encounterId=visit, exams=one)
    fewer = clinic.next_day()
    done(clinic.billing, "updateEncounter", "encounter { id }", encounterId=visit, physicianId=other)
    moved = clinic.next_day()
    done(clinic.billing, "updateEncounter", "encounter { id }", encounterId=visit, serviceDate="2026-03-03")
    postponed = clinic.next_day()
    done(clinic.billing, "cancelEncounter", "encounter { id }", encounterId=visit, reason="Never came")
    cancelled = clinic.next_day()

    def plus(start: tuple[int, int], visits: int, exams: int) -> tuple[int, int]:
        return start[0] + visits, start[1] + exams

    expected = {
        before: (base, base_other),
        recorded: (plus(base, 1, 3), base_other),
        fewer: (plus(base, 1, 1), base_other),
        moved: (base, plus(base_other, 1, 1)),
        postponed: (base, base_other),
        cancelled: (base, base_other),
    }
    for day, (mine, theirs) in expected.items():
        found = clinic.counts(day)
        assert (found.get(clinic.doctor, (0, 0)), found.get(other, (0, 0))) == (mine, theirs), day
        # A physician does not see any more what turned out to be somebody else's.
        assert clinic.counts(day, client=clinic.physician).get(clinic.doctor, (0, 0)) == base
    later = {day: clinic.counts(day, "2026-03-03").get(other, (0, 0)) for day in (moved, postponed, cancelled)}
    assert later[postponed] == plus(later[moved], 1, 1)
    assert later[cancelled] == later[moved] == clinic.counts(None, "2026-03-03").get(other, (0, 0))


def test_a_physician_s_own_report_on_a_past_day_stays_as_well(clinic: Clinic) -> None:
    of = {"caseId": clinic.case, "physicianId": clinic.doctor, "serviceDate": SERVED}
    exams = [{"examTypeId": clinic.exams["THERAPY-MOVE"], "units": 3}]
    visit = done(clinic.billing, "recordEncounter", "encounter { id }", **of, exams=exams)["id"]
    kept = clinic.counts(recorded := clinic.next_day(), client=clinic.physician)
    one = [{"examTypeId": clinic.exams["RAY-RIBS"]}]
    moved = {"encounterId": visit, "serviceDate": "2026-03-03", "exams": one}
    done(clinic.billing, "updateEncounter", "encounter { id }", **moved)
    corrected = clinic.next_day()
    assert kept[clinic.doctor][1] >= 3
    assert clinic.counts(recorded, client=clinic.physician) == clinic.counts(recorded) == kept
    now = clinic.counts(corrected, client=clinic.physician).get(clinic.doctor, (0, 0))
    assert now == (kept[clinic.doctor][0] - 1, kept[clinic.doctor][1] - 3)
