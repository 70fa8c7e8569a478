"""Outages of the mail server and of the file store: what is retried and when, and that other requests are not affected."""

import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from domain.reminders.reminders import PAUSES
from server.database_urls import DatabaseUrls
from tests.faults.isolated_clinic import isolated_clinic
from tests.faults.killed_worker import ASK, look, planned
from tests.faults.outcomes import Outcome
from tests.faults.probe_clients import continuous_requests, in_words, is_ready
from tests.mail.smtp_server import free_port, recording_smtp_server
from tests.server.embedded.embedded_user import comes_true
from tests.storage.stores import Bucket, s3_client, s3_server
from tests.support.api.mutations import done
from tests.support.api.scenarios import SCAN
from tests.support.client import Client
from tests.support.databases import rows

_PATIENCE_SECONDS = 60.0
_ITEMS = "{ actionItems(first: 500) { nodes { kind subject } } }"
# One message is due, the others are postponed.
_ONE = "select id from outbound_messages where status = 'queued' order by next_attempt_at, id limit 1"
_ALL_LATER = "update outbound_messages set next_attempt_at = now() + interval '1 day' where status = 'queued'"
_NOW = "update outbound_messages set next_attempt_at = now() where id = $1"
_ALL_NOW = "update outbound_messages set next_attempt_at = now() where status = 'queued'"
_ALL = "select id, status from outbound_messages"
_STATE = "select status, attempts, failure, next_attempt_at - now() as pause from outbound_messages where id = $1"
_NEAR = timedelta(seconds=20)


def smtp_down() -> Outcome:
    """The mail server is down."""
    outcome, port = Outcome(), free_port()
    with isolated_clinic() as place, place.serving() as server, Client(server.url) as anonymous:
        client = anonymous.signed_in("billing@demo.example")
        planned(place.address)
        queued_before = _all(place.address, "queued")
        rows(place.address, _ALL_LATER)
        with recording_smtp_server(port) as office:
            settings = office.settings
        with place.working(**settings), continuous_requests(client, 2) as answers:
            pauses, last = _try_to_the_end(place.address)
            failed = _failed_items(client)
            with recording_smtp_server(port) as office:
                rows(place.address, _ALL_NOW)
                done_ = comes_true(lambda: not rows(place.address, _ONE), _PATIENCE_SECONDS)
                sent, withdrawn = len(office.taken), queued_before - _all(place.address)
    shown = ", ".join(f"{pause.total_seconds() / 60:.0f}" for pause in pauses)
    outcome.describe(
        f"one message was tried {last['attempts']} times, after pauses of {shown} minutes (skipped by setting the time in the database), "
        f"and has then failed: {last['failure']}; action items for it: {len(failed)}; meanwhile reads were answered {in_words(answers)}; "
        f"with the server back, {sent} e-mails for {len(queued_before) - 1} other messages went out; "
        f"{len(withdrawn)} were withdrawn, because their agreement had lapsed meanwhile"
    )
    near = [abs(pause - wanted) < _NEAR for pause, wanted in zip(pauses, PAUSES, strict=False)]
    outcome.promise(len(near) == len(PAUSES) and all(near), "the pauses are those of the backoff")
    outcome.promise(last["status"] == "failed" and bool(failed), "the failed message is an action item")
    outcome.promise(set(answers.statuses) == {200}, "other requests are not affected")
    outcome.promise(
        done_ and sent == len(queued_before - withdrawn) - 1 > 0, "the other messages go out when the server is back"
    )
    return outcome


def _try_to_the_end(address: DatabaseUrls) -> tuple[list[timedelta], Any]:
    """The pauses after each attempt of one message, and its state after the last one."""
    identity = rows(address, _ONE)[0]["id"]
    pauses: list[timedelta] = []
    for attempts in range(1, len(PAUSES) + 2):
        rows(address, _NOW, identity)
        is_tried = comes_true(lambda attempts=attempts: _tried(address, identity, attempts), _PATIENCE_SECONDS)  # type: ignore[misc]
        state = rows(address, _STATE, identity)[0]
        if not is_tried or state["status"] != "queued":
            return pauses, state
        pauses.append(state["pause"])
    return pauses, rows(address, _STATE, identity)[0]


