"""An analyst's reports tell nothing of single days that the role does not see, however often and of however few invoices it asks."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from graphql import GraphQLInputObjectType

from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from domain.billing.negotiation import SubmissionMethod
from domain.days import last_of_month
from imports.history.invoice_history import InvoiceHistory
from permissions.reporting import BY_MONTH
from permissions.rows import ROWS, Reach
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.api.reports.test_aging import CREATED, PERIOD, Worked
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import ClinicClock, moment
from tests.support.api.mutations import done
from tests.support.client import Client
from tests.support.databases import TODAY, copied
from tests.support.oracle.figures import ANALYTICS, BUCKETS, PAYERS, figures

FIRST = date(2026, 1, 1)
MONTH_ENDS = [last_of_month(date(2026, month, 1)).isoformat() for month in range(1, 6)]
# Invoice → its hidden days: of submission, denial, agreement, payment and of the end of its case.
HIDDEN = {
    "A": ("06-11", None, None, None, None),
    "B": ("05-30", None, "06-05", "06-20", None),
    "C": ("03-02", None, "03-10", "04-15", None),
    "D": ("02-28", "03-05", None, None, None),
    "E": ("01-16", None, "02-01", "03-16", "03-20"),
}
# The same, on other days of the same months.
HIDDEN_ELSEWHERE = {
    "A": ("06-29", None, None, None, None),
    "B": ("05-31", None, "06-24", "06-28", None),
    "C": ("03-24", None, "03-29", "04-02", None),
    "D": ("02-28", "03-25", None, None, None),
    "E": ("01-30", None, "02-27", "03-03", "03-30"),
}
# Every figure that the schema of an analyst has.
_AGINGS = " ".join(
    f"{basis.lower()}: aging(filter: $filter, asOf: $asOf, basis: {basis}) {{ basis {BUCKETS} }} "
    f"{basis.lower()}_by_payer: agingByPayer(filter: $filter, asOf: $asOf, basis: {basis}) {PAYERS}"
    for basis in ("CREATED", "SERVICE")
)
_ANALYTICS = ANALYTICS.replace(
    "reductionsByAttorney { attorney { id } invoiceCount reductionRate { value numerator denominator } }", ""
)
EVERYTHING = f"""query ($filter: ReportFilter, $asOf: Date, $of: AnalyticsFilter!) {{
    {_AGINGS} analytics(filter: $of, asOf: $asOf) {_ANALYTICS} }}"""


class Dated(Worked):
    """The invoices of the worked case, with chosen hidden days."""

    def __init__(self, address: DatabaseUrls, days: Mapping[str, tuple[str | None, ...]], first_number: int) -> None:
        self.days, self.first_number = days, first_number
        super().__init__(address)

    def started(self, created_on: str, billed: str) -> InvoiceHistory:
        """An invoice whose id no other payer's invoice has."""
        self.numbers = max(self.numbers, self.first_number)
        return super().started(created_on, billed)

    def history(self, name: str) -> InvoiceHistory:
        """The history of one of the five invoices."""
        invoice, agreed = self.started(CREATED[name], "1000.00"), {"B": "700.00", "C": "800.00", "E": "900.00"}
        submitted, denied, agreed_on, paid_on, settled_on = (day and self.day(day) for day in self.days[name])
        assert submitted
        invoice.submit_invoice(submitted, SubmissionMethod.EMAIL)
        if denied:
            invoice.record_denial(denied, "X1")
        if agreed_on:
            invoice.request_reduction(agreed_on, Decimal("100.00"))
            invoice.agree_reduction(agreed_on, Decimal(agreed[name]))
        if paid_on:
            self.cheque(invoice, paid_on.isoformat()[5:], "500.00" if name == "B" else agreed[name])
        if settled_on:
            invoice.settle_case(settled_on)
        return invoice


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
def analyst(anonymous: Client) -> Iterator[Client]:
    with anonymous.signed_in("analyst@demo.example") as client:
        yield client


@pytest.fixture(scope="module")
def billing(anonymous: Client) -> Iterator[Client]:
    with anonymous.signed_in("billing@demo.example") as client:
        yield client


@pytest.fixture(scope="module")
def payers(address: DatabaseUrls) -> tuple[str, str]:
    """Two payers whose invoices differ in their hidden days alone, by other days of the same months."""
    both = Dated(address, HIDDEN, 0), Dated(address, HIDDEN_ELSEWHERE, 100)
    for each in both:
        asyncio.run(each.load(address))
    one, other = (make_id("Payer", each.payer) for each in both)
    return one, other


