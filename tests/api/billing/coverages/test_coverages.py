"""Coverages over HTTP: added, changed, verified and closed by billing staff, with a history and optimistic locking; others see none."""

from typing import Any

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.api.audit_log.test_audit_events import event_of, names_in
from tests.conftest import SignIn
from tests.support.api.mutations import answered, document, done, refused
from tests.support.api.records import Found, nothing_changes, today, uuid_of
from tests.support.api.scenarios import Clinic
from tests.support.client import Client

COVERAGE = """coverage { id case { id } payer { id } kind priority policyNumber claimNumber insuredName insuredRelationship adjusterName
    adjusterPhone adjusterEmail effectiveFrom effectiveTo limit deductible paysPercent otherPayments otherPaymentsOn receivedAmount
    remaining fileWithinDays balanceBilling status exhaustedOn closedOn closingReason letterUrl closingLetterUrl verifiedBy { name }
    verifiedAt version history { action by { name } changes { field before after } } } warnings { code message path amount }"""
TODAY = today().isoformat()
FULL = {
    "kind": "PIP",
    "policyNumber": " fl-\uff11\uff12\uff13 ",
    "claimNumber": "clm 77",
    "insuredName": "Pat Holder",
    "insuredRelationship": "SPOUSE",
    "adjusterName": "Ann Adjuster",
    "adjusterPhone": "(813) 555-0199",
    "adjusterEmail": "ann@insurer.example",
    "effectiveFrom": "2026-01-01",
    "effectiveTo": "2027-01-01",
    "limit": "10000.00",
    "deductible": "500.00",
    "paysPercent": "80",
    "otherPayments": "4400.00",
    "otherPaymentsOn": "2026-04-01",
    "fileWithinDays": 35,
}


@pytest.fixture(scope="module")
def insurer(billing: Client) -> str:
    """The id of an insurer."""
    identity: str = done(billing, "createPayer", "payer { id }", name="Coverage Mutual", kind="INSURANCE")["id"]
    return identity


@pytest.fixture
def coverage(billing: Client, case: str, insurer: str) -> Any:
    """A coverage with all of its fields."""
    return done(billing, "addCoverage", COVERAGE, caseId=case, payerId=insurer, **FULL)


def test_a_coverage_is_added_to_a_case_with_all_of_its_fields(coverage: Any, case: str, insurer: str) -> None:
    told = {**FULL, "policyNumber": "FL-123", "claimNumber": "CLM 77", "paysPercent": "80.00"}
    assert {name: coverage[name] for name in told} == told
    assert (coverage["case"]["id"], coverage["payer"]["id"], coverage["priority"]) == (case, insurer, 1)
    assert (coverage["status"], coverage["balanceBilling"], coverage["version"]) == ("UNVERIFIED", "ALLOWED", 1)
    assert (coverage["receivedAmount"], coverage["remaining"]) == ("0.00", "5600.00")
    assert coverage["verifiedBy"] is coverage["verifiedAt"] is coverage["letterUrl"] is None
    [event] = coverage["history"]
    assert (event["action"], event["by"]["name"]) == ("ADDED", "Bill Ingfield")
    changes = {change["field"]: change["after"] for change in event["changes"]}
    assert changes["kind"] == "PIP"
    assert changes["limit"] == "10000.00"
    assert changes["payerId"] == insurer
    assert all(change["before"] is None for change in event["changes"])


def test_the_coverages_of_a_case_are_listed_by_priority_then_creation(
    billing: Client, coverage: Any, case: str, insurer: str, found: Found
) -> None:
    letter = {"caseId": case, "payerId": found.own["Payer"], "kind": "LETTER_OF_PROTECTION"}
    second = done(billing, "addCoverage", COVERAGE, **letter)
    first = done(billing, "addCoverage", COVERAGE, caseId=case, payerId=insurer, kind="MEDPAY", priority=1)
    assert (second["priority"], second["remaining"], second["limit"]) == (2, None, None)
    read = billing.read("query ($id: ID!) { case(id: $id) { coverages { id kind } } }", id=case)["case"]["coverages"]
    assert [one["id"] for one in read] == [coverage["id"], first["id"], second["id"]]


def test_null_is_the_same_as_an_omitted_field_of_a_new_coverage(billing: Client, case: str, insurer: str) -> None:
    empty = dict.fromkeys((*(FULL.keys() - {"kind"}), "priority", "balanceBilling", "documentId"))
    added = done(billing, "addCoverage", COVERAGE, caseId=case, payerId=insurer, kind="HEALTH", **empty)
    assert (added["priority"], added["balanceBilling"], added["limit"]) == (1, "FORBIDDEN", None)


