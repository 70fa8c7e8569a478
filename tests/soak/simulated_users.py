"""The simulated users of the soak test: what each does, and at which pace."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.soak.operation_log import OperationLog, RecordedClient
from tests.soak.reading import find_readable_ids, read
from tests.soak.workflows import WORKFLOWS, exams, find_parties, send_again
from tests.support.api.scenarios import Clinic
from tests.support.databases import PASSWORD
from tests.support.files.export_files import EXPORT, LOOK
from tests.support.subscriber import INVOICE, Subscriber, connected

_CHANGED = INVOICE.replace("subscription", "subscription Changed", 1)
_DUE = "subscription Due { actionItemsChanged }"
_OWN_CASE = "query OwnCase { invoices(first: 50) { nodes { case { id } facility { id } } } }"
_VISIT = "mutation Visit($input: RecordEncounterInput!) { recordEncounter(input: $input) { encounter { id } errors { message code } } }"
_EXPORT = f"mutation Export($input: ExportInvoicesInput!) {{ exportInvoices(input: $input) {{ {EXPORT} }} }}"
_SUBSCRIBED_SECONDS, _BUILT_SECONDS, _ARRIVING_SECONDS = 15.0, 120.0, 20.0


@dataclass
class Work:
    """What all simulated users share: the server, its database, the record of operations, and the event that ends the run."""

    url: str
    address: DatabaseUrls
    operation_log: OperationLog
    ended: threading.Event = field(default_factory=threading.Event)

    def signed_in(self, role: Role) -> RecordedClient:
        """A client of a role, with a new session."""
        with RecordedClient(self.url, None, "anonymous", self.operation_log) as anonymous:
            token = anonymous.signed_in(f"{role.value}@demo.example", PASSWORD).token
        return RecordedClient(self.url, token, role.value, self.operation_log)

    def goes_on(self, rng: Random, seconds: float) -> bool:
        """Pause for `seconds` on average; returns whether the run goes on."""
        return not self.ended.wait(rng.uniform(0.5, 1.5) * seconds)


User = Callable[[Work, Random], None]


def reader(role: Role) -> User:
    """A user who reads."""

    def run(work: Work, rng: Random) -> None:
        with work.signed_in(role) as client:
            readable_ids = find_readable_ids(client)
            while work.goes_on(rng, 1.0):
                read(client, role, readable_ids, rng)

    return run


def billing_staff(work: Work, rng: Random) -> None:
    """Billing staff who take invoices through whole workflows, with an administrator for write-offs and voids."""
    with work.signed_in(Role.BILLING) as billing, work.signed_in(Role.ADMIN) as admin:
        clinic = Clinic(billing, admin, find_parties(billing), work.address)
        while work.goes_on(rng, 1.0):
            rng.choice(WORKFLOWS)(clinic, rng)


def physician(work: Work, rng: Random) -> None:
    """A physician who records encounters."""
    with work.signed_in(Role.PHYSICIAN) as client:
        nodes = client.read(_OWN_CASE)["invoices"]["nodes"]
        where = next(node for node in nodes if node["facility"])
        values = {"caseId": where["case"]["id"], "facilityId": where["facility"]["id"], "serviceDate": "2026-03-02"}
        while work.goes_on(rng, 5.0):
            visit = client.read(_VISIT, input={**values, "exams": exams(client)})["recordEncounter"]
            assert visit["encounter"], visit


def resending_admin(work: Work, rng: Random) -> None:
    """An administrator who resends failed messages."""
    with work.signed_in(Role.ADMIN) as client:
        while work.goes_on(rng, 10.0):
            send_again(client)


def exporting_user(work: Work, rng: Random) -> None:
    """Users of all roles who request an export and download it."""
    with ExitStack() as stack:
        clients = [stack.enter_context(work.signed_in(role)) for role in Role]
        while work.goes_on(rng, 4.0):
            client, export_input = rng.choice(clients), {"format": rng.choice(("CSV", "XLSX"))}
            _fetch(client, client.read(_EXPORT, input=export_input)["exportInvoices"]["export"])


def _fetch(client: RecordedClient, export: Any) -> None:
    deadline = time.monotonic() + _BUILT_SECONDS
    while export["status"] in ("QUEUED", "RUNNING"):
        assert time.monotonic() < deadline, export
        time.sleep(0.2)
        export = client.read(LOOK, id=export["id"])["export"]
    began = time.perf_counter()
    response = httpx.get(export["downloadUrl"], timeout=30)
    assert response.status_code == 200, (export, response.status_code)
    client.operation_log.note("download", client.role, time.perf_counter() - began)


def signing_in_user(work: Work, rng: Random) -> None:
    """A user who signs in, reads, and signs out."""
    while work.goes_on(rng, 5.0):
        with work.signed_in(rng.choice(list(Role))) as client:
            client.read("query Viewer { viewer { role sessions { id } } }")
            client.read("mutation SignOut { signOut { signedOut } }")


def subscribing_user(role: Role, document: str, seconds: float = _SUBSCRIBED_SECONDS) -> User:
    """A user who subscribes for a while, and then again."""

    def run(work: Work, rng: Random) -> None:
        with work.signed_in(role) as client:
            while work.goes_on(rng, 1.0):
                with connected(work.url, client.token) as subscriber:
                    subscriber.send(id="1", type="subscribe", payload={"query": document})
                    _receive(work, role, subscriber, time.monotonic() + seconds)
                    subscriber.send(id="1", type="complete")
                work.operation_log.note("subscription", role.value, 0.0)

    return run


def _receive(work: Work, role: Role, subscriber: Subscriber, until: float) -> None:
    while time.monotonic() < until and not work.ended.is_set():
        with suppress(TimeoutError):
            message = subscriber.next(1.0)
            if message["type"] == "ping":
                subscriber.send(type="pong")
                continue
            assert (message["type"], message["payload"].get("errors")) == ("next", None), message
            work.operation_log.note("event", role.value, 0.0)


_FOR_EVER = 1e9
USERS: tuple[User, ...] = (
    *(reader(role) for role in Role),
    billing_staff,
    billing_staff,
    physician,
    resending_admin,
    exporting_user,
    signing_in_user,
    *(subscribing_user(role, _CHANGED) for role in Role),
    subscribing_user(Role.BILLING, _DUE),
    subscribing_user(Role.ADMIN, _CHANGED, _FOR_EVER),
)


@contextmanager
def users_running(work: Work) -> Iterator[None]:
    """Run each simulated user in a thread of its own; an exception is recorded as an error, and the user starts again."""

    def run_user(user: User, rng: Random) -> None:
        # The users do not start all at once.
        work.ended.wait(rng.uniform(0.0, _ARRIVING_SECONDS))
        while not work.ended.is_set():
            try:
                user(work, rng)
            except Exception as failure:  # noqa: BLE001 (every failure is reported at the end)
                work.operation_log.fail(f"{getattr(user, '__qualname__', user)}: {failure!r}"[:500])
                work.ended.wait(1.0)

    threads = [
        threading.Thread(target=run_user, args=(user, Random(number)))  # noqa: S311 (no secret)
        for number, user in enumerate(USERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        work.ended.set()
        for thread in threads:
            thread.join(60)
