"""PostgreSQL's channels, which every login hears and may send on, tell nothing; a forged notification opens, ends and costs nothing."""

import asyncio
import base64
import json
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from pgqueuer.domain.types import HealthCheckId

from db.notifications import InvoiceChange, Notifications, invoice_changed
from db.pools import Database
from db.sealed_hints import Hints
from db.security.policies import ATTORNEY_LOGIN, STAFF_LOGIN
from domain.access.people import Role
from identity.sessions import Sessions
from jobs.queue_driver import QueueDriver
from jobs.reminder_plan import plan_reminders
from jobs.worker import QUEUE, queries, queue_pool
from server.database_urls import DatabaseUrls
from tests.db.rights.function_rights import channels_in_code
from tests.storage.stores import Folder
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.files.export_files import Bureau, bureau_over
from tests.support.processes import SECRET
from tests.support.subscriber import HINTS, Subscriber, announce, listening
from tests.support.subscriptions import InvoicePool, sign_in, step

CHANNELS = sorted(channels_in_code())
SEALED, UNSEALED = {"invoice_changed", "clinic_wrote"}, {"session_ended", "export_changed"}
FLOOD = 2_000
# A column that only forged notifications name.
_COLUMN = "forged"
_SEND = "select pg_notify($1, payload) from unnest($2::text[]) payload"
_CLINIC = "select clinic_id from clinics where short_name = 'demo'"
_ANEW = "update clinics set reminded_on = null"
# An hour at which reminders are planned; without addresses, they fail at once, and subscribers are told.
_AFTERNOON = datetime.now(UTC).replace(hour=20) + timedelta(days=60)
_DEACTIVATE = "update users set active = $1 where email = 'physician@demo.example'"


