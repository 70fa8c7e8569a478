"""Random histories of invoices that are recorded over HTTP in several orders: decisions keep theirs, facts from outside come late."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.billing.ledger.facts import ResponsibilityReason
from domain.billing.negotiation import Party
from imports.demo.seeded_random import SeededRandom
from tests.domain.billing.books import FIRM, INSURER, PATIENT, REASON, Books, day
from tests.domain.billing.test_random_histories import CENT, DECISIONS, is_accepted, likely, reordered, standing
from tests.support.api.mutations import CASE, done
from tests.support.api.scenarios import line, mutation
from tests.support.client import Client

BILLED = "4251.04"
_FACTS = ["record_cheque", "record_cheque", "return_cheque", "record_denial"]
_numbers = count(1)


@dataclass(frozen=True)
class Act:
    """A step of a history: the day on which it is first recorded, and of what comes from outside the day on which it happened.

    `returns` is the place of the receipt that a return takes back; `key` is the same in every order.
    """

    key: int
    name: str
    on: int
    values: dict[str, Any]
    happened: int | None = None
    returns: int | None = None

    def do(self, books: Books, today: int) -> None:
        """Apply the step to books; a refusal is raised."""
        if self.name == "record_cheque":
            payer, amount = self.values["payer"], self.values["amount"]
            books.receive(today, amount, payer, self.happened, id=UUID(int=10**6 + self.key))
        elif self.name == "return_cheque":
            receipt = next(one for one in books.facts.receipts if one.id == UUID(int=10**6 + self.values["cheque"]))
            books.take_back(today, receipt, self.happened)
        elif self.name == "submit_invoice":
            books.submit(today)
        else:
            books.step(today, self.name, Role.ADMIN, **self._inputs())

    def _inputs(self) -> dict[str, Any]:
        if self.name == "transfer_balance":
            to = {"payer_id": self.values["payer"], "reason": ResponsibilityReason.OTHER}
            return {**to, "note": "As it is", "keep_agreement": self.values["keeps"]}
        if self.name == "record_denial":
            assert self.happened is not None
            return {"denied_on": day(self.happened), "reason_code": "CO-50"}
        if self.name == "agree_reduction":
            until = self.values["until"]
            return {"amount": self.values["amount"], "conditional_until": None if until is None else day(until)}
        return {**REASON, **self.values}


def random_plan(seed: int, steps: int) -> tuple[Books, list[Act]]:
    """A history in which each step is recorded on its day: decisions on even days, on odd days what comes from outside."""
    random, books, plan, on = SeededRandom(seed), Books(BILLED), list[Act](), 0
    decisions = [*(name for name in DECISIONS if name != "record_denial"), "close_small_balance"]
    for _ in range(steps):
        is_decision = random.chance(0.5)
        on += random.choice([2, 4]) if on % 2 != is_decision else random.choice([1, 3])
        books.pass_nights(on)
        name = likely(books, random, decisions if is_decision else _FACTS)
        if name == "record_denial" and books.is_kept_by_money(on):
            # The strictly expected failure in tests/domain/billing/test_restated.py.
            continue
        values, returns = _values(books, random, name, on)
        if values is None:
            continue
        act = Act(len(plan), name, on, values, None if is_decision else on, returns)
        if is_accepted(act.do, books, on):
            plan.append(act)
    return books, plan


def _values(books: Books, random: SeededRandom, name: str, on: int) -> Any:
    invoice = books.invoice
    cents = random.choice([CENT, 70 * CENT])
    parts = (invoice.open_part, invoice.balance, invoice.balance / 3, invoice.unpaid, invoice.unpaid / 2, cents)
    amount = max(random.choice([*parts, *(part - cents for part in parts)]), Decimal(0)).quantize(CENT)
    payer = random.choice([INSURER, FIRM, PATIENT])
    if name == "return_cheque":
        found = standing(books.facts)
        if not found:
            return None, None
        key = random.choice(found).id.int - 10**6
        return {"cheque": key}, key
    values: dict[str, Any] = {
        "request_reduction": {"amount": amount},
        "counter_reduction": {"amount": amount, "party": Party.CLINIC},
        "agree_reduction": {"amount": amount, "until": random.choice([None, on + 1, on + 5, on + 15])},
        "transfer_balance": {"payer": payer, "keeps": random.choice([False, True])},
        "record_cheque": {"payer": payer, "amount": amount},
    }
    return values.get(name, {}), None


def orders_of(plan: list[Act], seed: int, wanted: int, tries: int = 12) -> list[list[tuple[int, Act]]]:
    """The plan, and other orders of recording that are accepted, each step with the day on which it is recorded.

    As many as are wanted, of at most so many `tries` for each.
    """
    random, found = SeededRandom(seed), [[(act.on, act) for act in plan]]
    for _ in range(wanted * tries):
        if len(found) == wanted:
            break
        order = _dated(reordered(plan, random))  # type: ignore[arg-type]
        if order not in found and _is_accepted(order):
            found.append(order)
    return found


def _dated(order: Sequence[Act]) -> list[tuple[int, Act]]:
    dated, today = list[tuple[int, Act]](), 0
    for act in order:
        today = max(today, act.on)
        dated.append((today, act))
    return dated


def _is_accepted(order: list[tuple[int, Act]]) -> bool:
    books = Books(BILLED)
    for today, act in order:
        books.pass_nights(today)
        if not is_accepted(act.do, books, today):
            return False
    return True


@dataclass
class Ledgers:
    """The invoices that are recorded in one order, for a patient and payers of their own."""

    client: Client
    first_day: date
    payers: dict[UUID, str]
    patient: str
    cheques: dict[tuple[int, int], str] = field(default_factory=dict)
    invoices: dict[int, str] = field(default_factory=dict)
    cases: dict[int, str] = field(default_factory=dict)

    def begin(self, history: int) -> None:
        """A new invoice in a new case."""
        injury = (self.first_day - timedelta(days=60)).isoformat()
        opened = {"patientId": self.patient, "dateOfInjury": injury}
        self.cases[history] = done(self.client, "createCase", CASE, **opened)["id"]
        draft = {"caseId": self.cases[history], "payerId": self.payers[INSURER], "confirmDuplicate": True}
        served = (self.first_day - timedelta(days=30)).isoformat()
        new = done(self.client, "createInvoice", "invoice { id }", lines=[line(BILLED)], serviceDate=served, **draft)
        self.invoices[history] = new["id"]

    def send(self, history: int, act: Act, today: int) -> None:
        """Send the mutation of a step; it has to be accepted."""
        invoice = self.invoices[history]
        happened = self._day(today if act.happened is None else act.happened)
        if act.name == "record_cheque":
            paid = {"payerId": self.payers[act.values["payer"]], "amount": str(act.values["amount"])}
            days = {
                "method": "ACH",
                "number": f"order-{next(_numbers)}",
                "chequeDate": happened,
                "receivedOn": happened,
            }
            parts = [{"invoiceId": invoice, "amount": paid["amount"]}]
            cheque = done(self.client, "recordCheque", "cheque { id }", **paid, **days, allocations=parts)
            self.cheques[history, act.key] = cheque["id"]
            return
        if act.name == "return_cheque":
            cheque_id = self.cheques[history, act.values["cheque"]]
            given = {"chequeId": cheque_id, "returnedOn": happened, "reason": "Not covered"}
            done(self.client, "returnCheque", "cheque { id }", **given)
            return
        done(self.client, mutation(act.name), "invoice { id }", invoiceId=invoice, **self._inputs(act, happened))

    def assign(self, history: int, attorney: str, on: int) -> None:
        """Record that an attorney represents the case since a day."""
        given = {"caseId": self.cases[history], "attorneyId": attorney, "effectiveOn": self._day(on)}
        done(self.client, "assignAttorney", "case { id }", **given)

    def _inputs(self, act: Act, happened: str) -> dict[str, Any]:
        if act.name == "transfer_balance":
            keeps = {"keepAgreement": act.values["keeps"], "note": "As it is"}
            return {"payerId": self.payers[act.values["payer"]], "reason": "OTHER", **keeps}
        nothing: dict[str, Any] = {}
        inputs = {
            "submit_invoice": {"submittedOn": happened, "method": "FAX"},
            "record_denial": {"deniedOn": happened, "reasonCode": "CO-50"},
            "counter_reduction": {"party": "CLINIC"},
            "accept_in_full": nothing,
            "close_small_balance": nothing,
            "request_reduction": nothing,
            "agree_reduction": nothing,
        }
        amount = {"amount": str(act.values["amount"])} if "amount" in act.values else {}
        if act.values.get("until") is not None:
            amount["conditionalUntil"] = self._day(act.values["until"])
        return {**inputs.get(act.name, dict(REASON)), **amount}

    def _day(self, number: int) -> str:
        return (self.first_day + timedelta(days=number)).isoformat()
