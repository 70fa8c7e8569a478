"""The oracle of the reports: computes the expected figures from raw tables by DuckDB, without code of the product.

The past state of an invoice follows from its history, event by event, and from the dates of the cheque allocations.
"""

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import duckdb

from db.global_ids import make_id
from server.database_urls import DatabaseUrls

_DATES = {"submittedOn": "submitted_on", "agreedOn": "agreed_on", "fullyPaidOn": "fully_paid_on"}
_MONEY = {
    "billedAmount": "billed",
    "agreedAmount": "agreed",
    "earlierReceivedAmount": "earlier",
    "contractualAmount": "contractual",
    "smallBalanceAmount": "given_up",
}
# The amounts that are 0 until the history says otherwise.
_FROM_NOTHING = ("earlier", "contractual", "given_up")
_RAW = {
    "invoices": """select id, payer_id, physician_id, facility_id, case_id, encounter_id, created_on, service_date, status,
        submitted_on, agreed_on, fully_paid_on, billed_amount as billed, agreed_amount as agreed from invoices where clinic_id = $1""",
    "events": "select invoice_id, at, transition, to_status, changes from invoice_events where clinic_id = $1 order by invoice_id, seq",
    "allocations": "select invoice_id, amount, recorded_at from cheque_allocations where clinic_id = $1",
    "denials": "select invoice_id, recorded_at from denials where clinic_id = $1",
    "representations": """select case_id, attorney_id, from_on, until_on, known_from, known_until from representations
        where clinic_id = $1""",
    "encounters": """select id, physician_id, facility_id, service_date, recorded_at, cancelled_at from encounters where clinic_id = $1""",
    "exams": "select encounter_id, units, recorded_at, removed_at from encounter_exams where clinic_id = $1",
}
_TABLE = """create or replace table i (id text, payer text, physician text, facility text, attorney text, agreed_with text,
    encounter text, created date, serviced date, status text, submitted date, agreed_on date, paid date, billed decimal(14, 2),
    agreed decimal(14, 2), received decimal(14, 2), earlier decimal(14, 2), contractual decimal(14, 2), given_up decimal(14, 2),
    was_submitted boolean, denied boolean)"""
_VISITS = "create or replace table e (id text, physician text, facility text, served date, exams int)"
_BUCKET = """case when greatest(?::date - {basis}, 0) <= 30 then 0 when ?::date - {basis} <= 60 then 1
    when ?::date - {basis} <= 90 then 2 when ?::date - {basis} <= 120 then 3 else 4 end"""
_BASES = {
    "created": "created",
    "submitted": "coalesce(submitted, created)",
    "service": "serviced",
    "agreed": "coalesce(agreed_on, created)",
}
# What the present payer owes: of what was agreed with it, or of what others and the contract have left.
_OPEN_PART = "billed - contractual - earlier"
_OWED = f"coalesce(agreed, {_OPEN_PART}) - (received - earlier) - given_up"
_OPEN = "status in ('pending_invoice', 'pending_reduction', 'pending_cheque')"
_MEASURES = f"""count(*), coalesce(sum(billed), 0), coalesce(sum(received), 0), coalesce(sum(contractual), 0),
    coalesce(sum({_OPEN_PART} - agreed), 0), coalesce(sum({_OPEN_PART}) filter (agreed is not null), 0),
    avg(paid - created), median(paid - created), count(paid),
    count(*) filter (denied), count(*) filter (was_submitted)"""


