"""The rules of coverages: the worked example, what remains, which coverage a payment counts under, and balance billing."""

from datetime import date
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any

import pytest

from domain.access.people import PayerKind, Role
from domain.billing.coverages import (
    AdjustmentGroup,
    BalanceBilling,
    CoverageClosing,
    CoverageKind,
    CoverageStatus,
    Expected,
    check_balance_billing,
    check_payer_kind,
    choose_coverage,
    closing_of,
    columns_of,
    completed,
    deductible_left,
    default_balance_billing,
    expected_payment,
    remaining,
    verification_of,
)
from domain.errors import Conflict, InvalidInput

TODAY = date(2026, 6, 30)
D = Decimal
LINES = (D("2712.32"), D("1538.72"))


def test_the_worked_example_pays_what_remains_of_the_limit() -> None:
    left = remaining(D("10000.00"), D("2800.00"), D("4400.00"))
    assert left == D("2800.00")
    found = expected_payment(LINES, D(80), D("0.00"), D("0.00"), (left, D("4251.04")))
    assert found == Expected(D("3400.84"), D("2800.00"))
    assert D("4251.04") - D("2800.00") == D("1451.04")


@pytest.mark.parametrize(
    ("limit", "received", "others", "left"),
    [
        (None, "500.00", "500.00", None),
        ("100.00", "0.00", None, "100.00"),
        ("100.00", "40.00", None, "60.00"),
        ("100.00", "40.00", "60.00", "0.00"),
        ("100.00", "140.00", None, "0.00"),
        ("100.00", "0.00", "100.01", "0.00"),
        # A returned payment that was recorded before the coverage can make its receipts negative.
        ("100.00", "-10.00", None, "110.00"),
    ],
)
def test_what_remains_is_the_limit_less_all_payments_and_never_below_zero(
    limit: str | None, received: str, others: str | None, left: str | None
) -> None:
    found = remaining(limit and D(limit), D(received), others and D(others))  # type: ignore[arg-type]
    assert found == (left and D(left))


def test_each_line_is_rounded_half_up_before_the_sum() -> None:
    assert expected_payment((D("0.05"), D("0.05"), D("0.05")), D(50), D(0), D(0), ()).calculated == D("0.09")
    assert expected_payment((D("1.25"),), D("82.50"), D(0), D(0), ()).calculated == D("1.03")


def test_the_first_lines_bear_the_deductible() -> None:
    found = expected_payment(LINES, D(80), D("3000.00"), D(0), ())
    # Of the second line 1,538.72, 287.68 are borne and 1,251.04 are left, of which 80 % are 1,000.83.
    assert found == Expected(D("1000.83"), D("1000.83"))
    assert expected_payment(LINES, D(80), D("9999.00"), D(0), ()) == Expected(D("0.00"), D("0.00"))


def test_what_was_received_for_the_invoice_is_no_longer_expected() -> None:
    assert expected_payment(LINES, D(80), D(0), D("3000.00"), (None, D("1251.04"))).amount == D("400.84")
    assert expected_payment(LINES, D(80), D(0), D("3500.00"), (None, D("751.04"))).amount == D("0.00")
    assert expected_payment(LINES, D(100), D(0), D(0), (None, D("900.00"))).amount == D("900.00")


def test_nothing_is_known_of_a_payment_without_a_percentage() -> None:
    assert expected_payment(LINES, None, D(0), D(0), (D(100),)) == Expected(None, None)


@pytest.mark.parametrize(
    ("deductible", "elsewhere", "others", "left"),
    [(None, "0", None, "0"), ("500", "0", None, "500"), ("500", "0.01", None, "0"), ("500", "0", "0.01", "0"),
     ("500", "-5", "0.00", "500")],
)  # fmt: skip
def test_an_invoice_bears_the_deductible_until_the_payer_has_paid_something_else(
    deductible: str | None, elsewhere: str, others: str | None, left: str
) -> None:
    assert deductible_left(deductible and D(deductible), D(elsewhere), others and D(others)) == D(left)  # type: ignore[arg-type]


def test_an_expected_payment_is_never_below_zero_nor_above_the_lines_for_any_figures() -> None:
    random = Random(26)  # noqa: S311 (figures, no secret)
    for _ in range(500):
        lines = [D(random.randrange(0, 500_000)) / 100 for _ in range(random.randrange(0, 5))]
        percent, deductible = D(random.randrange(1, 10_001)) / 100, D(random.randrange(0, 600_000)) / 100
        received, rest = D(random.randrange(0, 300_000)) / 100, D(random.randrange(0, 600_000)) / 100
        found = expected_payment(lines, percent, deductible, received, (rest, None))
        assert found.calculated is not None
        assert found.amount is not None
        assert 0 <= found.amount <= rest
        assert 0 <= found.calculated <= sum(lines)
        exact = max(D(0), sum(lines, D(0)) - deductible) * percent / 100
        assert abs(found.calculated - exact) <= D("0.005") * len(lines)


