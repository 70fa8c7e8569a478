"""Figures by the days on which facts count do not depend on the order of recording, and what was reported stays reported."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from db.global_ids import make_id
from db.pools import Database
from db.verify import verify
from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.by_days import facts_on
from imports.demo.seeded_random import SeededRandom
from jobs.agreements import lapse_agreements
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.domain.billing.books import FIRM, INSURER, PATIENT, Books
from tests.domain.test_transitions import CREATED_ON
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import ClinicClock, moment
from tests.support.api.mutations import done
from tests.support.api.recorded_histories import Act, Ledgers, orders_of, random_plan
from tests.support.api.records import today, uuid_of
from tests.support.client import Client
from tests.support.databases import copied, rows
from tests.support.oracle.figures import ANALYTICS, BUCKETS, PAYERS
from tests.support.owner_connection import ask

# The database itself dates a change of attorney on invoices, by its own clock, which must not be ahead.
FIRST = today()
PERIOD = {"from": FIRST.isoformat(), "to": FIRST.isoformat()}
ORDERS = 5
_PAYERS = PAYERS.replace("id name", "id")
_FIGURES = f"""query ($filter: InvoiceFilter, $asOf: Date, $restated: Boolean!, $of: AnalyticsFilter!,
        $represented: InvoiceFilter) {{
    represented: aging(filter: $represented, asOf: $asOf, restated: $restated) {{ {BUCKETS} }}
    created: aging(filter: $filter, asOf: $asOf, restated: $restated) {{ isRestated {BUCKETS} }}
    submitted: aging(filter: $filter, asOf: $asOf, restated: $restated, basis: SUBMITTED) {{ {BUCKETS} }}
    agreed: aging(filter: $filter, asOf: $asOf, restated: $restated, basis: AGREED) {{ {BUCKETS} }}
    owed: aging(filter: $filter, asOf: $asOf, restated: $restated, basis: RESPONSIBILITY) {{ {BUCKETS} }}
    agingByPayer(filter: $filter, asOf: $asOf, restated: $restated) {_PAYERS.replace("medianDays", "unappliedAmount medianDays")}
    analytics(filter: $of, asOf: $asOf, restated: $restated) {ANALYTICS} }}"""
_INVOICE = """select status, open_status, submitted_on, agreed_on, fully_paid_on, paid_on, agreed_amount, received_amount,
    written_off_amount, earlier_received_amount, small_balance_amount, recovered_amount, balance, responsible_since
    from invoices where id = $1"""


@dataclass
class Clinic:
    """A clinic whose days pass, with ledgers of its own for each order of recording."""

    address: DatabaseUrls
    clock: ClinicClock
    client: Client
    attorney: str
    ledgers: list[Ledgers] = field(default_factory=list)
    reported: dict[date, Any] = field(default_factory=dict)

    def begin(self, orders: int) -> None:
        """A patient and payers for each order."""
        for order in range(orders):
            named = {"firstName": "In", "lastName": f"order {order}", "mrn": f"ORDER-{order}"}
            patient = done(self.client, "createPatient", "patient { id }", **named)["id"]
            kinds = {INSURER: "INSURANCE", FIRM: "ATTORNEY", PATIENT: "PATIENT"}
            payers = {}
            for payer, kind in kinds.items():
                of = {"patientId": patient} if kind == "PATIENT" else {}
                named = {"name": f"{kind} of order {order}", "kind": kind, **of}
                payers[payer] = done(self.client, "createPayer", "payer { id }", **named)["id"]
            self.ledgers.append(Ledgers(self.client, FIRST, payers, patient))

    async def _pass_night(self) -> None:
        async with Database(self.address.login) as database:
            await lapse_agreements(database, self.clock)

    def report(self, day: date) -> dict[str, Any]:
        """All figures as they are known at the end of a day, but those by the attorney, whose change on invoices has another clock."""
        found = self.figures(day)
        found.pop("represented")
        return found

    def figures(self, as_of: date | None, payers: list[str] | None = None, *, restated: bool = False) -> dict[str, Any]:
        """All figures as of a day, of the invoices of some payers."""
        wanted = {"payerId": payers} if payers else {}
        given = {"asOf": as_of.isoformat()} if as_of else {}
        of = {"from": FIRST.isoformat(), "to": FIRST.isoformat(), **wanted}
        represented = {**wanted, **({"attorneyId": [self.attorney]} if self.attorney else {})}
        filters = {"filter": wanted, "represented": represented, "of": of}
        found: dict[str, Any] = self.client.read(_FIGURES, **filters, restated=restated, **given)
        found["analytics"].pop("physicianProductivity")
        return found

    def restated(self, ledgers: Ledgers, as_of: date) -> dict[str, Any]:
        """The restated figures of a day in one order, with the places of the payers instead of their ids."""
        places = {payer: place for place, payer in enumerate(ledgers.payers.values())}
        found = self.figures(as_of, list(places), restated=True)
        analytics = found["analytics"]
        for by_payer in (found["agingByPayer"], analytics["agingByPayer"], analytics["reductionsByPayer"]):
            for row in by_payer:
                row["payer"] = places[row["payer"]["id"]]
            by_payer.sort(key=lambda row: row["payer"])
        return found

    def pass_days(self, orders: list[list[list[tuple[int, Act]]]]) -> int:
        """Record each history in each order, day by day, and keep what is reported at the end of each day; the number of days."""
        last = max(on for of_history in orders for order in of_history for on, _ in order)
        random = SeededRandom(7)
        # An attorney represents each case since a day, which is recorded at once, and in the other orders later.
        since = [random.randint(0, last) for _ in orders]
        assigned = [[day, *(random.randint(day, last) for _ in range(1, ORDERS))] for day in since]
        for number in range(last + 1):
            self.clock.moment = moment(FIRST + timedelta(days=number))
            asyncio.run(self._pass_night())
            for place, ledgers in enumerate(self.ledgers):
                for history, of_history in enumerate(orders):
                    if number == 0:
                        ledgers.begin(history)
                    if assigned[history][place] == number:
                        ledgers.assign(history, self.attorney, since[history])
                    for recorded_on, act in of_history[place % len(of_history)]:
                        if recorded_on == number:
                            self.clock.moment += timedelta(milliseconds=1)
                            ledgers.send(history, act, recorded_on)
            self.reported[FIRST + timedelta(days=number)] = self.report(FIRST + timedelta(days=number))
        return last


@contextmanager
def begun(postgres_server: EmbeddedPostgres, template_database: str, orders: int = ORDERS) -> Iterator[Clinic]:
    """A server with a clock of its own, whose clinic has ledgers for some orders of recording."""
    with ExitStack() as stack:
        address: DatabaseUrls = stack.enter_context(copied(postgres_server, template_database))
        clock = ClinicClock()
        clock.moment = moment(FIRST)
        anonymous = Client(stack.enter_context(served(assembled(Database(address.login), clock=clock))))
        [attorney] = rows(address, "select id from attorneys order by name limit 1")
        admin = anonymous.signed_in("admin@demo.example")
        found = Clinic(address, clock, admin, make_id("Attorney", attorney["id"]))
        found.begin(orders)
        yield found


@pytest.fixture
def clinic(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Clinic]:
    with begun(postgres_server, template_database) as found:
        yield found


def expected(books: list[Books], number: int) -> dict[str, Any]:
    """Sums over the facts that count by a day: open invoices and their balances, what was received, and the reductions."""
    ledgers = [ledger_of(facts_on(one.facts, CREATED_ON + timedelta(days=number))) for one in books]
    due = [one.balance for one in ledgers if one.balance > 0]
    agreed = [one for one in ledgers if one.agreed is not None]
    return {
        "open": (len(due), sum(due, Decimal(0))),
        "received": sum((one.received for one in ledgers), Decimal(0)),
        "reduced": sum((one.open_part - (one.agreed or 0) for one in agreed), Decimal(0)),
        "paid": sum(one.fully_paid_on is not None for one in ledgers),
    }


def shown(figures: dict[str, Any]) -> dict[str, Any]:
    """The same of the answer of the server."""
    aging, analytics = figures["created"], figures["analytics"]
    return {
        "open": (aging["invoiceCount"], Decimal(aging["outstanding"])),
        "received": Decimal(analytics["received"]),
        "reduced": Decimal(analytics["reductionRate"]["numerator"]),
        "paid": analytics["daysInAr"]["invoiceCount"],
    }


def _check(clinic: Clinic, histories: range, steps: int) -> int:
    """The number of orders that differ from the first ones."""
    plans = [random_plan(seed, steps) for seed in histories]
    orders = [orders_of(plan, seed, ORDERS) for seed, (_, plan) in zip(histories, plans, strict=True)]
    last = clinic.pass_days(orders)
    for books, _ in plans:
        books.pass_nights(last)
    first, *others = clinic.ledgers
    for history in range(len(plans)):
        assert len({present(clinic, ledgers, history) for ledgers in clinic.ledgers}) == 1, history
    for number in range(last + 1):
        day = FIRST + timedelta(days=number)
        assert differences(clinic.report(day), clinic.reported[day]) == [], day
        found = clinic.restated(first, day)
        assert shown(found) == expected([books for books, _ in plans], number), day
        for other in others:
            assert differences(clinic.restated(other, day), found) == [], day
    now, then = clinic.figures(None), clinic.figures(FIRST + timedelta(days=last), restated=True)
    now["created"]["isRestated"] = True
    assert differences(now, then) == []
    assert then["represented"]["invoiceCount"] > 0
    assert breaches(clinic.address) == set()
    return sum(len(of_history) - 1 for of_history in orders)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two answers differ, with both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [words for key in one for words in differences(one[key], other[key], f"{path}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [w for at, (a, b) in enumerate(zip(one, other, strict=True)) for w in differences(a, b, f"{path}.{at}")]
    return [] if one == other else [f"{path}: {one} is not {other}"]


def present(clinic: Clinic, ledgers: Ledgers, history: int) -> tuple[Any, ...]:
    """The columns of an invoice as it is now."""
    [row] = rows(clinic.address, _INVOICE, uuid_of(ledgers.invoices[history]))
    return tuple(row)


def breaches(address: DatabaseUrls) -> set[str]:
    """The laws that are broken."""
    return {breach.law.words for breach in ask(address.owner, verify).breaches}


def test_the_order_of_recording_changes_no_figure_and_what_was_reported_stays(clinic: Clinic) -> None:
    assert _check(clinic, range(12), steps=24) > 12


@pytest.mark.prove
def test_a_thousand_histories_in_five_orders_have_the_same_figures_on_every_day(clinic: Clinic) -> None:
    assert _check(clinic, range(1_000), steps=30) > 1_000
