"""What each kind of document states, and what it refuses to state."""

from datetime import timedelta
from typing import Any

from db.global_ids import make_id
from tests.api.issued.issuing import DOCUMENT, document, downloaded, issue, text_of
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import today, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, broken_laws
from tests.support.client import Client
from tests.support.databases import rows

_ITEMS = "{ actionItems(first: 500) { nodes { kind subject document { id } } } }"
GOOD_THROUGH = (today() + timedelta(days=27)).isoformat()


def items(client: Client, identity: str) -> list[str]:
    """The kinds of the action items about a document."""
    found = client.read(_ITEMS)["actionItems"]["nodes"]
    return [one["kind"] for one in found if one["document"] and one["document"]["id"] == identity]


def told(one: Any) -> str:
    """The text of the file of a document."""
    return text_of(downloaded(one["downloadUrl"]).content)


def test_a_payoff_letter_states_the_balances_of_the_open_invoices(clinic: Clinic) -> None:
    case = clinic.case()
    first, second = clinic.invoice("1451.04", case), clinic.invoice("1275.00", case)
    clinic.step("voidInvoice", clinic.invoice("99.00", case), client=clinic.admin, reason="Wrong patient")
    one = issue(clinic, "PAYOFF_LETTER", caseId=case, goodThrough=GOOD_THROUGH)
    assert (one["statedAmount"], one["goodThrough"]) == ("2726.04", GOOD_THROUGH)
    stated = {it["invoice"]["id"]: it["statedAmount"] for it in one["invoices"]}
    assert stated == {first: "1451.04", second: "1275.00"}
    assert "$2,726.04" in told(one)
    assert items(clinic.billing, one["id"]) == []
    # Another charge: the letter is no longer true, until another one takes its place.
    clinic.invoice("10.00", case)
    assert items(clinic.billing, one["id"]) == ["PAYOFF_CHANGED"]
    then = issue(clinic, "PAYOFF_LETTER", caseId=case, goodThrough=GOOD_THROUGH, supersedesId=one["id"])
    assert then["statedAmount"] == "2736.04"
    assert items(clinic.billing, one["id"]) == items(clinic.billing, then["id"]) == []


def test_a_receipt_and_its_return_make_a_payoff_letter_untrue(clinic: Clinic) -> None:
    case = clinic.case()
    invoice = clinic.submitted("100.00", case)
    one = issue(clinic, "PAYOFF_LETTER", caseId=case, goodThrough=GOOD_THROUGH)
    cheque = clinic.pays("40.00", {invoice: "40.00"})
    assert items(clinic.billing, one["id"]) == ["PAYOFF_CHANGED"]
    clinic.bounces(cheque["id"])
    assert items(clinic.billing, one["id"]) == []


def test_unapplied_money_is_shown_beside_a_payoff_and_netted_only_when_asked(clinic: Clinic) -> None:
    case = clinic.case()
    payer = done(clinic.billing, "createPayer", "payer { id }", name=f"Payer of {case}", kind="ATTORNEY")["id"]
    invoice = clinic.invoice("300.00", case)
    clinic.step("changePayer", invoice, payerId=payer, reason="As agreed")
    done(clinic.billing, "recordCheque", "cheque { id }", **{**clinic.cheque_of("100.00", {}), "payerId": payer})
    beside = issue(clinic, "PAYOFF_LETTER", caseId=case, goodThrough=GOOD_THROUGH)
    netted = issue(clinic, "PAYOFF_LETTER", caseId=case, goodThrough=GOOD_THROUGH, netsUnapplied=True)
    assert (beside["statedAmount"], netted["statedAmount"]) == ("300.00", "200.00")
    assert "$100.00" in told(beside), told(beside)


def test_a_final_payoff_letter_stops_new_invoices_but_for_administrators(clinic: Clinic) -> None:
    case = clinic.case()
    clinic.invoice("100.00", case)
    one = issue(clinic, "PAYOFF_LETTER", caseId=case, goodThrough=GOOD_THROUGH, isFinal=True)
    draft = {"caseId": case, "payerId": clinic.payer, "serviceDate": "2026-03-02", "confirmDuplicate": True}
    lines = [{"code": "A4556", "overridePrice": "5.00", "overrideReason": "As agreed"}]
    error = refused(clinic.billing, "createInvoice", "invoice { id }", lines=lines, **draft)
    assert one["number"] in error["message"]
    done(clinic.admin, "createInvoice", "invoice { id }", lines=lines, **draft)
    done(clinic.billing, "withdrawDocument", DOCUMENT, issuedDocumentId=one["id"], reason="Treated again")
    done(clinic.billing, "createInvoice", "invoice { id }", lines=lines, **draft)


