"""Measures the reports on a million invoices: each over HTTP, against hand-written SQL."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import orjson
import uvloop

from db.pools import entering
from db.security.policies import STAFF_LOGIN
from domain.access.people import Role
from domain.clinics import clinic_day
from server.database_urls import DatabaseUrls
from tests.bench.benchmark_users import BenchmarkUsers
from tests.bench.comparisons import Serve, our_server, tokens_of
from tests.bench.measurements.million import INVOICES

AGING_AT_MOST, ANALYTICS_AT_MOST, AS_OF_AT_MOST = 1.15, 1.5, 4.0
_ROLE = Role.BILLING
_OPEN = "status in ('pending_invoice', 'pending_reduction', 'pending_cheque')"
_OWED = "balance"
_OPEN_PART = "billed_amount - contractual_amount - earlier_received_amount"
_AGES = ((None, 30), (31, 60), (61, 90), (91, 120), (121, None))


def _ranges() -> str:
    parts = []
    for first, last in _AGES:
        since = f" and created_on >= $2::date - {last}" if last is not None else ""
        until = f" and created_on <= $2::date - {first}" if first is not None else ""
        parts.append(f"select count(*), sum({_OWED}) from invoices where clinic_id = $1 and {_OPEN}{since}{until}")
    return " union all ".join(parts)


_PLACE = """case when {age} <= 30 then 0 when {age} <= 60 then 1 when {age} <= 90 then 2 when {age} <= 120 then 3 else 4 end"""
# The forms that were tried for aging; ours is compared with the best of them.
AGING_BY_HAND = {
    "union of ranges": _ranges(),
    "grouped by day": f"""select {_PLACE.format(age="$2::date - day")}, sum(n), sum(s) from (select created_on as day, count(*) as n,
        sum({_OWED}) as s from invoices where clinic_id = $1 and {_OPEN} group by 1) d group by 1""",
    "CASE per row": f"""select {_PLACE.format(age="$2::date - created_on")}, count(*), sum({_OWED}) from invoices
        where clinic_id = $1 and {_OPEN} group by 1""",
}
_COHORT = "from invoices where clinic_id = $1 and status <> 'void' and created_on between $3 and $2"
_SUMS = f"""count(*), sum(billed_amount), sum(received_amount), sum(contractual_amount), sum({_OPEN_PART} - agreed_amount),
    sum({_OPEN_PART}) filter (where agreed_amount is not null)"""
_MEDIAN = "percentile_cont(0.5) within group (order by fully_paid_on - created_on)"
# Each measure or list of the analytics as a statement of its own.
ANALYTICS_BY_HAND = {
    "collection": f"select {_SUMS} {_COHORT}",
    "days in AR": f"select avg(fully_paid_on - created_on), {_MEDIAN}, count(*) {_COHORT} and fully_paid_on is not null",
    "denials": f"""select count(*) filter (where id in (select invoice_id from denials where clinic_id = $1)),
        count(first_submitted_on) {_COHORT}""",
    "outstanding": f"""select sum({_OWED}), sum({_OWED}) filter (where created_on < $2::date - 90), $3::date from invoices
        where clinic_id = $1 and {_OPEN}""",
    "recent": """select sum(billed_amount), $3::date from invoices where clinic_id = $1 and status <> 'void'
        and created_on > $2::date - 90 and created_on <= $2""",
    "productivity": f"select physician_id, count(*), sum(billed_amount), sum(received_amount) {_COHORT} group by 1",
    "visits": """select e.physician_id, count(distinct e.id), sum(x.units) from encounters e left join encounter_exams x
        on x.clinic_id = $1 and x.encounter_id = e.id where e.clinic_id = $1 and e.service_date between $3 and $2 group by 1""",
    "payers": f"""select payer_id, {", ".join(f"count(*) filter (where a = {n}), sum(owed) filter (where a = {n})" for n in range(5))}
        from (select payer_id, {_OWED} as owed, {_PLACE.format(age="$2::date - created_on")} as a, $3::date from invoices
        where clinic_id = $1 and {_OPEN}) i group by 1""",
    "payers' medians": f"""select payer_id, {_MEDIAN}, max($2::date - $3::date) from invoices where clinic_id = $1 and status <> 'void'
        and fully_paid_on is not null group by 1""",
    "reductions by payer": f"select payer_id, {_SUMS} {_COHORT} and agreed_amount is not null group by 1",
    "reductions by attorney": f"""select r.attorney_id, {_SUMS} from invoices i join representations r on r.clinic_id = $1
        and r.case_id = i.case_id and r.from_on <= i.agreed_on and (r.until_on is null or r.until_on > i.agreed_on)
        and r.known_until is null where i.clinic_id = $1 and status <> 'void' and created_on between $3 and $2
        and agreed_amount is not null group by 1""",
    "trend": f"select date_trunc('month', created_on), {_SUMS} {_COHORT} group by 1",
    "trend of days": f"""select date_trunc('month', created_on), avg(fully_paid_on - created_on), {_MEDIAN} {_COHORT}
        and fully_paid_on is not null group by 1""",
}
_BUCKETS = "invoiceCount outstanding buckets { bucket invoiceCount outstanding }"
_MEASURES = """invoiceCount billed received collectionRate { value } netCollectionRate { value } reductionRate { value }
    daysInAr { mean median invoiceCount } denialRate { value }"""
_ANALYTICS = f"""{{ {_MEASURES} arDays arOver90 {{ value }} physicianProductivity {{ physician {{ name }} encounterCount examCount
    invoiceCount billed averageInvoice received }} agingByPayer {{ payer {{ name }} medianDaysToPay {_BUCKETS} }}
    reductionsByPayer {{ payer {{ name }} invoiceCount reductionRate {{ value }} }}
    reductionsByAttorney {{ attorney {{ name }} invoiceCount reductionRate {{ value }} }} trend {{ month {_MEASURES} }} }}"""


def documents(today: date) -> dict[str, str]:
    """The documents that are sent over HTTP, by name."""
    year, past = today - timedelta(days=365), today - timedelta(days=365)

    def analytics(last: date, as_of: str = "") -> str:
        first = last - timedelta(days=365)
        return f'analytics(filter: {{from: "{first}", to: "{last}"}}{as_of}) {_ANALYTICS}'

    found = {"aging": f"{{ aging {{ {_BUCKETS} }} }}"}
    for days in (1, 30, 365, 730):
        found[f"aging as of {days} days ago"] = f'{{ aging(asOf: "{today - timedelta(days=days)}") {{ {_BUCKETS} }} }}'
    found["aging by payer"] = f"{{ agingByPayer {{ payer {{ name }} medianDaysToPay {_BUCKETS} }} }}"
    found["aging by payer as of a year ago"] = found["aging by payer"].replace(
        "Payer {", f'Payer(asOf: "{past}") {{', 1
    )
    found["analytics"] = f"{{ {analytics(today)} }}"
    found["analytics as of a year ago"] = f'{{ {analytics(year, f""", asOf: "{past}" """)} }}'
    found["dashboard"] = (
        f"{{ aging {{ {_BUCKETS} }} agingByPayer {{ payer {{ name }} medianDaysToPay {_BUCKETS} }} {analytics(today)} }}"
    )
    return found


class _ByHand:
    """The hand-written statements on a connection that entered the database as the server does."""

    def __init__(self, address: DatabaseUrls, benchmark_users: BenchmarkUsers, today: date) -> None:
        self._viewer = benchmark_users.viewers[_ROLE]
        self._dsn, self._today = address.login(STAFF_LOGIN), today

    def seconds(self, statements: list[str]) -> float:
        """The seconds that they take one after another."""
        return uvloop.run(self._run(statements))

    async def _run(self, statements: list[str]) -> float:
        connection = await asyncpg.connect(self._dsn, server_settings={"jit": "off", "timezone": "UTC"})
        try:
            await connection.execute(entering(self._viewer, read_only=True))
            prepared = [await connection.prepare(statement) for statement in statements]
            values = (self._viewer.clinic_id, self._today, self._today - timedelta(days=365))
            began = time.perf_counter()
            for statement in prepared:
                await statement.fetch(*values[: len(statement.get_parameters())])
            return time.perf_counter() - began
        finally:
            await connection.close()


def run_reporting(
    address: DatabaseUrls,
    benchmark_users: BenchmarkUsers,
    rounds: int,
    invoices: int = INVOICES,
    serve: Serve = our_server,
) -> str:
    """A table of every report and its comparisons: medians of the rounds, in which all take turns."""
    today = clinic_day(datetime.now(UTC), benchmark_users.viewers[_ROLE].time_zone)
    request_bodies, hand = documents(today), _ByHand(address, benchmark_users, today)
    with serve(address) as ours, httpx.Client(timeout=60) as client:
        headers = {"authorization": f"Bearer {tokens_of(ours)[_ROLE]}", "content-type": "application/json"}

        def over_http(document: str) -> float:
            began = time.perf_counter()
            answer = client.post(
                f"http://127.0.0.1:{ours.port}/graphql", content=orjson.dumps({"query": document}), headers=headers
            )
            took = time.perf_counter() - began
            assert "errors" not in answer.json(), answer.text
            return took

        runs: dict[str, Callable[[], float]] = {
            name: _call(over_http, document) for name, document in request_bodies.items()
        }
        runs |= {f"by hand: {name}": _call(hand.seconds, [sql]) for name, sql in AGING_BY_HAND.items()}
        runs["by hand: analytics"] = _call(hand.seconds, list(ANALYTICS_BY_HAND.values()))
        found: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(rounds + 1):
            for name, run in runs.items():
                took = run()
                # The first round is a warm-up.
                if turn:
                    found[name].append(took * 1000)
    return _table({name: statistics.median(times) for name, times in found.items()}, invoices)


def _call(run: Callable[[Any], float], value: Any) -> Callable[[], float]:
    return lambda: run(value)


def _table(p50: dict[str, float], invoices: int) -> str:
    best = min(p50[f"by hand: {name}"] for name in AGING_BY_HAND)
    held = {
        "aging": (best, AGING_AT_MOST, "the best hand-written SQL"),
        "analytics": (p50["by hand: analytics"], ANALYTICS_AT_MOST, "the sum of the hand-written statements"),
        "aging by payer as of a year ago": (p50["aging by payer"], AS_OF_AT_MOST, "today's"),
        "analytics as of a year ago": (p50["analytics"], AS_OF_AT_MOST, "today's"),
        **{name: (p50["aging"], AS_OF_AT_MOST, "today's") for name in p50 if name.startswith("aging as of")},
    }
    lines = [
        f"On {invoices:,} invoices of one clinic, about {invoices * 3:,} states before today:\n",
        "| report | p50 ms | |",
        "|---|--:|---|",
    ]
    for name, took in p50.items():
        verdict = ""
        if name in held:
            against, most, words = held[name]
            text = f"{took / against:.2f} times {words}, at most {most:g}"
            verdict = f"{text}: reached" if took / against <= most else f"**{text}: falls short**"
        lines.append(f"| {name} | {took:,.1f} | {verdict} |")
    return "\n".join(lines)
