"""Amounts by kind of coverage: each amount of an invoice once, to the cent; and what analysts are told, and cannot work out."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from domain.access.people import Role
from domain.billing.coverages import CoverageKind
from domain.days import last_of_month
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.conftest import SignIn
from tests.support.client import Client
from tests.support.databases import copied, rows
from tests.support.oracle.coverage_kinds import AMOUNTS, Part, parts_of, summed

FEWEST = 5
KINDS = f"amountsByCoverageKind {{ coverageKind isRemainder invoiceCount {' '.join(AMOUNTS)} }}"
QUERY = f"""query ($of: AnalyticsFilter!, $asOf: Date) {{ analytics(filter: $of, asOf: $asOf) {{ invoiceCount billed received contractual
    reductionRate {{ numerator }} {KINDS} }} }}"""
ALL = ("2020-01-01", "2026-06-30")
# Coverages of many kinds, named and not named by responsibilities and payments; some kinds are rare.
_COVER = """insert into coverages (clinic_id, id, case_id, payer_id, kind, priority, balance_billing, status, recorded_at)
    select i.clinic_id, gen_random_uuid(), i.case_id, i.payer_id, $1, 9, 'allowed', 'unverified', '2026-06-02'
    from (select distinct on (case_id, payer_id) i.* from invoices i join clinics c using (clinic_id) where c.short_name = 'demo'
        order by case_id, payer_id, i.id) i
    where mod(abs(hashtext(i.id::text)), 40) = any($2)"""
_SHARES = {
    "pip": [*range(14)],
    "health": [*range(10, 22)],
    "medpay": [22, 23, 24],
    "um_uim": [25],
    "liability": [26, 27],
}
_NAME = """update responsibilities r set coverage_id = v.id from invoices i, coverages v where i.id = r.invoice_id
    and v.case_id = i.case_id and v.payer_id = r.payer_id and mod(abs(hashtext(v.id::text)), 2) = 0"""
_PAY = """update cheque_allocations a set coverage_id = v.id from invoices i, cheques c, coverages v where i.id = a.invoice_id
    and c.id = a.cheque_id and v.case_id = i.case_id and v.payer_id = c.payer_id and mod(abs(hashtext(v.kind)), 3) > 0"""


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        for kind, places in _SHARES.items():
            rows(copy, _COVER, kind, places)
        for table, statement in (("responsibilities", _NAME), ("cheque_allocations", _PAY)):
            rows(copy, f"alter table {table} disable trigger user")
            rows(copy, statement)
            rows(copy, f"alter table {table} enable trigger user")
        yield copy


@pytest.fixture(scope="module")
def parts(address: DatabaseUrls) -> list[Part]:
    return parts_of(address)


@pytest.fixture(scope="module")
def billing(sign_in: SignIn) -> Client:
    return sign_in(Role.BILLING)


@pytest.fixture(scope="module")
def analyst(sign_in: SignIn) -> Client:
    return sign_in(Role.ANALYST)


def _ask(client: Client, period: tuple[str, str], as_of: str | None = None, **wanted: Any) -> Any:
    variables = {"asOf": as_of} if as_of else {}
    return client.read(QUERY, of={"from": period[0], "to": period[1], **wanted}, **variables)["analytics"]


def _rows_of(answer: Any) -> dict[Any, tuple[Any, ...]]:
    """Kind, or "remainder" → the number of invoices and the amounts."""
    found = {}
    for row in answer["amountsByCoverageKind"]:
        kind = "remainder" if row["isRemainder"] else row["coverageKind"] and row["coverageKind"].lower()
        assert kind not in found
        found[kind] = (row["invoiceCount"], *(Decimal(row[name]) for name in AMOUNTS))
    return found


def _months(parts: list[Part]) -> list[tuple[str, str]]:
    return [(one.isoformat(), last_of_month(one).isoformat()) for one in sorted({part.month for part in parts})]


def _within(parts: list[Part], period: tuple[str, str]) -> list[Part]:
    first, last = map(date.fromisoformat, period)
    return [one for one in parts if first <= one.month <= last]


def _adds_up(answer: Any) -> None:
    sums = [sum((row[place] for row in _rows_of(answer).values()), Decimal(0)) for place in range(1, 5)]
    totals = (answer["billed"], answer["received"], answer["reductionRate"]["numerator"], answer["contractual"])
    assert sums == [Decimal(total) for total in totals]


def test_every_kind_is_as_the_independent_calculation_has_it(billing: Client, parts: list[Part]) -> None:
    kinds = {one.kind for one in parts}
    assert kinds >= {None, "pip", "health", "medpay", "um_uim", "liability"}
    for period in (ALL, *_months(parts)):
        answer = _ask(billing, period)
        here = _within(parts, period)
        expected = {kind: summed(one for one in here if one.kind == kind) for kind in {one.kind for one in here}}
        assert _rows_of(answer) == expected, period
        _adds_up(answer)
        billed = [Decimal(row["billed"]) for row in answer["amountsByCoverageKind"]]
        assert billed == sorted(billed, reverse=True)


def test_a_past_day_and_a_filter_add_up_to_their_totals(billing: Client, address: DatabaseUrls) -> None:
    for day in ("2026-02-28", "2026-05-31"):
        _adds_up(_ask(billing, ALL, day))
    [payer] = billing.read("{ payers(first: 1) { nodes { id } } }")["payers"]["nodes"]
    _adds_up(_ask(billing, ALL, payerId=[payer["id"]]))


def test_an_analyst_is_told_sums_of_five_invoices_and_a_remainder_that_says_nothing_of_one_kind(
    analyst: Client, parts: list[Part]
) -> None:
    told, joined = 0, 0
    for period in _months(parts):
        here = _within(parts, period)
        answer = _ask(analyst, period)
        _adds_up(answer)
        shown = _rows_of(answer)
        remainder = shown.pop("remainder", None)
        for kind, figures in shown.items():
            own = [one for one in here if one.kind == kind]
            assert figures == summed(own)
            for name in AMOUNTS:
                assert not 0 < sum(one.amounts[name] != 0 for one in own) < FEWEST, (period, kind, name)
            told += 1
        rest = [one for one in here if one.kind not in shown]
        assert (remainder is None) == (rest == [])
        if remainder is not None:
            assert remainder == summed(rest)
            is_all = not shown
            assert is_all or (len({one.kind for one in rest}) > 1 and remainder[0] >= FEWEST), period
            joined += 1
    assert told > 0
    assert joined > 0


def test_from_two_periods_an_analyst_learns_no_more_than_from_each_month(analyst: Client, parts: list[Part]) -> None:
    months = _months(parts)
    alone = [_rows_of(_ask(analyst, month)) for month in months]
    for (first, _), (_, last), upto in ((months[0], months[n], n + 1) for n in range(1, len(months), 4)):
        added = defaultdict[Any, list[Any]](lambda: [Decimal(0)] * 5)
        for one in alone[:upto]:
            for kind, figures in one.items():
                added[kind] = [a + b for a, b in zip(added[kind], figures[1:], strict=True)]
        whole = {kind: list(figures[1:]) for kind, figures in _rows_of(_ask(analyst, (first, last))).items()}
        assert whole == dict(added)
    assert len(list(pairwise(months))) > 1


@pytest.mark.parametrize("wanted", [{"payerId": []}, {"physicianId": []}, {"facilityId": []}, {"asOf": "2026-05-31"}])
def test_an_analyst_gets_them_for_the_whole_clinic_and_the_last_month_alone(
    analyst: Client, wanted: dict[str, Any]
) -> None:
    of = {"from": "2026-01-01", "to": "2026-03-31", **{key: value for key, value in wanted.items() if key != "asOf"}}
    answer = analyst.ask(QUERY, of=of, **({"asOf": wanted["asOf"]} if "asOf" in wanted else {}))
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "amountsByCoverageKind" in error["message"]


def test_a_kind_is_published_under_its_name(billing: Client) -> None:
    kinds = {row["coverageKind"] for row in _ask(billing, ALL)["amountsByCoverageKind"]}
    assert kinds - {None} <= set(CoverageKind.__members__)