@pytest.mark.parametrize("kind", ["HEALTH", "WORKERS_COMP"])
def test_health_and_workers_compensation_forbid_balance_billing_unless_it_is_allowed(
    billing: Client, case: str, insurer: str, kind: str
) -> None:
    new = {"caseId": case, "payerId": insurer, "kind": kind}
    assert done(billing, "addCoverage", COVERAGE, **new)["balanceBilling"] == "FORBIDDEN"
    assert done(billing, "addCoverage", COVERAGE, **new, balanceBilling="ALLOWED")["balanceBilling"] == "ALLOWED"


def test_a_letter_is_uploaded_once_and_can_be_read(billing: Client, clinic: Clinic, case: str, found: Found) -> None:
    letter = clinic.upload()
    new = {"caseId": case, "payerId": found.own["Payer"], "kind": "LETTER_OF_PROTECTION", "documentId": letter}
    added = done(billing, "addCoverage", COVERAGE, **new)
    assert f"/documents/{letter}" in added["letterUrl"]
    assert refused(billing, "addCoverage", COVERAGE, **new)["path"] == ["input", "documentId"]
    cleared = {"coverageId": added["id"], "version": 1, "documentId": None}
    assert done(billing, "updateCoverage", COVERAGE, **cleared)["letterUrl"] is None


def test_a_change_keeps_the_other_fields_and_is_in_the_history(billing: Client, coverage: Any) -> None:
    change = {"limit": "20000.00", "claimNumber": None, "kind": "WORKERS_COMP"}
    changed = done(billing, "updateCoverage", COVERAGE, coverageId=coverage["id"], version=1, **change)
    assert (changed["limit"], changed["claimNumber"], changed["kind"]) == ("20000.00", None, "WORKERS_COMP")
    assert (changed["policyNumber"], changed["remaining"], changed["version"]) == ("FL-123", "15600.00", 2)
    assert changed["balanceBilling"] == "FORBIDDEN"
    event = changed["history"][-1]
    assert event["action"] == "UPDATED"
    assert {change["field"]: (change["before"], change["after"]) for change in event["changes"]} == {
        "limit": ("10000.00", "20000.00"),
        "claimNumber": ("CLM 77", None),
        "kind": ("PIP", "WORKERS_COMP"),
        "balanceBilling": ("ALLOWED", "FORBIDDEN"),
    }
    same = done(billing, "updateCoverage", COVERAGE, coverageId=coverage["id"], version=2, limit="20000.00")
    assert (same["version"], len(same["history"])) == (2, 2)


def test_of_two_changes_of_one_version_the_second_is_refused(billing: Client, coverage: Any) -> None:
    done(billing, "updateCoverage", COVERAGE, coverageId=coverage["id"], version=1, priority=3)
    for name, values in (
        ("updateCoverage", {"priority": 4}),
        ("verifyCoverage", {}),
        ("closeCoverage", {"status": "EXHAUSTED"}),
    ):
        error = refused(billing, name, COVERAGE, coverageId=coverage["id"], version=1, **values)
        assert (error["code"], error["path"]) == ("STALE_VERSION", ["input", "version"])


def test_a_coverage_is_verified_exhausted_and_pays_again_with_a_reason(
    billing: Client, clinic: Clinic, coverage: Any
) -> None:
    by_id = {"coverageId": coverage["id"]}
    verified = done(billing, "verifyCoverage", COVERAGE, **by_id)
    assert (verified["status"], verified["verifiedBy"]["name"]) == ("ACTIVE", "Bill Ingfield")
    ends = {"status": "EXHAUSTED", "closedOn": "2026-05-01", "documentId": clinic.upload()}
    exhausted = done(billing, "closeCoverage", COVERAGE, **by_id, **ends)
    assert (exhausted["status"], exhausted["exhaustedOn"], exhausted["closedOn"]) == ("EXHAUSTED", "2026-05-01", None)
    assert exhausted["closingLetterUrl"] is not None
    assert exhausted["letterUrl"] is None
    again = refused(billing, "closeCoverage", COVERAGE, **by_id, status="EXHAUSTED")
    assert (again["code"], again["path"]) == ("CONFLICT", ["input", "status"])
    assert refused(billing, "verifyCoverage", COVERAGE, **by_id)["path"] == ["input", "reason"]
    active = done(billing, "verifyCoverage", COVERAGE, **by_id, reason="The insurer raised the limit")
    assert (active["status"], active["exhaustedOn"], active["closingLetterUrl"]) == ("ACTIVE", None, None)
    assert [event["action"] for event in active["history"]] == ["ADDED", "VERIFIED", "CLOSED", "VERIFIED"]
    assert {"field": "reason", "before": None, "after": "The insurer raised the limit"} in active["history"][-1][
        "changes"
    ]
    assert {"field": "status", "before": "EXHAUSTED", "after": "ACTIVE"} in active["history"][-1]["changes"]


