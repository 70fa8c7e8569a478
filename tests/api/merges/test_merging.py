"""Two patients or payers are merged and parted: what is refused, what goes along, and how the merged ones are found."""

from typing import Any
from uuid import uuid4

import pytest

from db.verify import Breach
from domain.access.people import Role
from tests.conftest import SignIn
from tests.imports.imported_files import broken
from tests.support.api.mutations import NEW, done, refused
from tests.support.api.records import nothing_changes, uuid_of
from tests.support.api.scenarios import CHEQUE, TODAY, Clinic, line
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.merges import merge, part, preview, refusal

PAYER = "payer { id name phone active }"
PATIENT = "patient { id name mrn phone active }"


def a_payer(client: Client, name: str | None = None, **values: Any) -> str:
    inputs = {"name": name or f"Payer {uuid4().hex[:8]}", "kind": "INSURANCE", **values}
    identity: str = done(client, "createPayer", PAYER, **inputs)["id"]
    return identity


def a_patient(client: Client, **values: Any) -> str:
    inputs = {"mrn": uuid4().hex[:12], "firstName": "Ada", "lastName": uuid4().hex[:8], **values}
    identity: str = done(client, "createPatient", PATIENT, **inputs)["id"]
    return identity


def owed_by(clinic: Clinic, payer: str, price: str = "1000.00", case: str | None = None) -> str:
    """The id of a submitted invoice that a payer owes."""
    of = {"caseId": case or clinic.case(), "payerId": payer, "serviceDate": "2026-03-02", "confirmDuplicate": True}
    invoice: str = done(clinic.billing, "createInvoice", NEW, lines=[line(price)], **of)["id"]
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    return invoice


def read(client: Client, kind: str, identity: str, fields: str = "id name") -> Any:
    """A record by its id, by the root field of its kind and as a node, which must be the same."""
    found = client.read(f"query ($id: ID!) {{ {kind}(id: $id) {{ {fields} }} }}", id=identity)[kind]
    node = client.read(
        f"query ($id: ID!) {{ node(id: $id) {{ ... on {kind.capitalize()} {{ {fields} }} }} }}", id=identity
    )
    assert node["node"] == found
    return found


@pytest.fixture(scope="module")
def known_breaches(clinic: Clinic) -> tuple[Breach, ...]:
    """What the records with which the tests begin break."""
    return broken(clinic.address)


@pytest.fixture
def payers(clinic: Clinic) -> tuple[str, str]:
    """A payer that is to be merged, and the one that stays."""
    return a_payer(clinic.billing, phone="555-0100"), a_payer(clinic.billing, phone="555-0200")


@pytest.fixture
def patients(clinic: Clinic) -> tuple[str, str]:
    """A patient who is to be merged, and the one who stays."""
    return a_patient(clinic.billing), a_patient(clinic.billing)


def test_a_merged_payer_is_read_as_the_one_that_stays_by_either_id(clinic: Clinic, payers: tuple[str, str]) -> None:
    old, new = payers
    invoice = owed_by(clinic, old)
    before = read(clinic.billing, "payer", new)
    merge(clinic.admin, old, new)
    assert read(clinic.billing, "payer", old) == read(clinic.billing, "payer", new) == before
    shown = clinic.billing.read("query ($id: ID!) { invoice(id: $id) { payer { id name } } }", id=invoice)
    assert shown["invoice"]["payer"] == before
    for one in (old, new):
        listed = clinic.billing.read(
            "query ($ids: [ID!]) { invoices(filter: {payerId: $ids}) { totalCount nodes { id } } }", ids=[one]
        )
        assert listed["invoices"] == {"totalCount": 1, "nodes": [{"id": invoice}]}
    below = read(clinic.billing, "payer", old, "invoices { totalCount nodes { id } }")
    assert below["invoices"] == {"totalCount": 1, "nodes": [{"id": invoice}]}


