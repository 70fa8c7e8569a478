"""Decides how two hundred people press the same button at the same moment, and who of them wins."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from domain.people import Role
from tests.api.lives import INVOICE, Clinic
from tests.api.records import find_records
from tests.api.steps import document
from tests.client import Client
from tests.databases import rows
from tests.faults.outcomes import Outcome
from tests.faults.premises import premises

PEOPLE = 200
# So many of them send the same idempotency key, as one person does who presses again.
_SAME_KEY = 50
_ATTEMPTS = 30
_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
_DOCUMENT = document("acceptInFull", INVOICE)


def pressed() -> Outcome:
    """Two hundred people accept one invoice."""
    outcome = Outcome()
    with premises() as place, place.serving() as server, Client(server.url) as nobody:
        billing, admin = (nobody.signed_in(f"{role.value}@demo.clinic") for role in (Role.BILLING, Role.ADMIN))
        clinic = Clinic(billing, admin, find_records(place.address), place.address)
        invoice = clinic.submitted()
        version, gate = clinic.look(invoice)["version"], threading.Barrier(PEOPLE)
        given, began = [_given(number, invoice, version) for number in range(PEOPLE)], time.monotonic()
        # One client with a connection for each of them: two hundred clients would take longer to make than to be answered.
        billing.http = httpx.Client(
            headers=billing.http.headers, timeout=60, limits=httpx.Limits(max_connections=PEOPLE)
        )
        with billing, ThreadPoolExecutor(PEOPLE) as people:
            answers = list(people.map(lambda said: _press(billing, gate, said), given))
            took, history = time.monotonic() - began, clinic.look(invoice)["history"]
        (deadlocks,) = rows(place.address, _DEADLOCKS)[0]
    _judge(outcome, answers, took, [event["transition"] for event in history], deadlocks)
    return outcome


def _given(number: int, invoice: str, version: int) -> dict[str, Any]:
    """What each of them sends: a third with the version that they saw, some under one key."""
    said: dict[str, Any] = {"invoiceId": invoice}
    if number < _SAME_KEY:
        return {**said, "idempotencyKey": "pressed again"}
    return {**said, "version": version} if number % 3 == 0 else said


def _press(client: Client, gate: threading.Barrier, said: dict[str, Any]) -> tuple[str, int]:
    """What one of them hears in the end, and how often they were told to come back before."""
    gate.wait(60)
    for attempt in range(_ATTEMPTS):
        response = client.post(_DOCUMENT, input=said)
        if response.status_code != 503:
            answer = response.json()["data"]["acceptInFull"]
            return (answer["errors"][0]["code"] if answer["errors"] else "done"), attempt
        time.sleep(float(response.headers["retry-after"]))
    return "nothing", _ATTEMPTS


def _judge(outcome: Outcome, answers: list[tuple[str, int]], took: float, told: list[str], deadlocks: int) -> None:
    ended, same = Counter(code for code, _ in answers), Counter(code for code, _ in answers[:_SAME_KEY])
    again = sum(attempts for _, attempts in answers)
    shown = ", ".join(f"{code}: {count}" for code, count in sorted(ended.items()))
    outcome.tell(
        f"{shown}, of the {_SAME_KEY} under one key {', '.join(f'{code}: {count}' for code, count in sorted(same.items()))}; "
        f"all answered in {took:.1f} s, after {again} 503 with Retry-After; deadlocks: {deadlocks}"
    )
    outcome.promise(told.count("accept_in_full") == 1, "it was done once")
    outcome.promise(set(ended) <= {"done", "STALE_VERSION", "ILLEGAL_TRANSITION"}, "the rest are refused as it is said")
    # The same key gets the same answer: that of the winner, or all of them are refused.
    outcome.promise(len(same) == 1 and ended["done"] in (1, _SAME_KEY), "one wins, or one key does")
    outcome.promise(deadlocks == 0, "nobody waits for each other for ever")
