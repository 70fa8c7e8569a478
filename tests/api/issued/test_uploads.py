"""Documents that are recorded with their uploads: letters of protection, W-9 forms, explanations of benefits and the like."""

import json
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from domain.documents.kinds import DocumentKind, IssuedDocumentKind, UploadedDocumentKind
from domain.issuing.documents import PREFIXES
from tests.api.issued.issuing import DOCUMENT, document, downloaded
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.api.records import today, uuid_of
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.client import Client
from tests.support.databases import rows

_DAY = (today() - timedelta(days=40)).isoformat()


def told(clinic: Clinic, kind: str = "LETTER_OF_PROTECTION", client: Client | None = None, **more: Any) -> Any:
    """The input of a document of a kind, with an upload of its own."""
    known = {"kind": kind, "datedOn": _DAY, "correspondent": "Ward Law"}
    if "documentId" not in more:
        known["documentId"] = clinic.upload(client)
    return {**known, **({} if "caseId" in more else {"caseId": clinic.case()}), **more}


def record(clinic: Clinic, kind: str = "LETTER_OF_PROTECTION", **more: Any) -> Any:
    """A document that billing staff recorded with its upload."""
    return done(clinic.billing, "recordDocument", DOCUMENT, **told(clinic, kind, **more))


def test_a_document_has_a_kind_that_is_drawn_or_uploaded_and_each_has_numbers_of_its_own() -> None:
    kinds = [*DocumentKind, *UploadedDocumentKind]
    assert [(one.name, one.value) for one in IssuedDocumentKind] == [(one.name, one.value) for one in kinds]
    assert set(PREFIXES) == set(kinds)
    assert len(set(PREFIXES.values())) == len(kinds)


@pytest.mark.parametrize("kind", UploadedDocumentKind)
def test_an_uploaded_document_is_numbered_and_downloaded_like_one_that_is_drawn(
    clinic: Clinic, kind: UploadedDocumentKind
) -> None:
    case = clinic.case()
    first, second = (record(clinic, kind, caseId=case) for _ in range(2))
    prefix, place = first["number"].rsplit("-", 1)
    assert (prefix, second["number"]) == (PREFIXES[kind], f"{prefix}-{int(place) + 1:06d}")
    assert (first["kind"], first["origin"], first["status"], first["fileStatus"]) == (
        kind.value,
        "UPLOADED",
        "ISSUED",
        "READY",
    )
    assert (first["asOf"], first["recipient"], first["case"]) == (_DAY, "Ward Law", {"id": case})
    assert (first["statedAmount"], first["dataHash"], first["invoices"], first["deliveries"]) == (None, None, [], [])
    response = downloaded(first["downloadUrl"])
    assert response.content.startswith(b"%PDF-1.7\nthe scan")
    assert f'"{first["number"]}.pdf"' in response.headers["content-disposition"]
    query = "query ($filter: IssuedDocumentFilter) { issuedDocuments(filter: $filter, first: 5) { nodes { id } } }"
    found = clinic.billing.read(query, filter={"kind": [kind.value], "caseId": [case]})["issuedDocuments"]["nodes"]
    assert {one["id"] for one in found} == {first["id"], second["id"]}
    assert broken_laws(clinic.address) == ()


def test_an_administrator_records_documents_too(clinic: Clinic) -> None:
    one = done(clinic.admin, "recordDocument", DOCUMENT, **told(clinic, "W9", clinic.admin))
    assert one["kind"] == "W9"


def test_what_is_wrong_with_an_uploaded_document_is_refused_and_nothing_is_recorded(clinic: Clinic) -> None:
    query = "select count(*), sum((select sum(last_number) from document_counters)) from issued_documents"
    case, upload = clinic.case(), clinic.upload()
    before = tuple(rows(clinic.address, query)[0])
    tomorrow = (today() + timedelta(days=1)).isoformat()
    for wrong, code, path in (
        ({"datedOn": tomorrow}, "INVALID_INPUT", "datedOn"),
        ({"correspondent": " "}, "INVALID_INPUT", "correspondent"),
        ({"caseId": make_id("Case", uuid_of(upload))}, "NOT_FOUND", "caseId"),
        ({"documentId": clinic.found.unknown("Upload")}, "INVALID_INPUT", "documentId"),
        # Another user's upload.
        ({"documentId": clinic.upload(clinic.admin)}, "INVALID_INPUT", "documentId"),
    ):
        values = {**told(clinic, caseId=case, documentId=upload), **wrong}
        error = refused(clinic.billing, "recordDocument", DOCUMENT, **values)
        assert (error["code"], error["path"][-1]) == (code, path)
    assert tuple(rows(clinic.address, query)[0]) == before
    record(clinic, caseId=case, documentId=upload)
    error = refused(clinic.billing, "recordDocument", DOCUMENT, **told(clinic, caseId=case, documentId=upload))
    assert error["path"][-1] == "documentId"


def test_the_same_key_records_one_document(clinic: Clinic) -> None:
    values = {**told(clinic), "idempotencyKey": "letter-of-protection-1"}
    first, again = (done(clinic.billing, "recordDocument", DOCUMENT, **values) for _ in range(2))
    assert first["id"] == again["id"]


