"""Decides how a server is killed in the middle of steps, and what must be true of every step afterwards."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from domain.people import Role
from server.addresses import Address
from tests.api.lives import INVOICE, TODAY, Clinic
from tests.api.records import find_records
from tests.api.steps import answered, done
from tests.api.test_machine import breaches
from tests.client import Client, serving
from tests.faults.outcomes import Outcome
from tests.faults.premises import premises
from tests.processes import billing

AT_ONCE = 10
_ROUNDS = 10
# Step → what it needs besides the invoice; each starts where `lives` leaves a submitted invoice.
_STEPS: dict[str, dict[str, Any]] = {
    "acceptInFull": {},
    "requestReduction": {"amount": "10.00"},
    "recordDenial": {"deniedOn": TODAY, "reasonCode": "X1"},
    "addInternalNote": {"body": "It was said on the phone"},
}


@dataclass
class Kills:
    """Of each round, how many steps were answered before the kill; and how many of the others had been done all the same."""

    answered: list[int] = field(default_factory=list)
    done_unanswered: int = 0


def _send(client: Client, step: tuple[str, str]) -> Any:
    name, invoice = step
    try:
        return answered(client, name, INVOICE, invoiceId=invoice, idempotencyKey=f"{name} {invoice}", **_STEPS[name])
    except httpx.HTTPError:
        return None


def _killed_in_the_middle(address: Address, home: Path, steps: list[tuple[str, str]], dice: Random) -> list[bool]:
    """Send all steps at once and kill the server meanwhile; which were answered before."""
    with billing(address, "serve", at_home=str(home)) as process, Client(process.url) as nobody:
        client = nobody.signed_in(f"{Role.BILLING.value}@demo.clinic")
        with ThreadPoolExecutor(len(steps)) as people:
            answers = [people.submit(_send, client, step) for step in steps]
            # After some answers, and a moment later, so that others are in the middle of their transaction.
            enough = dice.randrange(AT_ONCE)
            while sum(answer.done() for answer in answers) < enough:
                time.sleep(0.001)
            time.sleep(dice.uniform(0.0, 0.01))
            process.popen.kill()
            return [answer.result() is not None for answer in answers]


def live_through(address: Address, home: Path, rounds: int) -> Kills:
    """Kill a server again and again; whatever it was doing is done wholly or not at all, and once when it is sent again."""
    kills = Kills()
    with serving(address) as url, Client(url) as nobody:
        billing_staff, admin = (nobody.signed_in(f"{role.value}@demo.clinic") for role in (Role.BILLING, Role.ADMIN))
        clinic = Clinic(billing_staff, admin, find_records(address), address)
        known = breaches(address)
        dice = Random(7)  # noqa: S311 (the same kills every time, no secret)
        for _ in range(rounds):
            steps = [(dice.choice(list(_STEPS)), clinic.submitted()) for _ in range(AT_ONCE)]
            were_answered = _killed_in_the_middle(address, home, steps, dice)
            kills.answered.append(sum(were_answered))
            assert breaches(address) <= known
            for (name, invoice), was_answered in zip(steps, were_answered, strict=True):
                was_done = len(_taken(clinic.look(invoice))) == 1
                assert was_done or not was_answered
                kills.done_unanswered += was_done and not was_answered
                _sent_again(clinic, name, invoice)
        assert breaches(address) <= known
    return kills


def _taken(invoice: Any) -> list[str]:
    """What has happened to an invoice since it was submitted."""
    return [event["transition"] for event in invoice["history"]][2:]


def _sent_again(clinic: Clinic, name: str, invoice: str) -> None:
    """The same step under the same key: it is done once, whether the killed server had done it or not."""
    said = {"invoiceId": invoice, "idempotencyKey": f"{name} {invoice}", **_STEPS[name]}
    first = done(clinic.billing, name, INVOICE, **said)
    assert done(clinic.billing, name, INVOICE, **said) == first
    assert len(_taken(first)) == 1, first


def killed() -> Outcome:
    """The API is killed in the middle of transitions."""
    outcome = Outcome()
    with premises() as place, TemporaryDirectory() as home:
        kills = live_through(place.address, Path(home), _ROUNDS)
    steps, before = AT_ONCE * _ROUNDS, sum(kills.answered)
    outcome.tell(
        f"{_ROUNDS} kills amid {steps} steps: {before} were answered before, of the others {kills.done_unanswered} were done "
        f"and {steps - before - kills.done_unanswered} were not; each was sent twice more with its key and stands once in "
        "the history, and every law of the records holds after each kill"
    )
    outcome.promise(0 < before < steps, "the kills came in the middle")
    return outcome
