"""Every figure equals that of an independent calculation, for random filters, today and on random past days."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.global_ids import make_id
from db.pools import Database
from imports.demo.load import load_demo
from imports.synthea.load import import_synthea
from server.database_urls import DatabaseUrls, bring_up_to_date
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import ClinicClock, moment
from tests.support.api.sign_in_attempts import add_account
from tests.support.client import Client
from tests.support.databases import CHEAP, PASSWORD, TODAY, rows
from tests.support.oracle.figures import figures
from tests.support.oracle.figures_oracle import Figures, Oracle

SYNTHEA = Path(__file__).parents[4] / "shared" / "data" / "synthea"
PARTIES = {"payerId": "payer", "physicianId": "physician", "facilityId": "facility", "attorneyId": "attorney"}
CENT = Decimal("0.01")


class Comparison:
    """A clinic, its server, and the independent calculation."""

    def __init__(self, billing: Client, oracle: Oracle, seed: int) -> None:
        self.billing, self.oracle, self.random = billing, oracle, Random(seed)  # noqa: S311 (no secret)
        self.parties = {key: sorted({str(row) for row in self._named(key) if row is not None}) for key in PARTIES}

    def _named(self, key: str) -> Iterator[Any]:
        if key == "attorneyId":
            return (row["attorney_id"] for row in self.oracle.raw["representations"])
        return (row[f"{PARTIES[key]}_id"] for row in self.oracle.raw["invoices"])

    def filter(self) -> dict[str, list[str]]:
        """A random choice of parties; every third time of none."""
        keys = self.random.sample(sorted(PARTIES), self.random.choice((0, 1, 2)))
        return {
            key: self.random.sample(self.parties[key], min(3, len(self.parties[key])))
            for key in keys
            if self.parties[key]
        }

    def period(self, day: date) -> tuple[str, str]:
        """A random period that ends on a day or somewhat before or after it."""
        last = day + timedelta(days=self.random.randint(-40, 10))
        return (last - timedelta(days=self.random.randint(0, 500))).isoformat(), last.isoformat()

    def check(self, then: Figures, as_of: date | None) -> None:
        """Compare every figure for a random filter and period."""
        chosen, period = self.filter(), self.period(then.day)
        names = {"payerId": "Payer", "physicianId": "Physician", "facilityId": "Facility", "attorneyId": "Attorney"}
        wanted = {key: [make_id(names[key], UUID(one)) for one in ids] for key, ids in chosen.items()}
        actual = figures(self.billing, period, as_of.isoformat() if as_of else None, **wanted)
        where = " and ".join(_among(PARTIES[key], ids) for key, ids in chosen.items()) or "true"
        for basis in ("created", "submitted", "service", "agreed"):
            buckets = [(b["invoiceCount"], Decimal(b["outstanding"])) for b in actual[basis]["buckets"]]
            assert buckets == then.aging(where, basis), (basis, wanted, as_of)
        payers = then.by_payer(where)
        actual_payers = {
            row["payer"]["id"]: (row["invoiceCount"], Decimal(row["outstanding"]), row["medianDaysToPay"])
            for row in actual["agingByPayer"]
        }
        assert actual_payers == payers
        medians = [row["medianDaysToPay"] for row in actual["agingByPayer"]]
        assert medians == sorted(medians, key=lambda days: (days is None, -(days or 0)))
        self._check_analytics(actual["analytics"], then, where, period, chosen)

    def _check_analytics(
        self, actual: Any, then: Figures, where: str, period: tuple[str, str], chosen: dict[str, list[str]]
    ) -> None:
        nothing: tuple[Any, ...] = (0, 0, 0, 0, 0, 0, None, None, 0, 0, 0)
        _same(actual, then.measures(where, period).get(1, nothing))
        months = then.measures(where, period, "date_trunc('month', created)::date")
        assert [row["month"] for row in actual["trend"]] == [month.isoformat() for month in sorted(months)]
        for row in actual["trend"]:
            _same(row, months[date.fromisoformat(row["month"])])
        owed, overdue, recent = then.outstanding(where)
        _is_ratio(actual["arOver90"], overdue, owed)
        assert actual["arDays"] == pytest.approx(float(owed * 90 / recent)) if recent else actual["arDays"] is None
        for key, column, name, field in (
            ("payer", "payer", "Payer", "reductionsByPayer"),
            ("attorney", "agreed_with", "Attorney", "reductionsByAttorney"),
        ):
            by_party = then.measures(f"{where} and agreed is not null and {column} is not null", period, column)
            actual_rows = {row[key]["id"]: (row["invoiceCount"], row["reductionRate"]) for row in actual[field]}
            assert set(actual_rows) == {make_id(name, UUID(one)) for one in by_party}
            for one, expected in by_party.items():
                count, ratio = actual_rows[make_id(name, UUID(one))]
                assert count == expected[0]
                _is_ratio(ratio, expected[4], expected[5])
        self._check_productivity(actual["physicianProductivity"], then, where, period, chosen)

    def _check_productivity(
        self, actual: Any, then: Figures, where: str, period: tuple[str, str], chosen: dict[str, list[str]]
    ) -> None:
        own = [_among(PARTIES[key], chosen[key]) for key in ("physicianId", "facilityId") if key in chosen]
        is_billed = where if {"payerId", "attorneyId"} & set(chosen) else None
        visits = then.visits(" and ".join(own) or "true", period, of_billed=is_billed)
        billed = then.measures(f"{where} and physician is not null", period, "physician")
        expected: dict[str, tuple[Any, ...]] = {}
        for physician in {*visits, *billed}:
            count, amount, received = billed.get(physician, (0, Decimal(0), Decimal(0)))[:3]
            average = (Decimal(amount) / count).quantize(CENT) if count else None
            expected[make_id("Physician", UUID(physician))] = (
                *visits.get(physician, (0, 0)),
                count,
                amount,
                received,
                average,
            )
        found: dict[str, tuple[Any, ...]] = {
            row["physician"]["id"]: (
                row["encounterCount"],
                row["examCount"],
                row["invoiceCount"],
                Decimal(row["billed"]),
                Decimal(row["received"]),
                None if row["averageInvoice"] is None else Decimal(row["averageInvoice"]),
            )
            for row in actual
        }
        assert set(found) == set(expected)
        for physician, actual_figures in found.items():
            assert actual_figures[:5] == expected[physician][:5], physician
            # PostgreSQL rounds half a cent away from zero, Python to the even cent.
            assert abs((actual_figures[5] or 0) - (expected[physician][5] or 0)) <= CENT


def _among(column: str, ids: list[str]) -> str:
    return f"{column} in ({', '.join(repr(one) for one in ids)})"


def _is_ratio(actual: Any, numerator: Any, denominator: Any) -> None:
    assert (Decimal(actual["numerator"]), Decimal(actual["denominator"])) == (numerator, denominator)
    if denominator:
        assert actual["value"] == pytest.approx(float(Decimal(numerator) / Decimal(denominator)))
    else:
        assert actual["value"] is None


def _same(actual: Any, expected: tuple[Any, ...]) -> None:
    count, billed, received, contractual, reduced, agreed, mean, median, paid, denied, submitted = expected
    assert (actual["invoiceCount"], Decimal(actual["billed"]), Decimal(actual["received"])) == (count, billed, received)
    _is_ratio(actual["collectionRate"], received, billed)
    _is_ratio(actual["netCollectionRate"], received, billed - contractual - reduced)
    _is_ratio(actual["reductionRate"], reduced, agreed)
    _is_ratio(actual["denialRate"], denied, submitted)
    days = actual["daysInAr"]
    assert (days["invoiceCount"], days["median"]) == (paid, median)
    assert days["mean"] == (None if mean is None else pytest.approx(mean))


def _compare(address: DatabaseUrls, short_name: str, email: str, password: str, filters: int, past_days: int) -> None:
    clock = ClinicClock()
    oracle = Oracle(address, short_name)
    clock.moment = moment(TODAY, zone=oracle.zone.key)
    with ExitStack() as stack:
        url = stack.enter_context(served(assembled(Database(address.login), clock=clock)))
        billing = stack.enter_context(Client(url).signed_in(email, password))
        comparison = Comparison(billing, oracle, filters)
        now = oracle.as_of(None, TODAY)
        for _ in range(filters):
            comparison.check(now, None)
        first = min(row["created_on"] for row in oracle.raw["invoices"])
        for _ in range(past_days):
            day = first + timedelta(days=comparison.random.randint(0, (TODAY - first).days))
            then = oracle.as_of(day, TODAY)
            for _ in range(max(1, filters // past_days)):
                comparison.check(then, day)


def test_the_figures_of_the_demo_clinic_equal_the_independent_calculation(address: DatabaseUrls) -> None:
    _compare(address, "demo", "billing@demo.example", PASSWORD, filters=6, past_days=6)


@pytest.mark.prove
def test_the_figures_of_twenty_thousand_invoices_equal_the_independent_calculation(own_server: DatabaseUrls) -> None:
    async def load() -> None:
        await bring_up_to_date(own_server)
        connection = await asyncpg.connect(own_server.owner)
        try:
            await load_demo(connection, today=TODAY, password_hash=CHEAP.hash(PASSWORD), invoices=20_000)
        finally:
            await connection.close()

    asyncio.run(load())
    _compare(own_server, "demo", "billing@demo.example", PASSWORD, filters=10, past_days=30)


@pytest.mark.skipif(not SYNTHEA.exists(), reason="the Synthea sample is not beside this checkout")
def test_the_figures_of_an_import_equal_the_independent_calculation(own_server: DatabaseUrls) -> None:
    async def load() -> None:
        await bring_up_to_date(own_server)
        connection = await asyncpg.connect(own_server.owner)
        try:
            await import_synthea(connection, SYNTHEA, clinic="synthea", open_since=date(2023, 1, 1), today=TODAY)
        finally:
            await connection.close()

    asyncio.run(load())
    add_account(own_server, role="billing", clinic="synthea", email="biller@synthea", password=PASSWORD)
    _compare(own_server, "synthea", "biller@synthea", PASSWORD, filters=4, past_days=4)


@pytest.fixture
def own_server(postgres_server: EmbeddedPostgres) -> Iterator[DatabaseUrls]:
    """An empty database."""
    name = f"figures_{uuid4().hex}"
    rows(DatabaseUrls(postgres_server.dsn()), f"create database {name}")
    yield DatabaseUrls(postgres_server.dsn(database=name))
    rows(DatabaseUrls(postgres_server.dsn()), f"drop database {name} with (force)")
