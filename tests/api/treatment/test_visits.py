"""Visits: they are listed by what bills them, are corrected and cancelled while nothing does, and nothing of them is lost."""

from datetime import timedelta
from typing import Any

import pytest

from server.database_urls import DatabaseUrls
from tests.api.treatment.conftest import SERVED, VISIT, Bill, done_by, refused_to
from tests.support.api.mutations import CASE, NEW, answered, done, refused
from tests.support.api.records import Found, changed_by, today, uuid_of
from tests.support.client import Client
from tests.support.databases import rows

LISTED = """query ($filter: EncounterFilter, $order: EncounterOrder) { encounters(filter: $filter, orderBy: $order, first: 500)
    { totalCount nodes { id status billed serviceDate recordedAt physician { id } } } }"""


def listed(client: Client, order: Any = None, **narrow: Any) -> list[str]:
    """The ids of the visits that match a filter."""
    variables = {"filter": narrow, **({"order": order} if order else {})}
    return [node["id"] for node in client.read(LISTED, **variables)["encounters"]["nodes"]]


def test_a_visit_is_unbilled_until_an_invoice_bills_it_and_again_when_the_invoice_is_void(
    billing: Client, admin: Client, case: str, recorded: Any, bill_of: Bill
) -> None:
    assert (recorded["status"], recorded["billed"], recorded["invoice"]) == ("RECORDED", False, None)
    assert listed(billing, caseId=[case], billed=False) == [recorded["id"]]
    invoice = done(billing, "createInvoice", NEW, **bill_of(recorded))
    query = "query ($id: ID!) { node(id: $id) { ... on Encounter { billed invoice { id } } } }"
    assert billing.read(query, id=recorded["id"])["node"] == {"billed": True, "invoice": {"id": invoice["id"]}}
    assert listed(billing, caseId=[case], billed=False) == []
    assert listed(billing, caseId=[case], billed=True) == [recorded["id"]]
    done(admin, "voidInvoice", NEW, invoiceId=invoice["id"], reason="Wrong payer")
    assert billing.read(query, id=recorded["id"])["node"] == {"billed": False, "invoice": None}
    assert listed(billing, caseId=[case], billed=False) == [recorded["id"]]


def test_visits_are_narrowed_by_every_criterion(billing: Client, case: str, recorded: Any, visit: Any) -> None:
    other = done(billing, "recordEncounter", VISIT, **{**visit, "serviceDate": "2026-03-09", "facilityId": None})
    done(billing, "cancelEncounter", VISIT, encounterId=other["id"], reason="Never came")
    both = [other["id"], recorded["id"]]
    assert listed(billing, caseId=[case]) == both
    assert listed(billing, {"field": "SERVICE_DATE", "direction": "ASC"}, caseId=[case]) == both[::-1]
    assert listed(billing, {"field": "RECORDED_AT", "direction": "DESC"}, caseId=[case]) == both
    patient = billing.read("query ($id: ID!) { case(id: $id) { patient { id } } }", id=case)["case"]["patient"]["id"]
    assert listed(billing, patientId=[patient]) == both
    assert listed(billing, caseId=[case], status=["CANCELLED"]) == [other["id"]]
    assert listed(billing, caseId=[case], status=["RECORDED"]) == [recorded["id"]]
    assert listed(billing, caseId=[case], status=["RECORDED", "CANCELLED"]) == both
    assert listed(billing, caseId=[case], status=[]) == []
    # A cancelled visit is not to be billed.
    assert listed(billing, caseId=[case], billed=False) == [recorded["id"]]
    assert listed(billing, caseId=[case], facilityId=[visit["facilityId"]]) == [recorded["id"]]
    assert listed(billing, caseId=[case], physicianId=[visit["physicianId"]]) == both
    assert listed(billing, caseId=[case], serviceFrom="2026-03-03") == [other["id"]]
    assert listed(billing, caseId=[case], serviceTo="2026-03-08") == [recorded["id"]]