@pytest.mark.parametrize("status", ["REFUSED", "CLOSED"])
def test_a_coverage_is_refused_or_closed_on_a_day_for_a_reason(billing: Client, coverage: Any, status: str) -> None:
    by_id = {"coverageId": coverage["id"], "status": status}
    assert refused(billing, "closeCoverage", COVERAGE, **by_id)["path"] == ["input", "reason"]
    ended = done(billing, "closeCoverage", COVERAGE, **by_id, reason="The policy had lapsed")
    assert (ended["status"], ended["closedOn"], ended["closingReason"]) == (status, TODAY, "The policy had lapsed")
    assert ended["exhaustedOn"] is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"limit": "0.00"}, "limit"),
        ({"paysPercent": "101"}, "paysPercent"),
        ({"effectiveTo": "2025-12-31"}, "effectiveTo"),
        ({"otherPaymentsOn": "2031-01-01"}, "otherPaymentsOn"),
        ({"otherPayments": None, "otherPaymentsOn": TODAY}, "otherPayments"),
        ({"kind": "LETTER_OF_PROTECTION"}, "payerId"),
        ({"kind": None}, "kind"),
        ({"adjusterEmail": "ann"}, "adjusterEmail"),
        ({"documentId": make_id("Upload", uuid_of("aW4BnU0OjdFwAJ3P5lWv8pDU"))}, "documentId"),
    ],
)
def test_a_change_that_is_not_valid_is_refused_and_changes_nothing(
    address: DatabaseUrls, billing: Client, coverage: Any, change: dict[str, Any], path: str
) -> None:
    with nothing_changes(address):
        error = refused(billing, "updateCoverage", COVERAGE, coverageId=coverage["id"], version=1, **change)
    assert error["path"] == ["input", path]


def test_a_retried_request_adds_one_coverage(billing: Client, case: str, insurer: str) -> None:
    new = {"caseId": case, "payerId": insurer, "kind": "PIP", "idempotencyKey": "coverage-once"}
    first = done(billing, "addCoverage", COVERAGE, **new)
    assert done(billing, "addCoverage", COVERAGE, **new)["id"] == first["id"]
    read = billing.read("query ($id: ID!) { case(id: $id) { coverages { id } } }", id=case)["case"]
    assert read == {"coverages": [{"id": first["id"]}]}


def test_a_retired_payer_gets_no_new_coverage_and_keeps_those_that_it_has(billing: Client, case: str) -> None:
    payer = done(billing, "createPayer", "payer { id }", name="Retiring Mutual", kind="INSURANCE")["id"]
    added = done(billing, "addCoverage", COVERAGE, caseId=case, payerId=payer, kind="PIP")
    # One that is in force keeps the payer from being retired.
    error = refused(billing, "retirePayer", "payer { id }", payerId=payer)
    assert "1 coverages of open cases are in force (closeCoverage, by billing staff)" in error["message"]
    done(billing, "closeCoverage", COVERAGE, coverageId=added["id"], status="EXHAUSTED")
    done(billing, "retirePayer", "payer { id }", payerId=payer)
    assert refused(billing, "addCoverage", COVERAGE, caseId=case, payerId=payer, kind="PIP")["code"] == "CONFLICT"
    kept = done(billing, "updateCoverage", COVERAGE, coverageId=added["id"], version=2, kind="MEDPAY")
    assert kept["kind"] == "MEDPAY"


_PROPOSED = "query ($id: ID!, $on: Date) { case(id: $id) { proposedPayer(serviceDate: $on) { name } } }"


def _proposed(client: Client, case: str, on: str | None = None) -> str | None:
    found = client.read(_PROPOSED, id=case, on=on)["case"]["proposedPayer"]
    name: str | None = found and found["name"]
    return name