def test_a_merged_record_is_in_no_list_and_is_found_by_what_it_was_called(
    clinic: Clinic, payers: tuple[str, str], patients: tuple[str, str]
) -> None:
    for kind, (old, new) in (("payers", payers), ("patients", patients)):
        called = clinic.billing.read(f"query ($id: ID!) {{ {kind[:-1]}(id: $id) {{ name }} }}", id=old)[kind[:-1]][
            "name"
        ].split()[-1]
        merge(clinic.admin, old, new)
        listed = clinic.billing.read(f"{{ {kind}(first: 500) {{ nodes {{ id }} }} }}")[kind]["nodes"]
        assert old not in {node["id"] for node in listed}
        search = f"query ($s: String) {{ {kind}(filter: {{search: $s}}) {{ nodes {{ id }} }} }}"
        assert clinic.billing.read(search, s=called)[kind]["nodes"] == [{"id": new}]


def test_a_case_is_found_by_either_name_of_its_patient(clinic: Clinic, patients: tuple[str, str]) -> None:
    old, new = patients
    case = clinic.case(patientId=old)
    merge(clinic.admin, old, new)
    for one in (old, new):
        name = rows(clinic.address, "select last_name from patients where id = $1", uuid_of(one))[0][0]
        found = clinic.billing.read("query ($s: String) { cases(filter: {search: $s}) { nodes { id } } }", s=name)
        assert found["cases"]["nodes"] == [{"id": case}]
        by_id = clinic.billing.read("query ($p: [ID!]) { cases(filter: {patientId: $p}) { nodes { id } } }", p=[one])
        assert by_id["cases"]["nodes"] == [{"id": case}]


def test_new_records_are_made_for_the_one_that_stays(
    clinic: Clinic, payers: tuple[str, str], patients: tuple[str, str]
) -> None:
    merge(clinic.admin, *payers)
    merge(clinic.admin, *patients)
    case = clinic.case(patientId=patients[0])
    assert rows(clinic.address, "select patient_id from cases where id = $1", uuid_of(case))[0][0] == uuid_of(
        patients[1]
    )
    invoice = owed_by(clinic, payers[0], case=case)
    assert rows(clinic.address, "select payer_id from invoices where id = $1", uuid_of(invoice))[0][0] == uuid_of(
        payers[1]
    )
    done(clinic.billing, "addCoverage", "coverage { id }", caseId=case, kind="PIP", payerId=payers[0])
    done(clinic.billing, "placeHold", "hold { id }", payerId=payers[0], untilOn="2035-01-01", reason="Quiet")
    for one in payers:
        error = refused(clinic.billing, "placeHold", "hold { id }", payerId=one, untilOn="2035-01-01", reason="Again")
        assert error["code"] == "CONFLICT"
    assert read(clinic.billing, "payer", payers[1], "hold { reason }") == {"hold": {"reason": "Quiet"}}


def test_a_merged_record_is_neither_changed_nor_retired_and_the_refusal_names_the_one_that_stays(
    clinic: Clinic, payers: tuple[str, str], patients: tuple[str, str]
) -> None:
    for (old, new), word in ((payers, "Payer"), (patients, "Patient")):
        merge(clinic.admin, old, new)
        for name, more in ((f"update{word}", {"phone": "555-0300"}), (f"retire{word}", {})):
            with nothing_changes(clinic.address):
                error = refused(clinic.billing, name, f"{word.lower()} {{ id }}", **{f"{word.lower()}Id": old}, **more)
            assert error["code"] == "CONFLICT"
            assert error["message"] == f"This {word.lower()} was merged into {new}: change or retire that one"


def test_the_refusal_says_first_that_a_record_was_merged_and_then_what_is_open_of_it(
    clinic: Clinic, payers: tuple[str, str]
) -> None:
    old, new = payers
    owed_by(clinic, old)
    merge(clinic.admin, old, new)
    attempts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("retirePayer", {}),
        ("updatePayer", {"active": False}),
        ("updatePayer", {"kind": "ATTORNEY"}),
        ("updatePayer", {"firmId": clinic.found.unknown("Firm")}),
    )
    for name, more in attempts:
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, name, PAYER, payerId=old, **more)
        assert error["message"] == f"This payer was merged into {new}: change or retire that one"
    assert "cannot be retired: it owes" in refused(clinic.billing, "retirePayer", PAYER, payerId=new)["message"]


