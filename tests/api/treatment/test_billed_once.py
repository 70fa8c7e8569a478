"""Nothing is billed twice: neither a visit nor a line, unless somebody confirms the line."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest

from server.database_urls import DatabaseUrls
from tests.api.treatment.conftest import SERVED, Bill
from tests.support.api.mutations import CASE, NEW, answered, done, refused
from tests.support.api.records import changed_by, uuid_of
from tests.support.api.scenarios import broken_laws
from tests.support.client import Client
from tests.support.databases import rows

LINES = """invoice { id number version lines { position cptCode isRepeated repeatConfirmedBy { name } }
    history { transition changes { field after } } }"""
TAPE, RIBS = {"code": "A4556"}, {"code": "RAY-RIBS"}


@pytest.fixture
def draft(draft: dict[str, Any]) -> dict[str, Any]:
    """The input that creates an invoice, and confirms nothing."""
    return {name: value for name, value in draft.items() if name != "confirmDuplicate"} | {"lines": [TAPE]}


def test_the_second_invoice_of_a_visit_is_refused_with_the_number_of_the_first(
    address: DatabaseUrls, billing: Client, admin: Client, recorded: Any, bill_of: Bill
) -> None:
    first = done(billing, "createInvoice", NEW, **bill_of(recorded))
    errors: list[Any] = []
    again = bill_of(recorded)

    def attempt() -> None:
        errors.append(refused(billing, "createInvoice", NEW, **again))
        errors.append(refused(billing, "createInvoice", NEW, **again, confirmDuplicate=True))

    assert changed_by(address, attempt) == set()
    words = f"Invoice {first['number']} bills this visit already: void it first (voidInvoice, by an administrator)"
    assert [(error["code"], error["path"], error["message"]) for error in errors] == [
        ("CONFLICT", ["input", "encounterId"], words)
    ] * 2
    done(admin, "voidInvoice", NEW, invoiceId=first["id"], reason="Wrong payer")
    second = done(billing, "createInvoice", NEW, **bill_of(recorded))
    assert second["encounter"] == {"id": recorded["id"]}


def test_a_visit_whose_invoice_of_nothing_was_closed_by_mistake_is_billed_again(
    address: DatabaseUrls, billing: Client, admin: Client, recorded: Any, bill_of: Bill
) -> None:
    free = {"overridePrice": "0.00", "overrideReason": "By mistake"}
    first = done(billing, "createInvoice", NEW, **bill_of(recorded), lines=[{**TAPE, **free}], confirmDuplicate=True)
    done(billing, "closeEmpty", NEW, invoiceId=first["id"], reason="Nothing to bill")
    refused(billing, "createInvoice", NEW, **bill_of(recorded))
    assert done(admin, "voidInvoice", NEW, invoiceId=first["id"], reason="Closed by mistake")["status"] == "VOID"
    second = done(billing, "createInvoice", NEW, **bill_of(recorded))
    assert second["encounter"] == {"id": recorded["id"]}
    assert broken_laws(address) == ()


def test_of_twenty_concurrent_invoices_of_a_visit_one_is_created(billing: Client, recorded: Any, bill_of: Bill) -> None:
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda _: answered(billing, "createInvoice", NEW, **bill_of(recorded)), range(20)))
    assert sum(answer["errors"] == [] for answer in answers) == 1


def test_the_database_lets_no_second_invoice_bill_a_visit(
    address: DatabaseUrls, billing: Client, recorded: Any, bill_of: Bill
) -> None:
    first = uuid_of(done(billing, "createInvoice", NEW, **bill_of(recorded))["id"])
    copy = """insert into invoices (clinic_id, id, number, case_id, patient_id, payer_id, encounter_id, created_on, service_date,
        billed_amount, updated_at, status) select clinic_id, gen_random_uuid(), $2, case_id, patient_id, payer_id, encounter_id,
        created_on, service_date, 0, now(), $3 from invoices where id = $1"""
    with pytest.raises(asyncpg.UniqueViolationError):
        rows(address, copy, first, f"T-{recorded['id'][:12]}", "pending_invoice")
    rows(address, copy, first, f"V-{recorded['id'][:12]}", "void")
    [[billed_by]] = rows(address, "select invoice_id from encounters where id = $1", uuid_of(recorded["id"]))
    assert billed_by == first


def test_a_line_of_another_invoice_is_billed_again_only_if_it_is_confirmed_and_the_record_says_by_whom(
    address: DatabaseUrls, billing: Client, draft: dict[str, Any]
) -> None:
    first = done(billing, "createInvoice", LINES, **draft)
    assert [line["isRepeated"] for line in first["lines"]] == [False]
    again = {**draft, "lines": [RIBS, TAPE]}
    errors: list[Any] = []
    assert changed_by(address, lambda: errors.append(refused(billing, "createInvoice", LINES, **again))) == set()
    assert (errors[0]["code"], errors[0]["path"]) == ("CONFLICT", ["input", "lines", "1"])
    assert errors[0]["message"].startswith(f"Line 2 repeats invoice {first['number']}: A4556 for the same patient")
    assert errors[0]["message"].endswith("confirm it with confirmDuplicate")
    second = done(billing, "createInvoice", LINES, **again, confirmDuplicate=True)
    by = [(line["isRepeated"], line["repeatConfirmedBy"]) for line in second["lines"]]
    assert by == [(False, None), (True, {"name": "Bill Ingfield"})]
    assert {"field": "confirmedDuplicates", "after": "1 of A4556"} in second["history"][0]["changes"]


def test_a_line_of_the_same_invoice_is_refused_as_well(billing: Client, draft: dict[str, Any]) -> None:
    error = refused(billing, "createInvoice", LINES, **{**draft, "lines": [TAPE, RIBS, {**TAPE, "units": 9}]})
    assert (error["path"], error["message"][:22]) == (["input", "lines", "2"], "Line 3 repeats line 1:")
    made = done(billing, "createInvoice", LINES, **{**draft, "lines": [TAPE, TAPE]}, confirmDuplicate=True)
    assert [line["isRepeated"] for line in made["lines"]] == [False, True]


def test_lines_that_differ_in_day_side_physician_or_patient_are_no_repetition(
    billing: Client, draft: dict[str, Any], doctor: str
) -> None:
    sided = {**draft, "lines": [RIBS]}
    done(billing, "createInvoice", LINES, **sided)
    patient = done(billing, "createPatient", "patient { id }", mrn=f"B-{draft['caseId']}", firstName="A", lastName="B")
    other = done(billing, "createCase", CASE, patientId=patient["id"], dateOfInjury="2026-01-05")["id"]
    for change in (
        {"serviceDate": "2026-03-03"},
        {"lines": [{**RIBS, "bilateral": True}]},
        {"physicianId": doctor},
        {"caseId": other},
    ):
        made = done(billing, "createInvoice", LINES, **{**sided, **change})
        assert [line["isRepeated"] for line in made["lines"]] == [False]
    # Another case of the same patient is the same treatment.
    query = "query ($id: ID!) { case(id: $id) { patient { id } } }"
    same = billing.read(query, id=draft["caseId"])["case"]["patient"]["id"]
    case = done(billing, "createCase", CASE, patientId=same, dateOfInjury="2026-01-05")["id"]
    assert refused(billing, "createInvoice", LINES, **{**sided, "caseId": case})["code"] == "CONFLICT"


def test_lines_of_void_invoices_are_billed_again_without_a_question(
    billing: Client, admin: Client, draft: dict[str, Any]
) -> None:
    first = done(billing, "createInvoice", LINES, **draft)
    done(admin, "voidInvoice", LINES, invoiceId=first["id"], reason="Wrong payer")
    assert done(billing, "createInvoice", LINES, **draft)["lines"][0]["isRepeated"] is False


def test_replaced_lines_follow_the_same_rule(address: DatabaseUrls, billing: Client, draft: dict[str, Any]) -> None:
    number = done(billing, "createInvoice", LINES, **draft)["number"]
    other = done(billing, "createInvoice", LINES, **{**draft, "lines": [RIBS]})
    new = {"invoiceId": other["id"], "lines": [RIBS, TAPE]}
    errors: list[Any] = []
    assert changed_by(address, lambda: errors.append(refused(billing, "replaceInvoiceLines", LINES, **new))) == set()
    assert errors[0]["path"] == ["input", "lines", "1"]
    assert number in errors[0]["message"]
    replaced = done(billing, "replaceInvoiceLines", LINES, **new, confirmDuplicate=True)
    assert [line["isRepeated"] for line in replaced["lines"]] == [False, True]
    assert {"field": "confirmedDuplicates", "after": "1 of A4556"} in replaced["history"][-1]["changes"]
    # Its own former lines are no repetition.
    assert done(billing, "replaceInvoiceLines", LINES, invoiceId=other["id"], lines=[RIBS])["version"] == 3


def test_of_two_concurrent_invoices_with_the_same_line_in_two_cases_of_a_patient_one_is_refused(
    billing: Client, draft: dict[str, Any]
) -> None:
    query = "query ($id: ID!) { case(id: $id) { patient { id } } }"
    patient = billing.read(query, id=draft["caseId"])["case"]["patient"]["id"]
    cases = [done(billing, "createCase", CASE, patientId=patient, dateOfInjury="2026-01-05")["id"] for _ in range(8)]
    drafts = [{**draft, "caseId": case, "serviceDate": SERVED} for case in cases]
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda inputs: answered(billing, "createInvoice", LINES, **inputs), drafts))
    assert sorted(len(answer["errors"]) for answer in answers) == [0, *[1] * 7]
