"""Two hundred clients send the same mutation at the same moment: exactly one succeeds."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from domain.access.people import Role
from tests.faults.isolated_clinic import isolated_clinic
from tests.faults.outcomes import Outcome
from tests.support.api.mutations import document
from tests.support.api.records import find_records
from tests.support.api.scenarios import INVOICE, Clinic
from tests.support.client import Client
from tests.support.databases import rows

CLIENTS = 200
# This many of them send the same idempotency key, as a client does that retries.
_SAME_KEY = 50
_ATTEMPTS = 30
_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
_DOCUMENT = document("acceptInFull", INVOICE)


def concurrent_mutations() -> Outcome:
    """Two hundred clients accept one invoice."""
    outcome = Outcome()
    with isolated_clinic() as place, place.serving() as server, Client(server.url) as anonymous:
        billing, admin = (anonymous.signed_in(f"{role.value}@demo.example") for role in (Role.BILLING, Role.ADMIN))
        clinic = Clinic(billing, admin, find_records(place.address), place.address)
        invoice = clinic.submitted()
        version, gate = clinic.look(invoice)["version"], threading.Barrier(CLIENTS)
        inputs, began = [_input_of(number, invoice, version) for number in range(CLIENTS)], time.monotonic()
        # One HTTP client with 200 connections: two hundred HTTP clients would take longer to set up than to be answered.
        billing.http = httpx.Client(
            headers=billing.http.headers, timeout=60, limits=httpx.Limits(max_connections=CLIENTS)
        )
        with billing, ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda values: _send(billing, gate, values), inputs))
            took, history = time.monotonic() - began, clinic.look(invoice)["history"]
        (deadlocks,) = rows(place.address, _DEADLOCKS)[0]
    _check(outcome, answers, took, [event["transition"] for event in history], deadlocks)
    return outcome


def _input_of(number: int, invoice: str, version: int) -> dict[str, Any]:
    """The input of one client: a third have the version of the invoice (optimistic locking), some share an idempotency key."""
    values: dict[str, Any] = {"invoiceId": invoice}
    if number < _SAME_KEY:
        return {**values, "idempotencyKey": "retried"}
    return {**values, "version": version} if number % 3 == 0 else values


def _send(client: Client, gate: threading.Barrier, values: dict[str, Any]) -> tuple[str, int]:
    """The final outcome of one client, and how many 503 answers it received before."""
    gate.wait(60)
    for attempt in range(_ATTEMPTS):
        response = client.post(_DOCUMENT, input=values)
        if response.status_code != 503:
            answer = response.json()["data"]["acceptInFull"]
            return (answer["errors"][0]["code"] if answer["errors"] else "done"), attempt
        time.sleep(float(response.headers["retry-after"]))
    return "nothing", _ATTEMPTS


def _check(
    outcome: Outcome, answers: list[tuple[str, int]], took: float, transitions: list[str], deadlocks: int
) -> None:
    ended, same = Counter(code for code, _ in answers), Counter(code for code, _ in answers[:_SAME_KEY])
    again = sum(attempts for _, attempts in answers)
    shown = ", ".join(f"{code}: {count}" for code, count in sorted(ended.items()))
    outcome.describe(
        f"{shown}, of the {_SAME_KEY} with one idempotency key {', '.join(f'{code}: {count}' for code, count in sorted(same.items()))}; "
        f"all answered in {took:.1f} s, after {again} 503 with Retry-After; deadlocks: {deadlocks}"
    )
    outcome.promise(transitions.count("accept_in_full") == 1, "the transition is recorded once")
    outcome.promise(
        set(ended) <= {"done", "STALE_VERSION", "ILLEGAL_TRANSITION"}, "the rest are refused with the documented codes"
    )
    # The same idempotency key gets the same answer: the success, or all of them are refused.
    outcome.promise(len(same) == 1 and ended["done"] in (1, _SAME_KEY), "one client succeeds, or one idempotency key")
    outcome.promise(deadlocks == 0, "there is no deadlock")
