"""A payer that has paid, or has a coverage, stays who it is: whose money a payment is follows from it."""

from uuid import uuid4

from tests.support.api.mutations import done, refused
from tests.support.api.scenarios import Clinic, broken_laws

PAYER = "payer { id kind phone }"
INVOICE = "query ($id: ID!) { invoice(id: $id) { patient { id } case { id } } }"


def test_a_payer_that_paid_or_has_a_coverage_stays_who_it_is(clinic: Clinic) -> None:
    billing, invoice = clinic.billing, clinic.submitted("100.00")
    of = billing.read(INVOICE, id=invoice)["invoice"]
    patient, case = of["patient"]["id"], of["case"]["id"]
    payer = done(billing, "createPayer", PAYER, name="Pat Quill", kind="PATIENT", patientId=patient)["id"]
    clinic.pays("40.00", {invoice: "40.00"}, payerId=payer)
    name = {"firstName": "Pat", "lastName": "Quill", "mrn": f"M {uuid4()}"}
    other = done(billing, "createPatient", "patient { id }", **name)["id"]
    for changes, field in (({"patientId": other}, "patientId"), ({"kind": "INSURANCE", "patientId": None}, "kind")):
        error = refused(billing, "updatePayer", PAYER, payerId=payer, **changes)
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", field])
    same = {"kind": "PATIENT", "patientId": patient, "phone": "555-0199"}
    assert done(billing, "updatePayer", PAYER, payerId=payer, **same)["phone"] == "555-0199"
    insurer = done(billing, "createPayer", PAYER, name=f"Mutual {uuid4()}", kind="INSURANCE")["id"]
    done(billing, "addCoverage", "coverage { id }", caseId=case, kind="HEALTH", payerId=insurer)
    error = refused(billing, "updatePayer", PAYER, payerId=insurer, kind="PATIENT", patientId=patient)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "kind"])
    assert broken_laws(clinic.address) == ()
