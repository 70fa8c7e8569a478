"""Decides how a worker is killed while it builds a file and while it hands over letters, and what another makes of it."""

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
from resolvers.reminder_plan import plan
from server.addresses import Address
from tests.api.files import EXPORT, LOOK
from tests.api.test_long_exports import multiply
from tests.client import Client
from tests.databases import INVOICES, rows
from tests.faults.outcomes import Outcome
from tests.faults.premises import Premises, premises
from tests.mail.post_office import PostOffice, post_office
from tests.processes import Process
from tests.server.embedded_user import comes_true, read_link

TAKEN_UP_SECONDS = 60.0
_COPIES = 300
_PATIENCE_SECONDS = 120.0
ASK = f"mutation ($input: ExportInvoicesInput!) {{ exportInvoices(input: $input) {{ {EXPORT} }} }}"
_MESSAGES = "select id, status from outbound_messages"


def export_killed() -> Outcome:
    """Of two workers that one is killed that builds a file."""
    outcome = Outcome()
    with premises() as place, place.serving() as server, Client(server.url) as nobody:
        asyncio.run(multiply(place.address, _COPIES))
        with nobody.signed_in("billing@demo.clinic") as client, place.working() as one, place.working() as other:
            export = client.read(ASK, input={"format": "XLSX"})["exportInvoices"]["export"]
            assert comes_true(lambda: any(map(_builds, (one, other))), _PATIENCE_SECONDS)
            (one if _builds(one) else other).popen.kill()
            killed, half, found = time.monotonic(), _files(place), look(client, export)
            is_invisible = not half and (found["status"], found["downloadUrl"]) == ("RUNNING", None)
            outcome.promise(is_invisible, f"no half file is visible: {half}, {found}")
            is_ready = comes_true(lambda: look(client, export)["status"] == "READY", _PATIENCE_SECONDS)
            took, found = time.monotonic() - killed, look(client, export)
            body = httpx.get(found["downloadUrl"]).content if is_ready else b""
        outcome.tell(f"the other worker had the file of {found['rowCount']:,} rows ready {took:.1f} s after the kill")
        outcome.promise(is_ready and took < TAKEN_UP_SECONDS, f"taken up within {TAKEN_UP_SECONDS:g} s")
        outcome.promise(_is_whole(body) and found["rowCount"] == INVOICES * (_COPIES + 1), "the file is whole")
        outcome.promise(len(_files(place)) == 1, "one file is kept, and nothing half")
    return outcome


def _builds(worker: Process) -> bool:
    """Whether a worker writes a file that nobody else sees yet."""
    folder = Path(f"/proc/{worker.popen.pid}/fd")
    return worker.popen.poll() is None and any("/incoming/" in read_link(link) for link in folder.iterdir())


def look(client: Client, export: Any) -> Any:
    """A file as it stands."""
    return client.read(LOOK, id=export["id"])["export"]


def _files(place: Premises) -> list[str]:
    """Everything that the store holds of exports, hidden and half ones too."""
    return [str(path) for path in (place.home / "files").rglob("*") if path.is_file() and "exports" in path.parts]


def _is_whole(body: bytes) -> bool:
    try:
        return zipfile.ZipFile(io.BytesIO(body)).testzip() is None
    except zipfile.BadZipFile:
        return False


def planned(address: Address) -> int:
    """Have today's messages wait to be sent; how many there are."""

    async def decide() -> int:
        async with Database(address.login) as database:
            (clinic,) = await database.clinics()
            moment = datetime.now(UTC)
            async with database.working(clinic["clinic_id"]) as connection:
                return await plan(connection, clinic["clinic_id"], clinic_day(moment, clinic["time_zone"]), moment)

    return asyncio.run(decide())


def delivery_killed() -> Outcome:
    """A worker is killed while the mail server takes a letter from it."""
    outcome = Outcome()
    with premises() as place, post_office() as office:
        # Each takes a second, so that the kill comes in the middle of one.
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
            # What is recorded is never sent again, however long one waits.
            time.sleep(6.0)
        outcome.tell(
            f"of {count} messages {len(recorded)} were recorded as sent before the kill; all others were {took:.1f} s after it"
        )
        outcome.promise(is_done and took < TAKEN_UP_SECONDS, f"taken up within {TAKEN_UP_SECONDS:g} s")
        _judge_letters(outcome, office, place.address, recorded)
    return outcome


def _judge_letters(outcome: Outcome, office: PostOffice, address: Address, recorded: set[str]) -> None:
    """Whether each letter came, and those that were recorded once."""
    came = Counter(str(letter["Message-ID"])[1:37] for _, letter in office.taken)
    sent = _sent(address)
    twice = {identity for identity, times in came.items() if times > 1}
    outcome.tell(
        f"{len(came)} letters came, {len(twice)} of them twice under one Message-ID, as the answer was lost with the worker"
    )
    outcome.promise(sent <= set(came), "no message is lost")
    outcome.promise(not twice & recorded, "none that was recorded came twice")
    # Each of two workers hands over one letter at a time.
    outcome.promise(len(twice) <= 1 and max(came.values()) <= 2, "only the one in the middle may come twice")


def _sent(address: Address) -> set[str]:
    return {str(row["id"]) for row in rows(address, _MESSAGES) if row["status"] == "sent"}


def queued(address: Address) -> int:
    """How many messages wait to be sent."""
    return sum(row["status"] == "queued" for row in rows(address, _MESSAGES))
