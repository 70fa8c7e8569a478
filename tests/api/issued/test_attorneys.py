"""What attorneys see: documents that were delivered to their law firm, of cases that they represent now, and nothing else of them."""

from typing import Any

from domain.access.people import Role
from tests.api.issued.issuing import DOCUMENT, document, downloaded, issue
from tests.conftest import SignIn
from tests.support.api.mutations import done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.client import Client
from tests.support.databases import rows

_SEEN = "id kind number issuedAt downloadUrl deliveries { id method deliveredAt }"


def seen(client: Client, case: str) -> list[Any]:
    """The documents that an attorney sees, in the list and in the case."""
    listed = client.read(f"{{ issuedDocuments(first: 100) {{ nodes {{ {_SEEN} }} }} }}")["issuedDocuments"]["nodes"]
    answer = client.read(f"query ($id: ID!) {{ case(id: $id) {{ documents {{ {_SEEN} }} }} }}", id=case)["case"]
    assert answer is None or {one["id"] for one in answer["documents"]} <= {one["id"] for one in listed}
    return listed  # type: ignore[no-any-return]


def test_an_attorney_sees_a_document_from_its_delivery_to_the_firm_on(
    clinic: Clinic, sign_in: SignIn, own_attorney: str
) -> None:
    attorney = sign_in(Role.ATTORNEY)
    case = clinic.case(attorneyId=own_attorney)
    one = issue(clinic, "INVOICE", invoiceIds=[clinic.invoice(case=case)])
    to_payer = {"issuedDocumentId": one["id"], "method": "MAIL", "recipient": "The payer"}
    done(clinic.billing, "deliverDocument", DOCUMENT, **to_payer)
    assert one["id"] not in [it["id"] for it in seen(attorney, case)]
    assert attorney.read("query ($id: ID!) { node(id: $id) { id } }", id=one["id"])["node"] is None

    to_firm = {"issuedDocumentId": one["id"], "method": "PORTAL", "attorneyId": own_attorney}
    done(clinic.billing, "deliverDocument", DOCUMENT, **to_firm)
    [mine] = [it for it in seen(attorney, case) if it["id"] == one["id"]]
    # The delivery to the payer is none of the firm's business.
    assert [it["method"] for it in mine["deliveries"]] == ["PORTAL"]
    before = _looks(clinic, one["id"])
    assert downloaded(mine["downloadUrl"]).status_code == 200
    assert _looks(clinic, one["id"]) == before + 1

    # With the end of the representation it closes, also by the URL that was issued before.
    rows(clinic.address, "update cases set attorney_id = null where id = $1", uuid_of(case))
    assert one["id"] not in [it["id"] for it in seen(attorney, case)]
    assert downloaded(mine["downloadUrl"]).status_code == 403


def _looks(clinic: Clinic, identity: str) -> int:
    query = """select count(*) as n from audit_events where operation = 'downloadDocument' and role = 'attorney'
        and position($1::bytea in entities) > 0"""
    found: int = rows(clinic.address, query, uuid_of(identity).bytes)[0]["n"]
    return found


def test_an_attorney_of_another_firm_sees_nothing_of_it(clinic: Clinic, sign_in: SignIn, own_attorney: str) -> None:
    case = clinic.case(attorneyId=own_attorney)
    one = issue(clinic, "INVOICE", invoiceIds=[clinic.invoice(case=case)])
    done(
        clinic.billing, "deliverDocument", DOCUMENT, issuedDocumentId=one["id"], method="HAND", attorneyId=own_attorney
    )
    other = rows(
        clinic.address,
        """select a.id, a.firm_id from attorneys a where a.clinic_id = (select clinic_id from cases where id = $1)
        and a.firm_id <> (select firm_id from attorneys where id = $2) limit 1""",
        uuid_of(case),
        uuid_of(own_attorney),
    )[0]
    user = rows(clinic.address, "select firm_id from attorneys where id = $1", uuid_of(own_attorney))[0]["firm_id"]
    client = sign_in(Role.ATTORNEY)
    assert one["id"] in [it["id"] for it in seen(client, case)]
    # An attorney who moves to another firm leaves the documents of the former one behind.
    rows(clinic.address, "update attorneys set firm_id = $2 where id = $1", uuid_of(own_attorney), other["firm_id"])
    try:
        assert one["id"] not in [it["id"] for it in seen(client, case)]
    finally:
        rows(clinic.address, "update attorneys set firm_id = $2 where id = $1", uuid_of(own_attorney), user)
    assert document(clinic.billing, one["id"])["deliveries"][0]["recordedBy"] is not None


def test_physicians_and_analysts_have_no_documents(sign_in: SignIn) -> None:
    for role in (Role.PHYSICIAN, Role.ANALYST):
        messages = sign_in(role).refusals("{ issuedDocuments(first: 1) { nodes { id } } }")
        assert "issuedDocuments" in messages[0]


def test_a_submission_by_email_queues_a_link_for_an_attorney_with_an_account(clinic: Clinic, own_attorney: str) -> None:
    case = clinic.case(attorneyId=own_attorney)
    firm = rows(
        clinic.address,
        """select p.id from payers p join attorneys a on a.clinic_id = p.clinic_id and a.firm_id = p.firm_id where a.id = $1 limit 1""",
        uuid_of(own_attorney),
    )
    assert firm, "the demo clinic has a payer of the attorney's firm"
    invoice = clinic.invoice(case=case)
    rows(clinic.address, "update invoices set payer_id = $2 where id = $1", uuid_of(invoice), firm[0]["id"])
    selection = "invoice { documents { id } } "
    after = done(clinic.billing, "submitInvoice", selection, invoiceId=invoice, submittedOn=TODAY, method="EMAIL")
    query = """select m.attaches_document, m.recipient, a.email from outbound_messages m join issued_documents d on d.id = m.issued_document_id
        join attorneys a on a.id = d.attorney_id where d.id = $1"""
    [message] = rows(clinic.address, query, uuid_of(after["documents"][0]["id"]))
    assert (message["attaches_document"], message["recipient"]) == (False, message["email"])