def test_the_proposed_payer_is_that_of_the_first_active_coverage_in_effect_on_the_day_of_injury(
    billing: Client, case: str, insurer: str, found: Found
) -> None:
    # The case's injury was on 5 January 2026.
    assert _proposed(billing, case) is None
    days = {"effectiveFrom": "2026-01-05", "effectiveTo": "2026-01-06"}
    pip = done(billing, "addCoverage", COVERAGE, caseId=case, payerId=insurer, kind="PIP", **days)
    assert _proposed(billing, case) is None
    done(billing, "verifyCoverage", COVERAGE, coverageId=pip["id"])
    assert _proposed(billing, case) == "Coverage Mutual"
    letter = {"caseId": case, "payerId": found.own["Payer"], "kind": "LETTER_OF_PROTECTION", "priority": 1}
    done(billing, "verifyCoverage", COVERAGE, coverageId=done(billing, "addCoverage", COVERAGE, **letter)["id"])
    # The same priority: the one that was created first.
    assert _proposed(billing, case) == "Coverage Mutual"
    # The last day is not part of the period.
    earlier = {"effectiveFrom": "2026-01-01", "effectiveTo": "2026-01-05"}
    done(billing, "updateCoverage", COVERAGE, coverageId=pip["id"], version=2, **earlier)
    assert _proposed(billing, case) not in (None, "Coverage Mutual")


def test_health_insurance_is_proposed_by_the_day_of_treatment(billing: Client, case: str, insurer: str) -> None:
    days = {"effectiveFrom": "2026-02-01", "effectiveTo": "2026-03-01"}
    health = done(billing, "addCoverage", COVERAGE, caseId=case, payerId=insurer, kind="HEALTH", **days)
    done(billing, "verifyCoverage", COVERAGE, coverageId=health["id"])
    by_day = {day: _proposed(billing, case, day) for day in ("2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01")}
    assert by_day == {
        "2026-01-31": None,
        "2026-02-01": "Coverage Mutual",
        "2026-02-28": "Coverage Mutual",
        "2026-03-01": None,
    }
    assert _proposed(billing, case) is None


_READS = (
    "query ($id: ID!) { node(id: $id) { ... on Coverage { policyNumber } } }",
    "{ cases(first: 1) { nodes { coverages { id } } } }",
    "{ cases(first: 1) { nodes { proposedPayer { id } } } }",
    "{ invoices(first: 1) { nodes { expectedPayments { amount } } } }",
    "{ invoices(first: 1) { nodes { cheques { coverage { id } } } } }",
)


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
@pytest.mark.parametrize("query", _READS)
def test_other_roles_have_nothing_of_coverages_in_their_schema(
    sign_in: SignIn, coverage: Any, role: Role, query: str
) -> None:
    answer = sign_in(role).ask(query, id=coverage["id"])
    assert answer.get("data") is None
    assert "FL-123" not in str(answer)
    [first, *_] = answer["errors"]
    assert first["message"].startswith(("Cannot query field", "Unknown type"))


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_a_coverage_has_no_node_for_other_roles(sign_in: SignIn, coverage: Any, role: Role) -> None:
    assert sign_in(role).read("query ($id: ID!) { node(id: $id) { id } }", id=coverage["id"]) == {"node": None}


def test_staff_read_a_coverage_by_its_id(billing: Client, coverage: Any) -> None:
    read = billing.read(_READS[0], id=coverage["id"])
    assert read == {"node": {"policyNumber": "FL-123"}}


def test_the_audit_log_names_the_coverage_that_was_read_or_changed_and_no_values(
    address: DatabaseUrls, billing: Client, coverage: Any
) -> None:
    changed = document("updateCoverage", "coverage { policyNumber }")
    change = {"coverageId": coverage["id"], "version": 1, "policyNumber": "FL-124"}
    for query, variables in ((_READS[0], {"id": coverage["id"]}), (changed, {"input": change})):
        data, event = event_of(address, billing, query, **variables)
        assert "FL-12" in str(data)
        assert coverage["id"] in names_in(event["entities"])
        assert "Coverage.policyNumber" in event["fields"]
        assert "FL-12" not in str(dict(event))


def test_a_limit_below_what_was_paid_is_a_warning(billing: Client, coverage: Any) -> None:
    change = {"coverageId": coverage["id"], "version": 1, "limit": "4000.00"}
    answer = answered(billing, "updateCoverage", COVERAGE, **change)
    assert answer["errors"] == []
    [warning] = answer["warnings"]
    assert (warning["code"], warning["amount"], warning["path"]) == (
        "LIMIT_BELOW_RECEIPTS",
        "400.00",
        ["input", "limit"],
    )
    assert answer["coverage"]["remaining"] == "0.00"
