"""Payments of which later ones take money back, typed wrong and corrected, and returned: every figure is as if they had been typed right."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import RemittedClaim, RemittedPayment
from imports.demo.seeded_random import SeededRandom
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.api.remittances.remitting import upload
from tests.api.reports.test_restated import FIRST, Clinic, begun, breaches, differences
from tests.domain.billing.books import INSURER
from tests.support.api.clinic_clock import moment
from tests.support.api.mutations import CASE, answered, done
from tests.support.api.recorded_histories import Ledgers
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import line
from tests.support.databases import rows
from tests.support.x12.writer import written

_LAST = 12
_numbers = count(1)
_REASON = {"reason": "As it happened"}
_CHEQUE = "cheque { id }"
# What an invoice and the payments of a payer are in the end.
_INVOICE = """select status, received_amount, earlier_received_amount, balance, fully_paid_on, written_off_amount, small_balance_amount
    from invoices where id = $1"""
_PAYMENTS = """select c.number ~ '^E' as is_earlier, c.received_on, c.returned_on, c.return_kind, c.amount, c.unapplied_amount from cheques c
    where c.payer_id = $1 and c.corrected_at is null order by 1, 2, 3, 4, 5, 6"""
_SHOWN = "remittance { payments { cheque { id } } claims(first: 9) { nodes { isPosted reason } } }"


@dataclass(frozen=True)
class Event:
    """What happens to the invoices of a history: recorded on a day, and true of the same or an earlier one."""

    on: int
    name: str
    happened: int
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """Events, one of which is typed wrong: `wrong` are its values as they are typed, `corrected` the place after which that is corrected."""

    events: list[Event]
    place: int
    wrong: dict[str, Any]
    corrected: int


def history_of(seed: int) -> History:
    """A random history: an earlier payment, one that takes it back, and what becomes of both."""
    random = SeededRandom(seed)
    first = random.randint(0, 2)
    events = [_event(random, first, "pay", {"amount": random.choice(["100.00", "140.00"])})]
    later = random.randint(max(first + 1, 3), 5)
    events.append(_event(random, later, "take back", {"paid": random.choice(["130.00", "100.00"])}))
    names = [*random.sample(["return earlier", "return later", "again", "others pay", "again"], 4), "return earlier"]
    for name in names:
        later += random.randint(0, 2)
        happened = min(later, _LAST)
        events.append(_event(random, happened, name, {"amount": random.choice(["40.00", "100.00"])}))
    place = random.choice([0, 0, 1, 1])
    wrong = _mistake(random, events, place)
    events.sort(key=lambda one: one.on)
    place = next(at for at, one in enumerate(events) if one.name == ("pay", "take back")[place])
    return History(events, place, wrong, random.randint(max(place, 1), len(events) - 1))


def _event(random: SeededRandom, happened: int, name: str, values: dict[str, Any]) -> Event:
    late = random.choice([0, 0, 0, 1]) if name in ("return earlier", "return later") else 0
    return Event(min(happened + late, _LAST), name, happened, values)


def _mistake(random: SeededRandom, events: list[Event], place: int) -> dict[str, Any]:
    one = events[place]
    days = [day for day in range(one.on + 1) if day != one.happened and (place == 0 or day >= events[0].happened)]
    if place == 0:
        days = [day for day in days if day < events[1].happened]
    kind = random.choice(["number", "day", "amount"])
    if kind == "day" and days:
        return {"happened": random.choice(days)}
    if kind == "amount":
        return {"amount": "170.00"} if place == 0 else {"paid": "110.00"}
    return {"number": True}


@dataclass
class Typist:
    """Records histories over HTTP, right or with one mistake each that is corrected."""

    ledgers: Ledgers
    is_right: bool
    address: DatabaseUrls
    invoices: dict[tuple[int, str], str] = field(default_factory=dict)
    cheques: dict[tuple[int, str], str] = field(default_factory=dict)
    taken: dict[int, list[str]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def begin(self, history: int) -> None:
        """Two invoices of a new case, submitted to the insurer."""
        client, payers = self.ledgers.client, self.ledgers.payers
        first = self.ledgers.first_day
        opened = {"patientId": self.ledgers.patient, "dateOfInjury": (first - timedelta(60)).isoformat()}
        case = done(client, "createCase", CASE, **opened)["id"]
        for name, price in (("taken", "100.00"), ("other", "400.00")):
            draft = {"caseId": case, "payerId": payers[INSURER], "confirmDuplicate": True}
            draft |= {"lines": [line(price)], "serviceDate": (first - timedelta(30)).isoformat()}
            new = done(client, "createInvoice", "invoice { id }", **draft)["id"]
            sent = {"submittedOn": first.isoformat(), "method": "FAX"}
            done(client, "submitInvoice", "invoice { id }", invoiceId=new, **sent)
            self.invoices[history, name] = new

    def send(self, at: int, history: History, place: int) -> str:
        """Record an event; the outcome."""
        event = history.events[place]
        values, happened = dict(event.values), event.happened
        if place == history.place and not self.is_right:
            values |= history.wrong
            happened = history.wrong.get("happened", happened)
        outcome = self._record(at, event.name, values, happened)
        if place == history.corrected and not self.is_right:
            self._correct(at, history)
        return outcome

    def _record(self, at: int, name: str, values: dict[str, Any], happened: int) -> str:
        if name == "pay":
            number = f"E-{next(_numbers)}"
            self.cheques[at, "earlier"] = self._pay(at, number, values["amount"], "100.00", happened)
        elif name in ("take back", "again"):
            return self._take_back(at, values.get("paid", "120.00"), happened)
        elif name == "others pay":
            given = self._payment(at, f"C-{next(_numbers)}", values["amount"], values["amount"], happened)
            return self._try("recordCheque", **given)
        elif (cheque := self._named(at, name)) is None:
            return "nothing"
        else:
            return self._try("returnCheque", chequeId=cheque, returnedOn=self._day(happened), **_REASON)
        return "done"

    def _named(self, at: int, name: str) -> str | None:
        if name == "return earlier":
            return self.cheques[at, "earlier"]
        return self.taken[at][-1] if self.taken.get(at) else None

    def _try(self, mutation: str, **values: Any) -> str:
        answer = answered(self.ledgers.client, mutation, _CHEQUE, **values)
        return "refused" if answer["errors"] else "done"

    def _payment(self, at: int, number: str, amount: str, paid: str, happened: int) -> dict[str, Any]:
        days = {"chequeDate": self._day(happened), "receivedOn": self._day(happened), "method": "ACH"}
        parts = [{"invoiceId": self.invoices[at, "taken"], "amount": paid}]
        known = {"payerId": self.ledgers.payers[INSURER], "number": number, "amount": amount}
        return {**known, **days, "allocations": parts}

    def _pay(self, at: int, number: str, amount: str, paid: str, happened: int) -> str:
        given = self._payment(at, number, amount, paid, happened)
        identity: str = done(self.ledgers.client, "recordCheque", _CHEQUE, **given)["id"]
        return identity

    def _take_back(self, at: int, paid: str, happened: int) -> str:
        numbers = [self._number(at, name) for name in ("taken", "other")]
        claims = (
            RemittedClaim(1, numbers[0], "22", Decimal("-100.00"), Decimal("-100.00")),
            RemittedClaim(2, numbers[1], "1", Decimal(paid), Decimal(paid)),
        )
        name = rows(self.address, "select name from payers where id = $1", self.payer)[0]["name"]
        on = self.ledgers.first_day + timedelta(happened)
        file = RemittedPayment(1, Decimal(paid) - 100, PaymentMethod.ACH, on, f"L{next(_numbers)}", "77", name, claims)
        client = self.ledgers.client
        made = done(client, "importRemittance", "remittance { id }", uploadId=upload(client, written(file)))
        answer = answered(client, "postRemittance", _SHOWN, remittanceId=made["id"])
        if answer["errors"]:
            return "refused"
        found = answer["remittance"]
        [of] = found["payments"]
        if of["cheque"] is None:
            return "waits"
        if not all(one["isPosted"] for one in found["claims"]["nodes"]):
            return "waits"
        self.taken.setdefault(at, []).append(of["cheque"]["id"])
        return "done"

    @property
    def payer(self) -> UUID:
        """The insurer."""
        return uuid_of(self.ledgers.payers[INSURER])

    def _number(self, at: int, name: str) -> str:
        identity = uuid_of(self.invoices[at, name])
        number: str = rows(self.address, "select number from invoices where id = $1", identity)[0]["number"]
        return number

    def _correct(self, at: int, history: History) -> None:
        event, wrong = history.events[history.place], history.wrong
        is_first = event.name == "pay"
        if not is_first and not self.taken.get(at):
            return
        cheque = self.cheques[at, "earlier"] if is_first else self.taken[at][0]
        right: dict[str, Any] = {"number": f"{'E' if is_first else 'L'}-right-{next(_numbers)}"}
        if "happened" in wrong:
            right = {"receivedOn": self._day(event.happened), "chequeDate": self._day(event.happened)}
        elif "amount" in wrong:
            right = {"amount": event.values["amount"]}
        elif "paid" in wrong:
            paid = event.values["paid"]
            parts = [{"invoiceId": self.invoices[at, "other"], "amount": paid}]
            right = {"amount": str(Decimal(paid) - 100), "allocations": parts}
        now = done(self.ledgers.client, "correctCheque", _CHEQUE, chequeId=cheque, **_REASON, **right)["id"]
        if is_first:
            self.cheques[at, "earlier"] = now
        else:
            self.taken[at][0] = now

    def _day(self, number: int) -> str:
        return (self.ledgers.first_day + timedelta(number)).isoformat()

    def now(self, at: int) -> list[tuple[Any, ...]]:
        """The invoices of a history as they are."""
        return [tuple(rows(self.address, _INVOICE, uuid_of(self.invoices[at, name]))[0]) for name in ("taken", "other")]


@pytest.fixture
def clinic(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Clinic]:
    with begun(postgres_server, template_database, orders=2) as found:
        yield found


def _check(clinic: Clinic, histories: list[History]) -> Counter[str]:
    typists = [Typist(ledgers, place == 0, clinic.address) for place, ledgers in enumerate(clinic.ledgers)]
    done_, reported = Counter[str](), dict[date, Any]()
    for number in range(_LAST + 1):
        day = FIRST + timedelta(days=number)
        clinic.clock.moment = moment(day)
        for at, history in enumerate(histories):
            for typist in typists if number == 0 else ():
                typist.begin(at)
            for place, event in enumerate(history.events):
                if event.on == number:
                    clinic.clock.moment += timedelta(milliseconds=1)
                    outcomes = [typist.send(at, history, place) for typist in typists]
                    assert outcomes[0] == outcomes[1], (at, place, history)
                    done_[f"{event.name}: {outcomes[0]}"] += 1
        reported[day] = clinic.report(day)
        assert breaches(clinic.address) == set(), day
    right, wrong = typists
    for at, history in enumerate(histories):
        assert right.now(at) == wrong.now(at), (at, history)
    for number in range(_LAST + 1):
        day = FIRST + timedelta(days=number)
        assert differences(clinic.report(day), reported[day]) == [], day
        assert differences(clinic.restated(wrong.ledgers, day), clinic.restated(right.ledgers, day)) == [], day
    payments = [[tuple(row) for row in rows(clinic.address, _PAYMENTS, one.payer)] for one in typists]
    assert payments[0] == payments[1]
    return done_


def test_histories_in_which_money_is_taken_back_have_the_figures_of_those_that_were_typed_right(clinic: Clinic) -> None:
    outcomes = _check(clinic, [history_of(seed) for seed in range(14)])
    for name in ("take back", "again", "return earlier", "return later", "others pay"):
        assert outcomes[f"{name}: done"] > 1, outcomes


@pytest.mark.prove
def test_hundreds_of_histories_in_which_money_is_taken_back_have_the_same_figures(clinic: Clinic) -> None:
    _check(clinic, [history_of(seed) for seed in range(1_000, 1_300)])
