"""Records are the same, and are found, whatever spelling of a number or a name is typed; numbers are found by those who see them."""

from typing import Any
from uuid import uuid4

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.api.records.test_master_data import ATTORNEY, PATIENT, listed
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.api.records import Found
from tests.support.client import Client
from tests.support.databases import rows

_CODE = "cptCode { id code }"


def a_patient(billing: Client, **inputs: Any) -> Any:
    return done(billing, "createPatient", PATIENT, **{"firstName": "Pat", "lastName": "Quill", **inputs})


@pytest.mark.parametrize("spelling", ["{0} ", "\u00a0{0}", "{0}\u200b", "{1}", "{2}"])
def test_a_record_number_in_another_spelling_is_the_same(billing: Client, spelling: str) -> None:
    number = f"Ré-{uuid4()}"
    a_patient(billing, mrn=number)
    typed = spelling.format(number, number.upper(), number.replace("é", "e\u0301").replace("-", "\u2011"))
    error = refused(billing, "createPatient", PATIENT, firstName="Other", lastName="Person", mrn=typed)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "mrn"])


def test_texts_are_stored_without_what_a_person_does_not_see(billing: Client) -> None:
    number = f"M {uuid4()}"
    patient = a_patient(
        billing, mrn=f" {number}\ufeff", firstName="Rene\u0301 ", lastName="O\u2019Neil\u00a0\u00a0Smith"
    )
    assert (patient["mrn"], patient["name"]) == (number, "René O\u2019Neil Smith")


def test_an_attorney_of_the_same_firm_in_another_spelling_is_refused(billing: Client) -> None:
    name = f"José Vega {uuid4().hex[:6]}"
    done(billing, "createAttorney", ATTORNEY, name=name, firm="O'Neil & Sons")
    error = refused(billing, "createAttorney", ATTORNEY, name=name.upper(), firm="O\u2019Neil  & Sons")
    assert error["code"] == "CONFLICT"
    done(billing, "createAttorney", ATTORNEY, name=name, firm="Another & Sons")


@pytest.mark.parametrize(
    "search", ["esme", "ESMÉ", "esme\u0301", "o'neil", "O\u2019Neil", "oneil", "neil-smith", "smith"]
)
def test_a_name_is_found_without_accents_and_by_any_apostrophe(billing: Client, search: str) -> None:
    patient = a_patient(billing, mrn=f"M {uuid4()}", firstName="Esmé", lastName="O\u2019Neil-Smith")
    found = [patient["id"]] if search != "neil-smith" else []
    assert [each for each in listed(billing, "patients", search) if each == patient["id"]] == found


_NUMBERS = (
    "{mrn}",
    "{upper} ",
    "{mrn:.9}",
    "+1 (555) 867-53{a}",
    "1-555-867-53{a}{b}",
    "55586753{a}",
    "(555) 867-53{a}{b}",
)


@pytest.mark.parametrize("search", _NUMBERS)
def test_staff_find_a_patient_the_cases_and_the_invoices_by_record_number_and_telephone(
    billing: Client, found: Found, search: str
) -> None:
    unique, digits = f"zq-{uuid4()}", f"{uuid4().int % 100:02d}"
    patient = a_patient(billing, mrn=unique, phone=f"555.867.53{digits}")
    text = search.format(mrn=unique, upper=unique.upper(), a=digits[0], b=digits[1])
    assert patient["id"] in listed(billing, "patients", text)
    days = {"dateOfInjury": "2026-01-05", "openedOn": "2026-01-06"}
    case = done(billing, "createCase", "case { id }", patientId=patient["id"], **days)
    assert case["id"] in listed(billing, "cases", text)


@pytest.mark.parametrize("search", ["55", "5", "(", "-", "+", "x555867", "867-53"])
def test_a_few_digits_or_the_middle_of_a_number_find_nobody_by_telephone(billing: Client, search: str) -> None:
    patient = a_patient(billing, mrn=f"zz-{uuid4()}", phone="555-867-5399")
    assert patient["id"] not in listed(billing, "patients", search)


def test_those_who_do_not_see_numbers_find_nothing_by_them(address: DatabaseUrls, sign_in: SignIn) -> None:
    [row] = rows(
        address,
        """select mrn, phone, first_name from patients p join cases c on c.patient_id = p.id join users u on u.attorney_id = c.attorney_id
        where u.email = 'attorney@demo.example' order by p.id limit 1""",
    )
    for role, finds in ((Role.BILLING, True), (Role.ATTORNEY, False)):
        client = sign_in(role)
        assert listed(client, "patients", row["first_name"]) != []
        for number in (row["mrn"], row["phone"]):
            assert bool(listed(client, "patients", number)) is finds, (role, number)


@pytest.mark.parametrize("typed", ["zq{0}", " ZQ{0}", "ZQ{0}\u200b", "ｚｑ{0}"])  # noqa: RUF001 (full-width letters)
def test_a_code_is_stored_and_found_in_capital_letters(admin: Client, typed: str) -> None:
    unique = uuid4().hex[:5].upper()
    inputs = {"label": "A service", "basePrice": "10.00", "validFrom": "2026-01-01"}
    assert done(admin, "createCptCode", _CODE, code=typed.format(unique), **inputs)["code"] == f"ZQ{unique}"
    assert refused(admin, "createCptCode", _CODE, code=f"zq{unique}", **inputs)["code"] == "CONFLICT"
    read = "query ($code: String) { cptCodes(filter: {code: $code}) { nodes { code } } }"
    assert admin.read(read, code=f"zq{unique.lower()}")["cptCodes"]["nodes"] == [{"code": f"ZQ{unique}"}]


def test_a_case_number_in_another_spelling_is_the_same(billing: Client) -> None:
    patient = a_patient(billing, mrn=f"M {uuid4()}")
    days = {"patientId": patient["id"], "dateOfInjury": "2026-01-05", "openedOn": "2026-01-06"}
    number = f"Case-{uuid4().hex[:8]}"
    done(billing, "createCase", "case { id }", number=number, **days)
    error = refused(billing, "createCase", "case { id }", number=f" {number.upper()}", **days)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "number"])


def test_generated_case_numbers_continue_after_numbers_in_small_letters(billing: Client) -> None:
    patient = a_patient(billing, mrn=f"M {uuid4()}")
    days = {"patientId": patient["id"], "dateOfInjury": "2016-01-05", "openedOn": "2016-01-06"}
    done(billing, "createCase", "case { number }", number="pi-2016-00041", **days)
    assert done(billing, "createCase", "case { number }", **days)["number"] == "PI-2016-00042"


def test_an_invoice_is_found_by_its_number_in_any_spelling(billing: Client, address: DatabaseUrls) -> None:
    [[number]] = rows(address, "select number from invoices where number like 'INV-%' order by id limit 1")
    for typed in (number.lower(), f" {number}\u200b", number.replace("-", "\u2011")):
        read = billing.read("query ($n: String!) { invoiceByNumber(number: $n) { number } }", n=typed)
        assert read == {"invoiceByNumber": {"number": number}}