def test_a_correction_is_made_with_its_history_and_the_version_is_checked(
    billing: Client, recorded: Any, exams: dict[str, str], found: Found
) -> None:
    other = found.own["Physician"]
    given = [{"examTypeId": exams["RAY-RIBS"], "bilateral": True}, {"examTypeId": exams["THERAPY-MOVE"], "units": 3}]
    changes = {"serviceDate": "2026-03-03", "facilityId": None, "physicianId": other, "exams": given}
    corrected = done(billing, "updateEncounter", VISIT, encounterId=recorded["id"], version=1, **changes)
    assert (corrected["serviceDate"], corrected["facility"], corrected["version"]) == ("2026-03-03", None, 2)
    assert corrected["physician"]["id"] == other
    assert [(exam["units"], exam["bilateral"]) for exam in corrected["exams"]] == [(1, True), (3, False)]
    [event] = corrected["history"]
    assert (event["action"], event["by"]) == ("update_encounter", {"name": "Bill Ingfield"})
    told = {change["field"]: (change["before"], change["after"]) for change in event["changes"]}
    assert told["serviceDate"] == (SERVED, "2026-03-03")
    assert told["physician"] == (recorded["physician"]["name"], corrected["physician"]["name"])
    assert told["facility"][1] is None
    assert told["exams"] == ("1 of Ribs", "1 of Ribs both sides, 3 of Exercise")
    error = refused(billing, "updateEncounter", VISIT, encounterId=recorded["id"], version=1, serviceDate=SERVED)
    assert (error["code"], error["path"]) == ("STALE_VERSION", ["input", "version"])
    # Nothing to change is no change.
    same = done(billing, "updateEncounter", VISIT, encounterId=recorded["id"], serviceDate="2026-03-03", exams=given)
    assert (same["version"], len(same["history"])) == (2, 1)


def test_a_cancelled_visit_stays_with_its_reason_and_is_neither_billed_nor_changed(
    billing: Client, case: str, recorded: Any, bill_of: Bill
) -> None:
    cancelled = done(billing, "cancelEncounter", VISIT, encounterId=recorded["id"], reason="Never came", version=1)
    assert (cancelled["status"], cancelled["version"]) == ("CANCELLED", 2)
    [event] = cancelled["history"]
    assert {"field": "reason", "before": None, "after": "Never came"} in event["changes"]
    for name, values in (
        ("updateEncounter", {"encounterId": recorded["id"], "serviceDate": "2026-03-03"}),
        ("cancelEncounter", {"encounterId": recorded["id"], "reason": "Again"}),
    ):
        error = refused(billing, name, VISIT, **values)
        assert error["code"] == "CONFLICT"
        assert error["message"].endswith("(recordEncounter, by billing staff or the treating physician)")
    assert refused(billing, "createInvoice", NEW, **bill_of(recorded))["path"] == ["input", "encounterId"]
    query = "query ($id: ID!) { case(id: $id) { encounters { id status } } }"
    assert billing.read(query, id=case)["case"]["encounters"] == [{"id": recorded["id"], "status": "CANCELLED"}]


def test_a_billed_visit_is_neither_corrected_nor_cancelled_and_the_refusal_names_the_invoice_to_staff_only(
    address: DatabaseUrls, billing: Client, physician: Client, recorded: Any, bill_of: Bill
) -> None:
    number = done(billing, "createInvoice", NEW, **bill_of(recorded))["number"]
    attempts: dict[str, dict[str, Any]] = {"updateEncounter": {"facilityId": None}, "cancelEncounter": {"reason": "No"}}
    for name, values in attempts.items():
        errors: list[Any] = []

        def attempt(client: Client, name: str = name, values: Any = values, errors: list[Any] = errors) -> None:
            selection = "encounter { id }"
            errors.append(refused_to(client, name, selection, encounterId=recorded["id"], **values))

        for client in (billing, physician):
            assert changed_by(address, lambda client=client: attempt(client)) == set()  # type: ignore[misc]
        assert [error["path"] for error in errors] == [["input", "encounterId"]] * 2
        words = f"Invoice {number} bills this visit: void it first (voidInvoice, by an administrator)"
        assert [error["message"] for error in errors] == [words, "The visit is billed: ask billing staff to correct it"]


def test_the_database_keeps_billed_and_cancelled_visits_as_they_are(
    address: DatabaseUrls, billing: Client, recorded: Any, bill_of: Bill
) -> None:
    identity = uuid_of(recorded["id"])
    done(billing, "createInvoice", NEW, **bill_of(recorded))
    for statement in (
        "update encounters set service_date = service_date + 1 where id = $1",
        "update encounters set cancelled_at = now() where id = $1",
        "delete from encounters where id = $1",
    ):
        with pytest.raises(Exception, match=r"not changed|never deleted"):
            rows(address, statement, identity)


def test_a_physician_corrects_and_cancels_own_visits_and_sees_whether_they_are_billed(
    physician: Client, billing: Client, recorded: Any, visit: Any, found: Found, bill_of: Bill, doctor: str
) -> None:
    own = "encounter { id status version billed serviceDate exams { units } }"
    corrected = done_by(
        physician, "updateEncounter", own, encounterId=recorded["id"], serviceDate="2026-03-04", version=1
    )
    assert (corrected["version"], corrected["billed"], corrected["serviceDate"]) == (2, False, "2026-03-04")
    stale = refused_to(physician, "updateEncounter", own, encounterId=recorded["id"], serviceDate=SERVED, version=1)
    assert (stale["__typename"], stale["code"]) == ("StaleVersion", "STALE_VERSION")
    done(billing, "createInvoice", NEW, **bill_of(corrected))
    nodes = physician.read(LISTED, filter={"billed": True})["encounters"]["nodes"]
    assert recorded["id"] in {node["id"] for node in nodes}
    assert {node["physician"]["id"] for node in nodes} == {doctor}
    for hidden in ("invoice { id }", "beforeInjuryReason", "history { id }"):
        assert "Cannot query field" in physician.refusals(f"{{ encounters {{ nodes {{ {hidden} }} }} }}")[0]
    mine = done_by(physician, "recordEncounter", own, **{k: v for k, v in visit.items() if k != "physicianId"})
    cancelled = done_by(physician, "cancelEncounter", own, encounterId=mine["id"], reason="Recorded twice")
    assert cancelled["status"] == "CANCELLED"


