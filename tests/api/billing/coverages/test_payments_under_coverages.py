"""Payments over HTTP count under a coverage: the named one or the only one; what remains, warnings, returns and expected payments."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from db.global_ids import make_id
from db.laws import cheques, coverages
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import NEW, answered, done, refused
from tests.support.api.records import nothing_changes, today, uuid_of
from tests.support.api.scenarios import Clinic, broken_laws, line
from tests.support.client import Client
from tests.support.databases import rows

COVERAGE = "coverage { id version status receivedAmount remaining }"
CHEQUE = (
    "cheque { id allocations { amount coverage { id kind } invoice { id } } } warnings { code message path amount }"
)
EXPECTED = """query ($id: ID!) { invoice(id: $id) { expectedPayments { amount calculatedAmount deductibleAmount
    coverage { id kind } } } }"""
TODAY = today().isoformat()
_names = count(1)


@pytest.fixture
def insured(billing: Client, admin: Client, clinic: Clinic) -> Any:
    """A clinic whose invoices are billed to an insurer of its own."""
    name = f"Paying Mutual {next(_names)}"
    payer = done(billing, "createPayer", "payer { id }", name=name, kind="INSURANCE")["id"]
    own = Clinic(billing, admin, clinic.found, clinic.address)
    own.payer = payer
    return own


def cover(clinic: Clinic, case: str, kind: str = "PIP", **values: Any) -> str:
    """The id of a verified coverage of the clinic's payer in a case."""
    new = {"caseId": case, "payerId": clinic.payer, "kind": kind, **values}
    identity: str = done(clinic.billing, "addCoverage", COVERAGE, **new)["id"]
    done(clinic.billing, "verifyCoverage", COVERAGE, coverageId=identity)
    return identity


def pay(clinic: Clinic, amount: str, parts: list[dict[str, Any]]) -> Any:
    """The payload of a recorded cheque."""
    inputs = {**clinic.cheque_of(amount, {}), "allocations": parts}
    return answered(clinic.billing, "recordCheque", CHEQUE, **inputs)


def state(clinic: Clinic, coverage: str) -> tuple[str, str | None]:
    """What was received under a coverage, and what remains of it."""
    query = "query ($id: ID!) { node(id: $id) { ... on Coverage { receivedAmount remaining } } }"
    found = clinic.billing.read(query, id=coverage)["node"]
    return found["receivedAmount"], found["remaining"]


def _holds(address: DatabaseUrls) -> None:
    """The laws of coverages and of cheques hold."""
    found = [breach.law.words for breach in broken_laws(address) if breach.law in (*coverages.LAWS, *cheques.LAWS)]
    assert found == []


def test_a_payment_counts_under_the_only_coverage_of_its_payer(insured: Clinic) -> None:
    case = insured.case()
    coverage, invoice = cover(insured, case, limit="10000.00"), insured.agreed("1000.00", case)
    answer = pay(insured, "400.00", [{"invoiceId": invoice, "amount": "400.00"}])
    assert (answer["errors"], answer["warnings"]) == ([], [])
    [allocation] = answer["cheque"]["allocations"]
    assert allocation["coverage"] == {"id": coverage, "kind": "PIP"}
    assert state(insured, coverage) == ("400.00", "9600.00")


def test_a_payment_of_a_payer_without_coverage_counts_under_none(insured: Clinic, clinic: Clinic) -> None:
    case = insured.case()
    # The coverages of another case and of another payer do not count.
    cover(insured, insured.case())
    cover(clinic, case, "LETTER_OF_PROTECTION")
    invoice = insured.agreed("100.00", case)
    [allocation] = pay(insured, "100.00", [{"invoiceId": invoice, "amount": "100.00"}])["cheque"]["allocations"]
    assert allocation["coverage"] is None