def test_whoever_stays_pays_what_the_merged_one_owes_and_the_other_way(
    clinic: Clinic, payers: tuple[str, str], known_breaches: tuple[Breach, ...]
) -> None:
    old, new = payers
    first, second = owed_by(clinic, old), owed_by(clinic, new)
    kept = clinic.pays("300.00", {}, payerId=old)
    merge(clinic.admin, old, new)
    clinic.pays("400.00", {first: "400.00"}, payerId=new)
    done(
        clinic.billing,
        "allocateCheque",
        CHEQUE,
        chequeId=kept["id"],
        allocations=[{"invoiceId": second, "amount": "300.00"}],
    )
    for invoice, received in ((first, "400.00"), (second, "300.00")):
        found = clinic.billing.read(
            "query ($id: ID!) { invoice(id: $id) { receivedAmount balance payer { id } } }", id=invoice
        )
        assert found["invoice"]["receivedAmount"] == received
        assert found["invoice"]["payer"] == {"id": new}
    error = refused(clinic.billing, "transferBalance", "invoice { id }", invoiceId=first, payerId=new, reason="OTHER")
    assert "already" in error["message"]
    assert broken(clinic.address) == known_breaches


def test_a_payment_number_is_unique_for_both_together(clinic: Clinic, payers: tuple[str, str]) -> None:
    old, new = payers
    clinic.pays("10.00", {}, payerId=old, number="TWIN-1")
    merge(clinic.admin, old, new)
    for one in payers:
        error = refused(
            clinic.billing, "recordCheque", CHEQUE, **clinic.cheque_of("10.00", {}, payerId=one, number="TWIN-1")
        )
        assert error["code"] == "CONFLICT"


def test_colliding_payment_numbers_are_listed_and_refused(clinic: Clinic, payers: tuple[str, str]) -> None:
    old, new = payers
    twins = [clinic.pays("10.00", {}, payerId=one, number="TWIN-2")["id"] for one in payers]
    seen = preview(clinic.admin, old, new)
    [collision] = seen["collisions"]
    assert (collision["kind"], collision["value"], set(collision["records"])) == (
        "PAYMENT_NUMBER",
        "TWIN-2",
        set(twins),
    )
    with nothing_changes(clinic.address):
        message = refusal(clinic.admin, "mergePayers", mergedId=old, survivingId=new)
    assert "TWIN-2" in message
    assert [one["message"] for one in seen["refusals"]] == [message]
    clinic.bounces(twins[0])
    merge(clinic.admin, old, new)


def test_a_preview_says_what_differs_and_changes_nothing(clinic: Clinic, payers: tuple[str, str]) -> None:
    old, new = payers
    owed_by(clinic, old)
    with nothing_changes(clinic.address):
        seen = preview(clinic.admin, old, new)
    differing = {one["field"]: (one["merged"], one["surviving"]) for one in seen["differences"]}
    assert differing["phone"] == ("555-0100", "555-0200")
    assert set(differing) == {"name", "phone"}
    counts = {one["records"]: (one["merged"], one["surviving"]) for one in seen["counts"]}
    assert counts["invoices"] == (1, 0)
    assert (seen["refusals"], seen["collisions"], seen["differentAttorneys"]) == ([], [], False)


def test_payers_of_two_kinds_or_of_two_patients_are_two(clinic: Clinic, patients: tuple[str, str]) -> None:
    insurer, firm = a_payer(clinic.billing), a_payer(clinic.billing, kind="ATTORNEY")
    assert "two kinds" in refusal(clinic.admin, "mergePayers", mergedId=insurer, survivingId=firm)
    own = [a_payer(clinic.billing, kind="PATIENT", patientId=one) for one in patients]
    assert "mergePatients" in refusal(clinic.admin, "mergePayers", mergedId=own[0], survivingId=own[1])


