"""Decides that the database lets a physician record visits of the own patients and in the own name, and nobody's else."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.pools import Database
from domain.people import Role
from permissions.viewers import Viewer
from server.addresses import Address
from tests.databases import rows
from tests.permissions.own_rows import viewer_of

VISIT = """insert into encounters (clinic_id, id, case_id, patient_id, physician_id, service_date)
    select $1, $2, $3, patient_id, $4, '2026-05-04' from (select $5::uuid as patient_id) p"""
EXAM = "insert into encounter_exams (clinic_id, id, encounter_id, exam_type_id) values ($1, gen_random_uuid(), $2, $3)"
CASES = """select c.id, c.patient_id, exists (select from treating_physicians t where t.case_id = c.id and t.physician_id = $2) as is_own
    from cases c where c.clinic_id = $1"""


@pytest.fixture(scope="module")
def physician(address: Address) -> Viewer:
    """The physician who signs in to the demo clinic."""
    return viewer_of(address, Role.PHYSICIAN)


def attempt(address: Address, viewer: Viewer, *statements: tuple[Any, ...]) -> str:
    """What becomes of statements of a viewer that are not kept: "done", or the name of the refusal."""

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


def case_of(address: Address, viewer: Viewer, *, is_own: bool) -> tuple[UUID, UUID]:
    """A case that a physician treats, or does not, and its patient."""
    found = rows(address, CASES, viewer.clinic_id, viewer.person_id)
    return next((row["id"], row["patient_id"]) for row in found if row["is_own"] is is_own)


def test_a_visit_is_added_for_an_own_patient_in_the_own_name_alone(address: Address, physician: Viewer) -> None:
    own, foreign = (case_of(address, physician, is_own=is_own) for is_own in (True, False))
    me, clinic = physician.person_id, physician.clinic_id
    [[other]] = rows(address, "select id from physicians where clinic_id = $1 and id <> $2 limit 1", clinic, me)
    assert attempt(address, physician, (VISIT, clinic, uuid4(), own[0], me, own[1])) == "done"
    for case, who in ((foreign, me), (own, other), (foreign, other)):
        refused = attempt(address, physician, (VISIT, clinic, uuid4(), case[0], who, case[1]))
        assert refused == "row-level security"


def test_exams_join_an_own_visit_alone(address: Address, physician: Viewer) -> None:
    own, visit = case_of(address, physician, is_own=True), uuid4()
    me, clinic = physician.person_id, physician.clinic_id
    [[exam]] = rows(address, "select id from exam_types where clinic_id = $1 and code is not null limit 1", clinic)
    recorded = (VISIT, clinic, visit, own[0], me, own[1])
    assert attempt(address, physician, recorded, (EXAM, clinic, visit, exam)) == "done"
    [[foreign]] = rows(address, "select id from encounters where physician_id <> $1 limit 1", me)
    assert attempt(address, physician, (EXAM, clinic, foreign, exam)) == "row-level security"


@pytest.mark.parametrize(
    "statement",
    [
        "update encounters set service_date = service_date",
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
def test_a_physician_changes_no_visit_and_reads_no_price(address: Address, physician: Viewer, statement: str) -> None:
    assert attempt(address, physician, (statement,)) == "permission denied"


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.ANALYST])
def test_nobody_else_of_those_who_read_records_a_visit(address: Address, physician: Viewer, role: Role) -> None:
    own, viewer = case_of(address, physician, is_own=True), viewer_of(address, role)
    recorded = (VISIT, viewer.clinic_id, uuid4(), own[0], physician.person_id, own[1])
    assert attempt(address, viewer, recorded) == "permission denied"


def test_pricing_reads_prices_of_the_own_clinic_alone_and_writes_nothing(address: Address, physician: Viewer) -> None:
    async def count(clinic: UUID) -> bytes | None:
        viewer = Viewer(**{**{name: getattr(physician, name) for name in physician.__slots__}, "clinic_id": clinic})
        async with Database(address.login) as database:
            return await database.price(viewer, "select to_json(count(*)) from fee_schedule_rates", [])

    assert asyncio.run(count(physician.clinic_id)) != b"0"
    assert asyncio.run(count(uuid4())) == b"0"
    for statement in ("update cpt_codes set base_price = 0 returning 1", "select number from invoices"):
        with pytest.raises(asyncpg.PostgresError):
            asyncio.run(_price(address, physician, statement))


async def _price(address: Address, viewer: Viewer, statement: str) -> None:
    async with Database(address.login) as database:
        await database.price(viewer, statement, [])
