"""The worker lapses conditional agreements on the right day and exactly once, also when a worker is killed or loses its connections."""

import asyncio
import re
import signal
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pgqueuer.adapters.persistence.schema_ddl import render_install

from db.pools import Database
from db.sealed_hints import Inbox
from db.security.policies import STAFF_LOGIN
from jobs.agreements import lapse_agreements
from jobs.worker import HEARTBEAT, LOOKS, QUEUE, TASKS, queue_pool
from server.database_urls import DatabaseUrls
from tests.support.databases import rows
from tests.support.processes import billing
from tests.support.subscriber import HINTS

MIGRATION = next((Path(__file__).parents[2] / "db" / "migrations" / "versions").glob("0003_*.py"))
LONG_AGO, NOT_YET = date(2020, 1, 1), date(2999, 1, 1)
# The last day of a condition in New York, and the moments around the midnight that follows.
LAST_DAY = date(2026, 7, 4)
LAST_MOMENT, NEXT_MOMENT = datetime(2026, 7, 5, 3, 59, 59, tzinfo=UTC), datetime(2026, 7, 5, 4, 0, 0, tzinfo=UTC)
EVENTS = """select e.by_user_id, e.from_status, e.to_status from invoice_events e
    where e.invoice_id = $1 and e.transition = 'lapse_agreement' order by e.seq"""

ASK_FOR_LAPSES = """insert into jobs.pgqueuer (priority, status, entrypoint, dedupe_key)
    values (0, 'queued', 'lapse_agreements', 'lapse_agreements') on conflict do nothing"""
END_CONNECTIONS = """select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename = 'clinic_staff_login'"""
CONDITIONAL = (
    "update agreements set conditional_until = $1 where invoice_id = any($2) and ended_on is null",
    "update invoices set conditional_until = $1 where id = any($2)",
)
DONE = "select 1 from jobs.pgqueuer_log where status = 'successful' and entrypoint = $1"


def agreements(address: DatabaseUrls, until: date, count: int, *, paid: bool = False) -> list[UUID]:
    """Pending invoices that never lapsed, made conditional; with or without a received amount."""
    comparison = ">" if paid else "="
    query = f"""select id from invoices where status = 'pending_cheque' and received_amount {comparison} 0 and id not in
        (select invoice_id from invoice_events where transition = 'lapse_agreement') order by id limit $1"""
    found = [row["id"] for row in rows(address, query, count)]
    assert len(found) == count
    make_conditional(address, until, found)
    return found


def make_conditional(address: DatabaseUrls, until: date, invoices: list[UUID]) -> None:
    """Make the agreements of invoices conditional until a day."""
    for statement in CONDITIONAL:
        rows(address, statement, until, invoices)


def state(address: DatabaseUrls, identity: UUID) -> Any:
    return rows(
        address, "select status, agreed_amount, conditional_until, version from invoices where id = $1", identity
    )[0]


def lapses(address: DatabaseUrls, identity: UUID) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows(address, EVENTS, identity)]


def lapse(address: DatabaseUrls, moment: datetime) -> int:
    """Run the job at a moment, and return the number of agreements that lapsed."""

    async def run() -> int:
        async with Database(address.login) as database:
            return await lapse_agreements(database, lambda: moment)

    return asyncio.run(run())


RECEIVED = """with payment as (insert into cheques (clinic_id, id, payer_id, number, amount, cheque_date, received_on, imported)
        select clinic_id, gen_random_uuid(), payer_id, 'WHILE-WAITING', 1, $2, $2, true from invoices where id = $1
        returning clinic_id, id)
    insert into cheque_allocations (clinic_id, id, cheque_id, invoice_id, amount, effective_on)
        select clinic_id, gen_random_uuid(), id, $1, 1, $2 from payment"""
ONE_LAPSE = [(None, "pending_cheque", "pending_reduction")]


@pytest.fixture(autouse=True)
def _no_other_agreement_is_conditional(own_address: DatabaseUrls) -> None:
    for table in ("agreements", "invoices"):
        rows(own_address, f"update {table} set conditional_until = null where conditional_until is not null")


def test_an_agreement_holds_on_its_last_day_and_lapses_at_midnight_in_the_clinic(own_address: DatabaseUrls) -> None:
    (invoice,) = agreements(own_address, LAST_DAY, 1)
    assert (lapse(own_address, LAST_MOMENT), state(own_address, invoice)["status"]) == (0, "pending_cheque")
    assert (lapse(own_address, NEXT_MOMENT), state(own_address, invoice)["status"]) == (1, "pending_reduction")


