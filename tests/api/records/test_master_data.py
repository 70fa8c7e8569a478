"""Master data: patients, payers, attorneys, physicians and facilities are created, changed, retired and found."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from domain.normal_forms import check_digit
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import CASE, LINE, NEW, answered, done, refused
from tests.support.api.records import Found, changed_by
from tests.support.client import Client

PATIENT = "patient { id name firstName lastName mrn birthDate phone email address active }"
PAYER = "payer { id name kind email phone address active }"
ATTORNEY = "attorney { id name firm email phone active }"
PHYSICIAN = "physician { id name npi active }"
FACILITY = "facility { id name geographicFactor active }"
FULL = {"phone": "555-0100", "email": "pat@mail.example", "address": "1 Some Street\nSomewhere"}


def a_patient(billing: Client, **inputs: Any) -> Any:
    full = {"firstName": "Pat", "lastName": "Quill", "mrn": f"M {uuid4()}", "birthDate": "1980-02-29", **FULL, **inputs}
    return done(billing, "createPatient", PATIENT, **full)


def listed(client: Client, noun: str, search: str) -> list[str]:
    parameters = {"attorneys": ("$s: String", "search: $s")}.get(noun, ("$s: String", "filter: {search: $s}"))
    if noun in ("physicians", "facilities"):
        parameters = ("$s: String", "search: $s")
    query = f"query ({parameters[0]}) {{ {noun}({parameters[1]}) {{ nodes {{ id }} }} }}"
    return [node["id"] for node in client.read(query, s=search)[noun]["nodes"]]


def test_a_patient_is_stored_as_entered_and_found_by_the_prefix_of_every_name(billing: Client) -> None:
    patient = a_patient(billing, firstName="Ana Maria", lastName="de la Œuvre")
    assert patient["name"] == "Ana Maria de la Œuvre"
    assert {name: patient[name] for name in FULL} == FULL
    assert (patient["birthDate"], patient["active"]) == ("1980-02-29", True)
    for beginning in ("ana m", "MARIA", "œuv", "Œuvre ana", "de la"):
        assert patient["id"] in listed(billing, "patients", beginning), beginning
    assert patient["id"] not in listed(billing, "patients", "uvre")


def test_omitted_fields_stay_and_null_clears(billing: Client) -> None:
    patient = a_patient(billing)
    changed = done(billing, "updatePatient", PATIENT, patientId=patient["id"], phone=None, email="new@mail.example")
    assert changed == {**patient, "phone": None, "email": "new@mail.example"}
    assert done(billing, "updatePatient", PATIENT, patientId=patient["id"]) == changed
    for needed in ("firstName", "lastName", "mrn"):
        for blank in (None, "", "  "):
            error = refused(billing, "updatePatient", PATIENT, patientId=patient["id"], **{needed: blank})
            assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", needed])


def test_a_renamed_patient_is_found_by_the_new_name_only_and_pays_under_it(billing: Client) -> None:
    patient = a_patient(billing, firstName="Vera", lastName="Oldname")
    own = done(billing, "createPayer", PAYER, name="Vera Oldname", kind="PATIENT", patientId=patient["id"])
    other = done(billing, "createPayer", PAYER, name="Vera's mother", kind="PATIENT", patientId=patient["id"])
    done(billing, "updatePatient", PATIENT, patientId=patient["id"], lastName="Newname")
    assert patient["id"] in listed(billing, "patients", "newname vera")
    assert patient["id"] in listed(billing, "patients", "vera")
    assert patient["id"] not in listed(billing, "patients", "oldname")
    assert own["id"] in listed(billing, "payers", "newname")
    read = billing.read(
        "query ($a: ID!, $b: ID!) { a: payer(id: $a) { name } b: payer(id: $b) { name } }", a=own["id"], b=other["id"]
    )
    assert read == {"a": {"name": "Vera Newname"}, "b": {"name": "Vera's mother"}}


def test_concurrent_changes_of_different_fields_of_a_patient_are_both_stored(billing: Client) -> None:
    patient = a_patient(billing)
    changes: list[dict[str, Any]] = [
        {"firstName": "Zoe"},
        {"lastName": "Zimt"},
        {"phone": "555-0199"},
        {"address": None},
        {"mrn": f"Z {uuid4()}"},
    ]
    with ThreadPoolExecutor(len(changes)) as people:
        list(people.map(lambda part: done(billing, "updatePatient", PATIENT, patientId=patient["id"], **part), changes))
    read = billing.read(f"query ($id: ID!) {{ {PATIENT.replace('patient', 'patient(id: $id)', 1)} }}", id=patient["id"])
    expected = {**patient, "name": "Zoe Zimt", **{name: value for part in changes for name, value in part.items()}}
    assert read["patient"] == expected
    # The search finds the name after both changes, and no other.
    assert patient["id"] in listed(billing, "patients", "zimt zoe")
    assert patient["id"] not in listed(billing, "patients", "quill")


def test_two_patients_cannot_share_a_record_number_nor_two_attorneys_a_name_in_a_firm(
    billing: Client, address: DatabaseUrls
) -> None:
    first, second = a_patient(billing), a_patient(billing)
    lawyer = {"name": "Lou Law", "firm": f"Law {uuid4()}"}
    done(billing, "createAttorney", ATTORNEY, **lawyer)
    errors: list[Any] = []

    def attempt() -> None:
        mrn = {"mrn": first["mrn"]}
        errors.append(refused(billing, "updatePatient", PATIENT, patientId=second["id"], **mrn))
        errors.append(refused(billing, "createPatient", PATIENT, firstName="Pat", lastName="Quill", **mrn))
        errors.append(refused(billing, "createAttorney", ATTORNEY, **lawyer))

    assert changed_by(address, attempt) == set()
    assert [error["code"] for error in errors] == ["CONFLICT"] * 3
    assert [error["path"][1] for error in errors] == ["mrn", "mrn", "name"]


def test_a_retired_patient_has_no_new_case_but_is_still_found(billing: Client) -> None:
    patient = a_patient(billing, lastName="Retiree")
    assert done(billing, "retirePatient", PATIENT, patientId=patient["id"]) == {**patient, "active": False}
    assert refused(billing, "retirePatient", PATIENT, patientId=patient["id"])["code"] == "CONFLICT"
    error = refused(billing, "createCase", CASE, patientId=patient["id"], dateOfInjury="2026-01-05")
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "patientId"])
    assert patient["id"] in listed(billing, "patients", "retiree")
    assert done(billing, "updatePatient", PATIENT, patientId=patient["id"], active=True)["active"] is True
    assert done(billing, "createCase", CASE, patientId=patient["id"], dateOfInjury="2026-01-05")["id"]


def test_a_retired_payer_gets_no_new_invoice_and_a_retired_attorney_no_case(
    billing: Client, admin: Client, case: str, draft: dict[str, Any]
) -> None:
    payer = done(billing, "createPayer", PAYER, name="Old Mutual", kind="INSURANCE")
    before = done(billing, "createInvoice", NEW, **{**draft, "payerId": payer["id"]})
    # What is open keeps a payer from being retired.
    done(admin, "voidInvoice", "invoice { id }", invoiceId=before["id"], reason="Billed to the wrong payer")
    done(billing, "retirePayer", PAYER, payerId=payer["id"])
    error = refused(billing, "createInvoice", NEW, **{**draft, "payerId": payer["id"]})
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "payerId"])
    read = billing.read("query ($id: ID!) { invoice(id: $id) { payer { name active } } }", id=before["id"])
    assert read["invoice"]["payer"] == {"name": "Old Mutual", "active": False}
    attorney = done(billing, "createAttorney", ATTORNEY, name="Rita Retired", firm=f"Firm {uuid4()}")
    done(billing, "retireAttorney", ATTORNEY, attorneyId=attorney["id"])
    error = refused(billing, "assignAttorney", CASE, caseId=case, attorneyId=attorney["id"])
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "attorneyId"])


def test_a_payer_names_a_patient_or_an_attorney_only_as_its_kind_requires(billing: Client, found: Found) -> None:
    for field, kind in (("patientId", "ATTORNEY"), ("attorneyId", "INSURANCE")):
        named = {field: found.own[field.removesuffix("Id").title()]}
        error = refused(billing, "createPayer", PAYER, name="A payer", kind=kind, **named)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])
    payer = done(billing, "createPayer", PAYER, name="A payer", kind="PATIENT", patientId=found.own["Patient"])
    error = refused(billing, "updatePayer", PAYER, payerId=payer["id"], kind="INSURANCE")
    assert error["path"] == ["input", "patientId"]
    changed = done(billing, "updatePayer", PAYER, payerId=payer["id"], kind="INSURANCE", patientId=None)
    assert changed["kind"] == "INSURANCE"
    assert refused(billing, "updatePayer", PAYER, payerId=payer["id"], kind=None)["path"] == ["input", "kind"]


def test_administrators_keep_physicians_and_facilities_and_prices_follow_the_facility(
    admin: Client, draft: dict[str, Any]
) -> None:
    physician = done(admin, "createPhysician", PHYSICIAN, name="Dr. Ada Fresh", npi="9000099991")
    assert (physician["npi"], physician["active"]) == ("9000099991", True)
    assert physician["id"] in listed(admin, "physicians", "fresh")
    place = done(admin, "createFacility", FACILITY, name="New Hill Clinic")
    assert place["geographicFactor"] == "1.0000"
    place = done(admin, "updateFacility", FACILITY, facilityId=place["id"], geographicFactor="1.0432")
    assert place["geographicFactor"] == "1.0432"
    where = {"facilityId": place["id"], "physicianId": physician["id"], "lines": [LINE]}
    line = done(admin, "createInvoice", NEW, **{**draft, **where})["lines"][0]
    # 13.45 by 1.0432 = 14.03104, rounded before it is multiplied by the units.
    assert (line["unitPrice"], line["amount"], line["priceTrace"]["geographicFactor"]) == ("14.03", "28.06", "1.0432")
    assert done(admin, "retirePhysician", PHYSICIAN, physicianId=physician["id"])["active"] is False
    assert done(admin, "retireFacility", FACILITY, facilityId=place["id"])["active"] is False
    assert done(admin, "updateFacility", FACILITY, facilityId=place["id"], active=True)["active"] is True


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *(
            ("createFacility", "geographicFactor", value)
            for value in ("0", "0.0000", "-1", "1.00001", "100", "1e1", "NaN", "")
        ),
        *(
            ("createPhysician", "npi", value)
            for value in ("123", "12345678901", "12345abcde", "1234567890", "\u0661" * 10)
        ),
        *(("createPhysician", "name", value) for value in ("", " ", "x" * 201, "Dr.\nHeader: x", "Dr.\u2028X")),
        *(
            ("createPatient", "email", value)
            for value in ("no address", "a@b@c", "@", "a b@c.example", "x" * 250 + "@y.ex")
        ),
        ("createPatient", "phone", "5" * 51),
        ("createPatient", "address", "x" * 501),
        ("createPatient", "birthDate", "2999-01-01"),
        ("createPatient", "mrn", "M" * 51),
        ("createPatient", "firstName", "A" * 1_000_000),
        ("createPatient", "lastName", "a\x00b"),
    ],
)
def test_an_invalid_field_is_refused_by_its_name(admin: Client, name: str, field: str, value: str) -> None:
    right = {
        "createFacility": {"name": "A place"},
        "createPhysician": {"name": "Dr. A"},
        "createPatient": {"firstName": "A", "lastName": "B", "mrn": f"M {uuid4()}"},
    }[name]
    selection = {"createFacility": FACILITY, "createPhysician": PHYSICIAN, "createPatient": PATIENT}[name]
    error = refused(admin, name, selection, **{**right, field: value})
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])


@pytest.mark.parametrize(
    "text",
    ["Robert'); drop table patients;--", "50% _off_", "=HYPERLINK(1)", "<script>alert(1)</script>", "\U0001d518 ß ΐ İ"],
)
def test_unusual_texts_are_stored_and_found_literally(billing: Client, text: str) -> None:
    patient = a_patient(billing, firstName=text, lastName=text, address=text)
    assert (patient["firstName"], patient["lastName"], patient["address"]) == (text, text, text)
    assert patient["id"] in listed(billing, "patients", text)
    assert patient["id"] not in listed(billing, "patients", "%")


def test_one_idempotency_key_records_a_patient_once(billing: Client) -> None:
    inputs = {"firstName": "Kay", "lastName": "Once", "mrn": f"M {uuid4()}", "idempotencyKey": f"key {uuid4()}"}
    first, second = (done(billing, "createPatient", PATIENT, **inputs) for _ in range(2))
    assert first == second
    assert len(listed(billing, "patients", "once")) == 1


def test_the_npi_of_another_active_physician_is_taken_with_a_warning(admin: Client) -> None:
    nine = f"{uuid4().int % 10**9:09d}"
    npi = nine + check_digit(nine)
    selection = f"{PHYSICIAN} warnings {{ code message path }}"
    first = answered(admin, "createPhysician", selection, name="Dr. First", npi=npi)
    assert (first["errors"], first["warnings"]) == ([], [])
    second = answered(admin, "createPhysician", selection, name="Dr. Second", npi=npi)
    assert second["physician"]["npi"] == npi
    [warning] = second["warnings"]
    assert (warning["code"], warning["path"]) == ("NPI_IN_USE", ["input", "npi"])
    # A retired physician does not use the NPI any more.
    done(admin, "retirePhysician", PHYSICIAN, physicianId=first["physician"]["id"])
    again = answered(admin, "updatePhysician", selection, physicianId=second["physician"]["id"], npi=npi)
    assert (again["errors"], again["warnings"]) == ([], [])
