"""Decides what a killed server leaves behind: each step happened whole or not at all, and sending it again is safe."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from domain.people import Role
from server.addresses import Address
from tests.api.lives import INVOICE, TODAY, Clinic
from tests.api.records import find_records
from tests.api.steps import answered, done
from tests.api.test_machine import breaches
from tests.client import Client, serving

_AT_ONCE = 10
_PATIENCE_SECONDS = 60
# Step → what it needs besides the invoice; each starts where `lives` leaves a submitted invoice.
_STEPS: dict[str, dict[str, Any]] = {
    "acceptInFull": {},
    "requestReduction": {"amount": "10.00"},
    "recordDenial": {"deniedOn": TODAY, "reasonCode": "X1"},
    "addInternalNote": {"body": "It was said on the phone"},
}


@contextmanager
def _process(address: Address, home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process over a database, and its URL; killed at the end at the latest."""
    environment = {**os.environ, "DATABASE_URL": address.owner, "BILLING_HOME": str(home), "BILLING_PORT": "0"}
    command = [sys.executable, "-c", "from server.cli import main; main()", "serve"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = next(re.match(r"ready (\S+)", line) for line in process.stdout if line.startswith("ready"))
        assert found
        yield process, found[1]
    finally:
        process.kill()
        process.wait(_PATIENCE_SECONDS)


def _send(client: Client, step: tuple[str, str]) -> Any:
    name, invoice = step
    try:
        return answered(client, name, INVOICE, invoiceId=invoice, idempotencyKey=f"{name} {invoice}", **_STEPS[name])
    except httpx.HTTPError:
        return None


def _killed_in_the_middle(address: Address, home: Path, steps: list[tuple[str, str]], dice: Random) -> int:
    """Send all steps at once and kill the server meanwhile; how many were answered before."""
    with _process(address, home) as (process, url), Client(url) as nobody:
        client = nobody.signed_in(f"{Role.BILLING.value}@demo.clinic")
        with ThreadPoolExecutor(len(steps)) as people:
            answers = [people.submit(_send, client, step) for step in steps]
            # After some answers, and a moment later, so that others are in the middle of their transaction.
            enough = dice.randrange(_AT_ONCE)
            while sum(answer.done() for answer in answers) < enough:
                time.sleep(0.001)
            time.sleep(dice.uniform(0.0, 0.01))
            process.send_signal(signal.SIGKILL)
            return sum(answer.result() is not None for answer in answers)


def _live_through(address: Address, home: Path, rounds: int) -> list[int]:
    answered_before = []
    with serving(address) as url, Client(url) as nobody:
        billing, admin = (nobody.signed_in(f"{role.value}@demo.clinic") for role in (Role.BILLING, Role.ADMIN))
        clinic = Clinic(billing, admin, find_records(address), address)
        known = breaches(address)
        dice = Random(7)  # noqa: S311 (the same kills every time, no secret)
        for _ in range(rounds):
            steps = [(dice.choice(list(_STEPS)), clinic.submitted()) for _ in range(_AT_ONCE)]
            answered_before.append(_killed_in_the_middle(address, home, steps, dice))
            assert breaches(address) <= known
            for name, invoice in steps:
                _sent_again(clinic, name, invoice)
        assert breaches(address) <= known
    return answered_before


def _sent_again(clinic: Clinic, name: str, invoice: str) -> None:
    """The same step under the same key: it is done once, whether the killed server had done it or not."""
    said = {"invoiceId": invoice, "idempotencyKey": f"{name} {invoice}", **_STEPS[name]}
    first = done(clinic.billing, name, INVOICE, **said)
    assert done(clinic.billing, name, INVOICE, **said) == first
    again = [event["transition"] for event in first["history"]][2:]
    assert len(again) == 1, again


def test_ten_steps_during_which_the_server_is_killed_happen_whole_or_not_at_all(
    own_address: Address, tmp_path: Path
) -> None:
    (before,) = _live_through(own_address, tmp_path, rounds=1)
    assert before <= _AT_ONCE


@pytest.mark.prove
def test_a_hundred_steps_during_which_the_server_is_killed_happen_whole_or_not_at_all(
    own_address: Address, tmp_path: Path
) -> None:
    before = _live_through(own_address, tmp_path, rounds=10)
    # Some were answered before the kill and some were not, or the kill would not have come in the middle.
    assert 0 < sum(before) < 10 * _AT_ONCE