def test_a_statement_foots_as_of_a_past_day_restated_by_the_days_of_facts(clinic: Clinic) -> None:
    case = clinic.case()
    invoice = clinic.submitted("1000.00", case)
    clinic.pays("400.00", {invoice: "400.00"})
    now = issue(clinic, "ITEMISED_STATEMENT", caseId=case)
    assert (now["statedAmount"], now["asOf"]) == ("600.00", TODAY)
    text = told(now)
    assert all(amount in text for amount in ("$1,000.00", "$400.00", "$600.00"))
    yesterday = (today() - timedelta(days=1)).isoformat()
    error = refused(clinic.billing, "issueDocument", DOCUMENT, kind="ITEMISED_STATEMENT", caseId=case, asOf=yesterday)
    assert error["path"][-1] == "asOf"
    tomorrow = (today() + timedelta(days=1)).isoformat()
    error = refused(clinic.billing, "issueDocument", DOCUMENT, kind="ITEMISED_STATEMENT", caseId=case, asOf=tomorrow)
    assert error["code"] == "INVALID_INPUT"


def test_every_case_of_the_demo_clinic_foots_on_past_days(clinic: Clinic) -> None:
    found = rows(clinic.address, "select distinct case_id from invoices where status <> 'void' and balance > 0 limit 4")
    for row in found:
        case = make_id("Case", row["case_id"])
        for asof in ("2026-06-30", TODAY):
            values = {"kind": "ITEMISED_STATEMENT", "caseId": case, "asOf": asof}
            payload = answered(clinic.billing, "previewDocument", "preview { statedAmount }", **values)
            assert [one["path"][-1] for one in payload["errors"]] in ([], ["asOf"])
            if asof == TODAY and payload["preview"]:
                query = "select sum(balance)::text as s from invoices where case_id = $1 and status <> 'void'"
                assert payload["preview"]["statedAmount"] == rows(clinic.address, query, row["case_id"])[0]["s"]


def test_an_affidavit_swears_to_a_statement_and_its_days_are_recorded_once(clinic: Clinic) -> None:
    case = clinic.case()
    clinic.invoice("100.00", case)
    statement = issue(clinic, "ITEMISED_STATEMENT", caseId=case)
    affidavit = {"statementId": statement["id"], "affiant": "Ann Ward", "capacity": "CUSTODIAN", "county": "Travis"}
    one = issue(clinic, "BILLING_AFFIDAVIT", affidavit=affidavit)
    assert (one["statement"], one["statedAmount"]) == ({"id": statement["id"]}, "100.00")
    assert all(words in told(one) for words in ("Ann Ward", "Travis", "$100.00"))
    signed = done(clinic.billing, "recordExecution", DOCUMENT, issuedDocumentId=one["id"], executedOn=TODAY)
    assert signed["executedOn"] == TODAY
    served = {"issuedDocumentId": one["id"], "servedOn": (today() - timedelta(days=1)).isoformat()}
    assert refused(clinic.billing, "recordExecution", DOCUMENT, **served)["path"][-1] == "servedOn"


def test_a_lien_is_released_once_its_invoices_are_paid_with_cleared_money(clinic: Clinic) -> None:
    case = clinic.case()
    invoice = clinic.agreed("100.00", case)
    notice = issue(clinic, "LIEN_NOTICE", caseId=case, state="IL")
    assert (notice["state"], notice["statedAmount"]) == ("IL", "100.00")
    assert "770 ILCS 23" in told(notice)
    wanted = {"kind": "LIEN_RELEASE", "caseId": case, "state": "IL"}
    assert refused(clinic.billing, "issueDocument", DOCUMENT, **wanted)["code"] == "CONFLICT"
    cheque = clinic.pays("100.00", {invoice: "100.00"})
    assert refused(clinic.billing, "issueDocument", DOCUMENT, **wanted)["code"] == "CONFLICT"
    assert (
        refused(clinic.billing, "issueDocument", DOCUMENT, confirmSettled=True, **wanted)["path"][-1]
        == "confirmSettled"
    )
    one = issue(clinic, "LIEN_RELEASE", clinic.admin, caseId=case, state="IL", confirmSettled=True)
    assert items(clinic.billing, one["id"]) == []
    clinic.bounces(cheque["id"])
    assert items(clinic.billing, one["id"]) == ["RELEASE_UNPAID"]
    error = refused(clinic.billing, "issueDocument", DOCUMENT, kind="LIEN_NOTICE", caseId=case, state="ZZ")
    assert "GA, IL, NC, WA" in error["message"]


