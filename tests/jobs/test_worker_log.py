"""The log of a worker and of a server: a line for each run, and of an outage one when it begins and one when it is over."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from observability.outages import Outages
from server.database_urls import DatabaseUrls
from tests.server.embedded.embedded_user import comes_true
from tests.support.api.wire_capture import captured_statements
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.processes import billing

_PATIENCE_SECONDS = 60.0
_OUTAGE_SECONDS = 8
_EXPORT = (
    """mutation { exportInvoices(input: {format: CSV}) { isWorkerRunning export { id status } errors { message } } }"""
)
_FIRST_LINE = "select from jobs.workers where heartbeat_at > now() - interval '20 seconds'"


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def messages(log: Path, start: str) -> list[str]:
    return [line["message"] for line in lines(log) if line["message"].startswith(start)]


def eventually(what: Callable[[], Any]) -> None:
    assert comes_true(what, _PATIENCE_SECONDS)


@pytest.mark.parametrize("command", [("worker",), ("serve", "--no-worker")], ids=["worker", "server"])
def test_an_outage_of_the_database_is_one_line_and_so_is_its_end(
    own_address: DatabaseUrls, tmp_path: Path, command: tuple[str, ...]
) -> None:
    log = tmp_path / "log"
    with (
        captured_statements(own_address) as (through, wire),
        log.open("w") as file,
        billing(through, *command, log=file) as process,
    ):
        if command == ("worker",):
            eventually(lambda: rows(own_address, _FIRST_LINE))
        before = len(lines(log))
        wire.cut = True
        until = time.monotonic() + _OUTAGE_SECONDS
        while time.monotonic() < until:
            _ask(process.url if command[0] == "serve" else "")
        wire.cut = False
        eventually(lambda: messages(log, "the database is back"))
        time.sleep(2)
        process.popen.terminate()
        process.popen.wait(60)
    # The documents and reminders of the demo clinic may be due before the outage.
    expected = ("reminders of clinic", "document ")
    written = [line["message"] for line in lines(log)[before:] if not line["message"].startswith(expected)]
    assert len(messages(log, "the database cannot be reached")) == 1, written
    assert len(messages(log, "the database is back after")) == 1, written
    assert [line for line in lines(log)[before:] if " < " in line["message"] or "failure" in line] == []
    assert len(written) == 2, written


def _ask(url: str) -> None:
    """A request that fails meanwhile."""
    if url:
        with Client(url) as client:
            client.post('mutation { signIn(input: {email: "a@b.example", password: "c"}) { token } }')
    time.sleep(0.5)


def test_a_worker_logs_a_line_for_each_reminder_run_and_export_without_patient_data(
    own_address: DatabaseUrls, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    rows(own_address, "update clinics set reminded_on = null")
    with serving(own_address) as url, Client(url) as anonymous, log.open("w") as file:
        client = anonymous.signed_in("billing@demo.example")
        alone = client.read(_EXPORT)["exportInvoices"]
        assert (alone["isWorkerRunning"], alone["export"]["status"]) == (False, "QUEUED")
        with billing(own_address, "worker", log=file):
            eventually(lambda: messages(log, "export"))
            eventually(lambda: rows(own_address, _FIRST_LINE))
            together = client.read(_EXPORT)["exportInvoices"]
            assert together["isWorkerRunning"] is True
            eventually(lambda: len(messages(log, "export")) > 1)
        names = {row["last_name"] for row in rows(own_address, "select last_name from patients")}
    found = messages(log, "export")[0]
    (count,) = rows(own_address, "select row_count, id from exports order by id limit 1")
    assert f"export {count['id']}" in found
    assert f": {count['row_count']} rows in " in found
    text = log.read_text()
    assert not [name for name in names if name in text]


def test_only_the_first_failure_of_an_outage_and_its_end_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    seen = Outages()
    seen.ended("database")
    for _ in range(3):
        seen.began("database", ConnectionRefusedError("a secret"))
        seen.began("mail server", "no answer")
    seen.ended("database")
    seen.ended("database")
    seen.began("database", OSError())
    starts = [record.getMessage().split(";")[0] for record in caplog.records]
    assert starts == [
        "the database cannot be reached (ConnectionRefusedError)",
        "the mail server cannot be reached (no answer)",
        "the database is back after 0 s",
        "the database cannot be reached (OSError)",
    ]
