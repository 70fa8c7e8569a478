"""The document of an invoice: drawn, numbered, frozen, downloaded, delivered, superseded and withdrawn."""

import base64
import hashlib
from io import BytesIO

import asyncpg
import httpx
import pytest
from pypdf import PdfReader

from tests.api.issued.issuing import DOCUMENT, document, downloaded, issue, text_of
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import TODAY, Clinic, line
from tests.support.databases import rows
from tests.support.owner_connection import ask


def test_an_invoice_is_drawn_within_the_call_and_downloaded(clinic: Clinic) -> None:
    invoice = clinic.invoice("1234.50")
    one = issue(clinic, "INVOICE", invoiceIds=[invoice])
    assert (one["kind"], one["origin"], one["status"], one["fileStatus"]) == ("INVOICE", "DRAWN", "ISSUED", "READY")
    assert (one["statedAmount"], one["asOf"], one["pageCount"]) == ("1234.50", TODAY, 1)
    assert one["invoices"] == [{"invoice": {"id": invoice}, "statedAmount": "1234.50"}]
    response = downloaded(one["downloadUrl"])
    assert (response.status_code, response.headers["content-type"]) == (200, "application/pdf")
    assert hashlib.sha256(response.content).hexdigest() == one["sha256"]
    assert f"{one['number']}.pdf" in response.headers["content-disposition"]
    text = text_of(response.content)
    assert "$1,234.50" in text
    assert one["number"] in text
    # The payer names the invoice with the payment.
    assert f"name the invoice {clinic.look(invoice)['number']} with it" in text.replace("\n", " ")
    # A PDF's metadata hold its number and day, and nobody's name.
    metadata = PdfReader(BytesIO(response.content)).metadata
    assert metadata is not None
    assert metadata["/Title"] == one["number"]
    assert set(metadata) == {"/Title", "/Creator", "/CreationDate", "/ModDate"}


def test_a_service_on_both_sides_says_so(clinic: Clinic) -> None:
    policy = "bilateral_policy <> 'not_allowed' and active and valid_to is null"
    code = rows(clinic.address, f"select code from cpt_codes where {policy} order by code limit 1")[0]["code"]
    invoice, bilateral = clinic.invoice(), {**line("80.00"), "code": code, "bilateral": True}
    done(clinic.billing, "replaceInvoiceLines", "invoice { id }", invoiceId=invoice, lines=[bilateral])
    one = issue(clinic, "INVOICE", invoiceIds=[invoice])
    assert "both sides" in text_of(downloaded(one["downloadUrl"]).content)