def _invoice(billing: Client, payer: str, created_on: str) -> dict[str, Any]:
    """What an analyst sees of an invoice, too: enough to single it out."""
    wanted = {"payerId": [payer], "createdFrom": created_on, "createdTo": created_on}
    query = "query ($filter: InvoiceFilter) { invoices(filter: $filter) { nodes { case { id } billedAmount } } }"
    [found] = billing.read(query, filter=wanted)["invoices"]["nodes"]
    assert isinstance(found, dict)
    return found


def _days() -> Iterator[str]:
    yield from ((FIRST + timedelta(days=number)).isoformat() for number in range((TODAY - FIRST).days + 1))


def _changes(client: Client, query: str, variables: dict[str, Any]) -> list[str]:
    """The days on which the figures of a query change, when it is asked as of one day after the other."""
    answers = [(day, client.ask(query, asOf=day, **variables)) for day in _days()]
    told = [(day, json.dumps(answer["data"])) for day, answer in answers if "errors" not in answer]
    return [day for (_, before), (day, after) in pairwise(told) if before != after]


def _attack(client: Client, billing: Client, payer: str, basis: str) -> list[str]:
    invoice = _invoice(billing, payer, CREATED["E"])
    wanted = {"caseId": [invoice["case"]["id"]], "payerId": [payer]}
    wanted |= {"billedMin": invoice["billedAmount"], "billedMax": invoice["billedAmount"]}
    query = f"""query ($filter: InvoiceFilter, $asOf: Date) {{
        aging(filter: $filter, asOf: $asOf, basis: {basis}) {{ invoiceCount outstanding buckets {{ invoiceCount }} }} }}"""
    return _changes(client, query, {"filter": wanted})


def test_billing_staff_see_the_hidden_days_of_one_invoice_and_an_analyst_finds_none(
    analyst: Client, billing: Client, payers: tuple[str, str]
) -> None:
    for basis in ("SUBMITTED", "CREATED", "AGREED"):
        found = _attack(billing, billing, payers[0], basis)
        # The days on which it was agreed and paid: money moves there whatever the basis.
        assert {"2026-02-01", "2026-03-16"} <= set(found)
        assert _attack(analyst, billing, payers[0], basis) == []


@pytest.mark.parametrize("basis", ["CREATED", "SERVICE"])
def test_of_one_payer_an_analyst_is_told_where_it_stood_at_the_end_of_each_month(
    analyst: Client, billing: Client, payers: tuple[str, str], basis: str
) -> None:
    query = f"""query ($filter: ReportFilter, $asOf: Date) {{
        aging(filter: $filter, asOf: $asOf, basis: {basis}) {{ invoiceCount outstanding buckets {{ invoiceCount }} }} }}"""
    told = _changes(analyst, query, {"filter": {"payerId": [payers[0]]}})
    assert told
    assert set(told) <= set(MONTH_ENDS)
    assert len(
        _changes(billing, query.replace("ReportFilter", "InvoiceFilter"), {"filter": {"payerId": [payers[0]]}})
    ) > len(told)


def _told(client: Client, payer: str, period: tuple[str, str], as_of: str | None) -> str:
    """Every figure that a client is told of a payer's invoices, without the payer's id and name."""
    variables = {"filter": {"payerId": [payer]}, "of": {"from": period[0], "to": period[1], "payerId": [payer]}}
    found = client.read(EVERYTHING, **variables, **({"asOf": as_of} if as_of else {}))
    named = [row["payer"] for row in found["created_by_payer"]]
    text = json.dumps(found)
    for each in named:
        text = text.replace(each["id"], "ID").replace(each["name"], "NAME")
    return text


def _months() -> Iterator[tuple[str, str]]:
    for end in MONTH_ENDS:
        yield f"{end[:8]}01", end
    yield PERIOD


def test_hidden_days_on_other_days_of_the_same_months_change_no_figure_of_an_analyst(
    analyst: Client, billing: Client, payers: tuple[str, str]
) -> None:
    # Reports are computed from the facts that both payers share: sets of them, their differences and their order tell no more.
    compared = 0
    for as_of in (None, *MONTH_ENDS):
        for period in _months():
            one, other = (_told(analyst, payer, period, as_of) for payer in payers)
            assert one == other, (period, as_of)
            compared += 1
    assert compared > 30
    days = [figures(billing, PERIOD, payerId=[payer])["analytics"]["daysInAr"]["mean"] for payer in payers]
    assert days[0] != days[1]