@pytest.mark.parametrize("name", ["updateEncounter", "cancelEncounter"])
def test_visits_of_others_and_of_other_clinics_are_answered_like_ones_that_do_not_exist(
    address: DatabaseUrls, billing: Client, physician: Client, attorney: Client, visit: Any, found: Found, name: str
) -> None:
    theirs = done(billing, "recordEncounter", VISIT, **{**visit, "physicianId": found.own["Physician"]})["id"]
    values = {"reason": "No"} if name == "cancelEncounter" else {"serviceDate": "2026-03-05"}
    selection = "encounter { id }"

    def attempt() -> None:
        for client, identity in (
            (physician, theirs),
            (physician, found.foreign["Encounter"]),
            (billing, found.foreign["Encounter"]),
            (billing, found.unknown("Encounter")),
        ):
            error = refused_to(client, name, selection, encounterId=identity, **values)
            assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "encounterId"])

    assert changed_by(address, attempt) == set()
    document = f"mutation ($i: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $i) {{ errors {{ code }} }} }}"
    assert attorney.refusals(document, i={"encounterId": theirs, **values})
    assert attorney.refusals("{ encounters { totalCount } }")


def test_a_physician_loses_the_case_with_the_visit_that_was_recorded_for_somebody_else(
    billing: Client, physician: Client, case: str, recorded: Any, found: Found
) -> None:
    seen = "query ($id: ID!) { case(id: $id) { id } }"
    assert physician.read(seen, id=case)["case"] == {"id": case}
    done(billing, "updateEncounter", VISIT, encounterId=recorded["id"], physicianId=found.own["Physician"])
    assert physician.read(seen, id=case)["case"] is None
    assert recorded["id"] not in listed(physician)


def test_what_cannot_be_billed_cannot_be_corrected_to_either(
    address: DatabaseUrls, billing: Client, recorded: Any, exams: dict[str, str], found: Found
) -> None:
    refusals: list[tuple[dict[str, Any], list[str]]] = [
        ({"serviceDate": (today() + timedelta(days=1)).isoformat()}, ["serviceDate"]),
        ({"serviceDate": None}, ["serviceDate"]),
        ({"physicianId": None}, ["physicianId"]),
        ({"physicianId": found.foreign["Physician"]}, ["physicianId"]),
        ({"facilityId": found.foreign["Facility"]}, ["facilityId"]),
        ({"exams": [{"examTypeId": exams["RAY-RIBS"], "units": 0}]}, ["exams", "0", "units"]),
        ({"exams": [{"examTypeId": exams["SCAN-NECK"], "bilateral": True}]}, ["exams", "0", "bilateral"]),
    ]

    def attempt() -> None:
        for values, path in refusals:
            error = refused(billing, "updateEncounter", VISIT, encounterId=recorded["id"], **values)
            assert error["path"] == ["input", *path], values
        assert refused(billing, "cancelEncounter", VISIT, encounterId=recorded["id"], reason=" ")["path"] == [
            "input",
            "reason",
        ]

    assert changed_by(address, attempt) == set()


def test_a_visit_and_its_correction_have_one_result_for_one_idempotency_key(billing: Client, recorded: Any) -> None:
    values = {"encounterId": recorded["id"], "facilityId": None, "idempotencyKey": f"once {recorded['id']}"}
    first, second = (answered(billing, "updateEncounter", VISIT, **values)["encounter"] for _ in range(2))
    assert first == second
    assert first["version"] == 2


def test_a_case_opened_after_the_treatment_restricts_nothing(billing: Client, visit: Any) -> None:
    query = "query ($id: ID!) { case(id: $id) { openedOn patient { id } } }"
    patient = billing.read(query, id=visit["caseId"])["case"]["patient"]["id"]
    late = done(billing, "createCase", CASE, patientId=patient, dateOfInjury="2026-01-05", openedOn="2026-06-01")
    assert done(billing, "recordEncounter", VISIT, **{**visit, "caseId": late["id"]})["serviceDate"] == SERVED
