"""Kills a server while mutations run, and checks that each mutation was committed whole or not at all."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.api.billing.test_machine import breaches
from tests.faults.isolated_clinic import isolated_clinic
from tests.faults.outcomes import Outcome
from tests.support.api.mutations import answered, done
from tests.support.api.records import find_records
from tests.support.api.scenarios import INVOICE, TODAY, Clinic
from tests.support.client import Client, serving
from tests.support.processes import billing

AT_ONCE = 10
_ROUNDS = 10
# Mutation → its input besides the invoice; each is legal for a submitted invoice.
_MUTATIONS: dict[str, dict[str, Any]] = {
    "acceptInFull": {},
    "requestReduction": {"amount": "10.00"},
    "recordDenial": {"deniedOn": TODAY, "reasonCode": "X1"},
    "addInternalNote": {"body": "Agreed on the phone"},
}


@dataclass
class Kills:
    """For each round, how many mutations were answered before the kill; and how many of the others had been committed."""

    answered: list[int] = field(default_factory=list)
    done_unanswered: int = 0


def _send(client: Client, mutation: tuple[str, str]) -> Any:
    name, invoice = mutation
    try:
        return answered(
            client, name, INVOICE, invoiceId=invoice, idempotencyKey=f"{name} {invoice}", **_MUTATIONS[name]
        )
    except httpx.HTTPError:
        return None


def _kill_during(address: DatabaseUrls, home: Path, mutations: list[tuple[str, str]], rng: Random) -> list[bool]:
    """Send all mutations at once and kill the server meanwhile; returns for each whether it was answered before."""
    with billing(address, "serve", at_home=str(home)) as process, Client(process.url) as anonymous:
        client = anonymous.signed_in(f"{Role.BILLING.value}@demo.example")
        with ThreadPoolExecutor(len(mutations)) as clients:
            answers = [clients.submit(_send, client, mutation) for mutation in mutations]
            # After some answers and a short wait, so that other mutations are in the middle of their transaction.
            enough = rng.randrange(AT_ONCE)
            while sum(answer.done() for answer in answers) < enough:
                time.sleep(0.001)
            time.sleep(rng.uniform(0.0, 0.01))
            process.popen.kill()
            return [answer.result() is not None for answer in answers]


def kill_repeatedly(address: DatabaseUrls, home: Path, rounds: int) -> Kills:
    """Kill a server repeatedly; each of its mutations is committed whole or not at all, and once when it is sent again."""
    kills = Kills()
    with serving(address) as url, Client(url) as anonymous:
        billing_staff, admin = (
            anonymous.signed_in(f"{role.value}@demo.example") for role in (Role.BILLING, Role.ADMIN)
        )
        clinic = Clinic(billing_staff, admin, find_records(address), address)
        breaches_before = breaches(address)
        rng = Random(7)  # noqa: S311 (the same kills every time, no secret)
        for _ in range(rounds):
            mutations = [(rng.choice(list(_MUTATIONS)), clinic.submitted()) for _ in range(AT_ONCE)]
            were_answered = _kill_during(address, home, mutations, rng)
            kills.answered.append(sum(were_answered))
            assert breaches(address) <= breaches_before
            for (name, invoice), was_answered in zip(mutations, were_answered, strict=True):
                was_done = len(_transitions_of(clinic.look(invoice))) == 1
                assert was_done or not was_answered
                kills.done_unanswered += was_done and not was_answered
                _send_again(clinic, name, invoice)
        assert breaches(address) <= breaches_before
    return kills


def _transitions_of(invoice: Any) -> list[str]:
    """The transitions of an invoice since it was submitted."""
    return [event["transition"] for event in invoice["history"]][2:]


def _send_again(clinic: Clinic, name: str, invoice: str) -> None:
    """Send a mutation again with its idempotency key: it is done once, whether the killed server had committed it or not."""
    values = {"invoiceId": invoice, "idempotencyKey": f"{name} {invoice}", **_MUTATIONS[name]}
    first = done(clinic.billing, name, INVOICE, **values)
    assert done(clinic.billing, name, INVOICE, **values) == first
    assert len(_transitions_of(first)) == 1, first


def server_killed() -> Outcome:
    """Kill the API server in the middle of transitions."""
    outcome = Outcome()
    with isolated_clinic() as place, TemporaryDirectory() as home:
        kills = kill_repeatedly(place.address, Path(home), _ROUNDS)
    mutations, before = AT_ONCE * _ROUNDS, sum(kills.answered)
    outcome.describe(
        f"{_ROUNDS} kills during {mutations} mutations: {before} were answered before, of the others {kills.done_unanswered} were committed "
        f"and {mutations - before - kills.done_unanswered} were not; each was sent twice more with its idempotency key and is in "
        "the history once, and every invariant of the records holds after each kill"
    )
    outcome.promise(0 < before < mutations, "the kills came while mutations ran")
    return outcome