@dataclass
class Oracle:
    """The raw tables of one clinic."""

    address: DatabaseUrls
    short_name: str
    raw: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zone = asyncio.run(self._dump())
        self.of_invoice: dict[str, dict[Any, list[Any]]] = {}
        for name in ("events", "allocations", "denials"):
            grouped = defaultdict(list)
            for row in self.raw[name]:
                grouped[row["invoice_id"]].append(row)
            self.of_invoice[name] = grouped

    async def _dump(self) -> ZoneInfo:
        connection = await asyncpg.connect(self.address.owner)
        try:
            clinic = await connection.fetchrow("select * from clinics where short_name = $1", self.short_name)
            assert clinic is not None
            for name, query in _RAW.items():
                self.raw[name] = await connection.fetch(query, clinic["clinic_id"])
            return ZoneInfo(clinic["time_zone"])
        finally:
            await connection.close()

    def as_of(self, day: date | None, today: date) -> "Figures":
        """The clinic at the end of a day; None for now."""
        end = datetime.combine((day or date(9000, 1, 1)) + timedelta(days=1), datetime.min.time(), self.zone)
        found = [row for invoice in self.raw["invoices"] if (row := self._then(invoice, end, day or today))]
        exams: dict[Any, int] = defaultdict(int)
        for row in self.raw["exams"]:
            exams[row["encounter_id"]] += row["units"] if row["recorded_at"] < end <= (row["removed_at"] or end) else 0
        visits = [
            (str(e["id"]), str(e["physician_id"]), _text(e["facility_id"]), e["service_date"], exams[e["id"]])
            for e in self.raw["encounters"]
            if e["recorded_at"] < end <= (e["cancelled_at"] or end)
        ]
        return Figures(found, visits, day or today)

    def _then(self, invoice: Any, end: datetime, day: date) -> tuple[Any, ...] | None:
        state: dict[str, Any] = {"payer": None, "was_submitted": False}
        payer_before = None
        for event in self.of_invoice["events"][invoice["id"]]:
            changes = json.loads(event["changes"])
            if event["at"] >= end:
                payer_before = payer_before or next((c["before"] for c in changes if c["field"] == "payerId"), None)
                continue
            state["status"] = event["to_status"]
            state["was_submitted"] |= event["transition"] == "submit_invoice"
            for change in changes:
                name, value = change["field"], change["after"]
                if name in _DATES:
                    state[_DATES[name]] = date.fromisoformat(value) if value else None
                elif name in _MONEY:
                    state[_MONEY[name]] = Decimal(value) if value else None
                elif name == "payerId":
                    state["payer"] = value
        if "status" not in state:
            return None
        allocated = self.of_invoice["allocations"][invoice["id"]]
        received = sum((a["amount"] for a in allocated if a["recorded_at"] < end), Decimal(0))
        denied = any(d["recorded_at"] < end for d in self.of_invoice["denials"][invoice["id"]])
        days = [state.get(name) for name in ("submitted_on", "agreed_on", "fully_paid_on")]
        parties = (
            state["payer"] or payer_before or str(invoice["payer_id"]),
            _text(invoice["physician_id"]),
            _text(invoice["facility_id"]),
            self._attorney(invoice["case_id"], day, day),
            self._attorney(invoice["case_id"], days[1], day) if days[1] else None,
            _text(invoice["encounter_id"]),
        )
        money = (
            state["billed"],
            state.get("agreed"),
            received,
            *(state.get(name, Decimal(0)) for name in _FROM_NOTHING),
        )
        begun = invoice["created_on"], invoice["service_date"], state["status"]
        return (str(invoice["id"]), *parties, *begun, *days, *money, state["was_submitted"], denied)

    def _attorney(self, case: Any, on: date, known_on: date) -> str | None:
        """Who represented a case on a day, as it was known on another one."""
        for row in self.raw["representations"]:
            until, forgotten = row["until_on"] or date.max, row["known_until"] or date.max
            is_known = (row["known_from"] or row["from_on"]) <= known_on < forgotten
            if row["case_id"] == case and is_known and row["from_on"] <= on < until:
                return str(row["attorney_id"])
        return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


class Figures:
    """The figures of one day, in the form of the API."""

    def __init__(self, invoices: list[Any], visits: list[Any], day: date) -> None:
        self.db, self.day = duckdb.connect(), day
        for table, rows in ((_TABLE, invoices), (_VISITS, visits)):
            self.db.execute(table)
            name = table.split()[4]
            if rows:
                self.db.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)

    def ask(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query."""
        return self.db.execute(query, list(values)).fetchall()

    def aging(self, where: str, basis: str) -> list[tuple[int, Decimal]]:
        """Number and amount in each bucket."""
        bucket = _BUCKET.format(basis=_BASES[basis])
        rows = self.ask(
            f"select {bucket}, count(*), sum({_OWED}) from i where {where} and {_OPEN} group by 1", *[self.day] * 4
        )
        found = {place: (count, amount) for place, count, amount in rows}
        return [found.get(place, (0, Decimal(0))) for place in range(5)]

    def by_payer(self, where: str) -> dict[str, tuple[int, Decimal, float | None]]:
        """Payer → number and amount of the open invoices, and the median days to full payment."""
        rows = self.ask(
            f"""select payer, count(*) filter ({_OPEN}), sum({_OWED}) filter ({_OPEN}),
            median(paid - created) filter (status <> 'void') from i where {where} group by 1"""
        )
        return {make_id("Payer", _uuid(row[0])): row[1:] for row in rows if row[1]}

    def measures(self, where: str, period: tuple[str, str], key: str = "1") -> dict[Any, tuple[Any, ...]]:
        """Key → every measure of the cohort."""
        cohort = f"{where} and status <> 'void' and created between ?::date and ?::date"
        rows = self.ask(f"select {key}, {_MEASURES} from i where {cohort} group by 1", *period)
        return {row[0]: row[1:] for row in rows}

    def outstanding(self, where: str) -> tuple[Decimal, Decimal, Decimal]:
        """The outstanding amount, the part of it older than 90 days, and the amount billed in the last 90 days."""
        [row] = self.ask(
            f"""select coalesce(sum({_OWED}) filter ({_OPEN}), 0),
            coalesce(sum({_OWED}) filter ({_OPEN} and ?::date - created > 90), 0),
            coalesce(sum(billed) filter (status <> 'void' and ?::date - created between 0 and 89), 0) from i where {where}""",
            self.day,
            self.day,
        )
        return row  # type: ignore[no-any-return]

    def visits(self, where: str, period: tuple[str, str], *, of_billed: str | None) -> dict[str, tuple[int, int]]:
        """Physician → visits and exams."""
        billed = f"and id in (select encounter from i where {of_billed})" if of_billed else ""
        rows = self.ask(
            f"""select physician, count(*), sum(exams) from e where {where} {billed}
            and served between ?::date and ?::date group by 1""",
            *period,
        )
        return {row[0]: (row[1], int(row[2])) for row in rows}


def _uuid(text: str) -> Any:
    return UUID(text)