def test_midnight_is_in_the_time_zone_of_each_clinic(own_address: DatabaseUrls) -> None:
    rows(own_address, "update clinics set time_zone = 'America/Los_Angeles'")
    (invoice,) = agreements(own_address, LAST_DAY, 1)
    assert lapse(own_address, NEXT_MOMENT) == 0
    assert lapse(own_address, NEXT_MOMENT + timedelta(hours=3)) == 1
    assert lapses(own_address, invoice) == ONE_LAPSE


def test_a_lapse_clears_the_agreement_and_is_recorded_in_the_history_without_a_user(
    own_address: DatabaseUrls,
) -> None:
    (invoice,) = agreements(own_address, LAST_DAY, 1)
    before = state(own_address, invoice)
    lapse(own_address, NEXT_MOMENT)
    after = state(own_address, invoice)
    assert (after["agreed_amount"], after["conditional_until"]) == (None, None)
    assert after["version"] == before["version"] + 1
    assert lapses(own_address, invoice) == ONE_LAPSE
    offers = rows(own_address, "select status from reduction_offers where invoice_id = $1", invoice)
    assert "accepted" not in {offer["status"] for offer in offers}


def test_a_partly_paid_agreement_does_not_lapse(own_address: DatabaseUrls) -> None:
    (invoice,) = agreements(own_address, LAST_DAY, 1, paid=True)
    assert lapse(own_address, NEXT_MOMENT) == 0
    assert (state(own_address, invoice)["status"], lapses(own_address, invoice)) == ("pending_cheque", [])


def test_an_agreement_without_condition_does_not_lapse(own_address: DatabaseUrls) -> None:
    assert lapse(own_address, NEXT_MOMENT) == 0
    assert (
        rows(own_address, "select 1 from invoice_events where transition = 'lapse_agreement' and at = $1", NEXT_MOMENT)
        == []
    )


def test_a_lapse_sends_a_notification(own_address: DatabaseUrls) -> None:
    (invoice,) = agreements(own_address, LAST_DAY, 1)

    async def notifications_of_a_lapse() -> list[str]:
        payloads: list[str] = []
        connection = await asyncpg.connect(own_address.owner)
        await connection.add_listener("invoice_changed", lambda *arguments: payloads.append(arguments[-1]))
        async with Database(own_address.login, hints=HINTS) as database:
            await lapse_agreements(database, lambda: NEXT_MOMENT)
        await connection.execute("select 1")
        await connection.close()
        return payloads

    (payload,) = asyncio.run(notifications_of_a_lapse())
    content = Inbox(HINTS).read("invoice_changed", payload)
    assert content["invoice"] == str(invoice)
    assert "status" in content["columns"]


async def test_concurrent_workers_lapse_an_agreement_once(own_address: DatabaseUrls) -> None:
    invoices = await asyncio.to_thread(agreements, own_address, LAST_DAY, 8)
    databases = [Database(own_address.login) for _ in range(4)]
    lapsed = await asyncio.gather(*(lapse_agreements(database, lambda: NEXT_MOMENT) for database in databases))
    for database in databases:
        await database.__aexit__()
    assert sum(lapsed) == len(invoices)
    for invoice in invoices:
        assert await asyncio.to_thread(lapses, own_address, invoice) == ONE_LAPSE


async def test_a_cheque_recorded_while_the_worker_waits_for_the_invoice_prevents_the_lapse(
    own_address: DatabaseUrls,
) -> None:
    (invoice,) = await asyncio.to_thread(agreements, own_address, LAST_DAY, 1)
    clerk = await asyncpg.connect(own_address.owner)
    async with Database(own_address.login) as database:
        transaction = clerk.transaction()
        await transaction.start()
        await clerk.execute("update invoices set received_amount = 1 where id = $1", invoice)
        await clerk.execute(RECEIVED, invoice, LAST_DAY)
        lapsing = asyncio.create_task(lapse_agreements(database, lambda: NEXT_MOMENT))
        await _until(lambda: _waits_for_a_lock(own_address))
        await transaction.commit()
        assert await lapsing == 0
    await clerk.close()
    assert await asyncio.to_thread(lapses, own_address, invoice) == []


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if await asyncio.to_thread(holds):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the condition did not become true in time")


def _waits_for_a_lock(address: DatabaseUrls) -> bool:
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return bool(rows(address, query))