def test_the_own_payers_of_merged_patients_are_merged_and_parted_with_them(
    clinic: Clinic, patients: tuple[str, str]
) -> None:
    own = [a_payer(clinic.billing, kind="PATIENT", patientId=one) for one in patients]
    assert preview(clinic.admin, *patients)["payers"] == [{"merged": own[0], "surviving": own[1]}]
    made = merge(clinic.admin, *patients)
    assert read(clinic.billing, "payer", own[0])["id"] == own[1]
    [part_of] = [
        one
        for one in clinic.admin.read("{ merges(first: 20) { nodes { id mergedId partOf { id } } } }")["merges"]["nodes"]
        if one["mergedId"] == own[0]
    ]
    assert part_of["partOf"] == {"id": made["id"]}
    assert "part of" in refusal(clinic.admin, "undoMerge", mergeId=part_of["id"])
    part(clinic.admin, made["id"])
    assert read(clinic.billing, "payer", own[0])["id"] == own[0]


def test_the_patient_pays_an_invoice_of_either_record(
    clinic: Clinic, patients: tuple[str, str], known_breaches: tuple[Breach, ...]
) -> None:
    own = a_payer(clinic.billing, kind="PATIENT", patientId=patients[1])
    case = clinic.case(patientId=patients[0])
    invoice = owed_by(clinic, clinic.payer, case=case)
    refused(clinic.billing, "recordCheque", CHEQUE, **clinic.cheque_of("10.00", {invoice: "10.00"}, payerId=own))
    made = merge(clinic.admin, *patients)
    clinic.pays("10.00", {invoice: "10.00"}, payerId=own)
    assert "something was added" in refusal(clinic.admin, "undoMerge", mergeId=made["id"])
    assert broken(clinic.address) == known_breaches


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_patients_that_were_merged_into_one_are_parted_in_any_order(clinic: Clinic, order: tuple[int, int]) -> None:
    """Each of the three has an own payer, which is merged and parted with the patient."""
    three = [a_patient(clinic.billing) for _ in range(3)]
    for patient in three:
        owed_by(clinic, a_payer(clinic.billing, kind="PATIENT", patientId=patient), case=clinic.case(patientId=patient))
    made = [merge(clinic.admin, patient, three[2]) for patient in three[:2]]
    for place in order:
        part(clinic.admin, made[place]["id"])
    assert [read(clinic.admin, "patient", patient)["id"] for patient in three] == three


def test_different_attorneys_have_to_be_confirmed(clinic: Clinic, patients: tuple[str, str]) -> None:
    lawyers = [
        done(clinic.billing, "createAttorney", "attorney { id name }", name=f"Ann {uuid4().hex[:6]}", firm="Two & Two")
        for _ in range(2)
    ]
    for patient, lawyer in zip(patients, lawyers, strict=True):
        clinic.case(patientId=patient, attorneyId=lawyer["id"])
    seen = preview(clinic.admin, *patients)
    assert seen["differentAttorneys"]
    assert seen["attorneys"] == sorted(one["name"] for one in lawyers)
    with nothing_changes(clinic.address):
        message = refusal(clinic.admin, "mergePatients", mergedId=patients[0], survivingId=patients[1])
    assert all(one["name"] in message for one in lawyers)
    made = merge(clinic.admin, *patients, confirmDifferentAttorneys=True)
    told = clinic.admin.read(
        "query ($id: ID!) { node(id: $id) { ... on Merge { confirmedDifferentAttorneys } } }", id=made["id"]
    )
    assert told["node"] == {"confirmedDifferentAttorneys": True}


def test_a_merge_is_undone_until_something_was_added(clinic: Clinic, payers: tuple[str, str]) -> None:
    old, new = payers
    invoice = owed_by(clinic, old)
    first = merge(clinic.admin, old, new)
    parted = part(clinic.admin, first["id"])
    assert parted["undoneAt"] is not None
    assert read(clinic.billing, "payer", old)["id"] == old
    assert "undone already" in refusal(clinic.admin, "undoMerge", mergeId=first["id"])
    second = merge(clinic.admin, old, new)
    clinic.pays("10.00", {invoice: "10.00"}, payerId=new)
    with nothing_changes(clinic.address):
        message = refusal(clinic.admin, "undoMerge", mergeId=second["id"])
    assert "1 payments" in message