def test_a_drawn_kind_is_not_recorded_and_an_uploaded_one_is_not_drawn(clinic: Clinic) -> None:
    tried: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("recordDocument", DOCUMENT, told(clinic, "INVOICE")),
        ("issueDocument", DOCUMENT, {"kind": "W9", "caseId": clinic.case()}),
        ("previewDocument", "preview { pageCount }", {"kind": "W9", "caseId": clinic.case()}),
        ("saveDocumentTemplate", "documentTemplate { id }", {"kind": "W9", "texts": []}),
    )
    for name, selection, values in tried:
        type_name = f"{name[0].upper()}{name[1:]}Input"
        query = f"mutation ($input: {type_name}!) {{ {name}(input: $input) {{ {selection} errors {{ message }} }} }}"
        [message] = clinic.billing.refusals(query, input=values)
        assert "enum" in message
    one = record(clinic)
    change = (
        "insert into issued_documents select (jsonb_populate_record(d, $2)).* from issued_documents d where id = $1"
    )
    made = {"id": "01900000-0000-7000-8000-000000000000", "number": "LOP-9", "origin": "drawn", "contents": "{}"}
    drawn = json.dumps({**made, "document_id": None, "data_hash": "\\x00"})
    with pytest.raises(asyncpg.CheckViolationError, match="drawn_kind"):
        rows(clinic.address, change, uuid_of(one["id"]), drawn)


def test_an_uploaded_document_is_delivered_to_whom_the_user_says_and_withdrawn(clinic: Clinic) -> None:
    one = record(clinic, "W9")
    delivery = {"issuedDocumentId": one["id"], "method": "FAX"}
    assert refused(clinic.billing, "deliverDocument", DOCUMENT, **delivery)["path"][-1] == "recipient"
    after = done(clinic.billing, "deliverDocument", DOCUMENT, recipient="The insurer", **delivery)
    assert [it["recipient"] for it in after["deliveries"]] == ["The insurer"]
    done(clinic.billing, "withdrawDocument", DOCUMENT, issuedDocumentId=one["id"], reason="Outdated")
    gone = document(clinic.billing, one["id"])
    assert gone["status"] == "WITHDRAWN"
    assert f'"WITHDRAWN {one["number"]}.pdf"' in downloaded(gone["downloadUrl"]).headers["content-disposition"]
    assert broken_laws(clinic.address) == ()


def test_an_attorney_sees_an_uploaded_document_from_its_delivery_to_the_firm_on(
    clinic: Clinic, sign_in: SignIn, own_attorney: str
) -> None:
    attorney = sign_in(Role.ATTORNEY)
    one = record(clinic, "DISBURSEMENT_SHEET", caseId=clinic.case(attorneyId=own_attorney))
    query = (
        "query ($id: ID!) { node(id: $id) { ... on IssuedDocument { kind number downloadUrl deliveries { method } } } }"
    )
    done(clinic.billing, "deliverDocument", DOCUMENT, issuedDocumentId=one["id"], method="MAIL", recipient="The payer")
    assert attorney.read(query, id=one["id"])["node"] is None
    to_firm = {"issuedDocumentId": one["id"], "method": "PORTAL", "attorneyId": own_attorney}
    done(clinic.billing, "deliverDocument", DOCUMENT, **to_firm)
    seen = attorney.read(query, id=one["id"])["node"]
    assert (seen["kind"], seen["number"]) == ("DISBURSEMENT_SHEET", one["number"])
    assert seen["deliveries"] == [{"method": "PORTAL"}]
    assert downloaded(seen["downloadUrl"]).content.startswith(b"%PDF-1.7\nthe scan")
    rows(clinic.address, "update cases set attorney_id = null where id = $1", uuid_of(one["case"]["id"]))
    assert attorney.read(query, id=one["id"])["node"] is None
    assert downloaded(seen["downloadUrl"]).status_code == 403


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_other_roles_record_no_documents(clinic: Clinic, sign_in: SignIn, role: Role) -> None:
    before = rows(clinic.address, "select count(*) as n from issued_documents")[0]["n"]
    query = "mutation ($input: RecordDocumentInput!) { recordDocument(input: $input) { errors { message } } }"
    assert sign_in(role).refusals(query, input=told(clinic))
    assert rows(clinic.address, "select count(*) as n from issued_documents")[0]["n"] == before


def test_an_uploaded_document_was_delivered_on_the_day_that_it_bears_or_later(clinic: Clinic) -> None:
    one = record(clinic, "W9")
    of = {"issuedDocumentId": one["id"], "method": "FAX", "recipient": "Lone Star Auto Insurance"}
    done(clinic.billing, "deliverDocument", DOCUMENT, **of, deliveredAt=f"{_DAY}T15:00:00Z")
    before = (date.fromisoformat(_DAY) - timedelta(days=3)).isoformat()
    error = refused(clinic.billing, "deliverDocument", DOCUMENT, **of, deliveredAt=f"{before}T15:00:00Z")
    assert error["path"] == ["input", "deliveredAt"]
    assert [breach for breach in broken_laws(clinic.address) if breach.law.kind == "DocumentDelivery"] == []