def test_the_queue_tables_of_the_migration_are_those_of_the_installed_version() -> None:
    migrated = "".join(re.findall(r'"""(CREATE .*?)"""', MIGRATION.read_text(encoding="utf-8"), re.DOTALL))
    expected = "".join(line for line in render_install(QUEUE).splitlines() if not line.startswith("-- pgqueuer"))

    def without_spaces(text: str) -> str:
        return re.sub(r"[\s;]+", "", text)

    assert without_spaces(migrated) == without_spaces(expected)


# The worker process.


def _wait_for_lapses(address: DatabaseUrls, invoices: list[UUID], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(state(address, invoice)["status"] != "pending_reduction" for invoice in invoices):
        assert time.monotonic() < deadline, "an agreement did not lapse in time"
        time.sleep(0.1)


def _wait_until_done(address: DatabaseUrls, job: str) -> None:
    deadline = time.monotonic() + 20
    while not rows(address, DONE, job):
        assert time.monotonic() < deadline, f"{job} was not done"
        time.sleep(0.1)


def test_every_job_runs_at_the_start_of_the_worker(own_address: DatabaseUrls) -> None:
    with billing(own_address, "worker"):
        for job in TASKS:
            _wait_until_done(own_address, job)


@pytest.mark.prove
def test_two_worker_processes_lapse_every_agreement_once(own_address: DatabaseUrls) -> None:
    invoices = agreements(own_address, LONG_AGO, 6)
    (covered,) = agreements(own_address, LAST_DAY, 1, paid=True)
    with billing(own_address, "worker"), billing(own_address, "worker"):
        _wait_for_lapses(own_address, invoices, 20)
    assert [lapses(own_address, invoice) for invoice in invoices] == [ONE_LAPSE] * 6
    assert (state(own_address, covered)["status"], lapses(own_address, covered)) == ("pending_cheque", [])


@pytest.mark.parametrize("command", ["worker", "serve"])
def test_a_process_with_a_worker_ends_cleanly_on_sigterm(own_address: DatabaseUrls, command: str) -> None:
    invoices = agreements(own_address, LONG_AGO, 1)
    with billing(own_address, command) as process:
        _wait_for_lapses(own_address, invoices, 20)
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(15) == 0
    left = rows(own_address, "select entrypoint from jobs.pgqueuer")
    assert left == []


@pytest.mark.prove
def test_a_lapse_begun_by_a_killed_worker_is_done_by_another_within_a_minute(own_address: DatabaseUrls) -> None:
    (invoice,) = agreements(own_address, NOT_YET, 1)
    asyncio.run(_kill_worker_during_lapse(own_address, invoice))
    assert lapses(own_address, invoice) == []
    with billing(own_address, "worker"):
        _wait_for_lapses(own_address, [invoice], (HEARTBEAT + 2 * LOOKS).total_seconds() + 10)
    assert lapses(own_address, invoice) == ONE_LAPSE


async def _kill_worker_during_lapse(address: DatabaseUrls, invoice: UUID) -> None:
    clerk = await asyncpg.connect(address.owner)
    with billing(address, "worker") as process:
        await asyncio.to_thread(_wait_until_done, address, "lapse_agreements")
        for statement in CONDITIONAL:
            await clerk.execute(statement, LONG_AGO, [invoice])
        async with clerk.transaction():
            await clerk.fetch("select 1 from invoices where id = $1 for update", invoice)
            await asyncio.to_thread(rows, address, ASK_FOR_LAPSES)
            await _until(lambda: _waits_for_a_lock(address))
            process.popen.kill()
            process.popen.wait()
    await clerk.close()


def test_a_worker_continues_after_losing_its_connections(own_address: DatabaseUrls) -> None:
    with billing(own_address, "worker"):
        invoices = agreements(own_address, NOT_YET, 1)
        _wait_until_done(own_address, "lapse_agreements")
        for _ in range(2):
            rows(own_address, END_CONNECTIONS)
            time.sleep(1)
        make_conditional(own_address, LONG_AGO, invoices)
        rows(own_address, ASK_FOR_LAPSES)
        _wait_for_lapses(own_address, invoices, 30)
    assert [lapses(own_address, invoice) for invoice in invoices] == [ONE_LAPSE]


async def test_the_pool_of_the_queue_ends_although_a_connection_is_never_released(own_address: DatabaseUrls) -> None:
    """The queue's driver keeps its listening connection when resetting it fails; the worker has to connect again all the same."""
    began = time.monotonic()
    async with queue_pool(own_address.login(STAFF_LOGIN)) as pool:
        await pool.acquire()
    assert pool.get_size() == 0
    assert time.monotonic() - began < 30
