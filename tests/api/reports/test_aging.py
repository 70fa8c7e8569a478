"""The aging report and its measures equal the specification's worked case to the cent, today and as of a past day."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from domain.billing.negotiation import SubmissionMethod
from imports.history.batch import Batch
from imports.history.invoice_history import HistoryLine, HistoryStart, InvoiceHistory
from imports.history.rows import noon_of
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import ClinicClock, moment
from tests.support.client import Client
from tests.support.databases import TODAY, copied, rows
from tests.support.oracle.figures import figures, shown

PERIOD = ("2026-01-01", "2026-06-30")
CREATED = {"A": "2026-06-10", "B": "2026-05-30", "C": "2026-03-01", "D": "2026-02-28", "E": "2026-01-15"}
BILLED = {"A": "1000.00", "B": "2000.00", "C": "800.00", "D": "500.00", "E": "1200.00"}
RISKS = ["LOW", "MODERATE", "HIGH", "VERY_HIGH", "CRITICAL"]
NONE = (0, "0.00")


class Worked:
    """The five invoices of the specification's worked case, for a payer of their own."""

    def __init__(self, address: DatabaseUrls) -> None:
        ids = """select c.clinic_id, c.id as case_id, c.patient_id, p.id as physician_id from cases c
            join physicians p using (clinic_id) where c.attorney_id is not null order by c.id, p.id limit 1"""
        self.ids, self.payer, self.batch = dict(rows(address, ids)[0]), uuid4(), Batch()
        self.numbers = 0
        self.histories = [self.history(name) for name in CREATED]
        for history in self.histories:
            history.write(self.batch)

    def day(self, text: str) -> date:
        """A day of 2026."""
        return date.fromisoformat(f"2026-{text}")

    def started(self, created_on: str, billed: str) -> InvoiceHistory:
        """An invoice that was created and nothing else."""
        self.numbers += 1
        line = HistoryLine("OWN-1", "Something", 1, Decimal(billed), Decimal(billed))
        day, number = date.fromisoformat(created_on), f"WORKED-{self.payer.hex[:6]}-{self.numbers}"
        of = {name: self.ids[name] for name in ("clinic_id", "case_id", "patient_id", "physician_id")}
        start = HistoryStart(number=number, payer_id=self.payer, created_on=day, service_date=day, lines=(line,), **of)
        return InvoiceHistory(start, Random(self.numbers))  # noqa: S311 (no secret)

    def history(self, name: str) -> InvoiceHistory:
        """The history of one of the five invoices."""
        invoice = self.started(CREATED[name], BILLED[name])
        invoice.submit_invoice(invoice.last_day, SubmissionMethod.EMAIL)
        if name == "D":
            invoice.record_denial(self.day("03-05"), "X1")
            invoice.submit_invoice(self.day("03-06"), SubmissionMethod.EMAIL)
            invoice.request_reduction(self.day("03-10"), Decimal("300.00"))
        agreed = {"B": ("06-05", "1500.00"), "C": ("03-10", "800.00"), "E": ("02-01", "900.00")}.get(name)
        if agreed:
            invoice.request_reduction(self.day(agreed[0]), Decimal("100.00"))
            invoice.agree_reduction(self.day(agreed[0]), Decimal(agreed[1]))
        paid = {"B": ("06-20", "500.00"), "C": ("04-15", "800.00"), "E": ("03-16", "900.00")}.get(name)
        if paid:
            self.cheque(invoice, *paid)
        if name == "E":
            invoice.settle_case(self.day("03-20"))
        return invoice

    def cheque(self, invoice: InvoiceHistory, day: str, amount: str) -> None:
        """A cheque that pays one invoice."""
        on, cheque = self.day(day), uuid4()
        row = {"clinic_id": self.ids["clinic_id"], "id": cheque, "payer_id": self.payer, "number": cheque.hex}
        self.batch.add(
            "cheques",
            **row,
            amount=Decimal(amount),
            cheque_date=on,
            received_on=on,
            recorded_at=noon_of(on),
            imported=True,
        )
        invoice.apply_cheque(on, cheque, Decimal(amount))

    async def load(self, address: DatabaseUrls) -> None:
        """Write all rows to the database."""
        connection = await asyncpg.connect(address.owner)
        try:
            words = "insert into payers (clinic_id, id, name, kind) values ($1, $2, $3, 'insurance')"
            await connection.execute(words, self.ids["clinic_id"], self.payer, f"Worked {self.payer}")
            await self.batch.load(connection)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def clock() -> ClinicClock:
    return ClinicClock()


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        yield copy


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, clock: ClinicClock) -> Iterator[str]:
    with served(assembled(Database(address.login), clock=clock)) as url:
        yield url


@pytest.fixture(scope="module")
def billing(anonymous: Client) -> Iterator[Client]:
    with anonymous.signed_in("billing@demo.example") as client:
        yield client


@pytest.fixture(scope="module")
def payer(address: DatabaseUrls) -> str:
    """The payer of the worked case."""
    worked = Worked(address)
    asyncio.run(worked.load(address))
    return make_id("Payer", worked.payer)