def test_days_to_pay_count_to_the_end_of_the_month_of_payment(analyst: Client, payers: tuple[str, str]) -> None:
    # C: from 1 March to 30 April; E: from 15 January to 31 March.
    of = {"from": "2026-01-01", "to": "2026-05-31", "payerId": [payers[0]]}
    query = """query ($of: AnalyticsFilter!, $filter: ReportFilter) { analytics(filter: $of) { daysInAr { mean median invoiceCount } }
        agingByPayer(filter: $filter) { medianDaysToPay } }"""
    found = analyst.read(query, of=of, filter={"payerId": [payers[0]]})
    assert found["analytics"]["daysInAr"] == {"mean": 67.5, "median": 67.5, "invoiceCount": 2}
    assert found["agingByPayer"] == [{"medianDaysToPay": 67.5}]


def test_a_submission_changes_no_figure_of_an_analyst_before_the_month_is_over(
    analyst: Client, billing: Client, clock: ClinicClock
) -> None:
    query = """{ analytics(filter: {from: "2026-06-01", to: "2026-06-30"}) { invoiceCount denialRate { denominator } }
        aging { invoiceCount outstanding buckets { invoiceCount outstanding } } agingByPayer { medianDaysToPay outstanding } }"""
    wanted = {"status": ["PENDING_INVOICE"], "createdFrom": "2026-06-01"}
    listed = "query ($filter: InvoiceFilter) { invoices(filter: $filter) { nodes { id submittedOn } } }"
    waiting = [row["id"] for row in billing.read(listed, filter=wanted)["invoices"]["nodes"] if not row["submittedOn"]]
    later = moment(date(2026, 7, 1))
    with clock.set_to(later):
        before = analyst.read(query)
    with clock.set_to(moment(TODAY)):
        today, staff = analyst.read(query), billing.read(query)
        done(billing, "submitInvoice", "invoice { id }", invoiceId=waiting[0], submittedOn="2026-06-30", method="MAIL")
        assert analyst.read(query) == today
        assert billing.read(query) != staff
    assert analyst.read(query)["analytics"]["invoiceCount"] == 0
    with clock.set_to(later):
        after = analyst.read(query)["analytics"]["denialRate"]["denominator"]
        assert after == before["analytics"]["denialRate"]["denominator"] + 1


_OF = '{from: "2026-05-01", to: "2026-05-31"}'


@pytest.mark.parametrize(
    ("query", "argument"),
    [
        ('{ aging(asOf: "2026-05-30") { outstanding } }', "asOf"),
        ('{ agingByPayer(asOf: "2026-06-29") { outstanding } }', "asOf"),
        # This month is not over: the day's figures still change.
        ('{ aging(asOf: "2026-06-30") { outstanding } }', "asOf"),
        ('{ aging(asOf: "2026-07-31") { outstanding } }', "asOf"),
        (f'{{ analytics(filter: {_OF}, asOf: "2026-05-30") {{ billed }} }}', "asOf"),
        ('{ analytics(filter: {from: "2026-05-02", to: "2026-05-31"}) { billed } }', "filter.from"),
        ('{ analytics(filter: {from: "2026-05-01", to: "2026-05-30"}) { billed } }', "filter.to"),
        (
            '{ analytics(filter: {from: "2026-05-15", to: "2026-05-15"}) { physicianProductivity { encounterCount } } }',
            "filter.to",
        ),
    ],
)
def test_an_analyst_asks_for_whole_months(analyst: Client, query: str, argument: str) -> None:
    (error,) = analyst.ask(query)["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert analyst.read(f'{{ aging(asOf: "2026-05-31") {{ asOf }} analytics(filter: {_OF}) {{ billed }} }}')


def test_an_analyst_filters_reports_by_payer_physician_and_facility_alone(analyst: Client) -> None:
    wanted = role_schemas()[Role.ADMIN].type_map["InvoiceFilter"]
    assert isinstance(wanted, GraphQLInputObjectType)
    allowed = {"payerId", "physicianId", "facilityId"}
    assert allowed < set(wanted.fields)
    for name in wanted.fields:
        for report in ("aging", "agingByPayer"):
            value = "[]" if name in allowed else "null"
            answer = analyst.ask(f"{{ {report}(filter: {{{name}: {value}}}) {{ outstanding }} }}")
            assert ("errors" not in answer) is (name in allowed), name
    assert analyst.ask("query ($filter: InvoiceFilter) { aging(filter: $filter) { outstanding } }")["errors"]


@pytest.mark.parametrize("basis", ["SUBMITTED", "AGREED"])
def test_an_analyst_counts_ages_from_days_that_the_role_sees(analyst: Client, billing: Client, basis: str) -> None:
    query = f"{{ aging(basis: {basis}) {{ outstanding }} }}"
    assert billing.read(query)
    assert "does not exist" in analyst.refusals(query)[0]


def test_the_roles_whose_reports_show_whole_months_reach_the_whole_clinic_as_the_report_role_does() -> None:
    assert {ROWS["invoices"][role] for role in BY_MONTH} == {Reach.CLINIC}
