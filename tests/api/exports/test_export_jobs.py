"""Export jobs: a file is built once and whole, whatever happens to its worker; users wait for it, cancel it, and see why it failed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from pgqueuer import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.queries import Queries

from db.pools import Database
from domain.access.people import Role
from domain.errors import InvalidInput
from domain.exports import CANCELLED, GIVEN_UP, MOST_ATTEMPTS, MOST_UNDER_WAY, NOT_ALLOWED, ExportFormat, ExportKind
from exports.columns import COLUMNS
from identity.sessions import Sessions
from jobs.export_files import Builder, build
from jobs.export_housekeeping import drop_old_files
from jobs.worker import BUILD, QUEUE
from resolvers.compiler.export_statements import Wanted, compile_export, offered
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from storage.blobs import StorageError
from tests.storage.stores import Folder
from tests.support.databases import rows
from tests.support.files.export_files import Bureau, at_work, bureau_over, fetch, look, until, uuid_of, waiting
from tests.support.subscriber import connected

PROGRESS = "subscription ($id: ID!) { exportProgress(id: $id) { status rowsWritten rowCount downloadUrl } }"
CANCEL = "mutation ($input: CancelExportInput!) { cancelExport(input: $input) { export { status failure } errors { message } } }"


@pytest.fixture
def idle(own_address: DatabaseUrls, tmp_path: Path) -> Iterator[Bureau]:
    """A server whose worker has not started."""
    with bureau_over(own_address, Folder(tmp_path), is_working=False) as found:
        yield found


@contextmanager
def a_builder(bureau: Bureau) -> Iterator[Any]:
    """A function that runs what the worker runs, once."""

    async def run(work: Any) -> Any:
        async with Database(bureau.address.login) as database:
            files, users = bureau.files, Sessions(database).find_user
            return await work(
                Builder(database, role_schemas(), files.spool, files.store, users, lambda: datetime.now(UTC))
            )

    yield lambda work: asyncio.run(run(work))


def build_once(bureau: Bureau, export: Any) -> int:
    [row] = rows(bureau.address, "select clinic_id from exports where id = $1", uuid_of(export["id"]))
    with a_builder(bureau) as builder:
        count: int = builder(lambda it: build(it, row["clinic_id"], uuid_of(export["id"])))
    return count


def test_a_requested_file_is_queued_for_the_worker_in_the_same_transaction(idle: Bureau) -> None:
    export = waiting(idle)
    [job] = rows(idle.address, "select * from jobs.pgqueuer where entrypoint = $1", BUILD)
    [row] = rows(idle.address, "select clinic_id, id from exports where id = $1", uuid_of(export["id"]))
    assert bytes(job["payload"]).decode() == f"{row['clinic_id']} {row['id']}"
    with at_work(idle.address, idle.files):
        found = until(idle, export, "READY")
    assert (found["rowCount"], found["rowsWritten"]) == (400, 400)
    assert rows(idle.address, "select 1 from jobs.pgqueuer where entrypoint = $1", BUILD) == []


def test_the_database_queues_the_job_as_the_queue_s_library_would(idle: Bureau) -> None:
    waiting(idle)

    async def enqueue() -> None:
        connection = await asyncpg.connect(idle.address.owner)
        try:
            environment, builder = QueryBuilderEnvironment(QUEUE), QueryQueueBuilder(QUEUE)
            queue = Queries(AsyncpgDriver(connection), environment, builder, QuerySchedulerBuilder(QUEUE))
            await queue.enqueue(BUILD, b"the same")
        finally:
            await connection.close()

    asyncio.run(enqueue())
    different = {"id", "payload", "created", "updated", "heartbeat", "execute_after"}
    ours, theirs = rows(idle.address, "select * from jobs.pgqueuer where entrypoint = $1 order by id", BUILD)
    assert {key: value for key, value in ours.items() if key not in different} == {
        key: value for key, value in theirs.items() if key not in different
    }
    logged = rows(
        idle.address,
        "select status, priority, traceback, aggregated from jobs.pgqueuer_log where entrypoint = $1",
        BUILD,
    )
    assert len(logged) == 2
    assert logged[0] == logged[1]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ATTORNEY])
def test_a_user_cannot_subscribe_to_another_user_s_file(idle: Bureau, role: Role) -> None:
    export = waiting(idle)
    with connected(idle.url, idle.people[role].token) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": PROGRESS, "variables": {"id": export["id"]}})
        assert subscriber.ended_with() == "NOT_FOUND"


def test_a_file_is_cancelled_by_its_owner_and_not_built(idle: Bureau) -> None:
    export = waiting(idle)
    others = idle.people[Role.ADMIN].read(CANCEL, input={"exportId": export["id"]})["cancelExport"]
    assert others == {"export": None, "errors": [{"message": "There is no such file"}]}
    mine = idle.people[Role.BILLING].read(CANCEL, input={"exportId": export["id"]})["cancelExport"]
    assert mine == {"export": {"status": "FAILED", "failure": CANCELLED}, "errors": []}
    again = idle.people[Role.BILLING].read(CANCEL, input={"exportId": export["id"]})["cancelExport"]
    assert again["errors"]
    assert build_once(idle, export) == 0
    assert look(idle, export)["status"] == "FAILED"
    assert idle.place.held() == {}


def test_the_number_of_pending_files_of_a_user_is_limited(idle: Bureau) -> None:
    rows(
        idle.address,
        """insert into exports (clinic_id, id, requested_by, role, kind, format, status, file_name, created_at)
        select clinic_id, gen_random_uuid(), id, role, 'invoices', 'csv', 'running', 'a.csv', now() from users, generate_series(1, $1)
        where email = 'billing@demo.example'""",
        MOST_UNDER_WAY,
    )
    refused = idle.ask(Role.BILLING)
    assert (refused["export"], len(refused["errors"])) == (None, 1)
    assert waiting(idle, Role.ADMIN)


def test_a_superseded_attempt_does_not_finish_the_file(idle: Bureau) -> None:
    export = waiting(idle)
    identity = uuid_of(export["id"])

    class Slow:
        """A store that is so slow that another worker begins a new attempt."""

        async def put(self, key: str, file: Any) -> None:
            rows_of = await asyncpg.connect(idle.address.owner)
            await rows_of.execute("update exports set attempts = attempts + 1 where id = $1", identity)
            await rows_of.close()
            await idle.files.store.put(key, file)

        async def drop(self, key: str) -> None:
            await idle.files.store.drop(key)

    async def work(builder: Builder) -> int:
        slow = Builder(builder.database, builder.schemas, builder.spool, Slow(), builder.find_user, builder.clock)
        [row] = await fetch(idle, "select clinic_id from exports where id = $1", identity)
        return await build(slow, row["clinic_id"], identity)

    with a_builder(idle) as run:
        assert run(work) == 0
    assert look(idle, export)["status"] == "RUNNING"
    assert idle.place.held() == {}


def test_a_file_fails_with_a_reason_if_the_store_never_answers(idle: Bureau) -> None:
    export = waiting(idle)
    rows(idle.address, "update exports set attempts = $2 where id = $1", uuid_of(export["id"]), MOST_ATTEMPTS - 1)
    (idle.files.incoming.parent / "files").rmdir()
    (idle.files.incoming.parent / "files").write_text("no folder")
    with pytest.raises(StorageError):
        build_once(idle, export)
    found = look(idle, export)
    assert (found["status"], found["failure"]) == ("FAILED", GIVEN_UP)


def test_a_file_that_kills_its_workers_fails(idle: Bureau) -> None:
    export = waiting(idle)
    rows(
        idle.address,
        "update exports set status = 'running', attempts = $2 where id = $1",
        uuid_of(export["id"]),
        MOST_ATTEMPTS,
    )
    assert build_once(idle, export) == 0
    assert look(idle, export)["failure"] == GIVEN_UP


@pytest.mark.parametrize(
    "change",
    [
        "update users set active = false where email = 'attorney@demo.example'",
        "update users set role = 'billing', attorney_id = null where email = 'attorney@demo.example'",
        """update exports set columns = '["number", "balance"]' where role = 'attorney'""",
        """update exports set filter = '{"denied": true}' where role = 'attorney'""",
        """update exports set role = 'admin' where role = 'attorney'""",
    ],
)
def test_a_file_whose_owner_may_not_see_it_any_more_is_not_built(idle: Bureau, change: str) -> None:
    export = waiting(idle, Role.ATTORNEY)
    rows(idle.address, change)
    assert build_once(idle, export) == 0
    [row] = rows(idle.address, "select status, failure from exports where id = $1", uuid_of(export["id"]))
    assert tuple(row) == ("failed", NOT_ALLOWED)
    assert idle.place.held() == {}


def test_a_file_is_deleted_after_a_week_and_a_failed_one_leaves_nothing(idle: Bureau) -> None:
    kept, old = waiting(idle), waiting(idle)
    for export in (kept, old):
        assert build_once(idle, export) == 400
    week = timedelta(days=7)
    rows(
        idle.address,
        "update exports set expires_at = expires_at - $2::interval where id = $1",
        uuid_of(old["id"]),
        week,
    )
    assert len(idle.place.held()) == 2
    with a_builder(idle) as run:
        for _ in range(2):
            run(lambda it: drop_old_files(it.database, it.clock, idle.files.store.drop_folder))
    assert (look(idle, kept)["status"], look(idle, old)["status"]) == ("READY", "EXPIRED")
    [name] = idle.place.held()
    assert str(uuid_of(kept["id"])) in name
    assert httpx.get(look(idle, kept)["downloadUrl"]).status_code == 200
    listed = rows(idle.address, "select distinct export_id from export_records")
    assert [row["export_id"] for row in listed] == [uuid_of(kept["id"])]


def test_a_file_lists_each_record_that_it_shows_once(idle: Bureau) -> None:
    export = waiting(idle, Role.ATTORNEY, columns=["number", "payer.name"])
    assert build_once(idle, export) > 0
    query = """select table_name, unnest(ids) as id from export_records where export_id = $1"""
    listed = [tuple(row) for row in rows(idle.address, query, uuid_of(export["id"]))]
    mine = """from invoices where status <> 'void' and attorney_id =
        (select attorney_id from users where email = 'attorney@demo.example')"""
    shown = rows(idle.address, f"select 'invoices', id {mine} union select 'payers', payer_id {mine}")
    assert sorted(listed) == sorted(tuple(row) for row in shown)
    [row] = rows(idle.address, "select record_count from exports where id = $1", uuid_of(export["id"]))
    assert row["record_count"] == len(listed)


@pytest.mark.parametrize("role", list(Role))
def test_every_record_that_a_column_leads_to_can_be_listed(role: Role) -> None:
    schema = role_schemas()[role]
    for kind in COLUMNS:
        columns = [column.path for column in offered(schema, kind)]
        if columns and (kind is ExportKind.INVOICES or role in (Role.ADMIN, Role.BILLING)):
            [part] = compile_export(schema, role, Wanted(kind, ExportFormat.CSV, {}, columns))
            assert part.shown.sql


@pytest.mark.parametrize("role", list(Role))
def test_a_set_for_quickbooks_is_compiled_with_all_of_its_columns_or_not_at_all(role: Role) -> None:
    wanted = Wanted(ExportKind.QUICKBOOKS_INVOICES, ExportFormat.ZIP, {}, [])
    if role in (Role.ADMIN, Role.BILLING):
        assert len(compile_export(role_schemas()[role], role, wanted)) == 3
    else:
        with pytest.raises(InvalidInput):
            compile_export(role_schemas()[role], role, wanted)


def test_a_long_workbook_continues_on_a_second_sheet(
    idle: Bureau, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from python_calamine import CalamineWorkbook  # noqa: PLC0415

    from exports import xlsx_files  # noqa: PLC0415

    monkeypatch.setattr(xlsx_files, "ROWS_PER_SHEET", 150)
    export = waiting(idle, format="XLSX")
    assert build_once(idle, export) == 400
    (tmp_path / "many.xlsx").write_bytes(httpx.get(look(idle, export)["downloadUrl"]).content)
    book = CalamineWorkbook.from_path(str(tmp_path / "many.xlsx"))
    sheets = [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]
    assert [len(sheet) for sheet in sheets] == [151, 151, 101]
    assert len({tuple(sheet[0]) for sheet in sheets}) == 1
    numbers = [row[0] for sheet in sheets for row in sheet[1:]]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 400


def test_the_worker_builds_no_file_for_another_clinic(idle: Bureau) -> None:
    export = waiting(idle)
    with a_builder(idle) as run:
        assert run(lambda it: build(it, UUID(int=7), uuid_of(export["id"]))) == 0
    assert look(idle, export)["status"] == "QUEUED"
