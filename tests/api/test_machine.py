"""Decides that no order of steps, taken by several people at once, breaks a law of the records."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, ClassVar

import asyncpg
import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from db.verifying import find_breaches
from domain.people import Role
from domain.transitions import TRANSITIONS
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.api.lives import TODAY, Clinic, allocations, line, mutation, selection
from tests.api.records import find_records
from tests.api.steps import answered, done
from tests.client import Client, serving
from tests.databases import copied

_AMOUNTS = ("0.01", "10.00", "99.99", "100.00", "250.00")
_STEPS = tuple(row.name for row in TRANSITIONS if row.roles)
_NAMES = (*_STEPS, "create_invoice", "replace_invoice_lines", "assign_attorney")
_LAST = ("void_invoice", "write_off_invoice")
_SELDOM, _PAYING, _OFTEN = ("settle_case", "reopen_case"), ("accept_in_full", "record_cheque", "allocate_cheque"), 6
_INVOICES = 5
_CASES = 3
_POSSIBLE = "query ($id: ID!) { invoice(id: $id) { balance availableTransitions { name allowed } } }"


@dataclass(frozen=True)
class Step:
    """One step that somebody takes: what, of which invoice and cheque, with which amount, as whom."""

    name: str
    invoice: int
    cheque: int
    amount: str
    is_admin: bool


def _drawn(dice: Random) -> Step:
    """Any step; Hypothesis itself prefers the first and the same ones, by which nobody comes far."""
    name, amount = dice.choice(_NAMES), dice.choice(_AMOUNTS)
    return Step(name, dice.randrange(_INVOICES), dice.randrange(10), amount, dice.random() < 0.5)


@dataclass
class World:
    """What the machine acts on: a clinic, two cases with invoices, the cheques so far, and how steps ended."""

    clinic: Clinic
    cases: list[str] = field(default_factory=list)
    invoices: list[str] = field(default_factory=list)
    cheques: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    other_payer: str = ""
    # The foreign clinic of these tests has records without a history, which nothing here touches.
    known: set[tuple[str, str]] = field(default_factory=set)

    def begin(self) -> None:
        """Fresh cases with one or two invoices, so that a failure is found again from its steps alone."""
        self.cases = [self.clinic.case() for _ in range(_CASES)]
        self.invoices = [self.clinic.submitted("100.00", self.cases[n % _CASES]) for n in range(_INVOICES)]
        self.cheques = []

    def likely(self, step: Step) -> Step:
        """Another step of the same invoice, which it allows as it is now; half of what pays it pays all that is left."""
        client = self.clinic.admin if step.is_admin else self.clinic.billing
        invoice = client.read(_POSSIBLE, id=self.invoices[step.invoice])["invoice"]
        names = [row["name"] for row in invoice["availableTransitions"] if row["allowed"]]
        # What ends an invoice is done now and then, or nothing else would be left to do.
        names = [name for name in names if name not in _LAST or step.cheque == 0]
        if not names:
            return step
        # What is seldom possible is done when it is; most cheques pay all that is left, or no case would ever be settled.
        if seldom := [name for name in names if name in _SELDOM]:
            names = seldom
        elif step.cheque >= _OFTEN and (paying := [name for name in names if name in _PAYING]):
            names = paying
        name = names[_STEPS.index(step.name) % len(names)] if step.name in _STEPS else step.name
        return replace(step, name=name, amount=invoice["balance"] if step.cheque % 2 else step.amount)

    def take(self, step: Step) -> None:
        """Take a step and remember its cheque; a refusal is an answer, anything else that fails is a failure."""
        client = self.clinic.admin if step.is_admin else self.clinic.billing
        if step.name in ("void_invoice", "write_off_invoice", "reopen_case"):
            client = self.clinic.admin
        said = self._said(step, client)
        if said is None:
            return
        answer = answered(client, mutation(step.name), _selection(step.name), **said)
        outcome = answer["errors"][0]["code"] if answer["errors"] else "done"
        self.outcomes[f"{step.name} {outcome}"] += 1
        if step.name == "record_cheque" and outcome == "done":
            self.cheques.append(answer["cheque"]["id"])

    def _said(self, step: Step, client: Client) -> dict[str, Any] | None:
        invoice, case = self.invoices[step.invoice], self.cases[step.invoice % _CASES]
        if step.name in ("allocate_cheque", "return_cheque") and not self.cheques:
            return None
        cheque = self.cheques[step.cheque % len(self.cheques)] if self.cheques else ""
        of_invoice = {"invoiceId": invoice, "reason": "As it happens"}
        bounds = {invoice: step.amount}
        if step.cheque % 3 == 0:
            bounds[self.invoices[(step.invoice + 2) % _INVOICES]] = "0.01"
        payer = self.other_payer if step.amount == _AMOUNTS[0] else self.clinic.payer
        said: dict[str, Callable[[], dict[str, Any]]] = {
            "submit_invoice": lambda: {"invoiceId": invoice, "submittedOn": TODAY, "method": "MAIL"},
            "accept_in_full": lambda: {"invoiceId": invoice},
            "request_reduction": lambda: {"invoiceId": invoice, "amount": step.amount},
            "counter_reduction": lambda: {"invoiceId": invoice, "amount": step.amount, "party": "CLINIC"},
            "agree_reduction": lambda: {"invoiceId": invoice},
            "record_denial": lambda: {"invoiceId": invoice, "deniedOn": TODAY, "reasonCode": "X1"},
            "record_cheque": lambda: self.clinic.cheque_of("150.00", bounds, client),
            "allocate_cheque": lambda: {"chequeId": cheque, "allocations": allocations(bounds)},
            "return_cheque": lambda: {"chequeId": cheque, "returnedOn": TODAY, "reason": "As it happens"},
            "settle_case": lambda: {"caseId": case},
            "reopen_case": lambda: {"caseId": case, "reason": "As it happens"},
            "change_payer": lambda: {**of_invoice, "payerId": payer},
            "create_invoice": lambda: self._draft(case, step.amount),
            "replace_invoice_lines": lambda: {"invoiceId": invoice, "lines": [line(step.amount)]},
            "assign_attorney": lambda: {"caseId": case, "attorneyId": self.clinic.found.own["Attorney"]},
        }
        return said.get(step.name, lambda: of_invoice)()

    def _draft(self, case: str, amount: str) -> dict[str, Any]:
        known = {"caseId": case, "payerId": self.clinic.payer, "serviceDate": "2026-03-02"}
        return {**known, "lines": [line(amount)]}


def _selection(name: str) -> str:
    known = {
        "create_invoice": "invoice { id }",
        "replace_invoice_lines": "invoice { id }",
        "assign_attorney": "case { id }",
    }
    return known.get(name) or selection(name)


class Machine(RuleBasedStateMachine):
    """Several people who take steps at once; after every round, every law holds."""

    world: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.world.begin()

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0

    @rule(seed=st.integers(0, 2**32 - 1), are_possible=st.booleans())
    def several_people_take_a_step(self, seed: int, are_possible: bool) -> None:
        self.rounds += 1
        dice = Random(f"{seed} {self.rounds}")  # noqa: S311 (no secret)
        together = [_drawn(dice) for _ in range(dice.randint(4, 8))]
        if are_possible:
            together = [self.world.likely(step) for step in together]
        note(f"together: {together}")
        with ThreadPoolExecutor(len(together)) as people:
            list(people.map(self.world.take, together))

    @invariant()
    def every_law_holds(self) -> None:
        assert breaches(self.world.clinic.address) <= self.world.known


def breaches(address: Address) -> set[tuple[str, str]]:
    """Each law that is broken, with each record that breaks it."""

    async def find() -> set[tuple[str, str]]:
        connection = await asyncpg.connect(address.owner)
        try:
            return {(breach.law.words, record) for breach in await find_breaches(connection) for record in breach.ids}
        finally:
            await connection.close()

    return asyncio.run(find())


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[World]:
    """A world of its own, with a server over it."""
    with ExitStack() as stack:
        address = stack.enter_context(copied(postgres_server, template_database))
        nobody = stack.enter_context(Client(stack.enter_context(serving(address))))
        billing, admin = (nobody.signed_in(f"{role.value}@demo.clinic") for role in (Role.BILLING, Role.ADMIN))
        stack.enter_context(billing)
        stack.enter_context(admin)
        clinic = Clinic(billing, admin, find_records(address), address)
        other = done(billing, "createPayer", "payer { id }", name="Some other payer", kind="INSURANCE")["id"]
        yield World(clinic, known=breaches(address), other_payer=other)


def _run(world: World, histories: int, rounds: int) -> None:
    Machine.world = world
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=rounds,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _taken(world: World) -> int:
    return world.outcomes.total()


def _done(world: World) -> set[str]:
    return {outcome.removesuffix(" done") for outcome in world.outcomes if outcome.endswith(" done")}


def test_two_hundred_steps_of_people_at_once_keep_every_law(world: World) -> None:
    while _taken(world) < 200:
        _run(world, histories=4, rounds=10)
    assert len(_done(world)) >= 6


@pytest.mark.prove
def test_twenty_thousand_steps_of_people_at_once_keep_every_law(world: World) -> None:
    while _taken(world) < 20_000:
        _run(world, histories=20, rounds=40)
    # Each of them often enough to meet others in the middle.
    assert {name: world.outcomes[f"{name} done"] for name in _NAMES if world.outcomes[f"{name} done"] < 20} == {}
