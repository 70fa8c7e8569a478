"""No dead end: in every state that an invoice can have, the steps that refusals and the page of the life cycle name can be made."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from domain.access.people import Role
from domain.billing.invoices import GUARDS, InvoiceStatus
from domain.billing.next_steps import Need, named, step_for
from domain.billing.transitions import BY_NAME, TRANSITIONS
from permissions.actions import ACTIONS
from permissions.rules import RULES
from tests.api.next_steps.reachable import SMALL, STEPS, State, half, offer, reachable
from tests.api.payments.paying import electronic, refund_of
from tests.support.api.mutations import answered, done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import SETTLED, Clinic, allocations, broken_laws, line, mutation, selection
from tests.support.databases import rows

REACHABLE = reachable()
STATES = sorted(REACHABLE, key=str)
# A refusal names steps in brackets, each with who may make it where that is an administrator.
_NAMED = re.compile(r"\((\w+)(, by an administrator)?\)")
_AMOUNTS = """select billed_amount - contractual_amount - earlier_received_amount as open_part, balance, written_off_amount as written_off,
    received_amount - earlier_received_amount as paid from invoices where id = $1"""
_OF_CASE = ("settle_case", "close_case", "reopen_case")
_OTHERS = {
    "create_invoice": "invoice { id }",
    "replace_invoice_lines": "invoice { id }",
    "refund_cheque": "cheque { id }",
}


def snake(name: str) -> str:
    """The name of a transition from that of its mutation."""
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)


@dataclass
class Bill:
    """An invoice, alone in its case, and what its users do: each step as the refusal before it says."""

    clinic: Clinic
    id: str
    made: list[str] = field(default_factory=list)

    @property
    def now(self) -> Any:
        """The invoice as it is now."""
        return self.clinic.look(self.id, self.clinic.admin)

    @property
    def amounts(self) -> dict[str, Decimal]:
        """What is open, due, written off, and paid in the present round."""
        return dict(rows(self.clinic.address, _AMOUNTS, uuid_of(self.id))[0])

    def bring(self, steps: tuple[str, ...]) -> None:
        """Make the steps of a history."""
        for name in steps:
            if name in BY_NAME:
                assert self.attempt(name) is None
            elif name == "return the last payment":
                assert self.attempt("return_cheque") is None
            else:
                amount = str(self._paid(name))
                payment = electronic(self.clinic, amount, {self.id: amount}, payerId=self.now["payer"]["id"])
                done(self.clinic.admin, "recordCheque", "cheque { id }", **payment)

    def _paid(self, name: str) -> Decimal:
        left = self.amounts["written_off" if name.startswith("recover") else "balance"]
        return left - SMALL if name.endswith("small balance") else half(left) if name.endswith("half") else left

    def attempt(self, name: str, *, by_admin: bool = True) -> Any:
        """Try a step; its error, None if it was made."""
        if name in ("return_cheque", "move_allocation") and not Decimal(self.now["receivedAmount"]):
            return {"message": "There is no payment to return or to move"}
        client = self.clinic.admin if by_admin or not may(Role.BILLING, name) else self.clinic.billing
        chosen = _OTHERS.get(name) or (SETTLED if name in _OF_CASE else selection(name))
        answer = answered(client, mutation(name), chosen, **self._inputs(name))
        if answer["errors"]:
            return answer["errors"][0]
        self.made.append(name)
        if name in ("replace_invoice", "create_invoice"):
            self.id = answer["invoice"]["id"]
        return None

    def _inputs(self, name: str) -> dict[str, Any]:
        clinic, now, amounts = self.clinic, self.now, self.amounts
        offered = {"invoiceId": self.id, "amount": str(offer(amounts["paid"], amounts["open_part"]))}
        lines = {"lines": [line("1000.00")], "confirmDuplicate": True}
        inputs: dict[str, Callable[[], dict[str, Any]]] = {
            "request_reduction": lambda: offered,
            "counter_reduction": lambda: {**offered, "party": "CLINIC"},
            "agree_reduction": lambda: offered,
            "record_cheque": lambda: electronic(clinic, "0.01", {self.id: "0.01"}, payerId=clinic.payer_of(now)),
            "allocate_cheque": lambda: {"chequeId": self._unapplied(), "allocations": allocations({self.id: "0.01"})},
            "refund_cheque": lambda: refund_of(self._unapplied(), "0.01"),
            "correct_cheque": lambda: clinic.inputs(name, now, "", self._unapplied()),
            "replace_invoice_lines": lambda: {"invoiceId": self.id, **lines},
            "create_invoice": lambda: {
                "caseId": now["case"]["id"],
                "payerId": now["payer"]["id"],
                "serviceDate": "2026-03-02",
                **lines,
            },
        }
        return inputs[name]() if name in inputs else clinic.inputs(name, now, "", "")

    def _unapplied(self) -> str:
        payment = electronic(self.clinic, "0.01", payerId=self.now["payer"]["id"])
        identity: str = done(self.clinic.billing, "recordCheque", "cheque { id }", **payment)["id"]
        return identity

    def follow(self, name: str, *, by_admin: bool = False, depth: int = 0) -> bool:
        """Make a step as billing staff, or what its refusals name, by whom they name; whether that was possible."""
        assert depth < 9, f"The refusals lead nowhere: {self.made}"
        error = self.attempt(name, by_admin=by_admin)
        if error is None:
            return True
        sentences = [one for one in error["message"].split(". ") if _NAMED.search(one)]
        if not sentences:
            return False
        # What comes first is made before what is made instead.
        sentence = min(sentences, key=lambda one: " first" not in one)
        asks = "ask an administrator" in sentence
        for step, admin in _NAMED.findall(sentence):
            if self.follow(snake(step), by_admin=asks or bool(admin), depth=depth + 1):
                is_first = " first" in sentence and snake(step) != name
                return not is_first or self.follow(name, by_admin=by_admin, depth=depth + 1)
        return False

    def meet(self, need: Need) -> None:
        """Make the steps that the page of the life cycle names."""
        told = step_for(InvoiceStatus(self.now["status"].lower()), need)
        for name in re.findall("`(\\w+)`", told):
            assert self.follow(name), (name, self.attempt(name, by_admin=False))
        if "as in the status before" in told:
            self.meet(need)


def may(role: Role, name: str) -> bool:
    """Whether a role has the mutation."""
    return role in RULES[ACTIONS[name]].roles


@pytest.fixture
def bill(clinic: Clinic) -> Callable[[State], Bill]:
    """Makes an invoice of a state."""

    def make(state: State) -> Bill:
        price, *steps = REACHABLE[state]
        made = Bill(clinic, clinic.invoice(price))
        made.bring(tuple(steps))
        assert made.now["status"] == state.status.name
        return made

    return make


def wrong_step(status: InvoiceStatus, place: int) -> str:
    """One of the transitions that do not start from a status."""
    impossible = [
        row.name for row in TRANSITIONS if row.roles and row.record == "invoice" and not row.starts(status, None)
    ]
    return impossible[place % len(impossible)]


def check(bill: Callable[[State], Bill], state: State, need: Need) -> None:
    """After a wrong step, which changes nothing and names a way, the steps of the page meet the need."""
    one = bill(state)
    before = one.now
    wrong = wrong_step(state.status, STATES.index(state) + list(Need).index(need))
    error = one.attempt(wrong, by_admin=False)
    assert error["code"] == "ILLEGAL_TRANSITION"
    assert error["message"].startswith(f"This is not possible while the invoice is {state.status.name}")
    assert one.now == before
    if not (state.empty and need is Need.PAYMENT_WRONG):
        # Nobody has paid an invoice of 0.00.
        one.meet(need)


def test_the_steps_reach_every_status_and_each_fact_is_so_in_one_state_and_not_in_another() -> None:
    assert {state.status for state in STATES} == set(InvoiceStatus)
    for name in State._fields[1:]:
        assert {getattr(state, name) for state in STATES} == {True, False}, name
    assert {name for path in REACHABLE.values() for name in path[1:]} <= set(STEPS)


def test_a_step_is_named_with_an_administrator_exactly_where_billing_staff_may_not_make_it() -> None:
    steps = {step for guard in GUARDS.values() for step in guard.steps} | {row.name for row in TRANSITIONS if row.roles}
    for name in sorted(steps):
        assert named(name).endswith(", by an administrator)") is not may(Role.BILLING, name), name


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_step_that_the_page_names_can_be_made(bill: Callable[[State], Bill], state: State) -> None:
    check(bill, state, list(Need)[STATES.index(state) % len(Need)])


@pytest.mark.prove
@pytest.mark.parametrize("need", Need, ids=lambda need: need.name)
@pytest.mark.parametrize("state", STATES, ids=str)
def test_every_step_that_the_page_names_can_be_made(bill: Callable[[State], Bill], state: State, need: Need) -> None:
    check(bill, state, need)


def test_no_law_is_broken_by_these_steps(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