def test_documents_of_a_kind_are_numbered_one_after_the_other(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    numbers = [int(issue(clinic, "INVOICE", invoiceIds=[invoice])["number"].removeprefix("BILL-")) for _ in range(3)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_what_was_issued_is_never_edited(clinic: Clinic) -> None:
    one = issue(clinic, "INVOICE", invoiceIds=[clinic.invoice()])
    for change in (
        "update issued_documents set recipient = 'Another' where id = $1",
        "update issued_documents set contents = '{}' where id = $1",
        "update issued_documents set sha256 = '\\x00' where id = $1",
        "update issued_documents set stated_amount = 1 where id = $1",
        "delete from issued_documents where id = $1",
        "update issued_document_invoices set amount = 1 where document_id = $1",
        "delete from issued_document_invoices where document_id = $1",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            rows(clinic.address, change, uuid_of(one["id"]))
    assert document(clinic.billing, one["id"])["sha256"] == one["sha256"]


def test_a_correction_supersedes_and_each_document_says_so_when_it_is_opened(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    first = issue(clinic, "INVOICE", invoiceIds=[invoice])
    second = issue(clinic, "INVOICE", invoiceIds=[invoice], supersedesId=first["id"])
    assert second["supersedes"] == {"id": first["id"]}
    then = document(clinic.billing, first["id"])
    assert (then["supersededBy"], then["status"]) == ({"id": second["id"]}, "ISSUED")
    assert f'"SUPERSEDED {first["number"]}.pdf"' in downloaded(then["downloadUrl"]).headers["content-disposition"]
    error = refused(
        clinic.billing, "issueDocument", DOCUMENT, kind="INVOICE", invoiceIds=[invoice], supersedesId=first["id"]
    )
    assert error["code"] == "CONFLICT"
    done(clinic.billing, "withdrawDocument", DOCUMENT, issuedDocumentId=second["id"], reason="Wrong lines")
    gone = document(clinic.billing, second["id"])
    assert (gone["status"], gone["withdrawalReason"]) == ("WITHDRAWN", "Wrong lines")
    assert f'"WITHDRAWN {second["number"]}.pdf"' in downloaded(gone["downloadUrl"]).headers["content-disposition"]
    error = refused(clinic.billing, "withdrawDocument", DOCUMENT, issuedDocumentId=second["id"], reason="Again")
    assert error["code"] == "CONFLICT"


def test_a_preview_issues_nothing_and_says_on_every_page_that_it_is_one(clinic: Clinic) -> None:
    before = rows(clinic.address, "select count(*) as n from issued_documents")[0]["n"]
    values = {"kind": "INVOICE", "invoiceIds": [clinic.invoice("10.00")]}
    shown = done(clinic.billing, "previewDocument", "preview { pdf pageCount statedAmount }", **values)
    pages = [page.extract_text() for page in PdfReader(BytesIO(base64.b64decode(shown["pdf"]))).pages]
    assert (len(pages), shown["statedAmount"]) == (shown["pageCount"], "10.00")
    assert all("PREVIEW" in page for page in pages)
    assert rows(clinic.address, "select count(*) as n from issued_documents")[0]["n"] == before


def test_a_submission_issues_the_document_and_the_history_names_it(clinic: Clinic) -> None:
    invoice = clinic.invoice("50.00")
    values = {"invoiceId": invoice, "submittedOn": TODAY, "method": "MAIL"}
    selection = "invoice { documents { id number kind fileStatus statedAmount } history { transition changes { field after } } }"
    after = done(clinic.billing, "submitInvoice", selection, **values)
    [one] = after["documents"]
    assert (one["kind"], one["statedAmount"], one["fileStatus"]) == ("INVOICE", "50.00", "QUEUED")
    [step] = [one for one in after["history"] if one["transition"] == "submit_invoice"]
    assert {"field": "document", "after": one["number"]} in step["changes"]


def test_a_submission_without_the_data_of_a_letterhead_is_recorded_and_warns(clinic: Clinic) -> None:
    invoice = clinic.invoice("50.00")
    rows(
        clinic.address,
        "update clinics set address = null, physical_line1 = null, physical_city = null, physical_state = null, physical_postal_code = null",
    )
    try:
        values = {"invoiceId": invoice, "submittedOn": TODAY, "method": "MAIL"}
        selection = "invoice { submittedOn documents { id } } warnings { code message }"
        payload = answered(clinic.billing, "submitInvoice", selection, **values)
        error = refused(clinic.billing, "issueDocument", DOCUMENT, kind="INVOICE", invoiceIds=[invoice])
    finally:
        rows(
            clinic.address,
            "update clinics set address = '1 Main Street'",
        )
    assert (payload["errors"], payload["invoice"]) == ([], {"submittedOn": TODAY, "documents": []})
    assert [one["code"] for one in payload["warnings"]] == ["DOCUMENT_NOT_ISSUED"]
    assert "The clinic has no physical address (updateClinic)" in error["message"]


def test_a_submission_of_a_past_day_takes_the_proof_of_what_was_sent(clinic: Clinic) -> None:
    invoice = clinic.invoice("50.00")
    changes = f"""set session_replication_role = replica;
        update invoices set created_on = created_on - 3, responsible_since = responsible_since - 3 where id = '{uuid_of(invoice)}';
        update responsibilities set from_on = from_on - 3 where invoice_id = '{uuid_of(invoice)}'"""
    ask(clinic.address.owner, lambda connection: connection.execute(changes))
    values = {
        "invoiceId": invoice,
        "submittedOn": rows(clinic.address, "select ($1::text::date - 2)::text as d", TODAY)[0]["d"],
    }
    selection = f"invoice {{ documents {{ {DOCUMENT.removeprefix('issuedDocument {')} }}"
    after = done(clinic.billing, "submitInvoice", selection, method="FAX", documentId=clinic.upload(), **values)
    [one] = after["documents"]
    assert (one["origin"], one["fileStatus"], one["dataHash"]) == ("UPLOADED", "READY", None)
    assert downloaded(one["downloadUrl"]).content.startswith(b"%PDF-1.7\nthe scan")


def test_a_delivery_is_recorded_with_its_proof(clinic: Clinic) -> None:
    one = issue(clinic, "INVOICE", invoiceIds=[clinic.invoice()])
    values = {"issuedDocumentId": one["id"], "method": "CERTIFIED_MAIL", "trackingNumber": "9400 1"}
    after = done(clinic.billing, "deliverDocument", DOCUMENT, documentId=clinic.upload(), **values)
    [delivery] = after["deliveries"]
    assert (delivery["method"], delivery["trackingNumber"], delivery["recipient"]) == (
        "CERTIFIED_MAIL",
        "9400 1",
        one["recipient"],
    )
    assert httpx.get(delivery["proofUrl"]).status_code == 200
    error = refused(clinic.billing, "deliverDocument", DOCUMENT, deliveredAt="2999-01-01T00:00:00Z", **values)
    assert error["code"] == "INVALID_INPUT"


def test_documents_are_listed_by_filter_and_order(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    ids = [issue(clinic, "INVOICE", invoiceIds=[invoice])["id"] for _ in range(2)]
    query = """query ($filter: IssuedDocumentFilter, $order: IssuedDocumentOrder) { issuedDocuments(filter: $filter, orderBy: $order, first: 5)
        { totalCount nodes { id } } }"""
    wanted = {"invoiceId": invoice, "kind": ["INVOICE"], "isSuperseded": False, "isDelivered": False}
    found = clinic.billing.read(query, filter=wanted, order={"field": "NUMBER", "direction": "ASC"})["issuedDocuments"]
    assert [one["id"] for one in found["nodes"]] == ids
    assert found["totalCount"] == 2