def test_a_changed_record_is_changed_back_before_its_merge_is_undone(clinic: Clinic, payers: tuple[str, str]) -> None:
    old, new = payers
    made = merge(clinic.admin, old, new)
    done(clinic.billing, "updatePayer", PAYER, payerId=new, phone="555-0999")
    message = refusal(clinic.admin, "undoMerge", mergeId=made["id"])
    assert "phone" in message
    assert "updatePayer" in message
    done(clinic.billing, "updatePayer", PAYER, payerId=new, phone="555-0200")
    part(clinic.admin, made["id"])


def test_merges_follow_each_other_and_are_undone_in_turn(clinic: Clinic, known_breaches: tuple[Breach, ...]) -> None:
    one, two, three = (a_payer(clinic.billing) for _ in range(3))
    first = merge(clinic.admin, one, two)
    assert "was merged into" in refusal(clinic.admin, "mergePayers", mergedId=one, survivingId=three)
    assert "was merged into" in refusal(clinic.admin, "mergePayers", mergedId=three, survivingId=one)
    second = merge(clinic.admin, two, three)
    assert {read(clinic.billing, "payer", each)["id"] for each in (one, two, three)} == {three}
    assert "undo that merge first" in refusal(clinic.admin, "undoMerge", mergeId=first["id"])
    part(clinic.admin, second["id"])
    assert [read(clinic.billing, "payer", each)["id"] for each in (one, two, three)] == [two, two, three]
    part(clinic.admin, first["id"])
    assert broken(clinic.address) == known_breaches


def test_a_retired_record_is_merged_into_one_in_use_and_not_the_other_way(
    clinic: Clinic, payers: tuple[str, str]
) -> None:
    old, new = payers
    done(clinic.billing, "retirePayer", PAYER, payerId=old)
    assert "retired" in refusal(clinic.admin, "mergePayers", mergedId=new, survivingId=old)
    merge(clinic.admin, old, new)
    assert read(clinic.billing, "payer", old, "id active") == {"id": new, "active": True}


def test_a_record_is_not_merged_with_itself_or_with_one_of_another_kind(
    clinic: Clinic, payers: tuple[str, str], patients: tuple[str, str]
) -> None:
    assert "itself" in refusal(clinic.admin, "mergePayers", mergedId=payers[0], survivingId=payers[0])
    assert "no such" in refusal(clinic.admin, "mergePayers", mergedId=payers[0], survivingId=patients[0])


def test_the_audit_log_answers_about_both_for_either_id(clinic: Clinic, patients: tuple[str, str]) -> None:
    assert read(clinic.billing, "patient", patients[0])["id"] == patients[0]
    made = merge(clinic.admin, *patients)
    trail = "query ($f: AuditFilter) { auditTrail(filter: $f, first: 50) { nodes { operation } } }"
    for name in ("patientId", "entityId"):
        found = [
            {one["operation"] for one in clinic.admin.read(trail, f={name: each})["auditTrail"]["nodes"]}
            for each in patients
        ]
        assert found[0] == found[1]
    events = clinic.admin.read(trail, f={"operation": "mergePatients", "entityId": patients[0]})["auditTrail"]["nodes"]
    assert len(events) <= 1
    part(clinic.admin, made["id"])


def test_nobody_but_an_administrator_knows_of_merges(clinic: Clinic, sign_in: SignIn, payers: tuple[str, str]) -> None:
    made = merge(clinic.admin, *payers)
    for role in Role:
        answer = sign_in(role).ask("query ($id: ID!) { node(id: $id) { id } }", id=made["id"])
        if role is Role.ADMIN:
            assert answer["data"]["node"] == {"id": made["id"]}
        else:
            assert answer["data"]["node"] is None
            assert "errors" in sign_in(role).ask("{ merges { nodes { id } } }")
