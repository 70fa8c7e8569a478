"""Cases: how they are opened, numbered, found and represented by attorneys."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.support.api.mutations import CASE, NEW, done, refused
from tests.support.api.records import Found, today
from tests.support.client import Client


def test_a_case_is_opened_with_the_next_number_of_its_year_or_with_a_given_one(billing: Client, found: Found) -> None:
    inputs = {"patientId": found.own["Patient"], "dateOfInjury": "2019-02-03", "openedOn": "2019-03-01"}
    numbers = [done(billing, "createCase", CASE, **inputs)["number"] for _ in range(2)]
    assert numbers == ["PI-2019-00001", "PI-2019-00002"]
    own = "Docket 26-CV-0815"
    assert done(billing, "createCase", CASE, **inputs, number=own)["number"] == own
    error = refused(billing, "createCase", CASE, **inputs, number=own)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "number"])
    done(billing, "createCase", CASE, **inputs, number="PI-2019-00777")
    assert done(billing, "createCase", CASE, **inputs)["number"] == "PI-2019-00778"


def test_a_case_is_found_by_the_prefix_of_its_number_regardless_of_case_in_any_alphabet(
    billing: Client, found: Found
) -> None:
    inputs = {"patientId": found.own["Patient"], "dateOfInjury": "2019-02-03", "openedOn": "2019-03-01"}
    made = done(billing, "createCase", CASE, **inputs, number="Été  Ärger-Straße 7")
    search = "query ($s: String) { cases(filter: {search: $s}) { nodes { id } } }"
    for text in ("Été", "ÉTÉ ärger-STRASSE", " été  ä"):
        assert billing.read(search, s=text)["cases"]["nodes"] == [{"id": made["id"]}], text
    for text in ("ärger", "été%"):
        assert billing.read(search, s=text)["cases"]["nodes"] == [], text


def test_a_case_is_not_opened_before_its_injury_nor_in_the_future(billing: Client, found: Found) -> None:
    inputs = {"patientId": found.own["Patient"], "dateOfInjury": "2026-02-03"}
    error = refused(billing, "createCase", CASE, **inputs, openedOn="2026-02-02")
    assert error["path"] == ["input", "dateOfInjury"]
    error = refused(billing, "createCase", CASE, **inputs, openedOn=(today() + timedelta(days=1)).isoformat())
    assert error["path"] == ["input", "openedOn"]


def test_a_change_of_attorney_is_recorded_from_its_day(billing: Client, found: Found) -> None:
    attorney = found.own["Attorney"]
    inputs = {"patientId": found.own["Patient"], "dateOfInjury": "2026-01-05", "openedOn": "2026-01-09"}
    made = done(billing, "createCase", CASE, **inputs, attorneyId=attorney)
    assert made["representations"] == [{"attorney": {"id": attorney}, "fromOn": "2026-01-09", "untilOn": None}]
    other = done(billing, "createAttorney", "attorney { id }", name="Nora New", firm=f"New {uuid4()}")["id"]
    made = done(billing, "assignAttorney", CASE, caseId=made["id"], attorneyId=other)
    day = today().isoformat()
    assert (made["attorney"], made["representations"]) == (
        {"id": other},
        [
            {"attorney": {"id": attorney}, "fromOn": "2026-01-09", "untilOn": day},
            {"attorney": {"id": other}, "fromOn": day, "untilOn": None},
        ],
    )
    made = done(billing, "assignAttorney", CASE, caseId=made["id"], attorneyId=None)
    assert (made["attorney"], made["representations"][-1]["untilOn"]) == (None, day)
    assert refused(billing, "assignAttorney", CASE, caseId=made["id"], attorneyId=None)["code"] == "CONFLICT"
    assert refused(billing, "assignAttorney", CASE, caseId=made["id"])["path"] == ["input", "attorneyId"]


def test_a_change_of_attorney_moves_access_at_once(
    billing: Client, attorney: Client, own_attorney: str, case: str, invoice: Any
) -> None:
    seen = "query ($case: ID!, $invoice: ID!) { case(id: $case) { id } invoice(id: $invoice) { id } }"
    ids = {"case": case, "invoice": invoice["id"]}
    nothing = {"case": None, "invoice": None}
    assert attorney.read(seen, **ids) == nothing
    done(billing, "assignAttorney", CASE, caseId=case, attorneyId=own_attorney)
    assert attorney.read(seen, **ids) == {"case": {"id": case}, "invoice": {"id": invoice["id"]}}
    done(billing, "assignAttorney", CASE, caseId=case, attorneyId=None)
    assert attorney.read(seen, **ids) == nothing


def test_a_new_invoice_of_a_represented_case_is_visible_to_its_attorney(
    billing: Client, attorney: Client, own_attorney: str, draft: dict[str, Any]
) -> None:
    done(billing, "assignAttorney", CASE, caseId=draft["caseId"], attorneyId=own_attorney)
    made = done(billing, "createInvoice", NEW, **draft)
    assert (
        attorney.read("query ($id: ID!) { invoice(id: $id) { number } }", id=made["id"])["invoice"]["number"]
        == made["number"]
    )