@pytest.fixture(scope="module")
def bureau(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """A server with a read replica, whose writes are announced to every process, and a worker."""
    # The worker itself plans no reminders meanwhile.
    rows(address, "update clinics set reminded_on = '2999-01-01'")
    with_replica = DatabaseUrls(address.owner, replica=address.owner)
    with bureau_over(with_replica, Folder(tmp_path_factory.mktemp("home"))) as found:
        yield found


class Outsider:
    """A session of the attorneys' login that listens on every channel that the code names, and may send on all of them."""

    def __init__(self, address: DatabaseUrls) -> None:
        self.loop, self.heard = asyncio.new_event_loop(), list[tuple[str, str]]()
        self.connection = self.loop.run_until_complete(asyncpg.connect(address.login(ATTORNEY_LOGIN)))
        for channel in CHANNELS:
            self.loop.run_until_complete(self.connection.add_listener(channel, self._hear))

    def _hear(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        if pid != self.connection.get_server_pid():
            self.heard.append((channel, str(payload)))

    def listen(self, seconds: float = 0.5) -> list[tuple[str, str]]:
        """Everything that was heard by now."""
        self.loop.run_until_complete(asyncio.sleep(seconds))
        return self.heard

    def notify(self, channel: str, *payloads: str) -> None:
        """Send notifications, in one transaction."""
        self.loop.run_until_complete(self.connection.execute(_SEND, channel, list(payloads)))

    def close(self) -> None:
        """End the session."""
        self.loop.run_until_complete(self.connection.close())
        self.loop.close()


@pytest.fixture
def outsider(address: DatabaseUrls) -> Iterator[Outsider]:
    found = Outsider(address)
    yield found
    found.close()


def _work_on_everything(bureau: Bureau, invoice: UUID) -> None:
    """Cause what is announced on each channel: writes, changes of exports, users and sessions, jobs and messages."""
    with sign_in(bureau.url, "billing") as client:
        step(bureau.url, "acceptInFull", invoice)
        step(bureau.url, "addInternalNote", invoice, body="They called.")
        client.read("mutation { signOut { signedOut } }")
    bureau.ready(Role.BILLING)
    for active in (False, True):
        rows(bureau.address, _DEACTIVATE, active)

    async def plan_and_check() -> None:
        async with Database(bureau.address.login, hints=HINTS) as database:
            await plan_reminders(database, lambda: _AFTERNOON)
        async with queue_pool(bureau.address.login(STAFF_LOGIN)) as pool, QueueDriver(pool, HINTS) as driver:
            await driver.add_listener(QUEUE.channel, lambda _: None)
            await queries(driver).notify_health_check(HealthCheckId(uuid4()))

    for table in ("payers", "attorneys"):
        rows(bureau.address, f"update {table} set email = null")
    rows(bureau.address, _ANEW)
    asyncio.run(plan_and_check())


def test_whoever_listens_on_every_channel_hears_nothing_but_random_bytes(
    bureau: Bureau, outsider: Outsider, invoice_pool: InvoicePool
) -> None:
    _work_on_everything(bureau, invoice_pool.invoice("pending_invoice", submitted=True))
    heard = outsider.listen()
    number = Counter(channel for channel, _ in heard)
    assert set(number) == set(CHANNELS), "a channel on which nothing was sent: cause it in _work_on_everything"
    assert number["invoice_changed"] > 10
    assert {payload for channel, payload in heard if channel in UNSEALED} == {""}
    spoken = [(channel, base64.b64decode(payload, validate=True)) for channel, payload in heard if payload]
    assert {channel for channel, _ in spoken} == SEALED | {"ch_pgqueuer"}
    # Random bytes: none comes twice, they cannot be compressed, and each length is that of a whole block.
    assert len({content for _, content in spoken}) == len(spoken)
    whole = b"".join(content for _, content in spoken)
    assert len(zlib.compress(whole, 9)) > len(whole)
    assert {len(content) % 512 for _, content in spoken} == {32}


@contextmanager
def _subscribed(bureau: Bureau, who: str, sync_invoice: UUID) -> Iterator[tuple[Client, Subscriber]]:
    with (
        sign_in(bureau.url, who) as client,
        listening(bureau.address, bureau.url, client.token, sync_invoice) as subscriber,
    ):
        yield client, subscriber


def _next_numbers(
    subscribers: list[Subscriber], bureau: Bureau, invoice_pool: InvoicePool, last: UUID
) -> list[list[str]]:
    """The events of each subscriber before that of an invoice which is announced now."""
    announce(bureau.address, last)
    found: list[list[str]] = []
    for subscriber in subscribers:
        numbers: list[str] = []
        while (number := subscriber.next_result()["number"]) != invoice_pool.number(last):
            numbers.append(number)
        found.append(numbers)
    return found


def _forgeries(bureau: Bureau, invoice: UUID, session: UUID, user: UUID, recorded: list[tuple[str, str]]) -> list[str]:
    """Payloads that would tell something if they were believed."""
    [[clinic]] = rows(bureau.address, _CLINIC)
    named = {"clinic": str(clinic), "invoice": str(invoice), "columns": ["status"]}
    event = {"channel": "ch_pgqueuer", "sent_at": datetime.now(UTC).isoformat()}
    foreign = Hints(b"the secret key of somebody else")
    return [
        *("", "{", "null", "[]", "{}", "é" * 3_000, "A" * 7_999, base64.b64encode(bytes(500)).decode()),
        json.dumps(named),
        json.dumps({"clinic": str(uuid4()), "invoice": str(invoice), "columns": ["status"]}),
        json.dumps({"clinic": str(clinic), "session": str(session)}),
        json.dumps({"clinic": str(clinic), "user": str(user)}),
        json.dumps({**event, "type": "cancellation_event", "ids": list(range(1, 1_000))}),
        json.dumps({**event, "type": "health_check_event", "id": str(uuid4())}),
        json.dumps({**event, "type": "table_changed_event", "operation": "truncate", "table": "pgqueuer"}),
        invoice_changed(foreign, clinic, invoice, ["status"]),
        foreign.seal("ch_pgqueuer", json.dumps({**event, "type": "cancellation_event", "ids": [1, 2, 3]})),
        # Replays, on the channel on which they were heard and on every other.
        *(payload for _, payload in recorded if payload),
    ]


def test_forged_replayed_foreign_and_huge_notifications_end_nothing_and_reach_no_subscriber(
    bureau: Bureau, outsider: Outsider, invoice_pool: InvoicePool, sync_invoice: UUID, last: UUID
) -> None:
    mine, others = (
        invoice_pool.invoice("pending_invoice", whose=whose, submitted=True) for whose in ("both", "neither")
    )
    with (
        _subscribed(bureau, "billing", sync_invoice) as (client, staff),
        _subscribed(bureau, "attorney", sync_invoice) as (_, attorney),
    ):
        for invoice in (mine, others):
            step(bureau.url, "acceptInFull", invoice)
        seen = _next_numbers([staff, attorney], bureau, invoice_pool, last)
        assert seen == [[invoice_pool.number(mine), invoice_pool.number(others)], [invoice_pool.number(mine)]]
        recorded = outsider.listen()
        assert [channel for channel, _ in recorded].count("invoice_changed") > 2
        [[session, user]] = rows(
            bureau.address, "select id, user_id from sessions order by recorded_at desc, id desc limit 1"
        )
        forgeries = _forgeries(bureau, others, session, user, recorded)
        for channel in CHANNELS:
            outsider.notify(channel, *forgeries)
        # The worker goes on working, too.
        assert bureau.ready(Role.BILLING)
        assert client.read("{ viewer { id } }")["viewer"]
        assert _next_numbers([staff, attorney], bureau, invoice_pool, last) == [[], []]


@dataclass
class Cost:
    """What a flood has cost a process: its statements, the events of a subscriber of the clinic, and the flags of a subscriber of exports."""

    statements: Counter[str]
    events: int
    flags: int
    seconds: float


async def _cost(address: DatabaseUrls, channel: str, tokens: list[str]) -> Cost:
    """The cost of a flood on a channel, by payloads that were recorded long ago."""
    statements, old = Counter[str](), Hints(SECRET.encode(), clock=lambda: time.time() - 3_600)
    [[clinic]] = await asyncio.to_thread(rows, address, _CLINIC)
    payloads = [invoice_changed(old, clinic, uuid4(), [_COLUMN]) for _ in range(FLOOD // 4)]
    flags: list[InvoiceChange] = []
    async with (
        Database(address.login, lambda record: statements.update([record.query.split()[0]]), hints=HINTS) as database,
        Notifications(address.login(STAFF_LOGIN), HINTS, sessions := Sessions(database)) as notifications,
        notifications.of_invoices(clinic, frozenset({_COLUMN})) as changes,
        notifications.of_exports() as exports,
    ):
        flagged = asyncio.create_task(_collect(exports, flags))
        for token in tokens:
            assert await sessions.find(token)
        # A statement is counted in a later turn of the event loop.
        await asyncio.sleep(0.05)
        statements.clear()
        began = time.monotonic()
        outsider = await asyncpg.connect(address.login(ATTORNEY_LOGIN))
        for number in range(4):
            await outsider.execute(_SEND, channel, [f"{payload}{' ' * number}" for payload in payloads])
            await asyncio.sleep(0.2)
        await outsider.close()
        # The last look waits for the end of its interval.
        await asyncio.sleep(0.5)
        cost = Cost(statements.copy(), 0, len(flags), time.monotonic() - began)
        # The sessions have not ended, and are still in the cache.
        for token in tokens:
            assert await sessions.find(token)
        assert statements == cost.statements
        event = asyncio.ensure_future(anext(changes))
        cost.events = len((await asyncio.wait({event}, timeout=0.1))[0])
        for task in (event, flagged):
            task.cancel()
    return cost


async def _collect(items: AsyncIterator[InvoiceChange], found: list[InvoiceChange]) -> None:
    while True:
        found.append(await anext(items))


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_flood_of_notifications_costs_a_bounded_number_of_statements(
    bureau: Bureau, address: DatabaseUrls, channel: str
) -> None:
    tokens = [client.token for client in bureau.people.values() if client.token]
    cost = asyncio.run(_cost(address, channel, tokens))
    # A look at sessions is a begin, a query and a commit, at most five times a second; one at exports is up to its subscriber.
    looks = 5 * cost.seconds + 2 if channel == "session_ended" else 0
    assert sum(cost.statements.values()) <= 3 * looks, cost
    assert (cost.statements.total() > 0) is (channel == "session_ended")
    assert cost.flags <= (4 * cost.seconds + 2 if channel == "export_changed" else 0)
    assert (cost.flags > 0) is (channel == "export_changed")
    assert cost.events == 0


def test_the_check_of_a_worker_that_it_hears_itself_waits_until_it_listens(address: DatabaseUrls) -> None:
    async def check() -> None:
        heard: list[str | bytes | bytearray] = []
        async with queue_pool(address.login(STAFF_LOGIN)) as pool, QueueDriver(pool, HINTS) as driver:
            checking = asyncio.create_task(driver.notify(QUEUE.channel, "of pgqueuer"))
            await asyncio.sleep(0.2)
            await driver.add_listener(QUEUE.channel, heard.append)
            await checking
            await asyncio.sleep(0.2)
        assert "of pgqueuer" in heard

    asyncio.run(check())


def test_a_flood_on_the_queue_s_channel_makes_a_worker_look_five_times_a_second(address: DatabaseUrls) -> None:
    async def flood() -> None:
        looks: list[str | bytes | bytearray] = []
        outsider = await asyncpg.connect(address.login(ATTORNEY_LOGIN))
        async with queue_pool(address.login(STAFF_LOGIN)) as pool:
            # With a key of its own: the worker of this module checks itself every ten seconds, and all who have its key hear it.
            driver = QueueDriver(pool, Hints(b"the secret key of this worker alone"))
            await driver.add_listener(QUEUE.channel, looks.append)
            began = time.monotonic()
            for number in range(FLOOD // 4):
                await outsider.execute(_SEND, QUEUE.channel, [f"{number} {part}" for part in range(4)])
            await asyncio.sleep(0.5)
            assert 0 < len(looks) <= 5 * (time.monotonic() - began) + 2
            assert {json.loads(look)["type"] for look in looks} == {"table_changed_event"}
            looks.clear()
            # The first one after a pause is heard at once, and what a worker itself sends as it is.
            await outsider.execute(_SEND, QUEUE.channel, [""])
            await driver.notify(QUEUE.channel, "of pgqueuer")
            await asyncio.sleep(0.1)
            assert [json.loads(looks[0])["type"], *looks[1:]] == ["table_changed_event", "of pgqueuer"]
        await outsider.close()

    asyncio.run(flood())
