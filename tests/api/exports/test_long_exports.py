"""Long exports: progress events, cancellation, takeover from a killed worker, and a consistent snapshot while data changes."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import httpx
import pytest

from db.pools import Database
from domain.access.people import Role
from domain.exports import CANCELLED
from identity.sessions import Sessions
from jobs.export_files import Builder, build
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.storage.stores import Folder
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, at_work, bureau_over, fetch, look, until, uuid_of, waiting
from tests.support.processes import billing
from tests.support.subscriber import connected

PROGRESS = "subscription ($id: ID!) { exportProgress(id: $id) { status rowsWritten rowCount downloadUrl } }"
CANCEL = "mutation ($input: CancelExportInput!) { cancelExport(input: $input) { export { status failure } errors { message } } }"
# Many times the demo's number of invoices, so that building takes seconds.
MANY = 300
_COPIES = """insert into invoices (clinic_id, id, number, case_id, patient_id, payer_id, physician_id, facility_id, attorney_id,
        created_on, service_date, billed_amount, responsible_since, updated_at, known_from)
    select clinic_id, gen_random_uuid(), 'X-' || n || '-' || right(number, 9), case_id, patient_id, payer_id, physician_id, facility_id,
        attorney_id, created_on, service_date, billed_amount, responsible_since, updated_at, known_from from invoices, generate_series(1, $1) n
        where number like 'INV-%'"""


@pytest.fixture(scope="module")
def many(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    """The same server with very many invoices."""
    with copied(postgres_server, template_database) as address:
        asyncio.run(multiply(address, MANY))
        with bureau_over(address, Folder(tmp_path_factory.mktemp("home")), is_working=False) as found:
            yield found


async def multiply(address: DatabaseUrls, times: int) -> None:
    """Copy every invoice so many times."""
    connection = await asyncpg.connect(address.owner)
    try:
        # Columns that triggers maintain are copied, too.
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_COPIES, times)
        await connection.execute("analyze invoices")
    finally:
        await connection.close()


@pytest.fixture
def busy(many: Bureau) -> Bureau:
    """The server, without exports of earlier tests."""
    rows(many.address, "delete from exports where status <> 'expired'")
    rows(many.address, "delete from jobs.pgqueuer")
    asyncio.run(many.files.store.drop_folder("exports"))
    return many


def test_a_subscriber_receives_the_progress_until_the_file_is_ready(busy: Bureau) -> None:
    export = waiting(busy, format="XLSX")
    client, events = busy.people[Role.BILLING], []
    with connected(busy.url, client.token) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": PROGRESS, "variables": {"id": export["id"]}})
        events.append(subscriber.next()["payload"]["data"]["exportProgress"])
        with at_work(busy.address, busy.files):
            while (message := subscriber.next(60))["type"] == "next":
                events.append(message["payload"]["data"]["exportProgress"])
        assert message["type"] == "complete"
    assert events[0]["status"] == "QUEUED"
    assert "RUNNING" in {each["status"] for each in events}
    written = [each["rowsWritten"] for each in events]
    assert written == sorted(written)
    assert events[-1]["status"] == "READY"
    assert events[-1]["rowsWritten"] == events[-1]["rowCount"] == 400 * (MANY + 1)
    assert events[-1]["downloadUrl"]


def test_a_file_is_cancelled_while_it_is_built(busy: Bureau) -> None:
    export = waiting(busy, format="XLSX")
    with at_work(busy.address, busy.files):
        until(busy, export, "RUNNING")
        busy.people[Role.BILLING].read(CANCEL, input={"exportId": export["id"]})
        assert look(busy, export)["failure"] == CANCELLED
    assert look(busy, export)["status"] == "FAILED"
    assert busy.place.held() == {}


def test_another_worker_finishes_the_file_of_a_killed_one_and_no_partial_file_is_stored(busy: Bureau) -> None:
    home = str(busy.place.settings.home)
    export = waiting(busy, format="XLSX")
    with billing(busy.address, "worker", at_home=home) as first:
        until(busy, export, "RUNNING")
        time.sleep(0.5)
        os.kill(first.popen.pid, signal.SIGKILL)
    found = look(busy, export)
    assert (found["status"], found["downloadUrl"]) == ("RUNNING", None)
    assert [name for name in busy.place.held() if name.startswith("exports/")] == []
    with billing(busy.address, "worker", at_home=home):
        found = until(busy, export, "READY", seconds=90)
    assert found["rowCount"] == 400 * (MANY + 1)
    body = httpx.get(found["downloadUrl"]).content
    assert body.startswith(b"PK")
    assert len([name for name in busy.place.held() if name.startswith("exports/")]) == 1


def test_changes_during_the_build_do_not_make_a_file_inconsistent(busy: Bureau) -> None:
    export = waiting(busy)
    stop = asyncio.Event()

    async def change() -> int:
        connection, changed = await asyncpg.connect(busy.address.owner), 0
        await connection.execute("set session_replication_role = replica")
        try:
            while not stop.is_set():
                await connection.execute(
                    """update invoices set billed_amount = billed_amount + 1 where id in
                        (select id from invoices where status = 'pending_invoice' order by random() limit 50)"""
                )
                changed += 50
            return changed
        finally:
            await connection.close()

    async def both() -> tuple[int, int]:
        changing = asyncio.create_task(change())
        [row] = await fetch(busy, "select clinic_id from exports where id = $1", uuid_of(export["id"]))
        async with Database(busy.address.login) as database:
            files, users = busy.files, Sessions(database).find_user
            it = Builder(database, role_schemas(), files.spool, files.store, users, lambda: datetime.now(UTC))
            count = await build(it, row["clinic_id"], uuid_of(export["id"]))
        stop.set()
        return count, await changing

    count, changed = asyncio.run(both())
    assert changed > 0
    [row] = rows(busy.address, "select * from exports where id = $1", uuid_of(export["id"]))
    lines = httpx.get(look(busy, export)["downloadUrl"]).content.decode().split("\r\n")[1:-1]
    assert len(lines) == count == row["row_count"]
    assert sum(Decimal(line.split(",")[3]) for line in lines) == row["billed_total"]