@pytest.fixture(scope="module")
def today(billing: Client, payer: str) -> dict[str, Any]:
    return figures(billing, PERIOD, payerId=[payer])


def test_the_aging_of_the_worked_case_is_the_specification_s(today: dict[str, Any]) -> None:
    report = today["created"]
    assert (report["asOf"], report["basis"]) == ("2026-06-30", "CREATED")
    assert shown(report) == [(1, "1000.00"), (1, "1000.00"), NONE, NONE, (1, "500.00")]
    assert (report["invoiceCount"], report["outstanding"]) == (3, "2500.00")
    assert [bucket["risk"] for bucket in report["buckets"]] == RISKS
    assert [(bucket["fromDays"], bucket["toDays"]) for bucket in report["buckets"]] == [
        (0, 30),
        (31, 60),
        (61, 90),
        (91, 120),
        (121, None),
    ]


def test_every_measure_of_the_worked_case_is_the_specification_s(today: dict[str, Any]) -> None:
    found = today["analytics"]
    assert (found["invoiceCount"], found["billed"], found["received"]) == (5, "5500.00", "2200.00")
    assert found["collectionRate"] == {"value": 0.4, "numerator": "2200.00", "denominator": "5500.00"}
    assert found["netCollectionRate"]["numerator"] == "2200.00"
    assert found["netCollectionRate"]["denominator"] == "4700.00"
    assert round(found["netCollectionRate"]["value"], 4) == 0.4681
    assert found["reductionRate"] == {"value": 0.2, "numerator": "800.00", "denominator": "4000.00"}
    assert found["daysInAr"] == {"mean": 52.5, "median": 52.5, "invoiceCount": 2}
    assert found["denialRate"] == {"value": 0.2, "numerator": 1, "denominator": 5}
    assert found["arOver90"] == {"value": 0.2, "numerator": "500.00", "denominator": "2500.00"}
    assert found["arDays"] == 75.0
    assert [(month["month"], month["billed"]) for month in found["trend"]] == [
        ("2026-01-01", "1200.00"),
        ("2026-02-01", "500.00"),
        ("2026-03-01", "800.00"),
        ("2026-05-01", "2000.00"),
        ("2026-06-01", "1000.00"),
    ]
    (physician,) = found["physicianProductivity"]
    assert (physician["invoiceCount"], physician["billed"], physician["averageInvoice"]) == (5, "5500.00", "1100.00")


def test_payers_are_listed_with_the_median_of_their_days_to_pay(today: dict[str, Any], payer: str) -> None:
    (row,) = today["agingByPayer"]
    assert (row["payer"]["id"], row["outstanding"], row["medianDaysToPay"]) == (payer, "2500.00", 52.5)
    assert shown(row) == shown(today["created"])
    assert today["analytics"]["agingByPayer"] == today["agingByPayer"]


def test_the_worked_case_as_of_april_has_the_data_of_that_day(billing: Client, payer: str) -> None:
    then = figures(billing, ("2026-01-01", "2026-04-01"), "2026-04-01", payerId=[payer])
    assert shown(then["created"]) == [NONE, (2, "1300.00"), NONE, NONE, NONE]
    assert then["created"]["asOf"] == "2026-04-01"
    found = then["analytics"]
    assert (found["invoiceCount"], found["billed"], found["received"]) == (3, "2500.00", "900.00")
    assert found["daysInAr"] == {"mean": 60, "median": 60, "invoiceCount": 1}
    assert found["denialRate"] == {"value": 1 / 3, "numerator": 1, "denominator": 3}
    before = figures(billing, PERIOD, "2026-03-05", payerId=[payer])
    assert before["submitted"]["outstanding"] == "2200.00"
    assert before["analytics"]["denialRate"]["numerator"] == 1
    assert figures(billing, PERIOD, "2026-03-04", payerId=[payer])["analytics"]["denialRate"]["numerator"] == 0


def test_the_report_as_of_today_is_the_present_one(billing: Client, payer: str, today: dict[str, Any]) -> None:
    assert figures(billing, PERIOD, "2026-06-30", payerId=[payer]) == today
    whole_period = ("2020-01-01", "2026-06-30")
    assert figures(billing, whole_period, "2026-06-30") == figures(billing, whole_period)


def test_the_total_of_the_aging_report_is_the_sum_of_the_balances(billing: Client, address: DatabaseUrls) -> None:
    owed = "select count(*), sum(balance)::text from invoices where status like 'pending%'"
    count, total = rows(address, owed)[0]
    for basis in ("created", "submitted", "service", "agreed"):
        report = figures(billing, PERIOD)[basis]
        assert (report["invoiceCount"], report["outstanding"]) == (count, total)
        assert sum(Decimal(bucket["outstanding"]) for bucket in report["buckets"]) == Decimal(total)


