"""Invoice numbers have no gaps and no duplicates, however many creations run at once and however many are rolled back."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.global_ids import make_id
from db.verify import verify
from domain.access.people import Role
from domain.billing.outcomes import Actor
from domain.clinics import clinic_day
from resolvers.commands.billing import invoices
from resolvers.commands.unit_of_work import UnitOfWork
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import LINE, NEW, answered, done, refused
from tests.support.api.records import uuid_of
from tests.support.client import Client, serving
from tests.support.databases import rows

CLIENTS, EACH = 16, 25
YEAR = datetime.now(UTC).year
DISTURBANCES = 40
_TAKE = "update invoice_counters set last_number = last_number + 1 where clinic_id = $1 and year = $2"


@pytest.fixture
def staff(own_address: DatabaseUrls) -> Iterator[Client]:
    """A client of billing staff, over a database that no other test uses."""
    with serving(own_address) as url, Client(url) as anonymous, anonymous.signed_in("billing@demo.example") as client:
        yield client


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> UUID:
    """The demo clinic, which has created an invoice this year, so that its counter row exists."""
    (row,) = rows(own_address, "select clinic_id from clinics where short_name = 'demo'")
    identity: UUID = row["clinic_id"]
    return identity


@pytest.fixture
def drafts(own_address: DatabaseUrls, clinic: UUID) -> list[dict[str, Any]]:
    """Inputs that create invoices in several cases."""
    cases = rows(
        own_address, "select id from cases where clinic_id = $1 and status = 'open' order by id limit 40", clinic
    )
    payer = rows(own_address, "select id from payers where clinic_id = $1 and kind = 'insurance' limit 1", clinic)[0][
        "id"
    ]
    rest = {"payerId": make_id("Payer", payer), "serviceDate": "2026-03-02", "lines": [LINE], "confirmDuplicate": True}
    return [{**rest, "caseId": make_id("Case", case["id"])} for case in cases]


def counted(address: DatabaseUrls, clinic: UUID, year: int = YEAR) -> int:
    """The number that the counter of a year has reached."""
    found = rows(address, "select last_number from invoice_counters where clinic_id = $1 and year = $2", clinic, year)
    return found[0]["last_number"] if found else 0


async def _disturb(address: DatabaseUrls, clinic: UUID, stop: asyncio.Event) -> int:
    """Take a number again and again and roll back, while other transactions wait for the counter."""
    connection = await asyncpg.connect(address.owner)
    taken = 0
    while not stop.is_set() and taken < DISTURBANCES:
        transaction = connection.transaction()
        await transaction.start()
        taken += (await connection.execute(_TAKE, clinic, YEAR)) == "UPDATE 1"
        await asyncio.sleep(0.005)
        await transaction.rollback()
        await asyncio.sleep(0.02)
    await connection.close()
    return taken


def _create_many(staff: Client, drafts: list[dict[str, Any]], first: int) -> list[str]:
    """One client's invoices, each in another case; before every fifth there is a refused creation."""
    numbers = []
    with Client(staff.url, staff.token) as client:
        for place in range(EACH):
            draft = drafts[(first + place * 7) % len(drafts)]
            if place % 5 == 0:
                wrong = {**draft, "lines": [LINE, {"code": "NONE-SUCH"}], "idempotencyKey": f"{uuid4()}"}
                assert refused(client, "createInvoice", NEW, **wrong)["code"] == "INVALID_INPUT"
            made = answered(client, "createInvoice", NEW, **draft, idempotencyKey=f"{uuid4()}")
            assert made["errors"] == []
            numbers.append(made["invoice"]["number"])
    return numbers