def test_the_coverage_of_a_payment_is_the_one_named_or_the_only_one() -> None:
    assert choose_coverage([], [], None) is None
    assert choose_coverage([1], [1], None) == 1
    assert choose_coverage([1, 2], [1, 2], 2) == 2
    # Late money may name a closed coverage; a payer whose only coverage is closed has none by default.
    assert choose_coverage([], [3], 3) == 3
    assert choose_coverage([], [3], None) is None
    with pytest.raises(InvalidInput, match="several coverages") as several:
        choose_coverage([1, 2], [1, 2, 3], None)
    assert several.value.path == ("coverage_id",)
    with pytest.raises(InvalidInput, match="no such coverage"):
        choose_coverage([1], [1], 2)


# Who may move an unpaid amount to somebody else: (balance billing, group) → what a biller, an administrator without and with a reason get.
_MOVES = {
    ("ALLOWED", None): (False, False, False),
    ("ALLOWED", "PR"): (False, False, False),
    ("ALLOWED", "OA"): (False, False, False),
    ("ALLOWED", "PI"): (False, False, False),
    ("ALLOWED", "CO"): (None, None, None),
    ("FORBIDDEN", None): (None, None, True),
    ("FORBIDDEN", "PR"): (False, False, False),
    ("FORBIDDEN", "OA"): (None, None, True),
    ("FORBIDDEN", "PI"): (None, None, True),
    ("FORBIDDEN", "CO"): (None, None, None),
}


def _move(balance_billing: str, group: str | None, role: Role, reason: str | None) -> bool | None:
    try:
        of_group = None if group is None else AdjustmentGroup[group]
        return check_balance_billing(BalanceBilling[balance_billing], of_group, role, reason)
    except InvalidInput:
        return None


@pytest.mark.parametrize(("rule", "group"), _MOVES)
def test_balance_billing_by_group_and_role(rule: str, group: str | None) -> None:
    biller = _move(rule, group, Role.BILLING, "The contract allows it")
    assert (
        biller,
        _move(rule, group, Role.ADMIN, " "),
        _move(rule, group, Role.ADMIN, "The contract allows it"),
    ) == _MOVES[rule, group]


def test_all_groups_are_in_the_table_of_balance_billing() -> None:
    groups = (None, *AdjustmentGroup.__members__)
    assert set(_MOVES) == set(product(BalanceBilling.__members__, groups))


@pytest.mark.parametrize("kind", CoverageKind)
def test_balance_billing_is_forbidden_by_default_for_health_and_workers_compensation(kind: CoverageKind) -> None:
    is_forbidden = default_balance_billing(kind) is BalanceBilling.FORBIDDEN
    assert is_forbidden == (kind.name in {"HEALTH", "WORKERS_COMP"})


def test_a_kind_brings_its_default_of_balance_billing_unless_it_is_given() -> None:
    new = completed({}, columns_of({"kind": CoverageKind.HEALTH}), TODAY)
    assert new["balance_billing"] == "forbidden"
    given = columns_of({"kind": CoverageKind.HEALTH, "balance_billing": BalanceBilling.ALLOWED})
    assert completed({}, given, TODAY)["balance_billing"] == "allowed"
    assert "balance_billing" not in completed({"kind": "health"}, columns_of({"kind": CoverageKind.HEALTH}), TODAY)