def test_a_payer_with_several_coverages_must_say_which_one_pays(address: DatabaseUrls, insured: Clinic) -> None:
    case = insured.case()
    pip, medpay = cover(insured, case, limit="1000.00"), cover(insured, case, "MEDPAY", limit="1000.00")
    first, second = insured.agreed("500.00", case), insured.agreed("500.00", case)
    parts: list[dict[str, Any]] = [{"invoiceId": first, "amount": "500.00"}, {"invoiceId": second, "amount": "500.00"}]
    with nothing_changes(address):
        cheque = {
            **insured.cheque_of("1000.00", {}, documentId=make_id("Upload", uuid_of(first))),
            "allocations": parts,
        }
        answered(insured.billing, "recordCheque", CHEQUE, **cheque)
    parts[0]["coverageId"] = pip
    error = refused(
        insured.billing, "recordCheque", CHEQUE, **{**insured.cheque_of("1000.00", {}), "allocations": parts}
    )
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "allocations", "1", "coverageId"])
    parts[1]["coverageId"] = medpay
    paid = pay(insured, "1000.00", parts)["cheque"]["allocations"]
    assert {one["invoice"]["id"]: one["coverage"]["id"] for one in paid} == {first: pip, second: medpay}
    assert (state(insured, pip), state(insured, medpay)) == (("500.00", "500.00"), ("500.00", "500.00"))


def test_a_closed_coverage_need_not_be_excluded_and_may_be_named(insured: Clinic) -> None:
    case = insured.case()
    old, new = cover(insured, case), cover(insured, case, "MEDPAY")
    ends = {"coverageId": old, "status": "CLOSED", "reason": "Entered twice"}
    done(insured.billing, "closeCoverage", COVERAGE, **ends)
    invoice = insured.agreed("500.00", case)
    [by_default] = pay(insured, "100.00", [{"invoiceId": invoice, "amount": "100.00"}])["cheque"]["allocations"]
    assert by_default["coverage"]["id"] == new
    named = {"invoiceId": invoice, "amount": "100.00", "coverageId": old}
    [allocation] = pay(insured, "100.00", [named])["cheque"]["allocations"]
    assert allocation["coverage"]["id"] == old


def test_the_coverage_of_another_case_or_payer_or_clinic_is_refused_alike(
    address: DatabaseUrls, insured: Clinic, clinic: Clinic
) -> None:
    case = insured.case()
    cover(insured, case)
    invoice = insured.agreed("500.00", case)
    others = [
        cover(insured, insured.case()),
        cover(clinic, case, "LETTER_OF_PROTECTION"),
        insured.found.foreign["Coverage"],
        insured.found.unknown("Coverage"),
    ]
    scan = insured.upload()
    with nothing_changes(address):
        errors = [
            refused(insured.billing, "recordCheque", CHEQUE, **{
                **insured.cheque_of("500.00", {}, documentId=scan), "number": "the same",
                "allocations": [{"invoiceId": invoice, "amount": "500.00", "coverageId": other}],
            })
            for other in others
        ]  # fmt: skip
    assert errors == [errors[0]] * len(others)
    assert errors[0]["path"] == ["input", "allocations", "0", "coverageId"]


def test_a_payment_above_what_remains_is_recorded_with_a_warning_of_the_amount(
    address: DatabaseUrls, insured: Clinic
) -> None:
    case = insured.case()
    coverage = cover(insured, case, limit="1000.00", otherPayments="300.00")
    first, second = insured.agreed("500.00", case), insured.agreed("500.00", case)
    parts = [{"invoiceId": first, "amount": "500.00"}, {"invoiceId": second, "amount": "450.00"}]
    answer = pay(insured, "950.00", parts)
    assert answer["errors"] == []
    [warning] = answer["warnings"]
    assert (warning["code"], warning["amount"]) == ("COVERAGE_EXCEEDED", "250.00")
    assert warning["path"] == ["input", "allocations", "1", "amount"]
    assert "$250.00" in warning["message"]
    assert state(insured, coverage) == ("950.00", "0.00")
    later = {"chequeId": pay(insured, "50.00", [])["cheque"]["id"]}
    allocated = answered(
        insured.billing, "allocateCheque", CHEQUE, **later, allocations=[{"invoiceId": second, "amount": "50.00"}]
    )
    assert [(one["code"], one["amount"]) for one in allocated["warnings"]] == [("COVERAGE_EXCEEDED", "50.00")]
    _holds(address)


def test_a_payment_of_exactly_what_remains_is_no_warning(insured: Clinic) -> None:
    case = insured.case()
    cover(insured, case, limit="500.00")
    parts = [{"invoiceId": insured.agreed("500.00", case), "amount": "500.00"}]
    assert pay(insured, "500.00", parts)["warnings"] == []


