"""Prices match the worked examples of the specification, and for random lines an oracle in exact fractions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from random import Random
from uuid import UUID

import pytest

from domain.billing.transition import WantedLine
from domain.errors import InvalidInput, NotFound
from domain.pricing.pricing import (
    ONE,
    BilateralPolicy,
    CodePrice,
    PricedLine,
    PriceSource,
    Rate,
    SelectionRule,
    price_lines,
    total,
)
from domain.treatment.exams import Exam, MainExam, SelectedExam, check_selection, lines_of

SINCE = date(2026, 1, 1)
SELECTIONS = 10_000
NEGOTIATED = (PriceSource.PAYER_FACILITY_RATE, PriceSource.PAYER_RATE)
OWN = (PriceSource.FACILITY_SCHEDULE, PriceSource.CLINIC_SCHEDULE)
FACTORS = {BilateralPolicy.DOUBLE: Fraction(2), BilateralPolicy.ONE_AND_A_HALF: Fraction(3, 2)}


def a_code(price: str, policy: BilateralPolicy = BilateralPolicy.DOUBLE, **rates: str) -> CodePrice:
    found = {PriceSource[name]: Rate(Decimal(rate), SINCE, None, name) for name, rate in rates.items()}
    return CodePrice("CODE", "A code", Rate(Decimal(price), SINCE), policy, found)


def priced(code: CodePrice, factor: str = "1.0000", **wanted: object) -> PricedLine:
    (line,) = price_lines([WantedLine("CODE", **wanted)], {"CODE": code}, Decimal(factor))  # type: ignore[arg-type]
    return line


def test_a_bilateral_line_at_one_and_a_half_rounds_half_a_cent_up() -> None:
    line = priced(a_code("33.35", BilateralPolicy.ONE_AND_A_HALF), bilateral=True)
    assert (line.unit_price, line.bilateral_factor, line.amount) == (Decimal("33.35"), Decimal("1.5"), Decimal("50.03"))


def test_the_geographic_factor_applies_to_the_unit_price_and_the_bilateral_factor_and_units_to_the_line() -> None:
    line = priced(a_code("100.00"), "1.0432", bilateral=True, units=2)
    assert (line.unit_price, line.amount) == (Decimal("104.32"), Decimal("417.28"))


def test_a_bilateral_line_is_twice_the_price_by_default() -> None:
    assert priced(a_code("10.00")).amount == Decimal("10.00")
    assert priced(a_code("10.00"), bilateral=True).amount == Decimal("20.00")


def test_a_bilateral_line_of_a_code_that_is_not_bilateral_is_refused_with_its_name() -> None:
    with pytest.raises(InvalidInput, match=r"Line 1: CODE cannot be billed for both sides") as refusal:
        priced(a_code("10.00", BilateralPolicy.NOT_ALLOWED), bilateral=True)
    assert refusal.value.path == ("lines", "0", "bilateral")


def test_the_first_existing_price_source_is_used_and_only_own_prices_have_the_geographic_factor() -> None:
    rates = {
        "PAYER_FACILITY_RATE": "1.00",
        "PAYER_RATE": "2.00",
        "FACILITY_SCHEDULE": "3.00",
        "CLINIC_SCHEDULE": "4.00",
    }
    expected = ["1.00", "2.00", "6.00", "8.00", "10.00"]
    for source, price in zip([*rates, "BASE_PRICE"], expected, strict=True):
        line = priced(a_code("5.00", BilateralPolicy.DOUBLE, **rates), "2.0000")
        assert (line.price_source.name, line.unit_price) == (source, Decimal(price))
        assert line.geographic_factor == (ONE if line.price_source in NEGOTIATED else Decimal("2.0000"))
        assert (line.price_schedule, line.price_valid_from) == (None if source == "BASE_PRICE" else source, SINCE)
        rates.pop(source, None)


def test_a_price_override_is_final_and_needs_a_reason() -> None:
    line = priced(
        a_code("5.00", CLINIC_SCHEDULE="4.00"), "2.0000", override_price=Decimal("7.00"), override_reason="Agreed"
    )
    assert (line.price_source, line.unit_price, line.override_reason) == (
        PriceSource.OVERRIDE,
        Decimal("7.00"),
        "Agreed",
    )
    assert (line.price_schedule, line.price_valid_from, line.geographic_factor) == (None, None, ONE)


@pytest.mark.parametrize("units", [-1, 0, 1000])
def test_units_out_of_range_are_refused_with_their_line(units: int) -> None:
    lines = [WantedLine("CODE"), WantedLine("CODE", units)]
    with pytest.raises(InvalidInput, match=r"Line 2: Units are 1 to 999") as refusal:
        price_lines(lines, {"CODE": a_code("5.00")})
    assert refusal.value.path == ("lines", "1", "units")


# The oracle: computes with exact fractions only, written from the specification.


@dataclass(frozen=True)
class Selection:
    """A random line with all inputs of its price."""

    wanted: WantedLine
    code: CodePrice
    factor: Decimal


def selections(seed: int) -> Iterator[Selection]:
    rng = Random(seed)  # noqa: S311 (the same seed gives the same selections)

    def amount() -> Decimal:
        return Decimal(rng.choice([0, 1, 5, 3335, rng.randint(0, 500), rng.randint(0, 500_000)])) / 100

    for _ in range(SELECTIONS):
        rates = {
            source: Rate(amount(), SINCE, None, source.name)
            for source in (*NEGOTIATED, *OWN)
            if rng.random() < rng.choice([0.2, 0.6])
        }
        policy = rng.choice(list(BilateralPolicy))
        override = amount() if rng.random() < 0.1 else None
        wanted = WantedLine(
            "CODE",
            rng.choice([1, 1, 2, 3, 999, rng.randint(1, 999)]),
            policy is not BilateralPolicy.NOT_ALLOWED and rng.random() < 0.5,
            override,
            None if override is None else "Agreed",
        )
        factor = rng.choice([ONE, Decimal("1.0432"), Decimal(rng.randint(1, 999_999)) / 10_000])
        yield Selection(wanted, CodePrice("CODE", "A code", Rate(amount(), SINCE), policy, rates), factor)


def rounded(amount: Fraction) -> Fraction:
    """A non-negative amount rounded half up to cents."""
    return Fraction((amount * 100 + Fraction(1, 2)).__floor__(), 100)


def expected(one: Selection) -> tuple[Fraction, Fraction]:
    """The unit price and the amount of a line."""
    if one.wanted.override_price is not None:
        rate, factor = one.wanted.override_price, Decimal(1)
    else:
        order = [source for source in (*NEGOTIATED, *OWN) if source in one.code.rates]
        rate = one.code.rates[order[0]].amount if order else one.code.base_price.amount
        factor = Decimal(1) if order and order[0] in NEGOTIATED else one.factor
    unit = rounded(Fraction(rate) * Fraction(factor))
    sides = FACTORS[one.code.bilateral_policy] if one.wanted.bilateral else Fraction(1)
    return unit, rounded(unit * sides * one.wanted.units)


def test_ten_thousand_random_lines_have_the_price_of_the_oracle() -> None:
    seen = set()
    billed, lines = Fraction(0), []
    for one in selections(26):
        (line,) = price_lines([one.wanted], {"CODE": one.code}, one.factor)
        assert (Fraction(line.unit_price), Fraction(line.amount)) == expected(one), one
        assert {line.unit_price.as_tuple().exponent, line.amount.as_tuple().exponent} == {-2}
        seen.add((line.price_source, line.bilateral_factor))
        lines.append(line)
        billed += expected(one)[1]
    assert Fraction(total(lines)) == billed
    assert len(seen) == len(PriceSource) * 3


# Selections of exams.

MAIN, FIRST, SECOND, ALONE = (UUID(int=number) for number in range(1, 5))
FIELD = "exams"


def tree(rule: SelectionRule, main_code: str | None = None, is_active: bool = True) -> dict[UUID, Exam]:
    """A main exam with two sub-exams, and an exam without a main exam."""
    main, alone = MainExam(MAIN, "Scan", rule, has_parts=True), MainExam(ALONE, "Talk", rule, has_parts=False)
    return {
        MAIN: Exam(MAIN, main_code, is_active, main),
        FIRST: Exam(FIRST, "FIRST", is_active, main),
        SECOND: Exam(SECOND, "SECOND", is_active, main),
        ALONE: Exam(ALONE, "ALONE", is_active, alone),
    }


ALLOWED = {
    SelectionRule.ANY: [(MAIN,), (FIRST,), (FIRST, SECOND), (MAIN, FIRST, SECOND), (FIRST, FIRST), (ALONE,), ()],
    SelectionRule.EXACTLY_ONE: [(FIRST,), (MAIN, SECOND), (FIRST, FIRST), (ALONE,), ()],
    SelectionRule.AT_LEAST_ONE: [(FIRST,), (FIRST, SECOND), (MAIN, FIRST), (ALONE, SECOND), ()],
}
FORBIDDEN = {
    SelectionRule.EXACTLY_ONE: [(MAIN,), (FIRST, SECOND), (MAIN, FIRST, SECOND)],
    SelectionRule.AT_LEAST_ONE: [(MAIN,), (ALONE, MAIN)],
}


@pytest.mark.parametrize(("rule", "ids"), [(rule, ids) for rule, all_ids in ALLOWED.items() for ids in all_ids])
def test_a_rule_allows(rule: SelectionRule, ids: tuple[UUID, ...]) -> None:
    check_selection([SelectedExam(identity) for identity in ids], tree(rule), FIELD)


@pytest.mark.parametrize(("rule", "ids"), [(rule, ids) for rule, all_ids in FORBIDDEN.items() for ids in all_ids])
def test_a_rule_forbids_and_names_the_exam(rule: SelectionRule, ids: tuple[UUID, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"Scan takes (exactly|at least) one of its sub-exams") as refusal:
        check_selection([SelectedExam(identity) for identity in ids], tree(rule), FIELD)
    position = next(index for index, identity in enumerate(ids) if identity is not ALONE)
    assert refusal.value.path == (FIELD, str(position), "exam_type_id")


def test_a_main_exam_without_a_code_bills_nothing_and_selects_no_sub_exam() -> None:
    exams = tree(SelectionRule.ANY)
    assert lines_of([SelectedExam(MAIN)], exams, FIELD) == ([], [])
    lines, places = lines_of([SelectedExam(MAIN), SelectedExam(SECOND, True, 3)], exams, FIELD)
    assert lines == [WantedLine("SECOND", 3, bilateral=True)]
    assert places == [(FIELD, "1")]


def test_a_main_exam_with_a_code_of_its_own_is_billed_beside_its_sub_exams() -> None:
    lines, _ = lines_of([SelectedExam(MAIN), SelectedExam(FIRST)], tree(SelectionRule.ANY, "MAIN"), FIELD)
    assert [line.code for line in lines] == ["MAIN", "FIRST"]


def test_a_retired_or_unknown_exam_is_not_selected() -> None:
    with pytest.raises(InvalidInput, match=r"Line 1: This exam is retired"):
        check_selection([SelectedExam(FIRST)], tree(SelectionRule.ANY, is_active=False), FIELD)
    with pytest.raises(NotFound, match=r"Line 2: There is no such exam") as refusal:
        check_selection([SelectedExam(ALONE), SelectedExam(UUID(int=9))], tree(SelectionRule.ANY), FIELD)
    assert refusal.value.path == (FIELD, "1", "exam_type_id")