@pytest.mark.parametrize(
    ("kind", "payer", "is_right"),
    [
        (CoverageKind.LETTER_OF_PROTECTION, PayerKind.ATTORNEY, True),
        (CoverageKind.LETTER_OF_PROTECTION, PayerKind.INSURANCE, False),
        (CoverageKind.PIP, PayerKind.INSURANCE, True),
        (CoverageKind.PIP, PayerKind.PATIENT, False),
        (CoverageKind.PATIENT, PayerKind.PATIENT, True),
        (CoverageKind.PATIENT, PayerKind.ATTORNEY, False),
        # The party that is liable may pay in person, or through an attorney.
        *((CoverageKind.LIABILITY, payer, True) for payer in PayerKind),
    ],
)
def test_coverages_have_payers_of_their_kind(kind: CoverageKind, payer: PayerKind, is_right: bool) -> None:
    if is_right:
        check_payer_kind(kind, payer)
        return
    with pytest.raises(InvalidInput, match=kind.name):
        check_payer_kind(kind, payer)


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"limit": D("0.00")}, "limit"),
        ({"limit": D("-1.00")}, "limit"),
        ({"deductible": D("-0.01")}, "deductible"),
        ({"other_payments": D("-0.01")}, "other_payments"),
        ({"pays_percent": "0"}, "pays_percent"),
        ({"pays_percent": "100.01"}, "pays_percent"),
        ({"pays_percent": "80%"}, "pays_percent"),
        ({"pays_percent": "NaN"}, "pays_percent"),
        ({"pays_percent": "1e2"}, "pays_percent"),
        ({"priority": 0}, "priority"),
        ({"priority": 100}, "priority"),
        ({"priority": None}, "priority"),
        ({"kind": None}, "kind"),
        ({"payer_id": None}, "payer_id"),
        ({"balance_billing": None}, "balance_billing"),
        ({"file_within_days": 0}, "file_within_days"),
        ({"policy_number": "1\n2"}, "policy_number"),
        ({"policy_number": "9" * 201}, "policy_number"),
        ({"adjuster_email": "nobody"}, "adjuster_email"),
    ],
)
def test_a_value_that_is_not_valid_is_refused_by_its_name_in_the_api(inputs: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        columns_of(inputs)
    assert refused.value.path == (path,)


def test_numbers_of_policies_and_claims_are_stored_as_other_codes_are() -> None:
    found = columns_of({"policy_number": " ab\u200b\uff11\uff10 ", "claim_number": "  ", "pays_percent": "82.5"})
    assert found == {"policy_number": "AB10", "claim_number": None, "pays_percent": D("82.5")}


@pytest.mark.parametrize(
    ("row", "changed", "path"),
    [
        ({}, {"effective_from": TODAY, "effective_to": TODAY}, "effective_to"),
        ({"effective_from": TODAY}, {"effective_to": date(2026, 1, 1)}, "effective_to"),
        ({"effective_to": TODAY}, {"effective_from": date(2026, 7, 1)}, "effective_to"),
        ({}, {"other_payments_on": TODAY}, "other_payments"),
        ({}, {"other_payments_amount": D(1), "other_payments_on": date(2026, 7, 1)}, "other_payments_on"),
    ],
)
def test_days_of_a_coverage_that_contradict_each_other_are_refused(
    row: dict[str, Any], changed: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        completed(row, changed, TODAY)
    assert refused.value.path == (path,)


def test_a_figure_of_other_payments_is_as_of_today_unless_its_day_is_given() -> None:
    assert completed({}, {"other_payments_amount": D(5)}, TODAY)["other_payments_on"] == TODAY
    then = {"other_payments_amount": D(5), "other_payments_on": date(2026, 6, 1)}
    assert completed({}, then, TODAY)["other_payments_on"] == date(2026, 6, 1)
    # A new figure does not keep the day of the one before, and no figure has no day.
    assert completed(then, {"other_payments_amount": D(6)}, TODAY)["other_payments_on"] == TODAY
    assert completed(then, {"other_payments_amount": None}, TODAY)["other_payments_on"] is None
    assert "other_payments_on" not in completed(then, {"priority": 2}, TODAY)


def test_a_coverage_ends_on_a_day_and_for_a_reason_unless_it_is_exhausted() -> None:
    row = {"status": "active"}
    exhausted = closing_of(row, {"status": CoverageClosing.EXHAUSTED}, TODAY)
    assert exhausted == {"status": "exhausted", "exhausted_on": TODAY, "closed_on": None, "closing_reason": None}
    refused = {"status": CoverageClosing.REFUSED, "reason": "Not our insured", "closed_on": date(2026, 6, 1)}
    assert closing_of(row, refused, TODAY)["closed_on"] == date(2026, 6, 1)
    with pytest.raises(InvalidInput, match="Say why"):
        closing_of(row, {"status": CoverageClosing.CLOSED}, TODAY)
    with pytest.raises(InvalidInput, match="future"):
        closing_of(row, {"status": CoverageClosing.EXHAUSTED, "closed_on": date(2026, 7, 1)}, TODAY)
    with pytest.raises(Conflict, match="EXHAUSTED already"):
        closing_of({"status": "exhausted"}, {"status": CoverageClosing.EXHAUSTED}, TODAY)


@pytest.mark.parametrize("status", CoverageStatus)
def test_a_coverage_that_had_ended_pays_again_only_with_a_reason(status: CoverageStatus) -> None:
    row = {"status": status.value}
    if status in (CoverageStatus.UNVERIFIED, CoverageStatus.ACTIVE):
        assert verification_of(row, {})["status"] == "active"
        return
    with pytest.raises(InvalidInput, match="say why it pays again"):
        verification_of(row, {})
    found = verification_of(row, {"reason": "The limit was raised"})
    assert found == {
        **dict.fromkeys(("exhausted_on", "closed_on", "closing_reason", "closing_letter_id")),
        "status": "active",
    }
