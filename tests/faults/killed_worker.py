"""Kills a worker while it builds a file and while it delivers e-mail, and checks that another worker takes over."""

import asyncio
import io
import time
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from db.pools import Database
from domain.clinics import clinic_day
from jobs.reminder_plan import plan
from server.database_urls import DatabaseUrls
from tests.api.exports.test_long_exports import multiply
from tests.faults.isolated_clinic import IsolatedClinic, isolated_clinic
from tests.faults.outcomes import Outcome
from tests.mail.smtp_server import RecordingSmtpServer, recording_smtp_server
from tests.server.embedded.embedded_user import comes_true, read_link
from tests.support.client import Client
from tests.support.databases import INVOICES, rows
from tests.support.files.export_files import EXPORT, LOOK
from tests.support.processes import Process

TAKEN_OVER_SECONDS = 60.0
_COPIES = 300
_PATIENCE_SECONDS = 120.0
ASK = f"mutation ($input: ExportInvoicesInput!) {{ exportInvoices(input: $input) {{ {EXPORT} }} }}"
_MESSAGES = "select id, status from outbound_messages"


def export_killed() -> Outcome:
    """Of two workers, kill the one that builds a file."""
    outcome = Outcome()
    with isolated_clinic() as place, place.serving() as server, Client(server.url) as anonymous:
        asyncio.run(multiply(place.address, _COPIES))
        with anonymous.signed_in("billing@demo.example") as client, place.working() as one, place.working() as other:
            export = client.read(ASK, input={"format": "XLSX"})["exportInvoices"]["export"]
            assert comes_true(lambda: any(map(_builds, (one, other))), _PATIENCE_SECONDS)
            (one if _builds(one) else other).popen.kill()
            killed, half, found = time.monotonic(), _files(place), look(client, export)
            is_invisible = not half and (found["status"], found["downloadUrl"]) == ("RUNNING", None)
            outcome.promise(is_invisible, f"no partial file is visible: {half}, {found}")
            is_ready = comes_true(lambda: look(client, export)["status"] == "READY", _PATIENCE_SECONDS)
            took, found = time.monotonic() - killed, look(client, export)
            body = httpx.get(found["downloadUrl"]).content if is_ready else b""
        outcome.describe(
            f"the other worker had the file of {found['rowCount']:,} rows ready {took:.1f} s after the kill"
        )
        outcome.promise(is_ready and took < TAKEN_OVER_SECONDS, f"taken over within {TAKEN_OVER_SECONDS:g} s")
        outcome.promise(_is_whole(body) and found["rowCount"] == INVOICES * (_COPIES + 1), "the file is complete")
        outcome.promise(len(_files(place)) == 1, "one complete file is stored, and no partial one")
    return outcome


def _builds(worker: Process) -> bool:
    """Whether a worker writes a file that is not visible to clients yet."""
    folder = Path(f"/proc/{worker.popen.pid}/fd")
    return worker.popen.poll() is None and any("/incoming/" in read_link(link) for link in folder.iterdir())


def look(client: Client, export: Any) -> Any:
    """The current state of a file."""
    return client.read(LOOK, id=export["id"])["export"]


def _files(place: IsolatedClinic) -> list[str]:
    """All files of exports in the store, including hidden and partial ones."""
    return [str(path) for path in (place.home / "files").rglob("*") if path.is_file() and "exports" in path.parts]


def _is_whole(body: bytes) -> bool:
    try:
        return zipfile.ZipFile(io.BytesIO(body)).testzip() is None
    except zipfile.BadZipFile:
        return False


def planned(address: DatabaseUrls) -> int:
    """Queue today's messages; returns how many there are."""

    async def decide() -> int:
        async with Database(address.login) as database:
            (clinic,) = await database.clinics()
            moment = datetime.now(UTC)
            async with database.working(clinic["clinic_id"]) as connection:
                return await plan(
                    connection, database.hints, clinic["clinic_id"], clinic_day(moment, clinic["time_zone"]), moment
                )

    return asyncio.run(decide())


def delivery_killed() -> Outcome:
    """Kill a worker while the mail server receives a message from it."""
    outcome = Outcome()
    with isolated_clinic() as place, recording_smtp_server() as office:
        # Each delivery takes a second, so that the kill comes in the middle of one.
        office.at_data = ["slow"] * 1_000
        count = planned(place.address)
        with place.working(**office.settings) as first, place.working(**office.settings):
            before = len(_sent(place.address))
            assert comes_true(lambda: len(_sent(place.address)) > before + 1, _PATIENCE_SECONDS)
            first.popen.kill()
            killed, recorded = time.monotonic(), _sent(place.address)
            office.at_data = []
            is_done = comes_true(lambda: queued(place.address) == 0, _PATIENCE_SECONDS)
            took = time.monotonic() - killed
            # A message that is recorded as sent is never sent again, also after a while.
            time.sleep(6.0)
        outcome.describe(
            f"of {count} messages {len(recorded)} were recorded as sent before the kill; all others were {took:.1f} s after it"
        )
        outcome.promise(is_done and took < TAKEN_OVER_SECONDS, f"taken over within {TAKEN_OVER_SECONDS:g} s")
        _check_messages(outcome, office, place.address, recorded)
    return outcome


def _check_messages(outcome: Outcome, office: RecordingSmtpServer, address: DatabaseUrls, recorded: set[str]) -> None:
    """Check that each message arrived, and that those recorded as sent arrived once."""
    came = Counter(str(message["Message-ID"])[1:37] for _, message in office.taken)
    sent = _sent(address)
    twice = {identity for identity, times in came.items() if times > 1}
    outcome.describe(
        f"{len(came)} messages arrived, {len(twice)} of them twice with the same Message-ID, because the answer was lost with the worker"
    )
    outcome.promise(sent <= set(came), "no message is lost")
    outcome.promise(not twice & recorded, "no recorded message arrives twice")
    # Each of two workers delivers one message at a time.
    outcome.promise(len(twice) <= 1 and max(came.values()) <= 2, "only the message in delivery may arrive twice")


def _sent(address: DatabaseUrls) -> set[str]:
    return {str(row["id"]) for row in rows(address, _MESSAGES) if row["status"] == "sent"}


def queued(address: DatabaseUrls) -> int:
    """The number of queued messages."""
    return sum(row["status"] == "queued" for row in rows(address, _MESSAGES))
