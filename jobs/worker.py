"""The background worker: schedules jobs in the PostgreSQL job queue, runs them, and retries failures with exponential backoff."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from uuid import UUID

import asyncpg
from pgqueuer import AsyncpgPoolDriver, Job, PgQueuer, Queries, RetryRequested
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.domain.settings import DBSettings
from pgqueuer.models import Schedule
from pgqueuer.types import Channel

from db.pools import Connect, Database
from db.security.policies import JOBS, STAFF_LOGIN, WORKER_ROLE
from domain.clock import Clock, now
from identity.sessions import Sessions
from jobs.agreements import lapse_agreements
from jobs.attorney_changes import apply_attorney_changes
from jobs.delivery_reports import read_delivery_reports
from jobs.document_files import draw_named
from jobs.export_files import Builder, build
from jobs.export_housekeeping import drop_old_files
from jobs.heartbeat import BEATS_EVERY_SECONDS, WorkerHeartbeat
from jobs.invoice_images import erase_invoice_images
from jobs.message_delivery import send_messages
from jobs.one_time_links import LinkMailer, forget_links, send_links
from jobs.queue_driver import QueueDriver
from jobs.reminder_plan import plan_reminders
from observability.logs import trace
from observability.outages import DATABASE, SEEN, is_outage
from resolvers.commands.auditing import chain_audit_logs
from resolvers.commands.documents import drop_stale_uploads
from schema.whole import role_schemas
from storage.blobs import MissingBlobError, StorageError
from storage.files import Files
from storage.letters import MailServer
from storage.report_mailbox import ReportMailbox

logger = logging.getLogger("billing.worker")


@dataclass(frozen=True, slots=True)
class Tools:
    """What jobs depend on."""

    database: Database
    files: Files
    mail: MailServer
    clock: Clock
    # The mailbox of delivery reports, where there is one.
    reports: ReportMailbox | None = None


Task = Callable[[Tools], Awaitable[int]]
Opened = Callable[[], Database]
_FORGET = "delete from jobs.pgqueuer_log where created < $1"
_REMEMBERED = timedelta(days=30)


async def _lapse(tools: Tools) -> int:
    return await lapse_agreements(tools.database, tools.clock)


async def _apply_attorney_changes(tools: Tools) -> int:
    return await apply_attorney_changes(tools.database, tools.clock)


async def _drop_stale_uploads(tools: Tools) -> int:
    return await drop_stale_uploads(tools.database, tools.clock, tools.files.store.drop_folder)


async def _drop_old_files(tools: Tools) -> int:
    return await drop_old_files(tools.database, tools.clock, tools.files.store.drop_folder)


async def _forget_old_jobs(tools: Tools) -> int:
    async with tools.database.working() as connection:
        forgotten = await connection.execute(_FORGET, tools.clock() - _REMEMBERED)
    return int(forgotten.split()[-1])


async def _forget_links(tools: Tools) -> int:
    return await forget_links(tools.database, tools.clock)


async def _erase_invoice_images(tools: Tools) -> int:
    return await erase_invoice_images(tools.database)


async def _plan_reminders(tools: Tools) -> int:
    return await plan_reminders(tools.database, tools.clock)


async def _read_delivery_reports(tools: Tools) -> int:
    return await read_delivery_reports(tools.database, tools.clock, tools.reports) if tools.reports else 0


# Job → cron schedule (minute, hour, day, month, weekday; UTC) and task. Every job also runs when a worker starts.
# A clinic's day begins at a full or a quarter hour of UTC in every time zone.
TASKS: dict[str, tuple[str, Task]] = {
    "apply_attorney_changes": ("*/15 * * * *", _apply_attorney_changes),
    "lapse_agreements": ("*/15 * * * *", _lapse),
    "plan_reminders": ("*/15 * * * *", _plan_reminders),
    "erase_invoice_images": ("*/5 * * * *", _erase_invoice_images),
    "drop_stale_uploads": ("20 * * * *", _drop_stale_uploads),
    "drop_old_files": ("35 * * * *", _drop_old_files),
    "forget_links": ("50 * * * *", _forget_links),
    "forget_old_jobs": ("40 3 * * *", _forget_old_jobs),
}

# The job of a worker that has a mailbox of delivery reports.
REPORTS: dict[str, tuple[str, Task]] = {"read_delivery_reports": ("* * * * *", _read_delivery_reports)}

# The export job, which the database enqueues once for each file, and its concurrency limit over all workers: each build takes
# two connections of its role.
BUILD, _BUILT_AT_ONCE = "build_export", 2
# The job that draws the file of an issued document, which the database enqueues, too.
DRAW, _DRAWN_AT_ONCE = "draw_document", 2

# The queue's schedules have a resolution of minutes. Chaining the audit log and sending messages are more frequent: every worker
# polls for them at these intervals.
_CHAINS_EVERY_SECONDS, _SENDS_EVERY_SECONDS = 1.0, 5.0

# A job without a heartbeat for this long is taken over by another worker; each worker polls for such jobs at least this often.
HEARTBEAT, LOOKS = timedelta(seconds=15), timedelta(seconds=5)
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
_LARGEST_POOL = 3
_LONGEST_PAUSE = timedelta(minutes=10)
_GRACE_SECONDS, _STEADY_SECONDS, _CLOSES_WITHIN_SECONDS = 30, 60, 5
# Fixed names, not read from the environment: migrations created the tables under them.
QUEUE = DBSettings(
    prefix="",
    db_schema=JOBS,
    channel=Channel("ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
)


def queries(driver: AsyncpgPoolDriver) -> Queries:
    """The job queue, with the table names of the migrations."""
    return Queries(driver, QueryBuilderEnvironment(QUEUE), QueryQueueBuilder(QUEUE), QuerySchedulerBuilder(QUEUE))


@asynccontextmanager
async def working(
    dsn_of: Connect,
    files: Files,
    mail: MailServer,
    clock: Clock = now,
    *,
    links: LinkMailer | None = None,
    reports: ReportMailbox | None = None,
) -> AsyncIterator[None]:
    """Run jobs for as long as this context is open; at the end, running jobs have a grace period of 30 seconds to finish.

    One-time links are sent by mail with `links`, and delivery reports are read from the mailbox `reports`.
    """
    stop = asyncio.Event()

    def opened() -> Database:
        return Database(dsn_of, hints=files.hints())

    sending = _again_and_again(
        opened,
        stop,
        _SENDS_EVERY_SECONDS,
        "sending messages",
        lambda database: send_messages(database, clock, mail, files),
    )
    running = _again_and_again(opened, stop, BEATS_EVERY_SECONDS, "the heartbeat", WorkerHeartbeat().beat)
    chaining = _again_and_again(opened, stop, _CHAINS_EVERY_SECONDS, "chaining the audit log", chain_audit_logs)
    doing = _work(opened, dsn_of(STAFF_LOGIN), lambda database: Tools(database, files, mail, clock, reports), stop)
    linking = (
        _again_and_again(
            opened, stop, _SENDS_EVERY_SECONDS, "sending links", lambda database: send_links(database, clock, links)
        )
        if links
        else None
    )
    tasks = {asyncio.create_task(one) for one in (doing, running, chaining, sending, linking) if one}
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _again_and_again(
    opened: Opened, stop: asyncio.Event, seconds: float, words: str, function: Callable[[Database], Awaitable[int]]
) -> None:
    """Repeat a task until stopped, through every outage of the database."""
    async with opened() as database:
        while not stop.is_set():
            try:
                await function(database)
                SEEN.ended(DATABASE)
            except Exception as failure:  # noqa: BLE001 (after any failure, the task is tried again later)
                _report(failure, f"{words} was interrupted")
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stop.wait()


def _report(failure: Exception, words: str) -> None:
    """Log a failure with its stack trace; an outage of the database or of the file store has its own line."""
    if is_outage(failure):
        SEEN.began(DATABASE, failure)
    elif isinstance(failure, MissingBlobError) or not isinstance(failure, StorageError):
        logger.warning("%s: %s", words, trace(failure))


async def _work(opened: Opened, dsn: str, tools_of: Callable[[Database], Tools], stop: asyncio.Event) -> None:
    """Run jobs until stopped, through every outage of the database."""
    pauses = iter(_PAUSES)
    async with opened() as database:
        while not stop.is_set():
            began = monotonic()
            try:
                await _work_while_connected(dsn, tools_of(database), stop)
            except Exception as failure:  # noqa: BLE001 (after any failure, the worker connects again)
                _report(failure, "the worker was interrupted")
            if monotonic() - began > _STEADY_SECONDS:
                pauses = iter(_PAUSES)
            with suppress(TimeoutError):
                async with asyncio.timeout(next(pauses, _PAUSES[-1])):
                    await stop.wait()


async def _work_while_connected(dsn: str, tools: Tools, stop: asyncio.Event) -> None:
    async with queue_pool(dsn) as pool:
        driver = QueueDriver(pool, tools.database.hints)
        queue = queries(driver)
        queuer = PgQueuer(driver, channel=QUEUE.channel, queries=queue)
        for name, (expression, task) in (TASKS | (REPORTS if tools.reports else {})).items():
            queuer.entrypoint(name)(_job(task, tools))
            queuer.schedule(name, expression)(_due(queue, name))
            await _ask_for(queue, name)
        queuer.entrypoint(BUILD, concurrency_limit=_BUILT_AT_ONCE)(_building(tools))
        queuer.entrypoint(DRAW, concurrency_limit=_DRAWN_AT_ONCE)(_drawing(tools))
        async with _stopped_by(stop, queuer):
            await queuer.run(dequeue_timeout=LOOKS, heartbeat_timeout=HEARTBEAT, shutdown_on_listener_failure=True)


@asynccontextmanager
async def queue_pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """The connections of the job queue; at the end, the pool waits 5 seconds for connections in use and then terminates them.

    A queue driver whose listening connection breaks does not release it, and `Pool.close` without a limit waits for it forever.
    """
    settings = {"role": WORKER_ROLE, "timezone": "UTC", "application_name": "billing worker"}
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=_LARGEST_POOL, server_settings=settings)
    try:
        yield pool
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSES_WITHIN_SECONDS):
                await pool.close()


@asynccontextmanager
async def _stopped_by(stop: asyncio.Event, queuer: PgQueuer) -> AsyncIterator[None]:
    async def pass_on() -> None:
        await stop.wait()
        queuer.shutdown.set()

    passing = asyncio.create_task(pass_on())
    try:
        yield
    finally:
        passing.cancel()


def _due(queue: Queries, name: str) -> Callable[[Schedule], Awaitable[None]]:
    async def due(schedule: Schedule) -> None:
        await _ask_for(queue, name)

    return due


async def _ask_for(queue: Queries, name: str) -> None:
    """Enqueue a job for the next free worker; the dedupe key makes it run once when several workers enqueue it at the same time."""
    await queue.enqueue(name, None, dedupe_key=name, on_conflict="skip")


def _job(task: Task, tools: Tools) -> Callable[[Job], Awaitable[None]]:
    return _tried(lambda job: task(tools))


def _building(tools: Tools) -> Callable[[Job], Awaitable[None]]:
    sessions = Sessions(tools.database)
    files = tools.files
    builder = Builder(tools.database, role_schemas(), files.spool, files.store, sessions.find_user, tools.clock)

    async def build_named(job: Job) -> int:
        clinic_id, identity = map(UUID, (job.payload or b"").decode().split())
        began = monotonic()
        rows = await build(builder, clinic_id, identity)
        logger.info("export %s of clinic %s: %d rows in %.1f s", identity, clinic_id, rows, monotonic() - began)
        return rows

    return _tried(build_named)


def _drawing(tools: Tools) -> Callable[[Job], Awaitable[None]]:
    return _tried(lambda job: draw_named(tools.database, tools.files, job.payload))


def _tried(task: Callable[[Job], Awaitable[int]]) -> Callable[[Job], Awaitable[None]]:
    """A job that is retried with exponential backoff until it succeeds."""

    async def do(job: Job) -> None:
        try:
            done = await task(job)
        except Exception as failure:  # noqa: BLE001 (after any failure, the job is tried again)
            _report(failure, f"job {job.entrypoint} {job.id} failed")
            # The queue stores the exception, and the text of a database error may quote a row.
            pause = min(timedelta(seconds=2**job.attempts), _LONGEST_PAUSE)
            raise RetryRequested(delay=pause, reason=type(failure).__name__) from None
        logger.debug("job %s %s done: %s", job.entrypoint, job.id, done)

    return do
