"""A state machine of random concurrent commands: no order of them breaks a law of the records."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from db.verify import find_breaches
from domain.access.people import Role
from domain.billing.transitions import TRANSITIONS
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.mutations import answered, done
from tests.support.api.records import find_records
from tests.support.api.scenarios import TODAY, Clinic, allocations, line, mutation, selection
from tests.support.client import Client, serving
from tests.support.databases import copied
from tests.support.owner_connection import ask

_AMOUNTS = ("0.01", "10.00", "99.99", "100.00", "250.00")
_COMMANDS = tuple(row.name for row in TRANSITIONS if row.roles)
_NAMES = (*_COMMANDS, "create_invoice", "replace_invoice_lines", "assign_attorney")
_CLOSING = ("void_invoice", "write_off_invoice")
_RARE, _PAYING, _OFTEN = (
    ("settle_case", "close_case", "reopen_case"),
    ("accept_in_full", "record_cheque", "allocate_cheque"),
    6,
)
_LEAST, _LEAVES_LITTLE = (2, 5, 8), 7
_INVOICES = 5
_CASES = 3
_POSSIBLE = "query ($id: ID!) { invoice(id: $id) { balance availableTransitions { name allowed } } }"


@dataclass(frozen=True)
class Command:
    """One command of a user: its name, its invoice and cheque, its amount, and whether an administrator sends it."""

    name: str
    invoice: int
    cheque: int
    amount: str
    is_admin: bool


def random_command(random: Random) -> Command:
    """Any command; Hypothesis itself prefers the first and the same ones, which seldom get past the first states."""
    name, amount = random.choice(_NAMES), random.choice(_AMOUNTS)
    return Command(name, random.randrange(_INVOICES), random.randrange(10), amount, random.random() < 0.5)


_BY_CONTRACT = {"group": "CO", "reasonCode": "X1"}


@dataclass
class World:
    """The state that the machine works on: a clinic, two cases with invoices, the cheques so far, and the outcomes of commands."""

    clinic: Clinic
    cases: list[str] = field(default_factory=list)
    invoices: list[str] = field(default_factory=list)
    cheques: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    other_payer: str = ""
    # The other clinic of these tests has records without a history, which no command here touches.
    known_breaches: set[tuple[str, str]] = field(default_factory=set)

    def begin(self) -> None:
        """New cases with one or two invoices, so that a failure is reproduced from its commands alone."""
        self.cases = [self.clinic.case() for _ in range(_CASES)]
        self.invoices = [self.clinic.submitted("100.00", self.cases[n % _CASES]) for n in range(_INVOICES)]
        self.cheques = []

    def possible_command(self, command: Command) -> Command:
        """Another command that the invoice allows in its present state; half of the payments pay the whole balance."""
        client = self.clinic.admin if command.is_admin else self.clinic.billing
        invoice = client.read(_POSSIBLE, id=self.invoices[command.invoice])["invoice"]
        names = [row["name"] for row in invoice["availableTransitions"] if row["allowed"]]
        # Commands that close an invoice are sent seldom, or none would stay open.
        names = [name for name in names if name not in _CLOSING or command.cheque == 0]
        if not names:
            return command
        # A third are what succeeded least so far. Commands that are seldom possible are preferred; most cheques pay the whole balance,
        # or no case would ever be settled.
        if command.cheque in _LEAST:
            names = [min(names, key=lambda name: self.outcomes[f"{name} done"])]
        elif rare := [name for name in names if name in _RARE]:
            names = rare
        elif command.cheque >= _OFTEN and (paying := [name for name in names if name in _PAYING]):
            names = paying
        name = names[_COMMANDS.index(command.name) % len(names)] if command.name in _COMMANDS else command.name
        return replace(command, name=name, amount=_amount_of(command, Decimal(invoice["balance"])))

    def send(self, command: Command) -> None:
        """Send a command and remember its cheque or new invoice; a refusal is a valid outcome, any other error fails the test."""
        client = self.clinic.admin if command.is_admin else self.clinic.billing
        if command.name in ("void_invoice", "write_off_invoice", "reverse_write_off", "reopen_case"):
            client = self.clinic.admin
        inputs = self._inputs(command, client)
        if inputs is None:
            return
        answer = answered(client, mutation(command.name), _selection(command.name), **inputs)
        outcome = answer["errors"][0]["code"] if answer["errors"] else "done"
        self.outcomes[f"{command.name} {outcome}"] += 1
        if command.name in ("record_cheque", "correct_cheque") and outcome == "done":
            self.cheques.append(answer["cheque"]["id"])
        if command.name == "replace_invoice" and outcome == "done":
            self.invoices[command.invoice] = answer["invoice"]["id"]

    def _inputs(self, command: Command, client: Client) -> dict[str, Any] | None:
        invoice, case = self.invoices[command.invoice], self.cases[command.invoice % _CASES]
        if (
            command.name in ("allocate_cheque", "return_cheque", "correct_cheque", "move_allocation")
            and not self.cheques
        ):
            return None
        cheque = self.cheques[command.cheque % len(self.cheques)] if self.cheques else ""
        of_invoice = {"invoiceId": invoice, "reason": "As it happens"}
        bounds = {invoice: command.amount}
        if command.cheque % 3 == 0:
            bounds[self.invoices[(command.invoice + 2) % _INVOICES]] = "0.01"
        payer = self.other_payer if command.amount == _AMOUNTS[0] else self.clinic.payer
        inputs: dict[str, Callable[[], dict[str, Any]]] = {
            "submit_invoice": lambda: {"invoiceId": invoice, "submittedOn": TODAY, "method": "MAIL"},
            "accept_in_full": lambda: {"invoiceId": invoice},
            "request_reduction": lambda: {"invoiceId": invoice, "amount": command.amount},
            "counter_reduction": lambda: {"invoiceId": invoice, "amount": command.amount, "party": "CLINIC"},
            "agree_reduction": lambda: {"invoiceId": invoice},
            "record_denial": lambda: {"invoiceId": invoice, "deniedOn": TODAY, "reasonCode": "X1"},
            "record_adjustment": lambda: {"invoiceId": invoice, **_BY_CONTRACT, "amount": command.amount},
            "record_cheque": lambda: self.clinic.cheque_of("150.00", bounds, client),
            "allocate_cheque": lambda: {"chequeId": cheque, "allocations": allocations(bounds)},
            "return_cheque": lambda: {"chequeId": cheque, "returnedOn": TODAY, "reason": "As it happens"},
            "correct_cheque": lambda: {
                "chequeId": cheque,
                "allocations": allocations(bounds),
                "reason": "As it happens",
            },
            "move_allocation": lambda: {**of_invoice, "chequeId": cheque, "amount": "0.01"},
            "post_remittance": lambda: {
                "remittanceId": self.clinic.remittance({"id": invoice}, self.clinic.payer, command.amount, client)
            },
            "settle_case": lambda: {"caseId": case},
            "close_case": lambda: {"caseId": case, "reason": "LOST"},
            "reopen_case": lambda: {"caseId": case, "reason": "As it happens"},
            "close_small_balance": lambda: {"invoiceId": invoice},
            "transfer_balance": lambda: self._transfer(invoice, payer, command),
            "change_payer": lambda: {**of_invoice, "payerId": payer},
            "create_invoice": lambda: self._draft(case, command.amount),
            "replace_invoice_lines": lambda: {
                "invoiceId": invoice,
                "lines": [line(command.amount)],
                "confirmDuplicate": True,
            },
            "replace_invoice": lambda: {**of_invoice, "lines": [line(command.amount)], "confirmDuplicate": True},
            "assign_attorney": lambda: {"caseId": case, "attorneyId": self.clinic.found.own["Attorney"]},
        }
        return inputs.get(command.name, lambda: of_invoice)()

    def _transfer(self, invoice: str, payer: str, command: Command) -> dict[str, Any]:
        keeps = {"keepAgreement": bool(command.cheque % 2), "note": "As it happens"}
        return {"invoiceId": invoice, "payerId": payer, "reason": "REPRESENTATION_ENDED", **keeps}

    def _draft(self, case: str, amount: str) -> dict[str, Any]:
        draft = {"caseId": case, "payerId": self.clinic.payer, "serviceDate": "2026-03-02"}
        return {**draft, "lines": [line(amount)], "confirmDuplicate": True}


def _amount_of(command: Command, balance: Decimal) -> str:
    """Half of the amounts are the whole balance, and some leave so little of it that it may be given up."""
    if command.cheque == _LEAVES_LITTLE and balance > 1:
        return f"{balance - Decimal('0.50')}"
    return f"{balance}" if command.cheque % 2 else command.amount


def _selection(name: str) -> str:
    selections = {
        "create_invoice": "invoice { id }",
        "replace_invoice_lines": "invoice { id }",
        "assign_attorney": "case { id }",
    }
    return selections.get(name) or selection(name)


class Machine(RuleBasedStateMachine):
    """Several users who send commands at once; after every round, every law holds."""

    world: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.world.begin()

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0

    @rule(seed=st.integers(0, 2**32 - 1), are_possible=st.booleans())
    def several_users_send_a_command(self, seed: int, are_possible: bool) -> None:
        self.rounds += 1
        random = Random(f"{seed} {self.rounds}")  # noqa: S311 (no secret)
        commands = [random_command(random) for _ in range(random.randint(4, 8))]
        if are_possible:
            commands = [self.world.possible_command(command) for command in commands]
        note(f"commands: {commands}")
        with ThreadPoolExecutor(len(commands)) as threads:
            list(threads.map(self.world.send, commands))

    @invariant()
    def every_law_holds(self) -> None:
        assert breaches(self.world.clinic.address) <= self.world.known_breaches


def breaches(address: DatabaseUrls) -> set[tuple[str, str]]:
    """Each law that is broken, with each record that breaks it."""
    return {(breach.law.words, record) for breach in ask(address.owner, find_breaches) for record in breach.ids}


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[World]:
    """A database and a server of its own."""
    with ExitStack() as stack:
        address = stack.enter_context(copied(postgres_server, template_database))
        anonymous = stack.enter_context(Client(stack.enter_context(serving(address))))
        billing, admin = (anonymous.signed_in(f"{role.value}@demo.example") for role in (Role.BILLING, Role.ADMIN))
        stack.enter_context(billing)
        stack.enter_context(admin)
        clinic = Clinic(billing, admin, find_records(address), address)
        other = done(billing, "createPayer", "payer { id }", name="Another payer", kind="INSURANCE")["id"]
        yield World(clinic, known_breaches=breaches(address), other_payer=other)


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


def _sent_count(world: World) -> int:
    return world.outcomes.total()


def _succeeded(world: World) -> set[str]:
    return {outcome.removesuffix(" done") for outcome in world.outcomes if outcome.endswith(" done")}


def test_a_hundred_concurrent_commands_keep_every_law(world: World) -> None:
    while _sent_count(world) < 100:
        _run(world, histories=2, rounds=10)
    assert len(_succeeded(world)) >= 6


@pytest.mark.prove
def test_twenty_thousand_concurrent_commands_keep_every_law(world: World) -> None:
    while _sent_count(world) < 20_000:
        _run(world, histories=20, rounds=40)
    # Each command often enough to run at the same time as others.
    assert {name: world.outcomes[f"{name} done"] for name in _NAMES if world.outcomes[f"{name} done"] < 20} == {}