def test_of_two_payments_at_once_that_exceed_a_coverage_together_one_is_a_warning(insured: Clinic) -> None:
    case = insured.case()
    coverage = cover(insured, case, limit="1000.00")
    invoices = [insured.agreed("600.00", case) for _ in range(2)]
    inputs = [
        {**insured.cheque_of("600.00", {}), "allocations": [{"invoiceId": one, "amount": "600.00"}]} for one in invoices
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: answered(insured.billing, "recordCheque", CHEQUE, **one), inputs))
    assert [answer["errors"] for answer in answers] == [[], []]
    assert sorted(warning["amount"] for answer in answers for warning in answer["warnings"]) == ["200.00"]
    assert state(insured, coverage) == ("1200.00", "0.00")


def test_a_returned_cheque_counts_no_longer_under_its_coverage(address: DatabaseUrls, insured: Clinic) -> None:
    case = insured.case()
    pip, medpay = cover(insured, case, limit="1000.00"), cover(insured, case, "MEDPAY", limit="1000.00")
    invoice = insured.agreed("800.00", case)
    paid = pay(insured, "800.00", [{"invoiceId": invoice, "amount": "800.00", "coverageId": medpay}])["cheque"]["id"]
    assert state(insured, medpay) == ("800.00", "200.00")
    inputs = {"chequeId": paid, "returnedOn": TODAY, "reason": "No funds"}
    returned = answered(insured.billing, "returnCheque", CHEQUE, **inputs)["cheque"]
    assert [one["coverage"]["id"] for one in returned["allocations"]] == [medpay, medpay]
    assert (state(insured, pip), state(insured, medpay)) == (("0.00", "1000.00"), ("0.00", "1000.00"))
    _holds(address)


def test_a_limit_edited_below_what_was_received_warns_and_changes_no_payment(
    address: DatabaseUrls, insured: Clinic
) -> None:
    case = insured.case()
    coverage, invoice = cover(insured, case, limit="1000.00"), insured.agreed("800.00", case)
    pay(insured, "800.00", [{"invoiceId": invoice, "amount": "800.00"}])
    posted = rows(address, "select * from cheque_allocations where invoice_id = $1", uuid_of(invoice))
    change = {"coverageId": coverage, "version": 2, "limit": "500.00"}
    answer = answered(insured.billing, "updateCoverage", f"{COVERAGE} warnings {{ code amount }}", **change)
    assert answer["warnings"] == [{"code": "LIMIT_BELOW_RECEIPTS", "amount": "300.00"}]
    assert (answer["coverage"]["receivedAmount"], answer["coverage"]["remaining"]) == ("800.00", "0.00")
    assert rows(address, "select * from cheque_allocations where invoice_id = $1", uuid_of(invoice)) == posted
    assert insured.look(invoice)["status"] == "CHEQUE_RECEIVED"


def test_the_payer_of_a_coverage_with_payments_stays(insured: Clinic, billing: Client) -> None:
    case = insured.case()
    coverage, invoice = cover(insured, case), insured.agreed("800.00", case)
    other = done(billing, "createPayer", "payer { id }", name=f"Other {next(_names)}", kind="INSURANCE")["id"]
    change = {"coverageId": coverage, "payerId": other}
    moved = done(billing, "updateCoverage", "coverage { payer { id } }", **change, version=2)
    assert moved == {"payer": {"id": other}}
    done(billing, "updateCoverage", COVERAGE, coverageId=coverage, version=3, payerId=insured.payer)
    pay(insured, "800.00", [{"invoiceId": invoice, "amount": "800.00"}])
    error = refused(billing, "updateCoverage", COVERAGE, **change, version=4)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "payerId"])


def test_a_coverage_that_is_added_after_payments_warns_that_they_do_not_count(insured: Clinic) -> None:
    case = insured.case()
    invoice = insured.agreed("800.00", case)
    pay(insured, "300.00", [{"invoiceId": invoice, "amount": "300.00"}])
    new = {"caseId": case, "payerId": insured.payer, "kind": "PIP", "limit": "1000.00"}
    answer = answered(insured.billing, "addCoverage", f"{COVERAGE} warnings {{ code amount }}", **new)
    assert answer["warnings"] == [{"code": "RECEIPTS_WITHOUT_COVERAGE", "amount": "300.00"}]
    assert answer["coverage"]["remaining"] == "1000.00"