async def test_sixteen_clients_create_four_hundred_invoices_without_gap_or_duplicate(
    own_address: DatabaseUrls, staff: Client, drafts: list[dict[str, Any]], clinic: UUID
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    before = (await asyncio.to_thread(counted, own_address, clinic)) or 0
    disturbing = asyncio.create_task(_disturb(own_address, clinic, stop))
    with ThreadPoolExecutor(CLIENTS) as pool:
        work = [loop.run_in_executor(pool, _create_many, staff, drafts, first) for first in range(CLIENTS)]
        numbers = [number for made in await asyncio.gather(*work) for number in made]
    stop.set()
    assert await disturbing > 0
    expected = [f"INV-{YEAR}-{number:06d}" for number in range(before + 1, before + CLIENTS * EACH + 1)]
    assert sorted(numbers) == expected
    assert await asyncio.to_thread(counted, own_address, clinic) == before + CLIENTS * EACH
    connection = await asyncpg.connect(own_address.owner)
    try:
        assert (await verify(connection)).breaches == ()
    finally:
        await connection.close()


def test_a_creation_that_waits_for_its_case_does_not_block_the_next_number(
    own_address: DatabaseUrls, staff: Client, drafts: list[dict[str, Any]], clinic: UUID
) -> None:
    """Only the last statement takes the number: all lock waits come before it."""
    before = counted(own_address, clinic)
    with ExitStack() as held, ThreadPoolExecutor(1) as pool:
        held.enter_context(_locked(own_address, uuid_of(drafts[0]["caseId"])))
        waiting = pool.submit(done, staff, "createInvoice", NEW, **drafts[0])
        with Client(staff.url, staff.token) as other:
            made = [done(other, "createInvoice", NEW, **draft)["number"] for draft in drafts[1:4]]
        assert not waiting.done()
        held.close()
        late = waiting.result(timeout=20)["number"]
    assert [*made, late] == [f"INV-{YEAR}-{before + place:06d}" for place in range(1, 5)]


@contextmanager
def _locked(address: DatabaseUrls, case: UUID) -> Iterator[None]:
    """A case on which another transaction holds the row lock."""
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(address.owner))
    loop.run_until_complete(connection.execute(f"begin; select from cases where id = '{case}' for update"))
    try:
        yield
    finally:
        loop.run_until_complete(connection.close())
        loop.close()


async def _create_at(address: DatabaseUrls, moment: datetime, draft: dict[str, Any]) -> str:
    """The number of an invoice that is created at a moment, by the clinic's time zone."""
    connection = await asyncpg.connect(address.owner)
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
    try:
        (clinic, zone), *_ = await connection.fetch(
            "select clinic_id, time_zone from clinics where short_name = 'demo'"
        )
        user = await connection.fetchval("select id from users where email = 'billing@demo.example'")
        inputs = {"case_id": uuid_of(draft["caseId"]), "payer_id": uuid_of(draft["payerId"]), "lines": draft["lines"]}
        inputs["confirm_duplicate"] = True
        inputs["service_date"] = clinic_day(moment, zone)
        actor = Actor(Role.BILLING, clinic_day(moment, zone), moment)
        async with connection.transaction():
            identity = await invoices.create(UnitOfWork(connection, clinic, user, actor, moment, "request", inputs))
        return str(await connection.fetchval("select number from invoices where id = $1", identity))
    finally:
        await connection.close()


async def test_the_year_is_that_of_the_clinic_s_time_zone_and_each_year_begins_at_one(
    own_address: DatabaseUrls, drafts: list[dict[str, Any]]
) -> None:
    eve = datetime(2031, 1, 1, 4, 59, 59, tzinfo=UTC)
    moments = (eve, eve, datetime(2031, 1, 1, 5, tzinfo=UTC), eve, datetime(2031, 6, 1, tzinfo=UTC))
    numbers = [await _create_at(own_address, moment, drafts[0]) for moment in moments]
    assert numbers == [
        "INV-2030-000001",
        "INV-2030-000002",
        "INV-2031-000001",
        "INV-2030-000003",
        "INV-2031-000002",
    ]


def test_numbers_beyond_a_million_get_longer_and_still_fit_accounting_files(
    own_address: DatabaseUrls, staff: Client, drafts: list[dict[str, Any]], clinic: UUID
) -> None:
    done(staff, "createInvoice", NEW, **drafts[0])
    for last in (999_998, 2_147_483_645):
        rows(
            own_address,
            "update invoice_counters set last_number = $3 where clinic_id = $1 and year = $2",
            clinic,
            YEAR,
            last,
        )
        made = [done(staff, "createInvoice", NEW, **draft)["number"] for draft in drafts[:2]]
        assert made == [f"INV-{YEAR}-{last + 1}", f"INV-{YEAR}-{last + 2}"]
        assert max(map(len, made)) <= 21


def test_each_clinic_has_its_own_counter(
    own_address: DatabaseUrls, staff: Client, drafts: list[dict[str, Any]], clinic: UUID
) -> None:
    other = uuid4()
    rows(own_address, "insert into clinics (clinic_id, short_name, name) values ($1, 'other', 'Another clinic')", other)
    rows(own_address, "insert into invoice_counters values ($1, $2, 77)", other, YEAR)
    before = counted(own_address, clinic)
    assert done(staff, "createInvoice", NEW, **drafts[0])["number"] == f"INV-{YEAR}-{before + 1:06d}"
    assert counted(own_address, other) == 77
