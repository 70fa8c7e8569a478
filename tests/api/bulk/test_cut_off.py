"""A step on many records that is cut off by the end of the server goes on where it stopped when it is sent again."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from tests.api.bulk.test_bulk_steps import happened, steps
from tests.clients.test_page import blocks
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.processes import billing

_MANY, _ENOUGH = 60, 10
_SUBMITTED = "select count(*) from invoices where id = any($1) and submitted_on is not null"
_DOCUMENTS = "select count(*) from issued_document_invoices where invoice_id = any($1)"


def test_a_request_that_is_cut_off_and_sent_again_does_each_record_once(clinic: Clinic, tmp_path: Path) -> None:
    case = clinic.case()
    ids = [clinic.invoice("100.00", case) for _ in range(_MANY)]
    named = [uuid_of(one) for one in ids]

    def send(url: str) -> Any:
        with Client(url) as anonymous, anonymous.signed_in("billing@demo.example") as staff:
            try:
                return steps(staff, "submitInvoices", ids, "cut off")
            except httpx.HTTPError:
                return None

    with billing(clinic.address, "serve", at_home=str(tmp_path)) as process, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(send, process.url)
        while rows(clinic.address, _SUBMITTED, named)[0][0] < _ENOUGH:
            time.sleep(0.005)
        process.popen.kill()
        assert answer.result() is None
    done_before = rows(clinic.address, _SUBMITTED, named)[0][0]
    assert _ENOUGH <= done_before < _MANY
    again = steps(clinic.billing, "submitInvoices", ids, "cut off")
    assert again["doneCount"] == _MANY
    assert happened(clinic, ids, "submit_invoice") == _MANY
    assert rows(clinic.address, _DOCUMENTS, named)[0][0] == _MANY


def test_the_documents_of_the_page_for_client_apps_select_and_submit_many(clinic: Clinic) -> None:
    choosing, document = (
        next(text for text in blocks("graphql") if f"mutation {name}(" in text) for name in ("Select", "SubmitMany")
    )
    case = clinic.case()
    for _ in range(2):
        clinic.invoice("100.00", case)
    selection = clinic.billing.read(choosing, input={"filter": {"caseId": [case]}})["selectInvoices"]["selection"]
    sent = {"token": selection["token"], "idempotencyKey": "of the page", "submittedOn": TODAY, "method": "MAIL"}
    found = clinic.billing.read(document, input=sent)["submitInvoices"]
    assert (found["doneCount"], found["errors"]) == (2, [])