def _worked(clinic: Clinic, case: str) -> str:
    """The invoice of the worked example: 2,712.32 and 1,538.72."""
    lines = [{**line(price), "code": code} for price, code in (("2712.32", "A4556"), ("1538.72", "L0120"))]
    draft = {
        "caseId": case,
        "payerId": clinic.payer,
        "serviceDate": "2026-03-02",
        "lines": lines,
        "confirmDuplicate": True,
    }
    identity: str = done(clinic.billing, "createInvoice", NEW, **draft)["id"]
    return identity


def test_the_worked_example_expects_what_remains_of_the_limit(insured: Clinic, address: DatabaseUrls) -> None:
    case = insured.case()
    pip = cover(insured, case, limit="10000.00", paysPercent="80", otherPayments="4400.00")
    earlier = insured.agreed("2800.00", case)
    pay(insured, "2800.00", [{"invoiceId": earlier, "amount": "2800.00"}])
    assert state(insured, pip) == ("2800.00", "2800.00")
    invoice = _worked(insured, case)
    [expected] = insured.billing.read(EXPECTED, id=invoice)["invoice"]["expectedPayments"]
    assert expected == {
        "amount": "2800.00",
        "calculatedAmount": "3400.84",
        "deductibleAmount": "0.00",
        "coverage": {"id": pip, "kind": "PIP"},
    }
    insured.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    insured.step("acceptInFull", invoice)
    paid = pay(insured, "2800.00", [{"invoiceId": invoice, "amount": "2800.00"}])
    assert paid["warnings"] == []
    assert state(insured, pip) == ("5600.00", "0.00")
    assert insured.look(invoice)["balance"] == "1451.04"
    [after] = insured.billing.read(EXPECTED, id=invoice)["invoice"]["expectedPayments"]
    assert (after["amount"], after["calculatedAmount"]) == ("0.00", "3400.84")
    _holds(address)


def test_every_coverage_in_effect_expects_its_payment_with_its_deductible(insured: Clinic, clinic: Clinic) -> None:
    # The case's injury was on 5 January, the service on 2 March 2026.
    case = insured.case()
    letter = cover(clinic, case, "LETTER_OF_PROTECTION", paysPercent="100", priority=3)
    cover(insured, case, "MEDPAY", paysPercent="100", effectiveTo="2026-01-05")
    health = cover(insured, case, "HEALTH", paysPercent="80", deductible="3000.00", effectiveFrom="2026-03-02")
    unknown = cover(insured, case, "LIABILITY", priority=1)
    ended = cover(insured, case, "PIP", paysPercent="80")
    done(insured.billing, "closeCoverage", COVERAGE, coverageId=ended, status="EXHAUSTED")
    invoice = _worked(insured, case)
    found = insured.billing.read(EXPECTED, id=invoice)["invoice"]["expectedPayments"]
    assert [one["coverage"]["id"] for one in found] == [unknown, letter, health]
    by_id = {one["coverage"]["id"]: (one["amount"], one["calculatedAmount"], one["deductibleAmount"]) for one in found}
    assert by_id == {
        unknown: (None, None, "0.00"),
        letter: ("4251.04", "4251.04", "0.00"),
        health: ("1000.83", "1000.83", "3000.00"),
    }
    # What the payer paid for this invoice bears the deductible still; for another one the deductible is used.
    insured.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    insured.step("acceptInFull", invoice)
    pay(insured, "600.00", [{"invoiceId": invoice, "amount": "600.00", "coverageId": health}])
    other = _worked(insured, case)
    both = [insured.billing.read(EXPECTED, id=one)["invoice"]["expectedPayments"] for one in (invoice, other)]
    [here, there] = [next(one for one in found if one["coverage"]["id"] == health) for found in both]
    assert (here["amount"], here["deductibleAmount"]) == ("400.83", "3000.00")
    assert (there["amount"], there["deductibleAmount"]) == ("3400.84", "0.00")
