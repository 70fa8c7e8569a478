"""Row-level security lets physicians record encounters of their own patients and in their own names only."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.pools import Database
from domain.access.people import Role
from permissions.viewers import Viewer
from server.database_urls import DatabaseUrls
from tests.permissions.own_rows import viewer_of
from tests.support.databases import rows

VISIT = """insert into encounters (clinic_id, id, case_id, patient_id, physician_id, service_date)
    select $1, $2, $3, patient_id, $4, '2026-05-04' from (select $5::uuid as patient_id) p"""
EXAM = "insert into encounter_exams (clinic_id, id, encounter_id, exam_type_id) values ($1, gen_random_uuid(), $2, $3)"
CASES = """select c.id, c.patient_id, exists (select from treating_physicians t where t.case_id = c.id and t.physician_id = $2) as is_own
    from cases c where c.clinic_id = $1"""


@pytest.fixture(scope="module")
def physician(address: DatabaseUrls) -> Viewer:
    """The physician who signs in to the demo clinic."""
    return viewer_of(address, Role.PHYSICIAN)


def attempt(address: DatabaseUrls, viewer: Viewer, *statements: tuple[Any, ...]) -> str:
    """Run statements of a viewer, roll them back and return "done" or the name of PostgreSQL's error."""

    async def run() -> None:
        async with Database(address.login) as database, database.entered(viewer) as connection:
            for statement in statements:
                await connection.execute(*statement)
            raise asyncio.CancelledError

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        return "done"
    except asyncpg.InsufficientPrivilegeError as error:
        return "row-level security" if "row-level security" in str(error) else "permission denied"
    return "kept"


def case_of(address: DatabaseUrls, viewer: Viewer, *, is_own: bool) -> tuple[UUID, UUID]:
    """A case with its patient that a physician treats, or does not treat."""
    found = rows(address, CASES, viewer.clinic_id, viewer.person_id)
    return next((row["id"], row["patient_id"]) for row in found if row["is_own"] is is_own)


def test_a_physician_can_only_add_encounters_of_own_patients_in_their_own_name(
    address: DatabaseUrls, physician: Viewer
) -> None:
    own, foreign = (case_of(address, physician, is_own=is_own) for is_own in (True, False))
    own_id, clinic = physician.person_id, physician.clinic_id
    [[other]] = rows(address, "select id from physicians where clinic_id = $1 and id <> $2 limit 1", clinic, own_id)
    assert attempt(address, physician, (VISIT, clinic, uuid4(), own[0], own_id, own[1])) == "done"
    for case, physician_id in ((foreign, own_id), (own, other), (foreign, other)):
        refused = attempt(address, physician, (VISIT, clinic, uuid4(), case[0], physician_id, case[1]))
        assert refused == "row-level security"


def test_exams_can_only_be_added_to_an_own_encounter(address: DatabaseUrls, physician: Viewer) -> None:
    own, visit = case_of(address, physician, is_own=True), uuid4()
    own_id, clinic = physician.person_id, physician.clinic_id
    [[exam]] = rows(address, "select id from exam_types where clinic_id = $1 and code is not null limit 1", clinic)
    recorded = (VISIT, clinic, visit, own[0], own_id, own[1])
    assert attempt(address, physician, recorded, (EXAM, clinic, visit, exam)) == "done"
    [[foreign]] = rows(address, "select id from encounters where physician_id <> $1 limit 1", own_id)
    assert attempt(address, physician, (EXAM, clinic, foreign, exam)) == "row-level security"


@pytest.mark.parametrize(
    "statement",
    [
        "update encounters set case_id = case_id",
        "update encounters set invoice_id = null",
        "delete from encounters",
        "update encounter_exams set units = 2",
        "delete from encounter_exams",
        "select base_price from cpt_codes",
        "select code from cpt_codes",
        "select rate from fee_schedule_rates",
        "select id from fee_schedules",
        "select geographic_factor from facilities",
        "update exam_types set name = 'Mine'",
    ],
)
def test_a_physician_cannot_move_or_delete_encounters_or_read_prices(
    address: DatabaseUrls, physician: Viewer, statement: str
) -> None:
    assert attempt(address, physician, (statement,)) == "permission denied"


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.ANALYST])
def test_attorneys_and_analysts_cannot_record_an_encounter(
    address: DatabaseUrls, physician: Viewer, role: Role
) -> None:
    own, viewer = case_of(address, physician, is_own=True), viewer_of(address, role)
    recorded = (VISIT, viewer.clinic_id, uuid4(), own[0], physician.person_id, own[1])
    assert attempt(address, viewer, recorded) == "permission denied"


def test_the_pricing_role_reads_prices_of_the_own_clinic_only_and_writes_nothing(
    address: DatabaseUrls, physician: Viewer
) -> None:
    async def count(clinic: UUID) -> bytes | None:
        viewer = Viewer(**{**{name: getattr(physician, name) for name in physician.__slots__}, "clinic_id": clinic})
        async with Database(address.login) as database:
            return await database.price(viewer, "select to_json(count(*)) from fee_schedule_rates", [])

    assert asyncio.run(count(physician.clinic_id)) != b"0"
    assert asyncio.run(count(uuid4())) == b"0"
    for statement in ("update cpt_codes set base_price = 0 returning 1", "select number from invoices"):
        with pytest.raises(asyncpg.PostgresError):
            asyncio.run(_price(address, physician, statement))


async def _price(address: DatabaseUrls, viewer: Viewer, statement: str) -> None:
    async with Database(address.login) as database:
        await database.price(viewer, statement, [])
