"""Requests exports and downloads them: from a real server, built by a real worker, with a file store."""

import asyncio
import csv
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx

from db.global_ids import read_id
from domain.access.people import Role
from jobs.worker import working
from server.database_urls import DatabaseUrls
from server.stores import open_files
from storage.files import Files
from storage.mail import Outbox
from tests.storage.stores import Place
from tests.support.client import Client, serving
from tests.support.databases import rows

EXPORT = """export { id status format fileName contentType rowCount rowsWritten byteSize sha256 billedTotal downloadUrl expiresAt
    failure kind filter columns } errors { message path code }"""
LOOK = "query ($id: ID!) { export(id: $id) { id status failure rowCount rowsWritten downloadUrl } }"


@dataclass
class Bureau:
    """A server and a worker over one database and one file store, with a client for each role."""

    url: str
    address: DatabaseUrls
    place: Place
    files: Files
    people: dict[Role, Client]

    def ask(self, role: Role, name: str = "exportInvoices", **values: Any) -> Any:
        """The payload of the mutation that requests an export."""
        defaults = {} if name == "exportQuickbooksInvoices" else {"format": "CSV"}
        query = f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {EXPORT} }} }}"
        return self.people[role].read(query, input={**defaults, **values})[name]

    def ready(self, role: Role, name: str = "exportInvoices", **values: Any) -> Any:
        """An export that is ready with the answer."""
        payload = self.ask(role, name, **values)
        assert payload["errors"] == [], payload
        assert payload["export"]["status"] == "READY", payload
        return payload["export"]

    def fetched(self, role: Role, name: str = "exportInvoices", **values: Any) -> bytes:
        """The content of an export, however long the machine takes to build it."""
        payload = self.ask(role, name, **values)
        assert payload["errors"] == [], payload
        response = httpx.get(until(self, payload["export"], "READY", role=role)["downloadUrl"])
        assert response.status_code == 200
        return response.content

    def rows(self, role: Role, name: str = "exportInvoices", **values: Any) -> list[dict[str, str]]:
        """The rows of a CSV file, by header."""
        text = self.fetched(role, name, **values).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


@contextmanager
def bureau_over(address: DatabaseUrls, place: Place, *, is_working: bool = True) -> Iterator[Bureau]:
    """A client for each role on a server; it has a worker unless `is_working` is false."""
    files = open_files(place.settings)
    with serving(address, files=files) as url, Client(url) as anonymous:
        people = {role: anonymous.signed_in(f"{role.value}@demo.example") for role in Role}
        try:
            if is_working:
                with at_work(address, files):
                    yield Bureau(url, address, place, files, people)
            else:
                yield Bureau(url, address, place, files, people)
        finally:
            for client in people.values():
                client.http.close()


@contextmanager
def at_work(address: DatabaseUrls, files: Files) -> Iterator[None]:
    """A worker in a thread of its own."""
    begun, stop = threading.Event(), threading.Event()

    async def work() -> None:
        async with working(address.login, files, Outbox(files.incoming.parent / "outbox", "billing@demo.example")):
            begun.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(work()), daemon=True)
    thread.start()
    assert begun.wait(20)
    try:
        yield
    finally:
        stop.set()
        thread.join(40)


def wait_for_lapses(address: DatabaseUrls) -> None:
    """Wait until the worker has let the demo's agreements lapse, which changes the balances of invoices."""
    due = "select 1 from invoices where conditional_until < current_date - 1 and status = 'pending_cheque' and received_amount = 0"
    deadline = time.monotonic() + 30
    while rows(address, due):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def uuid_of(identity: str) -> UUID:
    found = read_id(identity)
    assert found
    return found[1]


def changed(url: str, **parts: str) -> str:
    """A URL with other parameters."""
    split = urlsplit(url)
    parameters = httpx.QueryParams(split.query).merge(parts)
    return split._replace(query=str(parameters)).geturl()


def waiting(bureau: Bureau, role: Role = Role.BILLING, **values: Any) -> Any:
    """A queued export."""
    payload = bureau.ask(role, **values)
    assert payload["errors"] == []
    assert payload["export"]["status"] == "QUEUED"
    return payload["export"]


def look(bureau: Bureau, export: Any, role: Role = Role.BILLING) -> Any:
    return bureau.people[role].read(LOOK, id=export["id"])["export"]


def until(bureau: Bureau, export: Any, *states: str, seconds: float = 60, role: Role = Role.BILLING) -> Any:
    """The export, once it has one of the given states."""
    deadline = time.monotonic() + seconds
    while (found := look(bureau, export, role))["status"] not in states:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


async def fetch(bureau: Bureau, query: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(bureau.address.owner)
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await connection.close()
