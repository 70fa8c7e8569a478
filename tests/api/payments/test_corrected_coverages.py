"""The coverage under which a corrected payment counts: one of its payer in a case of its allocations, closed ones included."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.api.merges.test_merging import a_payer
from tests.api.payments.paying import electronic
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import Clinic, allocations, broken_laws

CHEQUE = (
    "cheque { id allocations { amount reversalKind invoice { id } coverage { id } } } warnings { code amount path }"
)
_numbers = count(1)


@dataclass
class Covered:
    """Two cases of one payer, each with two coverages and an agreed invoice of 100.00."""

    clinic: Clinic
    cases: list[str]
    invoices: list[str]
    coverages: list[list[str]]

    def cover(self, case: str, payer: str | None = None, **values: Any) -> str:
        """The id of one more coverage."""
        terms = {"caseId": case, "payerId": payer or self.clinic.payer, "balanceBilling": "ALLOWED", **values}
        made: str = done(self.clinic.billing, "addCoverage", "coverage { id }", **{"kind": "PIP", **terms})["id"]
        return made

    def pays(self, *parts: tuple[int, str, str | None]) -> Any:
        """A payment: of each part the place of the invoice, the amount, and the coverage that is named."""
        given = [
            {"invoiceId": self.invoices[place], "amount": amount, "coverageId": coverage}
            for place, amount, coverage in parts
        ]
        typed = {**electronic(self.clinic, "100.00"), "allocations": given}
        return done(self.clinic.billing, "recordCheque", CHEQUE, **typed)

    def corrected(self, cheque: Any, **values: Any) -> Any:
        """The answer to a correction."""
        told = {"chequeId": cheque["id"], "reason": "A typing error", **values}
        return answered(self.clinic.billing, "correctCheque", CHEQUE, **told)

    def remains(self, coverage: str) -> str | None:
        """What remains of a coverage."""
        found = self.clinic.billing.read(
            "query ($id: ID!) { node(id: $id) { ... on Coverage { remaining } } }", id=coverage
        )
        remaining: str | None = found["node"]["remaining"]
        return remaining


@pytest.fixture
def covered(clinic: Clinic) -> Covered:
    own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    own.payer = a_payer(clinic.billing)
    cases = [own.case(), own.case()]
    made = Covered(own, cases, [own.agreed("100.00", case) for case in cases], [])
    made.coverages = [
        [made.cover(case, limit="150.00"), made.cover(case, kind="MEDPAY", limit="70.00")] for case in cases
    ]
    return made


def under(answer: Any) -> dict[str, str | None]:
    """The coverage of each invoice that the right payment pays."""
    assert answer["errors"] == [], answer
    parts = answer["cheque"]["allocations"]
    return {one["invoice"]["id"]: one["coverage"] and one["coverage"]["id"] for one in parts}


def test_a_payment_of_the_wrong_coverage_counts_under_the_right_one(covered: Covered) -> None:
    (wrong, right), _ = covered.coverages
    typed = covered.pays((0, "60.00", wrong))
    assert [covered.remains(one) for one in (wrong, right)] == ["90.00", "70.00"]
    now = covered.corrected(typed, coverageId=right)
    assert (under(now), now["warnings"]) == ({covered.invoices[0]: right}, [])
    assert [covered.remains(one) for one in (wrong, right)] == ["150.00", "10.00"]
    assert broken_laws(covered.clinic.address) == ()


def test_a_coverage_of_one_case_leaves_the_allocations_of_another_case_as_they_were(covered: Covered) -> None:
    (first, second), (third, _) = covered.coverages
    typed = covered.pays((0, "50.00", first), (1, "50.00", third))
    now = covered.corrected(typed, coverageId=second)
    assert under(now) == {covered.invoices[0]: second, covered.invoices[1]: third}


def test_the_coverage_of_an_allocation_goes_before_that_of_the_payment(covered: Covered) -> None:
    (first, second), _ = covered.coverages
    typed = covered.pays((0, "50.00", first))
    part = allocations({covered.invoices[0]: "40.00"})
    assert under(covered.corrected(typed, coverageId=second, allocations=[{**part[0], "coverageId": first}])) == {
        covered.invoices[0]: first
    }


def test_more_than_what_remained_of_the_right_coverage_is_a_warning(covered: Covered) -> None:
    (first, second), _ = covered.coverages
    typed = covered.pays((0, "90.00", first))
    now = covered.corrected(typed, coverageId=second)
    assert under(now) == {covered.invoices[0]: second}
    assert [(one["code"], one["amount"]) for one in now["warnings"]] == [("COVERAGE_EXCEEDED", "20.00")]


def test_late_money_counts_under_a_closed_coverage_that_is_named_and_under_none_by_itself(covered: Covered) -> None:
    (first, second), _ = covered.coverages
    typed = covered.pays((0, "60.00", first))
    closed = {"coverageId": second, "status": "CLOSED", "reason": "It had ended"}
    done(covered.clinic.billing, "closeCoverage", "coverage { id }", **closed)
    right = covered.corrected(typed, coverageId=second)
    assert under(right) == {covered.invoices[0]: second}
    # What a correction of something else carries over keeps its coverage, closed or not.
    again = covered.corrected(right["cheque"], number=f"covered-{next(_numbers)}")
    assert under(again) == {covered.invoices[0]: second}


def test_the_right_payer_pays_under_a_coverage_of_its_own(covered: Covered) -> None:
    clinic, case, invoice = covered.clinic, covered.cases[0], covered.invoices[0]
    (first, second), _ = covered.coverages
    firm = a_payer(clinic.billing)
    own = [covered.cover(case, firm, kind=kind) for kind in ("LIABILITY", "HEALTH")]
    clinic.step("transferBalance", invoice, coverageId=own[0], reason="OTHER", note="As it is", keepAgreement=False)
    typed = covered.pays((0, "60.00", first))
    with nothing_changes(clinic.address):
        for values, path in (
            ({}, ["input", "coverageId"]),
            ({"coverageId": second}, ["input", "coverageId"]),
        ):
            [error] = covered.corrected(typed, payerId=firm, **values)["errors"]
            assert (error["code"], error["path"]) == ("INVALID_INPUT", path), error
    assert under(covered.corrected(typed, payerId=firm, coverageId=own[1])) == {invoice: own[1]}


@pytest.mark.parametrize(
    "which", ["of another payer", "of another case", "of another clinic", "unknown", "of no allocation"]
)
def test_a_coverage_that_does_not_fit_is_refused_and_nothing_changes(covered: Covered, which: str) -> None:
    clinic, ((first, _), (other, _)) = covered.clinic, covered.coverages
    typed = covered.pays((0, "60.00", first))
    chosen = {
        "of another payer": lambda: covered.cover(covered.cases[0], a_payer(clinic.billing)),
        "of another case": lambda: other,
        "of another clinic": lambda: clinic.found.foreign["Coverage"],
        "unknown": lambda: clinic.found.unknown("Coverage"),
        "of no allocation": lambda: first,
    }[which]()
    more: dict[str, Any] = {"allocations": []} if which == "of no allocation" else {}
    with nothing_changes(clinic.address):
        told = {"chequeId": typed["id"], "reason": "A typing error", "coverageId": chosen, **more}
        error = refused(clinic.billing, "correctCheque", CHEQUE, **told)
    assert (error["code"], error["path"], error["message"]) == (
        "INVALID_INPUT",
        ["input", "coverageId"],
        "The payer has no such coverage in a case of its allocations",
    )
