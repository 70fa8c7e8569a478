"""Decides how the mail server and the store of files are taken away, what is tried again and when, and what others feel of it."""

import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from domain.reminders import PAUSES
from server.addresses import Address
from tests.api.lives import SCAN
from tests.api.steps import done
from tests.client import Client
from tests.databases import rows
from tests.faults.asking import asked_all_the_time, is_ready, words
from tests.faults.killed_worker import ASK, look, planned
from tests.faults.outcomes import Outcome
from tests.faults.premises import premises
from tests.mail.post_office import free_port, post_office
from tests.server.embedded_user import comes_true
from tests.server.stores import Bucket, s3_client, s3_server

_PATIENCE_SECONDS = 60.0
_ITEMS = "{ actionItems(first: 500) { nodes { kind subject } } }"
# One message waits, the others do not come in its way.
_ONE = "select id from outbound_messages where status = 'queued' order by next_attempt_at, id limit 1"
_ALL_LATER = "update outbound_messages set next_attempt_at = now() + interval '1 day' where status = 'queued'"
_NOW = "update outbound_messages set next_attempt_at = now() where id = $1"
_ALL_NOW = "update outbound_messages set next_attempt_at = now() where status = 'queued'"
_ALL = "select id, status from outbound_messages"
_STATE = "select status, attempts, failure, next_attempt_at - now() as pause from outbound_messages where id = $1"
_NEAR = timedelta(seconds=20)


def smtp_down() -> Outcome:
    """Nobody listens where the mail server should."""
    outcome, port = Outcome(), free_port()
    with premises() as place, place.serving() as server, Client(server.url) as nobody:
        client = nobody.signed_in("billing@demo.clinic")
        planned(place.address)
        queued_before = _all(place.address, "queued")
        rows(place.address, _ALL_LATER)
        with post_office(port) as office:
            settings = office.settings
        with place.working(**settings), asked_all_the_time(client, 2) as answers:
            pauses, last = _try_to_the_end(place.address)
            failed = _failed_items(client)
            with post_office(port) as office:
                rows(place.address, _ALL_NOW)
                done_ = comes_true(lambda: not rows(place.address, _ONE), _PATIENCE_SECONDS)
                sent, gone = len(office.taken), queued_before - _all(place.address)
    shown = ", ".join(f"{pause.total_seconds() / 60:.0f}" for pause in pauses)
    outcome.tell(
        f"one message was tried {last['attempts']} times, after pauses of {shown} minutes (which a hand on the database let pass), "
        f"and has failed then: {last['failure']}; action items say so: {len(failed)}; meanwhile reads heard {words(answers)}; "
        f"with the server back, {sent} letters for {len(queued_before) - 1} other messages went out; "
        f"withdrawn were {len(gone)}, whose agreement had lapsed meanwhile"
    )
    near = [abs(pause - wanted) < _NEAR for pause, wanted in zip(pauses, PAUSES, strict=False)]
    outcome.promise(len(near) == len(PAUSES) and all(near), "the pauses grow as they are listed")
    outcome.promise(last["status"] == "failed" and bool(failed), "it is an action item in the end")
    outcome.promise(set(answers.statuses) == {200}, "nothing else suffers")
    outcome.promise(done_ and sent == len(queued_before - gone) - 1 > 0, "the others go out when the server is back")
    return outcome


def _try_to_the_end(address: Address) -> tuple[list[timedelta], Any]:
    """The pauses after each attempt of one message, and how it stands when there is no other."""
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


def _tried(address: Address, identity: Any, attempts: int) -> bool:
    """Whether an attempt has ended: it says why it failed, and waits for the next one or for none."""
    state = rows(address, _STATE, identity)[0]
    is_over: bool = state["status"] != "queued" or state["pause"] > PAUSES[0] - _NEAR
    return is_over and state["attempts"] == attempts


def _all(address: Address, status: str | None = None) -> set[Any]:
    """All messages that there are, or those of a status."""
    return {row["id"] for row in rows(address, _ALL) if status in (None, row["status"])}


def _failed_items(client: Client) -> list[Any]:
    nodes = client.read(_ITEMS)["actionItems"]["nodes"]
    return [node for node in nodes if node["kind"] == "FAILED_MESSAGE" and "reached" in node["subject"]]


_JOB = """select attempts, execute_after - now() as pause from jobs.pgqueuer where entrypoint = 'build_export' and execute_after > now()"""
_JOB_NOW = "update jobs.pgqueuer set execute_after = now() where entrypoint = 'build_export'"
_ATTEMPTS = 3
_UPLOAD = {"fileName": "cheque.pdf", "contentType": "application/pdf", "byteSize": len(SCAN)}


def storage_down() -> Outcome:
    """The store of files is gone, and comes back."""
    outcome, port = Outcome(), free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with TemporaryDirectory() as home, premises() as place:
        settings = Bucket(Path(home), endpoint, "files", s3_client(endpoint)).environment
        with place.serving(**settings) as server, place.working(**settings), Client(server.url) as nobody:
            client = nobody.signed_in("billing@demo.clinic")
            with s3_server(port):
                before = is_ready(server.url)[0]
                upload = done(client, "createUpload", "upload { id uploadUrl }", **_UPLOAD)
            with asked_all_the_time(client, 2) as answers:
                export = _while_it_is_away(outcome, client, upload["uploadUrl"], place.address)
            with s3_server(port):
                rows(place.address, _JOB_NOW)
                ready = comes_true(lambda: look(client, export)["status"] == "READY", _PATIENCE_SECONDS)
                again = httpx.put(upload["uploadUrl"], content=SCAN, timeout=60).status_code
                after = is_ready(server.url)[0]
    outcome.tell(
        f"meanwhile reads heard {words(answers)}; with the store back the file is ready, the upload is taken ({again}) and "
        f"/readyz is {after}"
    )
    outcome.promise((before, after) == (200, 200), "/readyz is well before and after")
    outcome.promise(set(answers.statuses) == {200}, "nothing else suffers")
    outcome.promise(ready and again == 201, "what waited is done when the store is back")
    return outcome


def _while_it_is_away(outcome: Outcome, client: Client, upload_url: str, address: Address) -> Any:
    """What is heard of the store; the file that was asked for meanwhile."""
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
    outcome.tell(
        f"an upload hears {sent.status_code} after {took_upload:.1f} s, /readyz {status} after {took:.1f} s; a file is tried again "
        f"after {shown} s, and after five attempts it says itself that it has failed (files are nobody's action item but who asked)"
    )
    outcome.promise(
        (sent.status_code, "retry-after" in sent.headers) == (503, True), "an upload hears 503 and when to come back"
    )
    outcome.promise(status == 503, "/readyz tells")
    times = [pause for _, pause in sorted(pauses.items())]
    outcome.promise(len(times) == _ATTEMPTS and times == sorted(times), "the pauses grow")
    return export
