"""Appeals in analytics: a worked case, an oracle over the demo clinic, past days, and what analysts are told of few invoices."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from db.global_ids import make_id
from server.database_urls import DatabaseUrls
from tests.support.client import Client, serving
from tests.support.databases import rows

RATIO = "{ value numerator denominator }"
FIGURES = f"appeals appealRate {RATIO} overturnRate {RATIO} recoveredAfterDenial"
REASONS = f"denialsByReason {{ reasonCode isRemainder invoiceCount denialCount {FIGURES} }}"
QUERY = f"""query ($of: AnalyticsFilter!, $day: Date, $restated: Boolean) {{ analytics(filter: $of, asOf: $day, restated: $restated) {{
    {FIGURES} firstPassRate {RATIO} denialRate {RATIO} {REASONS} trend {{ month {FIGURES} }}
    denialsByPayer {{ payer {{ id }} invoiceCount denialCount {FIGURES} }} }} }}"""
OF_ANALYSTS = f"query ($of: AnalyticsFilter!, $day: Date) {{ analytics(filter: $of, asOf: $day) {{ {REASONS} }} }}"
ALL = {"from": "2020-01-01", "to": "2026-06-30"}
_RAW = """select d.id, d.invoice_id, d.reason_code, d.denied_on, d.recorded_at, i.created_on, i.payer_id
    from denials d join invoices i on i.id = d.invoice_id where i.status <> 'void' and i.clinic_id = (
    select clinic_id from clinics where short_name = 'demo')"""
_WON, _DECIDED = ("overturned", "partial"), ("upheld", "overturned", "partial")


@pytest.fixture(scope="module")
def staff(anonymous: Client) -> Iterator[Client]:
    with anonymous.signed_in("billing@demo.example") as client:
        yield client


@pytest.fixture(scope="module")
def analyst(anonymous: Client) -> Iterator[Client]:
    with anonymous.signed_in("analyst@demo.example") as client:
        yield client


class Sums:
    """The figures of some denials, added up in Python from raw rows; steps after the moment `until` are not known."""

    def __init__(self, denials: list[Any], steps: dict[Any, list[Any]]) -> None:
        lives = [steps[denial["id"]] for denial in denials]
        last = [life[-1]["status"] for life in lives if life]
        won = [[one["recovered_amount"] for one in life if one["status"] != "appealed"][-1:] for life in lives]
        self.invoices, self.denials = len({denial["invoice_id"] for denial in denials}), len(denials)
        self.appeals = sum(one["status"] == "appealed" for life in lives for one in life)
        self.appealed = sum(any(one["status"] == "appealed" for one in life) for life in lives)
        self.decided = sum(status in _DECIDED for status in last)
        self.won = sum(status in _WON for status in last)
        self.recovered = sum((amount for found in won for amount in found if amount), Decimal("0.00"))

    def check(self, answer: Any) -> None:
        assert answer["appeals"] == self.appeals
        for name, of, among in (("appealRate", self.appealed, self.denials), ("overturnRate", self.won, self.decided)):
            value = of / among if among else None
            assert answer[name] == {"value": value and pytest.approx(value), "numerator": of, "denominator": among} or (
                value == 0 and answer[name] == {"value": 0, "numerator": of, "denominator": among}
            )
        assert Decimal(answer["recoveredAfterDenial"]) == self.recovered


def _steps(address: DatabaseUrls, until: date | None = None, *, by_day: bool = False) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows(address, "select * from denial_events order by number"):
        on = row["happened_on"] if by_day else row["recorded_at"].date()
        if until is None or on <= until:
            found[row["denial_id"]].append(row)
    return found


def test_the_figures_of_the_demo_clinic_are_those_of_its_rows(address: DatabaseUrls, staff: Client) -> None:
    found = staff.read(QUERY, of=ALL)["analytics"]
    denials, steps = rows(address, _RAW), _steps(address)
    whole = Sums(denials, steps)
    whole.check(found)
    assert min(whole.appeals, whole.won, whole.decided - whole.won, whole.denials - whole.appealed) > 0
    of_reason = defaultdict(list)
    for one in denials:
        of_reason[one["reason_code"]].append(one)
    answers = {row["reasonCode"]: row for row in found["denialsByReason"]}
    assert set(answers) == set(of_reason)
    for reason, some in of_reason.items():
        sums = Sums(some, steps)
        sums.check(answers[reason])
        counts = (answers[reason]["invoiceCount"], answers[reason]["denialCount"], answers[reason]["isRemainder"])
        assert counts == (sums.invoices, sums.denials, False)
    numbers = [row["denialCount"] for row in found["denialsByReason"]]
    assert numbers == sorted(numbers, reverse=True)
    months = {row["month"]: row for row in found["trend"]}
    for month, row in months.items():
        Sums([one for one in denials if one["created_on"].isoformat()[:7] == month[:7]], steps).check(row)


def test_the_denials_of_a_payer_are_those_of_the_days_on_which_it_was_responsible(
    address: DatabaseUrls, staff: Client
) -> None:
    found = {row["payer"]["id"]: row for row in staff.read(QUERY, of=ALL)["analytics"]["denialsByPayer"]}
    steps, owed = _steps(address), defaultdict(list)
    for row in rows(address, "select * from responsibilities order by number"):
        owed[row["invoice_id"]].append(row)
    of_payer = defaultdict(list)
    for one in rows(address, _RAW):
        then = [turn for turn in owed[one["invoice_id"]] if turn["from_on"] <= one["denied_on"]][-1]
        of_payer[make_id("Payer", then["payer_id"])].append(one)
    assert set(found) == set(of_payer)
    for payer, some in of_payer.items():
        sums = Sums(some, steps)
        sums.check(found[payer])
        assert (found[payer]["invoiceCount"], found[payer]["denialCount"]) == (sums.invoices, sums.denials)


def test_first_pass_acceptance_and_the_denial_rate_are_the_whole(staff: Client) -> None:
    found = staff.read(QUERY, of=ALL)["analytics"]
    first, denied = found["firstPassRate"], found["denialRate"]
    assert first["denominator"] == denied["denominator"] > first["numerator"]
    assert first["numerator"] + denied["numerator"] == first["denominator"]
    assert first["value"] == pytest.approx(1 - denied["value"])


@pytest.mark.parametrize("day", ["2023-03-31", "2025-01-15", "2026-05-01"])
def test_a_past_day_is_told_by_what_was_known_then_and_restated_by_the_days_of_the_steps(
    address: DatabaseUrls, staff: Client, day: str
) -> None:
    until = date.fromisoformat(day)
    # In the demo clinic each step is recorded on its day, so that both are the same; in a copy one step is recorded late.
    known = staff.read(QUERY, of=ALL, day=day)["analytics"]
    voids = """select d.id from denials d join invoices i on i.id = d.invoice_id where i.created_on <= $1
        and d.recorded_at::date <= $1 and coalesce((select s.status from invoice_states s where s.invoice_id = i.id
        and s.known_from <= $1 and s.known_until > $1), i.status) <> 'void' and i.clinic_id = (
        select clinic_id from clinics where short_name = 'demo')"""
    then = {row["id"] for row in rows(address, voids, until)}
    every = rows(address, _RAW.replace("i.status <> 'void' and ", ""))
    Sums([one for one in every if one["id"] in then], _steps(address, until)).check(known)


def test_a_step_that_was_recorded_late_counts_in_restated_figures_alone(own_address: DatabaseUrls) -> None:
    async def delay() -> Any:
        connection = await asyncpg.connect(own_address.owner)
        try:
            await connection.execute("set session_replication_role = replica")
            return await connection.fetchrow("""update denial_events set recorded_at = now() where (denial_id, number) = (
                select e.denial_id, e.number from denial_events e join denials d on d.id = e.denial_id join invoices i
                on i.id = d.invoice_id where i.status <> 'void' and e.number = 1 and e.status = 'appealed'
                and e.happened_on < '2026-06-01' order by e.happened_on desc limit 1) returning happened_on""")
        finally:
            await connection.close()

    on = asyncio.run(delay())["happened_on"].isoformat()
    with serving(own_address) as url, Client(url) as nobody, nobody.signed_in("billing@demo.example") as staff:
        known, restated = (
            staff.read(QUERY, of=ALL, day=on, restated=flag)["analytics"]["appeals"] for flag in (False, True)
        )
    assert restated == known + 1


def test_analysts_are_told_of_many_invoices_at_once_for_the_whole_clinic(
    address: DatabaseUrls, staff: Client, analyst: Client
) -> None:
    answers = analyst.read(OF_ANALYSTS, of=ALL)["analytics"]["denialsByReason"]
    whole = staff.read(OF_ANALYSTS, of=ALL)["analytics"]["denialsByReason"]
    assert sum(row["denialCount"] for row in answers) == sum(row["denialCount"] for row in whole)
    assert sum(Decimal(row["recoveredAfterDenial"]) for row in answers) == sum(
        Decimal(row["recoveredAfterDenial"]) for row in whole
    )
    assert any(row["isRemainder"] for row in answers)
    # What is shown of a code adds up at least five invoices of each month of which it shows anything.
    months = defaultdict(set)
    for one in rows(address, _RAW):
        months[one["reason_code"], one["created_on"].replace(day=1)].add(one["invoice_id"])
    shown = {row["reasonCode"]: row["invoiceCount"] for row in answers if not row["isRemainder"]}
    for code, number in shown.items():
        assert number >= 5
        assert number <= sum(len(found) for (reason, _), found in months.items() if reason == code and len(found) >= 5)


@pytest.mark.parametrize("more", [{"payerId": []}, {"physicianId": []}, {"facilityId": []}])
def test_analysts_get_the_reasons_of_denials_without_a_filter_of_parties_and_without_a_day(
    analyst: Client, more: dict[str, Any]
) -> None:
    assert "denialsByReason" in str(analyst.ask(OF_ANALYSTS, of={**ALL, **more})["errors"])
    assert "denialsByReason" in str(analyst.ask(OF_ANALYSTS, of=ALL, day="2026-05-31")["errors"])


@pytest.mark.parametrize("field", ["appeals", f"appealRate {RATIO}", f"overturnRate {RATIO}", "recoveredAfterDenial",
                                   "denialsByPayer { invoiceCount }", "trend { appeals }"])  # fmt: skip
def test_other_figures_of_appeals_are_for_billing_staff_alone(analyst: Client, field: str) -> None:
    query = f"query ($of: AnalyticsFilter!) {{ analytics(filter: $of) {{ {field} }} }}"
    assert "errors" in analyst.ask(query, of={"from": "2026-01-01", "to": "2026-01-31"})
