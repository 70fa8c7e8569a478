"""Commands that meet at the same rows take their locks in one order: none of them is ended by PostgreSQL as a deadlock."""

from typing import Any

from tests.api.billing.concurrency.meeting import outcomes, while_inserts_wait, while_locked
from tests.api.billing.test_encounters import TREE, VISIT
from tests.support.api.mutations import answered, done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import CHEQUE, INVOICE, Clinic, broken_laws, line
from tests.support.databases import rows

_TREATING = "select p.physician_id from treating_physicians p where p.case_id = $1 order by 1"


def _visit_of(clinic: Clinic, case: str, physician: str) -> dict[str, Any]:
    main = next(one for one in clinic.billing.read(TREE)["examTypes"] if one["name"] == "X-ray")
    sub = next(one for one in main["subExams"] if one["code"] == "RAY-RIBS")
    exams = [{"examTypeId": one["id"]} for one in (main, sub)]
    return {"caseId": case, "physicianId": physician, "serviceDate": "2026-03-02", "exams": exams}


def _visit(clinic: Clinic, case: str, physician: str) -> dict[str, Any]:
    found: dict[str, Any] = done(clinic.billing, "recordEncounter", VISIT, **_visit_of(clinic, case, physician))
    return found


def _physicians(clinic: Clinic) -> tuple[str, str]:
    nodes = clinic.billing.read("{ physicians(first: 2) { nodes { id } } }")["physicians"]["nodes"]
    return nodes[0]["id"], nodes[1]["id"]


def test_a_visit_whose_physician_is_corrected_while_it_is_billed(clinic: Clinic) -> None:
    case, (first, second) = clinic.case(), _physicians(clinic)
    visit = _visit(clinic, case, first)
    bill = {"caseId": case, "payerId": clinic.payer, "serviceDate": "2026-03-02", "encounterId": visit["id"]}
    answers = while_inserts_wait(
        clinic,
        "treating_physicians",
        lambda: answered(clinic.billing, "updateEncounter", VISIT, encounterId=visit["id"], physicianId=second),
        lambda: answered(clinic.billing, "createInvoice", INVOICE, **bill, confirmDuplicate=True),
    )
    assert outcomes(answers) == ["done", "done"]


def test_a_physician_with_a_visit_that_is_recorded_while_another_is_corrected_treats_in_the_case(
    clinic: Clinic,
) -> None:
    case, (first, second) = clinic.case(), _physicians(clinic)
    visit = _visit(clinic, case, first)
    answers = while_inserts_wait(
        clinic,
        "encounter_exams",
        lambda: answered(clinic.billing, "recordEncounter", VISIT, **_visit_of(clinic, case, first)),
        lambda: answered(clinic.billing, "updateEncounter", VISIT, encounterId=visit["id"], physicianId=second),
    )
    assert outcomes(answers) == ["done", "done"]
    treating = [row["physician_id"] for row in rows(clinic.address, _TREATING, uuid_of(case))]
    assert treating == sorted(map(uuid_of, (first, second)))


def test_a_payment_for_an_invoice_that_replaces_the_returned_one_while_the_invoice_is_replaced(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    returned = clinic.pays("10.00", {invoice: "10.00"})
    clinic.bounces(returned["id"])
    cheque = clinic.cheque_of("20.00", {invoice: "20.00"}, replacesId=returned["id"])
    lines = {"lines": [line("80.00")], "reason": "Wrong", "confirmDuplicate": True}
    answers = while_inserts_wait(
        clinic,
        "cheques",
        lambda: answered(clinic.billing, "recordCheque", CHEQUE, **cheque),
        lambda: answered(clinic.admin, "replaceInvoice", INVOICE, invoiceId=invoice, **lines),
    )
    # The case is shared while it is paid, so that the invoice is replaced with the money.
    assert outcomes(answers) == ["done", "done"]
    assert clinic.look(answers[1]["invoice"]["id"])["receivedAmount"] == "20.00"


def test_an_invoice_whose_payer_changes_while_it_is_replaced_is_replaced_by_one_of_the_new_payer(
    clinic: Clinic,
) -> None:
    invoice = clinic.submitted("100.00")
    payer = clinic.another_payer(clinic.look(invoice))
    lines = {"lines": [line("80.00")], "reason": "Wrong", "confirmDuplicate": True}
    answers = while_locked(
        clinic,
        f"select from invoices where id = '{uuid_of(invoice)}' for update",
        lambda: answered(clinic.billing, "changePayer", INVOICE, invoiceId=invoice, payerId=payer, reason="Wrong"),
        lambda: answered(clinic.billing, "replaceInvoice", INVOICE, invoiceId=invoice, **lines),
    )
    assert outcomes(answers) == ["done", "done"]
    assert answers[1]["invoice"]["payer"]["id"] == payer
    assert broken_laws(clinic.address) == ()
