"""A patient, payer or attorney like another record is saved with a warning that names it: two records of one person split the money."""

from typing import Any
from uuid import uuid4

import pytest

from server.database_urls import DatabaseUrls
from tests.support.api.mutations import answered, done
from tests.support.api.records import uuid_of
from tests.support.client import Client
from tests.support.databases import rows

WARNED = "warnings { code message path recordIds amount }"
PATIENT, PAYER, ATTORNEY = (f"{word} {{ id active }}" for word in ("patient", "payer", "attorney"))
BORN = "1981-04-17"
_EVENTS = "select operation from audit_events where position($1::bytea in entities) > 0 order by at"


def unique() -> str:
    """A last name that no other patient has."""
    return "Q" + uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))


def patient(client: Client, first: str, last: str, born: str | None = BORN, mrn: str = "") -> Any:
    """The answer to creating a patient."""
    inputs = {"firstName": first, "lastName": last, "birthDate": born, "mrn": mrn or f"M {uuid4()}"}
    return answered(client, "createPatient", f"{PATIENT} {WARNED}", **inputs)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("Zoë Ann", "O\u2019{}"),
        ("zoe  ann", "o'{}"),
        ("ZOE\u200b ANN", "O`{}"),
        # First and last name exchanged.
        ("O'{}", "Zoe Ann"),
    ],
)
def test_a_patient_of_the_same_name_and_date_of_birth_is_warned_of(billing: Client, first: str, last: str) -> None:
    name, mrn = unique(), f"M {uuid4()}"
    known = patient(billing, "Zoë Ann", f"O\u2019{name}", mrn=mrn)
    assert (known["errors"], known["warnings"]) == ([], [])
    made = patient(billing, first.format(name), last.format(name))
    assert made["errors"] == []
    [warning] = made["warnings"]
    assert (warning["code"], warning["path"]) == ("SIMILAR_PATIENT", ["input", "lastName"])
    assert (warning["recordIds"], warning["amount"]) == ([known["patient"]["id"]], None)
    assert f"record number {mrn} (id {known['patient']['id']})" in warning["message"]


@pytest.mark.parametrize(
    ("first", "last", "born"),
    [
        ("Zoe", "{}", "1981-04-18"),
        ("Zoe", "{}", None),
        # A twin, and a namesake whose name only ends alike.
        ("Zara", "{}", BORN),
        ("Mary Zoe", "{}", BORN),
    ],
)
def test_another_person_is_not_warned_of(billing: Client, first: str, last: str, born: str | None) -> None:
    name = unique()
    patient(billing, "Zoe", name)
    assert patient(billing, first, last.format(name), born)["warnings"] == []


def test_a_patient_who_is_renamed_into_another_one_is_warned_of_and_other_changes_are_not(billing: Client) -> None:
    name = unique()
    known, other = patient(billing, "Zoe", name), patient(billing, "Zoey", name)
    inputs = {"patientId": other["patient"]["id"]}
    selection = f"{PATIENT} {WARNED}"
    [warning] = answered(billing, "updatePatient", selection, **inputs, firstName="Zoe")["warnings"]
    assert warning["recordIds"] == [known["patient"]["id"]]
    assert answered(billing, "updatePatient", selection, **inputs, phone="555-0100")["warnings"] == []
    done(billing, "retirePatient", PATIENT, patientId=known["patient"]["id"])
    [warning] = patient(billing, "Zoe", name)["warnings"]
    assert ", retired (id" in warning["message"]
    assert set(warning["recordIds"]) == {known["patient"]["id"], other["patient"]["id"]}


def test_a_payer_of_the_same_name_is_warned_of(billing: Client) -> None:
    name = unique()
    selection = f"{PAYER} {WARNED}"
    known = answered(billing, "createPayer", selection, name=f"Ünited {name}", kind="INSURANCE")
    assert (known["errors"], known["warnings"]) == ([], [])
    made = answered(billing, "createPayer", selection, name=f"united  {name.upper()}", kind="ATTORNEY")
    [warning] = made["warnings"]
    assert (warning["code"], warning["path"]) == ("SIMILAR_PAYER", ["input", "name"])
    assert warning["recordIds"] == [known["payer"]["id"]]
    assert f"kind INSURANCE (id {known['payer']['id']})" in warning["message"]
    assert answered(billing, "createPayer", selection, name=f"United {name} II", kind="INSURANCE")["warnings"] == []
    unchanged = {"payerId": made["payer"]["id"], "phone": "555-0100"}
    assert answered(billing, "updatePayer", selection, **unchanged)["warnings"] == []


def test_an_attorney_of_the_same_name_in_another_firm_is_warned_of(billing: Client) -> None:
    name, firm = f"Ann_ {unique()}", f"Firm {unique()}"
    selection = f"{ATTORNEY} {WARNED}"
    known = answered(billing, "createAttorney", selection, name=name, firm=firm)
    assert (known["errors"], known["warnings"]) == ([], [])
    # Of a longer name, and of one that a pattern would find.
    for other in (f"{name} Smith", name.replace("_", "x")):
        assert answered(billing, "createAttorney", selection, name=other, firm=firm)["warnings"] == []
    made = answered(billing, "createAttorney", selection, name=name.upper(), firm=f"{firm} LLP")
    [warning] = made["warnings"]
    assert (warning["code"], warning["path"]) == ("SIMILAR_ATTORNEY", ["input", "name"])
    assert warning["recordIds"] == [known["attorney"]["id"]]
    assert f"firm {firm}" in warning["message"]


def test_the_records_that_a_warning_names_are_in_the_audit_log(billing: Client, address: DatabaseUrls) -> None:
    name = unique()
    known = patient(billing, "Zoe", name)["patient"]["id"]
    patient(billing, "Zoe", name)
    events = rows(address, _EVENTS, b"pt" + uuid_of(known).bytes)
    assert [event["operation"] for event in events] == ["createPatient", "createPatient"]
