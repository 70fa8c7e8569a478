"""Encounters: which roles record visits, what is refused, and how a visit's exams are billed."""

from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id, read_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import NEW, done, refused
from tests.support.api.records import Found, changed_by
from tests.support.client import Client
from tests.support.databases import rows

VISIT = """encounter { id serviceDate case { id } patient { id } physician { id } facility { id }
    exams { bilateral units examType { name code } } }"""
TREE = "{ examTypes { id name code subExams { id name code } } }"


@pytest.fixture(scope="module")
def exams(billing: Client) -> dict[str, str]:
    """The ids of exams, by billing code or, without one, by name."""
    mains = billing.read(TREE)["examTypes"]
    return {exam["code"] or exam["name"]: exam["id"] for main in mains for exam in (main, *main["subExams"])}


@pytest.fixture(scope="module")
def physician(sign_in: SignIn) -> Client:
    """A client that is signed in as the demo clinic's physician."""
    return sign_in(Role.PHYSICIAN)


@pytest.fixture(scope="module")
def own_case(physician: Client) -> dict[str, Any]:
    """A case that the physician treats, with its facility and its payer."""
    query = "{ invoices { nodes { case { id } facility { id } payer { id } } } }"
    nodes = physician.read(query)["invoices"]["nodes"]
    case: dict[str, Any] = next(node for node in nodes if node["facility"])
    return case


@pytest.fixture
def visit(found: Found, case: str, exams: dict[str, str]) -> dict[str, Any]:
    """The input that records a visit."""
    done_then = [{"examTypeId": exams["X-ray"]}, {"examTypeId": exams["RAY-RIBS"], "bilateral": True}]
    done_then.append({"examTypeId": exams["THERAPY-MOVE"], "units": 3})
    parties = {"physicianId": found.own["Physician"], "facilityId": found.own["Facility"]}
    return {"caseId": case, **parties, "serviceDate": "2026-03-02", "exams": done_then}


def test_a_visit_is_recorded_with_its_exams_in_their_order(billing: Client, visit: dict[str, Any]) -> None:
    recorded = done(billing, "recordEncounter", VISIT, **visit)
    assert recorded["case"] == {"id": visit["caseId"]}
    assert recorded["physician"] == {"id": visit["physicianId"]}
    assert recorded["exams"] == [
        {"bilateral": False, "units": 1, "examType": {"name": "X-ray", "code": None}},
        {"bilateral": True, "units": 1, "examType": {"name": "Ribs", "code": "RAY-RIBS"}},
        {"bilateral": False, "units": 3, "examType": {"name": "Exercise", "code": "THERAPY-MOVE"}},
    ]
    found = billing.read("query ($id: ID!) { case(id: $id) { encounters { id } } }", id=visit["caseId"])
    assert found["case"]["encounters"] == [{"id": recorded["id"]}]


def test_an_invoice_bills_the_exams_of_the_visit_and_nothing_for_groups_of_exams(
    billing: Client, visit: dict[str, Any], found: Found
) -> None:
    recorded = done(billing, "recordEncounter", VISIT, **visit)
    inputs = {"caseId": visit["caseId"], "payerId": found.own["Payer"], "serviceDate": visit["serviceDate"]}
    invoice = done(billing, "createInvoice", NEW, **inputs, encounterId=recorded["id"])
    lines = [(line["cptCode"], line["units"], line["bilateral"]) for line in invoice["lines"]]
    assert lines == [("RAY-RIBS", 1, True), ("THERAPY-MOVE", 3, False)]
    query = """query ($input: PriceQuoteInput!) { priceQuote(input: $input) { quote { total lines { amount
        trace { source rate geographicFactor bilateralFactor overrideReason } } } } }"""
    question = {"payerId": inputs["payerId"], "facilityId": visit["facilityId"], "serviceDate": inputs["serviceDate"]}
    quote = billing.read(query, input={**question, "examLines": visit["exams"]})["priceQuote"]["quote"]
    assert quote["total"] == invoice["billedAmount"]
    assert [(line["amount"], line["trace"]) for line in quote["lines"]] == [
        (line["amount"], line["priceTrace"]) for line in invoice["lines"]
    ]


