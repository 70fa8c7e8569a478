"""Quotes of random selections at random fee schedules equal a calculation with exact fractions from plain rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import uvloop

from db.global_ids import make_id
from server.database_urls import DatabaseUrls
from tests.support.client import Client

CLINIC = "(select clinic_id from clinics where short_name = 'demo')"

# The reference calculation: plain rows and exact fractions, written from the specification alone.

SINCE, UNTIL = date(2024, 1, 1), date(2026, 6, 1)


@dataclass(frozen=True)
class PriceTable:
    """The prices of a clinic as plain rows."""

    codes: list[Any]
    rates: list[Any]
    payers: list[UUID]
    facilities: dict[UUID, Decimal]

    def price(self, code: str, payer: UUID, facility: UUID | None, on: date) -> tuple[str, Fraction, Fraction] | None:
        """Source, rate and factor; None when the code is not valid."""
        valid = [row for row in self.codes if row["code"] == code and _is_valid(row, on)]
        if not valid:
            return None
        factor = Fraction(self.facilities[facility]) if facility else Fraction(1)
        found = {
            (row["payer_id"], row["facility_id"]): Fraction(row["rate"])
            for row in self.rates
            if row["code"] == code and _is_valid(row, on)
        }
        if facility and (payer, facility) in found:
            return "PAYER_FACILITY_RATE", found[payer, facility], Fraction(1)
        if (payer, None) in found:
            return "PAYER_RATE", found[payer, None], Fraction(1)
        if facility and (None, facility) in found:
            return "FACILITY_SCHEDULE", found[None, facility], factor
        if (None, None) in found:
            return "CLINIC_SCHEDULE", found[None, None], factor
        return "BASE_PRICE", Fraction(valid[0]["base_price"]), factor

    def amount(self, line: dict[str, Any], payer: UUID, facility: UUID | None, on: date) -> tuple[str, Fraction] | None:
        """Source and amount of a line; None when it cannot be billed."""
        found = self.price(line["code"], payer, facility, on)
        if found is None:
            return None
        policy = next(
            row["bilateral_policy"] for row in self.codes if row["code"] == line["code"] and _is_valid(row, on)
        )
        if line["bilateral"] and policy == "not_allowed":
            return None
        sides = {"double": Fraction(2), "one_and_a_half": Fraction(3, 2)}[policy] if line["bilateral"] else Fraction(1)
        return found[0], _rounded(_rounded(found[1] * found[2]) * sides * line["units"])


def _is_valid(row: Any, on: date) -> bool:
    return bool(row["valid_from"] <= on and (row["valid_to"] is None or on < row["valid_to"]))


def _rounded(amount: Fraction) -> Fraction:
    return Fraction((amount * 100 + Fraction(1, 2)).__floor__(), 100)


def _spans(random: Random) -> Iterator[tuple[date, date | None]]:
    """Consecutive validities, with gaps."""
    day = SINCE + timedelta(days=random.randint(0, 200))
    for _ in range(random.randint(1, 3)):
        end = day + timedelta(days=random.randint(1, 400))
        is_last = random.random() < 0.3
        yield day, None if is_last else end
        if is_last:
            return
        day = end + timedelta(days=random.choice([0, 0, random.randint(1, 100)]))


async def _make(address: DatabaseUrls, seed: int) -> PriceTable:
    """Random codes and schedules, beside those of the demo clinic."""
    random = Random(seed)  # noqa: S311 (the same seed gives the same prices)
    connection = await asyncpg.connect(address.owner)
    try:
        clinic = await connection.fetchval(f"select {CLINIC}")
        payers = [
            row[0] for row in await connection.fetch("select id from payers where clinic_id = $1 limit 4", clinic)
        ]
        places = await connection.fetch(
            "select id, geographic_factor from facilities where clinic_id = $1 limit 3", clinic
        )
        codes = [f"RND{seed}-{number}" for number in range(12)]
        for code in codes:
            for begins, ends in _spans(random):
                price, policy = (
                    Decimal(random.randint(0, 100_000)) / 100,
                    random.choice(["double", "one_and_a_half", "not_allowed"]),
                )
                await connection.execute(
                    """insert into cpt_codes (clinic_id, id, code, label, base_price, bilateral_policy, valid_from, valid_to)
                    values ($1, gen_random_uuid(), $2, $2, $3, $4, $5, $6)""",
                    clinic, code, price, policy, begins, ends,
                )  # fmt: skip
        for payer in (None, *payers):
            for facility in (None, *(place["id"] for place in places)):
                for begins, ends in _spans(random):
                    schedule = await connection.fetchval(
                        """insert into fee_schedules (clinic_id, id, name, payer_id, facility_id, valid_from, valid_to)
                        values ($1, gen_random_uuid(), 'Random', $2, $3, $4, $5) returning id""",
                        clinic, payer, facility, begins, ends,
                    )  # fmt: skip
                    chosen = [code for code in codes if random.random() < 0.4]
                    await connection.executemany(
                        """insert into fee_schedule_rates (clinic_id, id, fee_schedule_id, code, rate)
                        values ($1, gen_random_uuid(), $2, $3, $4)""",
                        [(clinic, schedule, code, Decimal(random.randint(0, 100_000)) / 100) for code in chosen],
                    )
        valid_codes = await connection.fetch(
            "select * from cpt_codes where clinic_id = $1 and code like 'RND%'", clinic
        )
        rates = await connection.fetch(
            """select r.code, r.rate, s.payer_id, s.facility_id, s.valid_from, s.valid_to from fee_schedule_rates r
            join fee_schedules s on s.clinic_id = r.clinic_id and s.id = r.fee_schedule_id where s.name = 'Random'"""
        )
        return PriceTable(valid_codes, rates, payers, {place["id"]: place["geographic_factor"] for place in places})
    finally:
        await connection.close()


def _compare(prices: PriceTable, billing: Client, random: Random, count: int) -> int:
    """Query quotes, several in a document, and compare each; the number of priced lines."""
    selections = []
    for _ in range(count):
        on = SINCE + timedelta(days=random.randint(0, 900))
        payer, facility = random.choice(prices.payers), random.choice([None, *prices.facilities])
        codes = [row["code"] for row in prices.codes]
        lines = [
            {"code": random.choice(codes), "units": random.choice([1, 2, 999]), "bilateral": random.random() < 0.3}
            for _ in range(random.randint(1, 4))
        ]
        selections.append((lines, payer, facility, on))
    fields = "quote { total lines { amount trace { source } } } errors { path }"
    names = [f"q{number}" for number in range(len(selections))]
    declared = ", ".join(f"${name}: PriceQuoteInput!" for name in names)
    query = f"query ({declared}) {{ {' '.join(f'{n}: priceQuote(input: ${n}) {{ {fields} }}' for n in names)} }}"
    variables = {
        name: {
            "payerId": make_id("Payer", payer),
            "facilityId": make_id("Facility", facility) if facility else None,
            "serviceDate": on.isoformat(),
            "lines": lines,
        }
        for name, (lines, payer, facility, on) in zip(names, selections, strict=True)
    }
    answers = billing.read(query, **variables)
    return sum(_agree(prices, answers[name], *one) for name, one in zip(names, selections, strict=True))


def _agree(
    prices: PriceTable, answer: Any, lines: list[dict[str, Any]], payer: UUID, facility: UUID | None, on: date
) -> int:
    expected = [prices.amount(line, payer, facility, on) for line in lines]
    if None in expected:
        assert answer["quote"] is None
        assert answer["errors"][0]["path"][:3] == ["input", "lines", str(expected.index(None))]
        return 0
    found = [(line["trace"]["source"], Fraction(line["amount"])) for line in answer["quote"]["lines"]]
    assert found == expected
    assert Fraction(answer["quote"]["total"]) == sum(amount for _, amount in found)
    return len(found)


@pytest.mark.parametrize(
    ("worlds", "documents"), [(1, 20), pytest.param(20, 50, marks=pytest.mark.prove)], ids=["200", "10,000"]
)
def test_random_selections_at_random_schedules_cost_what_exact_fractions_give(
    address: DatabaseUrls, billing: Client, worlds: int, documents: int
) -> None:
    priced = 0
    for seed in range(worlds):
        prices = uvloop.run(_make(address, seed + 100 * documents))
        random = Random(seed)  # noqa: S311 (the same seed gives the same queries)
        priced += sum(_compare(prices, billing, random, 10) for _ in range(documents))
    assert priced > worlds * documents * 5