def test_a_ratio_with_a_zero_denominator_has_no_value(billing: Client) -> None:
    found = figures(billing, ("2019-01-01", "2019-12-31"), "2019-12-31")["analytics"]
    assert (found["billed"], found["invoiceCount"], found["arDays"]) == ("0.00", 0, None)
    for ratio in ("collectionRate", "netCollectionRate", "reductionRate", "denialRate", "arOver90"):
        assert found[ratio]["value"] is None
    assert found["daysInAr"] == {"mean": None, "median": None, "invoiceCount": 0}
    assert found["trend"] == found["agingByPayer"] == found["physicianProductivity"] == []


EDGES = [(0, 0), (30, 0), (31, 1), (60, 1), (61, 2), (90, 2), (91, 3), (120, 3), (121, 4)]
# Clocks go forward on 8 March and back on 1 November 2026 in New York; Auckland changes on 5 April and 27 September.
SPRING, AUTUMN = date(2026, 3, 9), date(2026, 11, 2)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", SPRING),
        ("America/New_York", AUTUMN),
        ("Pacific/Honolulu", TODAY),
        ("Asia/Tokyo", TODAY),
        ("Pacific/Auckland", date(2026, 4, 6)),
        ("Pacific/Auckland", date(2026, 9, 28)),
    ],
)
def test_each_side_of_each_edge_is_in_its_bucket_at_both_ends_of_the_clinic_s_day(
    own_address: DatabaseUrls, zone: str, day: date
) -> None:
    worked, clock = Worked(own_address), ClinicClock()
    worked.batch, wanted = Batch(), [0] * 5
    for age, place in EDGES:
        worked.started((day - timedelta(days=age)).isoformat(), "10.00").write(worked.batch)
        wanted[place] += 1
    asyncio.run(worked.load(own_address))
    rows(own_address, "update clinics set time_zone = $1", zone)
    with (
        served(assembled(Database(own_address.login), clock=clock)) as url,
        Client(url).signed_in("billing@demo.example") as client,
    ):
        payer = make_id("Payer", worked.payer)
        for hour, minute in ((0, 0), (23, 59)):
            with clock.set_to(moment(day, hour, minute, zone)):
                for as_of in (None, day.isoformat()):
                    found = figures(client, PERIOD, as_of, payerId=[payer])
                    assert [bucket["invoiceCount"] for bucket in found["created"]["buckets"]] == wanted
                    assert found["created"]["asOf"] == day.isoformat()


@pytest.mark.parametrize(
    ("document", "argument"),
    [
        ('{ aging(asOf: "2026-07-01") { outstanding } }', "asOf"),
        ('{ agingByPayer(asOf: "2027-01-01") { outstanding } }', "asOf"),
        ('{ analytics(filter: {from: "2026-02-01", to: "2026-01-31"}) { billed } }', "filter.from"),
        ('{ aging(filter: {payerId: ["nonsense"]}) { outstanding } }', "filter.payerId"),
    ],
)
def test_an_invalid_argument_is_refused_by_its_name(billing: Client, document: str, argument: str) -> None:
    (error,) = billing.ask(document)["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
def test_a_role_without_reports_has_none_in_its_schema(anonymous: Client, role: Role) -> None:
    with anonymous.signed_in(f"{role.value}@demo.example") as client:
        for name in ("aging { outstanding }", "agingByPayer { outstanding }"):
            assert client.refusals(f"{{ {name} }}")[0].startswith("Cannot query field")


def test_a_physician_sees_the_report_of_their_own_work_only_and_no_received_amounts(
    anonymous: Client, address: DatabaseUrls
) -> None:
    query = '{{ analytics(filter: {{from: "2020-01-01", to: "2026-06-30"}}{}) {{ physicianProductivity {{ physician {{ id }} {} }} }} }}'
    counts = "encounterCount examCount invoiceCount billed averageInvoice"
    with anonymous.signed_in("physician@demo.example") as client:
        for as_of in ("", ', asOf: "2026-03-01"'):
            (own,) = client.read(query.format(as_of, counts))["analytics"]["physicianProductivity"]
            assert own["invoiceCount"] > 0
        assert client.refusals(query.format("", "received"))[0].startswith("Cannot query field 'received'")
        assert client.refusals('{ analytics(filter: {from: "2026-01-01", to: "2026-06-30"}) { billed } }')
    (user,) = rows(address, "select physician_id from users where email = 'physician@demo.example'")
    assert own["physician"]["id"] == make_id("Physician", UUID(str(user[0])))


def test_an_analyst_sees_every_report_and_no_patient_s_name(anonymous: Client) -> None:
    with anonymous.signed_in("analyst@demo.example") as client:
        payers = client.read("{ agingByPayer { payer { name } outstanding } }")["agingByPayer"]
        assert payers
        found = client.read(
            '{ analytics(filter: {from: "2026-01-01", to: "2026-06-30"}, asOf: "2026-04-30") { billed denialRate { value } '
            "daysInAr { median } arDays physicianProductivity { physician { name } received } trend { month } } }"
        )["analytics"]
        assert Decimal(found["billed"]) > 0
        assert client.refusals('{ aging(filter: {search: "A"}) { outstanding } }')
        assert client.refusals(
            '{ analytics(filter: {from: "2026-01-01", to: "2026-06-30"}) { reductionsByAttorney { invoiceCount } } }'
        )