REFUSED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "no treating physician": ({"physicianId": None}, ["physicianId"], "The treating physician is required"),
    "a day to come": ({"serviceDate": "2035-01-01"}, ["serviceDate"], "in the future"),
    "two of which one is taken": (
        {"exams": ["EVAL-FIRST", "EVAL-AGAIN"]},
        ["exams", "0", "examTypeId"],
        "Line 1: Visit takes exactly one of its sub-exams",
    ),
    "a main exam alone that takes one": ({"exams": ["MOVE-NECK", "X-ray"]}, ["exams", "1", "examTypeId"], "Line 2: "),
    "both sides of what has one": (
        {"exams": [("SCAN-NECK", {"bilateral": True})]},
        ["exams", "0", "bilateral"],
        "Line 1: SCAN-NECK cannot be billed for both sides",
    ),
    "no units": ({"exams": [("RAY-RIBS", {"units": 0})]}, ["exams", "0", "units"], "Line 1: Units are 1 to 999"),
    "too many units": ({"exams": [("RAY-RIBS", {"units": 1000})]}, ["exams", "0", "units"], "Line 1: Units"),
    "a day before the code was valid": ({"serviceDate": "2000-01-01"}, ["exams", "1"], "valid on the service date"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_visit_that_could_not_be_billed_is_not_recorded(
    billing: Client, address: DatabaseUrls, visit: dict[str, Any], exams: dict[str, str], name: str
) -> None:
    inputs, path, message = REFUSED[name]
    inputs = {**visit, **inputs}
    pairs = [(one, {}) if isinstance(one, str) else one for one in inputs["exams"] if not isinstance(one, dict)]
    inputs["exams"] = [{"examTypeId": exams[code], **more} for code, more in pairs] or visit["exams"]
    errors: list[Any] = []
    assert changed_by(address, lambda: errors.append(refused(billing, "recordEncounter", VISIT, **inputs))) == set()
    assert (errors[0]["code"], errors[0]["path"]) == ("INVALID_INPUT", ["input", *path])
    assert message in errors[0]["message"]


@pytest.mark.parametrize("field", ["caseId", "physicianId", "facilityId"])
def test_records_of_another_clinic_are_answered_like_ones_that_do_not_exist(
    billing: Client, address: DatabaseUrls, visit: dict[str, Any], found: Found, field: str
) -> None:
    kind = field.removesuffix("Id").title()
    errors: list[Any] = []

    def attempt() -> None:
        ids = (found.foreign[kind], found.unknown(kind))
        errors.extend(refused(billing, "recordEncounter", VISIT, **{**visit, field: identity}) for identity in ids)

    assert changed_by(address, attempt) == set()
    assert errors[0] == errors[1]
    assert (errors[0]["code"], errors[0]["path"]) == ("NOT_FOUND", ["input", field])


def test_one_idempotency_key_records_a_visit_once(billing: Client, visit: dict[str, Any]) -> None:
    key = f"visit {uuid4()}"
    first, second = (done(billing, "recordEncounter", VISIT, **visit, idempotencyKey=key) for _ in range(2))
    assert first == second
    query = "query ($id: ID!) { case(id: $id) { encounters { id } } }"
    assert len(billing.read(query, id=visit["caseId"])["case"]["encounters"]) == 1


def record_visit(physician: Client, **inputs: Any) -> Any:
    """The answer to a physician, whose schema lacks some refusals."""
    query = f"mutation ($input: RecordEncounterInput!) {{ recordEncounter(input: $input) {{ {VISIT} errors {{ message code path }} }} }}"
    return physician.read(query, input=inputs)["recordEncounter"]


# Permissions: no anonymous caller, no attorney and no analyst; a physician for their own patients and in their own name.


def test_a_physician_records_a_visit_of_their_own_patient_in_their_own_name(
    physician: Client, address: DatabaseUrls, own_case: dict[str, Any], exams: dict[str, str]
) -> None:
    inputs = {"caseId": own_case["case"]["id"], "facilityId": own_case["facility"]["id"], "serviceDate": "2026-07-01"}
    key = {"idempotencyKey": f"own {uuid4()}"}
    wanted = [{"examTypeId": exams["RAY-RIBS"], "bilateral": True}]
    answers = [record_visit(physician, **inputs, exams=wanted, **key) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["errors"] == []
    first = answers[0]["encounter"]
    [[me]] = rows(address, "select physician_id from users where email = 'physician@demo.example'")
    assert first["physician"] == {"id": make_id("Physician", me)}
    assert first["facility"] == own_case["facility"]
    node = physician.read("query ($id: ID!) { node(id: $id) { id } }", id=first["id"])["node"]
    assert node == {"id": first["id"]}
    other = "select e.id from encounters e where e.physician_id <> $1 limit 1"
    [[foreign]] = rows(address, other, me)
    assert physician.read("query ($id: ID!) { node(id: $id) { id } }", id=make_id("Encounter", foreign)) == {
        "node": None
    }
    assert record_visit(physician, **inputs, exams=[], **key)["errors"][0]["code"] == "CONFLICT"


def test_a_physician_records_nothing_for_another_physician_s_patient(physician: Client, address: DatabaseUrls) -> None:
    [[me]] = rows(address, "select physician_id from users where email = 'physician@demo.example'")
    query = """select id from cases c where clinic_id = (select clinic_id from clinics where short_name = 'demo') and not exists
        (select from treating_physicians t where t.case_id = c.id and t.physician_id = $1) limit 1"""
    [[case]] = rows(address, query, me)
    errors: list[Any] = []

    def attempt() -> None:
        for identity in (case, uuid4()):
            inputs = {"caseId": make_id("Case", identity), "serviceDate": "2026-05-04"}
            answer = record_visit(physician, **inputs, exams=[])
            assert answer["encounter"] is None
            errors.extend(answer["errors"])

    assert changed_by(address, attempt) == set()
    assert errors[0] == errors[1]
    assert (errors[0]["code"], errors[0]["path"]) == ("NOT_FOUND", ["input", "caseId"])


def test_a_physician_cannot_name_the_treating_physician(
    physician: Client, own_case: dict[str, Any], found: Found
) -> None:
    query = "mutation ($input: RecordEncounterInput!) { recordEncounter(input: $input) { errors { message } } }"
    inputs = {"caseId": own_case["case"]["id"], "serviceDate": "2026-05-04", "exams": []}
    refusals = physician.refusals(query, input={**inputs, "physicianId": found.own["Physician"]})
    assert "unknown field 'physicianId'" in refusals[0]


@pytest.mark.parametrize("role", [None, Role.ATTORNEY, Role.ANALYST])
def test_other_roles_and_anonymous_callers_cannot_see_visits_and_exams(
    anonymous: Client, sign_in: SignIn, role: Role | None
) -> None:
    client = anonymous if role is None else sign_in(role)
    for query, name in (
        ("mutation { recordEncounter(input: {}) { errors { message } } }", "recordEncounter"),
        ("{ examTypes { id } }", "examTypes"),
        ("{ feeSchedules { id } }", "feeSchedules"),
        ("{ priceQuote(input: {}) { errors { message } } }", "priceQuote"),
    ):
        messages = client.refusals(query)
        assert any(f"Cannot query field '{name}'" in message for message in messages), messages


def test_an_exam_that_was_retired_after_the_visit_is_still_billed(
    billing: Client, admin: Client, visit: dict[str, Any], found: Found
) -> None:
    new = done(admin, "createExamType", "examType { id }", name="Short-lived", code="MOVE-NECK")
    visit["exams"] = [{"examTypeId": new["id"]}]
    recorded = done(billing, "recordEncounter", VISIT, **visit)
    done(admin, "retireExamType", "examType { active }", examTypeId=new["id"])
    assert "retired" in refused(billing, "recordEncounter", VISIT, **visit)["message"]
    inputs = {"caseId": visit["caseId"], "payerId": found.own["Payer"], "serviceDate": visit["serviceDate"]}
    invoice = done(billing, "createInvoice", NEW, **inputs, encounterId=recorded["id"])
    assert [line["cptCode"] for line in invoice["lines"]] == ["MOVE-NECK"]


def test_a_visit_without_a_priced_exam_cannot_be_invoiced(billing: Client, visit: dict[str, Any], found: Found) -> None:
    recorded = done(billing, "recordEncounter", VISIT, **{**visit, "exams": []})
    inputs = {"caseId": visit["caseId"], "payerId": found.own["Payer"], "serviceDate": visit["serviceDate"]}
    error = refused(billing, "createInvoice", NEW, **inputs, encounterId=recorded["id"])
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "encounterId"])
    assert read_id(recorded["id"])