def _tried(address: DatabaseUrls, identity: Any, attempts: int) -> bool:
    """Whether an attempt has ended: the message has failed, or waits for the next attempt."""
    state = rows(address, _STATE, identity)[0]
    is_over: bool = state["status"] != "queued" or state["pause"] > PAUSES[0] - _NEAR
    return is_over and state["attempts"] == attempts


def _all(address: DatabaseUrls, status: str | None = None) -> set[Any]:
    """All messages, or those of a status."""
    return {row["id"] for row in rows(address, _ALL) if status in (None, row["status"])}


def _failed_items(client: Client) -> list[Any]:
    nodes = client.read(_ITEMS)["actionItems"]["nodes"]
    return [node for node in nodes if node["kind"] == "FAILED_MESSAGE" and "reached" in node["subject"]]


_JOB = """select attempts, execute_after - now() as pause from jobs.pgqueuer where entrypoint = 'build_export' and execute_after > now()"""
_JOB_NOW = "update jobs.pgqueuer set execute_after = now() where entrypoint = 'build_export'"
_ATTEMPTS = 3
_UPLOAD = {"fileName": "cheque.pdf", "contentType": "application/pdf", "byteSize": len(SCAN)}


def storage_down() -> Outcome:
    """The file store is down, and comes back."""
    outcome, port = Outcome(), free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with TemporaryDirectory() as home, isolated_clinic() as place:
        settings = Bucket(Path(home), endpoint, "files", s3_client(endpoint)).environment
        with place.serving(**settings) as server, place.working(**settings), Client(server.url) as anonymous:
            client = anonymous.signed_in("billing@demo.example")
            with s3_server(port):
                before = is_ready(server.url)[0]
                upload = done(client, "createUpload", "upload { id uploadUrl }", **_UPLOAD)
            with continuous_requests(client, 2) as answers:
                export = _check_outage(outcome, client, upload["uploadUrl"], place.address)
            with s3_server(port):
                rows(place.address, _JOB_NOW)
                ready = comes_true(lambda: look(client, export)["status"] == "READY", _PATIENCE_SECONDS)
                again = httpx.put(upload["uploadUrl"], content=SCAN, timeout=60).status_code
                after = is_ready(server.url)[0]
    outcome.describe(
        f"meanwhile reads were answered {in_words(answers)}; with the store back the file is ready, the upload is accepted ({again}) and "
        f"/readyz is {after}"
    )
    outcome.promise((before, after) == (200, 200), "/readyz is 200 before and after")
    outcome.promise(set(answers.statuses) == {200}, "other requests are not affected")
    outcome.promise(ready and again == 201, "the file and the upload succeed when the store is back")
    return outcome


def _check_outage(outcome: Outcome, client: Client, upload_url: str, address: DatabaseUrls) -> Any:
    """Check uploads, /readyz and an export during the outage; returns that export."""
    export = client.read(ASK, input={"format": "CSV"})["exportInvoices"]["export"]
    status, took = is_ready(client.url)
    began = time.monotonic()
    sent = httpx.put(upload_url, content=SCAN, timeout=60)
    took_upload = time.monotonic() - began
    pauses: dict[int, timedelta] = {}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(pauses) < _ATTEMPTS and time.monotonic() < deadline:
        for job in rows(address, _JOB):
            pauses.setdefault(job["attempts"], job["pause"])
        time.sleep(0.1)
    shown = ", ".join(f"{pause.total_seconds():.0f}" for _, pause in sorted(pauses.items()))
    outcome.describe(
        f"an upload gets {sent.status_code} after {took_upload:.1f} s, /readyz {status} after {took:.1f} s; a file is retried "
        f"after {shown} s, and after five attempts its status is FAILED (files are action items only of the user who requested them)"
    )
    outcome.promise(
        (sent.status_code, "retry-after" in sent.headers) == (503, True), "an upload gets 503 and Retry-After"
    )
    outcome.promise(status == 503, "/readyz reports the outage")
    times = [pause for _, pause in sorted(pauses.items())]
    outcome.promise(len(times) == _ATTEMPTS and times == sorted(times), "the pauses grow")
    return export