def test_a_release_names_exactly_the_invoices_that_were_asked_for(clinic: Clinic) -> None:
    case, other = clinic.case(), clinic.case()
    paid, void, elsewhere = clinic.agreed("100.00", case), clinic.invoice("99.00", case), clinic.invoice("50.00", other)
    clinic.pays("100.00", {paid: "100.00"})
    clinic.step("voidInvoice", void, client=clinic.admin, reason="Wrong patient")
    wanted = {"kind": "LIEN_RELEASE", "caseId": case, "state": "IL", "confirmSettled": True}
    for invoice in (void, elsewhere, make_id("Invoice", uuid_of(case))):
        error = refused(clinic.admin, "issueDocument", DOCUMENT, invoiceIds=[paid, invoice], **wanted)
        assert (error["code"], error["path"][-1]) == ("NOT_FOUND", "invoiceIds")
    one = done(clinic.admin, "issueDocument", DOCUMENT, invoiceIds=[paid, paid], **wanted)
    assert [it["invoice"]["id"] for it in one["invoices"]] == [paid]


def test_an_estimate_without_what_the_rule_asks_for_is_called_a_quote(clinic: Clinic) -> None:
    case = clinic.case()
    place = {
        "payerId": clinic.payer,
        "facilityId": clinic.found.own["Facility"],
        "physicianId": clinic.found.own["Physician"],
    }
    lines = [{"code": "A4556", "overridePrice": "80.00", "overrideReason": "As agreed"}]
    one = issue(clinic, "GOOD_FAITH_ESTIMATE", caseId=case, estimate={**place, "serviceDate": TODAY, "lines": lines})
    assert one["statedAmount"] == "80.00"
    assert "Price quote" in told(one)


def test_the_clinics_texts_are_versioned_and_used_by_later_documents(clinic: Clinic) -> None:
    template = "documentTemplate { id kind version texts { name text } }"
    texts = [{"name": "closing", "text": "Thank you, {{ patient }} #1 *bold* $x$."}]
    saved = done(clinic.billing, "saveDocumentTemplate", template, kind="INVOICE", texts=texts)
    one = issue(clinic, "INVOICE", invoiceIds=[clinic.invoice()])
    assert one["template"] == {"version": saved["version"]}
    assert "#1 *bold* $x$." in told(one).replace("\n", " ")
    for wrong in ("{{ password }}", "{{ patient", "{{ patient.name }}"):
        values = {"kind": "INVOICE", "texts": [{"name": "closing", "text": wrong}]}
        assert refused(clinic.billing, "saveDocumentTemplate", template, **values)["path"][-1] == "texts"
    none = [{"name": "closing", "text": " "}]
    done(clinic.billing, "saveDocumentTemplate", template, kind="INVOICE", texts=none)
    assert "Please send payment" not in told(issue(clinic, "INVOICE", invoiceIds=[clinic.invoice()]))
    no_title = {"kind": "INVOICE", "texts": [{"name": "title", "text": " "}]}
    assert refused(clinic.billing, "saveDocumentTemplate", template, **no_title)["path"][-1] == "texts"
    back = done(clinic.billing, "saveDocumentTemplate", template, kind="INVOICE", texts=[])
    assert (back["version"], back["texts"]) == (saved["version"] + 2, [])
    assert uuid_of(back["id"]) != uuid_of(saved["id"])
    assert document(clinic.billing, one["id"])["template"] == {"version": saved["version"]}


def test_documents_that_were_superseded_withdrawn_sworn_to_and_delivered_break_no_law(clinic: Clinic) -> None:
    case = clinic.case()
    clinic.invoice("100.00", case)
    statement = issue(clinic, "ITEMISED_STATEMENT", caseId=case)
    issue(
        clinic,
        "BILLING_AFFIDAVIT",
        affidavit={"statementId": statement["id"], "affiant": "A B", "capacity": "PROVIDER"},
    )
    first = issue(clinic, "PAYOFF_LETTER", caseId=case, goodThrough=GOOD_THROUGH)
    then = issue(clinic, "PAYOFF_LETTER", caseId=case, goodThrough=GOOD_THROUGH, supersedesId=first["id"])
    done(clinic.billing, "deliverDocument", DOCUMENT, issuedDocumentId=then["id"], method="FAX", recipient="Somebody")
    done(clinic.billing, "withdrawDocument", DOCUMENT, issuedDocumentId=then["id"], reason="Paid")
    assert broken_laws(clinic.address) == ()
