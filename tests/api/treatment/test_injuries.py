"""Treatment is not before the injury: neither recorded, nor billed, nor by a change of the case; an administrator can confirm it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from server.database_urls import DatabaseUrls
from tests.api.treatment.conftest import VISIT, Bill, refused_to
from tests.support.api.mutations import NEW, answered, done, refused
from tests.support.api.records import Found, changed_by
from tests.support.api.scenarios import TODAY, Clinic, broken_laws
from tests.support.client import Client

CASE = """case { id version dateOfInjury openedOn history { action by { name } changes { field before after } } }"""
BEFORE, INJURY = "2026-01-04", "2026-01-05"
_BILL = "invoice { id number beforeInjuryReason history { changes { field after } } }"


def test_treatment_before_the_injury_is_refused_and_the_refusal_says_who_can_do_what(
    address: DatabaseUrls, billing: Client, physician: Client, visit: Any, draft: dict[str, Any], recorded: Any
) -> None:
    errors: list[Any] = []
    earlier = {**visit, "serviceDate": BEFORE}

    def attempt() -> None:
        errors.append(refused(billing, "recordEncounter", VISIT, **earlier))
        errors.append(refused(billing, "updateEncounter", VISIT, encounterId=recorded["id"], serviceDate=BEFORE))
        errors.append(refused(billing, "createInvoice", NEW, **{**draft, "serviceDate": BEFORE}))

    assert changed_by(address, attempt) == set()
    assert {(error["code"], *error["path"]) for error in errors} == {("INVALID_INPUT", "input", "serviceDate")}
    words = f"""The treatment must not be before the date of injury, {INJURY}: correct the day, change the day of injury
        (updateCase, by billing staff), or have an administrator confirm it with confirmReason"""
    assert {error["message"] for error in errors} == {" ".join(words.split())}
    own = {name: value for name, value in earlier.items() if name != "physicianId"}
    error = refused_to(physician, "recordEncounter", "encounter { id }", **own)
    assert error["message"].endswith("correct the day, or ask an administrator to confirm it")
    assert "updateCase" not in error["message"]


def test_only_an_administrator_can_confirm_and_a_blank_reason_confirms_nothing(
    billing: Client, physician: Client, admin: Client, visit: Any
) -> None:
    for client in (billing, physician):
        document = "mutation ($i: RecordEncounterInput!) { recordEncounter(input: $i) { encounter { id } } }"
        refusals = client.refusals(document, i={**visit, "confirmReason": "Trust me"})
        assert any("confirmReason" in refusal for refusal in refusals)
    error = refused(admin, "recordEncounter", VISIT, **{**visit, "serviceDate": BEFORE}, confirmReason=" ")
    assert error["path"] == ["input", "serviceDate"]


def test_a_confirmation_is_kept_with_its_reason_and_billed_by_staff_and_verification_finds_no_breach(
    address: DatabaseUrls, billing: Client, admin: Client, visit: Any, draft: dict[str, Any], bill_of: Bill
) -> None:
    reason = "Seen for the same injury before the police report"
    seen = done(admin, "recordEncounter", VISIT, **{**visit, "serviceDate": BEFORE}, confirmReason=reason)
    assert seen["beforeInjuryReason"] == reason
    bill = done(billing, "createInvoice", _BILL, **bill_of(seen))
    assert bill["beforeInjuryReason"] == reason
    other = done(admin, "createInvoice", _BILL, **{**draft, "serviceDate": BEFORE}, confirmReason=reason)
    assert {"field": "beforeInjuryReason", "after": reason} in other["history"][0]["changes"]
    # Where the treatment is not before the injury, there is nothing to confirm.
    late = done(admin, "recordEncounter", VISIT, **visit, confirmReason=reason)
    assert late["beforeInjuryReason"] is None
    assert broken_laws(address) == ()


def test_a_confirmed_visit_that_is_moved_needs_another_confirmation(billing: Client, admin: Client, visit: Any) -> None:
    seen = done(admin, "recordEncounter", VISIT, **{**visit, "serviceDate": BEFORE}, confirmReason="As told")
    kept = done(billing, "updateEncounter", VISIT, encounterId=seen["id"], facilityId=None)
    assert kept["beforeInjuryReason"] == "As told"
    assert refused(billing, "updateEncounter", VISIT, encounterId=seen["id"], serviceDate="2026-01-03")
    moved = done(billing, "updateEncounter", VISIT, encounterId=seen["id"], serviceDate=INJURY)
    assert moved["beforeInjuryReason"] is None


def test_the_days_of_a_case_are_changed_with_their_history(billing: Client, case: str) -> None:
    changed = done(
        billing, "updateCase", CASE, caseId=case, dateOfInjury="2026-01-02", openedOn="2026-02-01", version=1
    )
    assert (changed["dateOfInjury"], changed["openedOn"], changed["version"]) == ("2026-01-02", "2026-02-01", 2)
    [event] = changed["history"]
    assert (event["action"], event["by"]) == ("update_case", {"name": "Bill Ingfield"})
    assert event["changes"][0] == {"field": "dateOfInjury", "before": INJURY, "after": "2026-01-02"}
    stale = refused(billing, "updateCase", CASE, caseId=case, dateOfInjury=INJURY, version=1)
    assert (stale["code"], stale["path"]) == ("STALE_VERSION", ["input", "version"])
    same = done(billing, "updateCase", CASE, caseId=case, dateOfInjury="2026-01-02")
    assert (same["version"], len(same["history"])) == (2, 1)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"dateOfInjury": None}, "dateOfInjury"),
        ({"openedOn": None}, "openedOn"),
        ({"dateOfInjury": "2099-01-01"}, "dateOfInjury"),
        ({"openedOn": "2099-01-01"}, "openedOn"),
        ({"dateOfInjury": "1999-12-31"}, "dateOfInjury"),
        ({"openedOn": "2026-01-04"}, "dateOfInjury"),
    ],
)
def test_days_that_cannot_be_are_refused(
    address: DatabaseUrls, billing: Client, case: str, values: dict[str, Any], field: str
) -> None:
    errors: list[Any] = []
    assert (
        changed_by(address, lambda: errors.append(refused(billing, "updateCase", CASE, caseId=case, **values))) == set()
    )
    assert (errors[0]["code"], errors[0]["path"]) == ("INVALID_INPUT", ["input", field])


def test_the_injury_is_not_moved_past_treatment_that_is_billed_or_recorded(
    address: DatabaseUrls, billing: Client, admin: Client, case: str, recorded: Any, draft: dict[str, Any]
) -> None:
    later = {"caseId": case, "dateOfInjury": "2026-03-03"}
    errors: list[Any] = []
    bill = done(billing, "createInvoice", NEW, **draft)

    def attempt() -> None:
        assert changed_by(address, lambda: errors.append(refused(billing, "updateCase", CASE, **later))) == set()

    attempt()
    done(admin, "voidInvoice", NEW, invoiceId=bill["id"], reason="Wrong day")
    attempt()
    assert {(error["code"], *error["path"]) for error in errors} == {("CONFLICT", "input", "dateOfInjury")}
    who = "by billing staff or the treating physician"
    billed = f"Treatment before 2026-03-03 is billed by {bill['number']}: void what is wrong first (voidInvoice, by an administrator)"
    seen = "There are visits before 2026-03-03, of 2026-03-02: correct or cancel them first"
    assert [error["message"] for error in errors] == [
        billed,
        f"{seen} (updateEncounter, {who}; cancelEncounter, {who})",
    ]
    done(billing, "cancelEncounter", VISIT, encounterId=recorded["id"], reason="Wrong day")
    assert done(billing, "updateCase", CASE, **later)["dateOfInjury"] == "2026-03-03"


def test_a_visit_recorded_while_the_injury_is_moved_does_not_slip_through(
    address: DatabaseUrls, billing: Client, case: str, visit: Any
) -> None:
    def work(number: int) -> Any:
        if number % 2:
            return answered(billing, "recordEncounter", VISIT, **visit)
        return answered(billing, "updateCase", CASE, caseId=case, dateOfInjury="2026-03-03")

    with ThreadPoolExecutor(12) as crowd:
        answers = list(crowd.map(work, range(12)))
    assert any(answer["errors"] for answer in answers)
    assert broken_laws(address) == ()


def test_other_changes_of_a_case_are_in_its_history(clinic: Clinic) -> None:
    case = clinic.case()
    invoice = clinic.agreed("100.00", case)
    attorney = done(clinic.billing, "createAttorney", "attorney { id }", name="Cy Lawson", firm=f"Firm of {case}")["id"]
    done(clinic.billing, "assignAttorney", CASE, caseId=case, attorneyId=attorney)
    cheque = clinic.pays("100.00", {invoice: "100.00"})["id"]
    clinic.settles(case)
    done(clinic.admin, "reopenCase", CASE, caseId=case, reason="Too early")
    clinic.settles(case)
    clinic.bounces(cheque, clinic.admin)
    query = "query ($id: ID!) { case(id: $id) { version history { action changes { field before after } } } }"
    found = clinic.billing.read(query, id=case)["case"]
    actions = ["assign_attorney", "settle_case", "reopen_case", "settle_case", "return_cheque"]
    assert [event["action"] for event in found["history"]] == actions
    assert found["version"] == 1 + len(actions)
    assert found["history"][0]["changes"] == [
        {"field": "attorney", "before": None, "after": "Cy Lawson"},
        {"field": "effectiveOn", "before": None, "after": TODAY},
    ]
    assert {"field": "reason", "before": None, "after": "Too early"} in found["history"][2]["changes"]


def test_a_case_is_changed_by_staff_only_and_in_their_clinic_only(
    address: DatabaseUrls, billing: Client, physician: Client, attorney: Client, case: str, found: Found
) -> None:
    document = "mutation ($i: UpdateCaseInput!) { updateCase(input: $i) { case { id } } }"

    def attempt() -> None:
        for client in (physician, attorney):
            assert client.refusals(document, i={"caseId": case, "openedOn": "2026-02-02"})
        for identity in (found.foreign["Case"], found.unknown("Case")):
            assert refused(billing, "updateCase", CASE, caseId=identity, openedOn="2026-02-02")["code"] == "NOT_FOUND"

    assert changed_by(address, attempt) == set()
    for hidden in ("version", "history { id }"):
        assert "Cannot query field" in attorney.refusals(f"{{ cases {{ nodes {{ {hidden} }} }} }}")[0]
