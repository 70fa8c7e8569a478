"""Documents that are sent by e-mail: a link or the file, recorded as a delivery once the mail server has the message."""

import asyncio
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from uuid import UUID

import pytest

from db.pools import Database
from domain.reminders.delivery_reports import read_report
from jobs.delivery_reports import apply_reports
from jobs.message_delivery import send_messages
from resolvers.commands.issued.files import Press, draw_file
from resolvers.commands.issuing.issue import DRAWER
from storage.blobs import open_folder
from storage.files import Files
from storage.mail import Outbox
from tests.api.issued.issuing import document, text_of
from tests.mail.reports.texts import plain_report
from tests.support.api.mutations import answered, done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.databases import rows
from tests.support.owner_connection import ask


def sent(clinic: Clinic, identity: str, folder: Path, files: Files) -> list[bytes]:
    """Draw the file of a document, send what is queued on the next working day, and return the messages."""

    async def run() -> None:
        clinic_id = rows(clinic.address, "select clinic_id from issued_documents where id = $1", uuid_of(identity))[0][
            0
        ]
        async with Database(clinic.address.login) as database:
            assert await draw_file(Press(database, files.store, DRAWER), UUID(str(clinic_id)), uuid_of(identity)) == 1
            await send_messages(
                database, lambda: datetime(2027, 3, 3, 17, tzinfo=UTC), Outbox(folder, "a@demo.example"), files
            )

    asyncio.run(run())
    return [path.read_bytes() for path in sorted(folder.glob("*.eml"))]


@pytest.mark.parametrize("attaches", [True, False])
def test_a_submission_by_email_is_sent_attached_only_if_the_clinic_says_so(
    clinic: Clinic, tmp_path: Path, attaches: bool
) -> None:
    setting = f"update clinics set attaches_documents = {attaches} where short_name = 'demo'"
    ask(clinic.address.owner, lambda connection: connection.execute(setting))
    ask(clinic.address.owner, lambda connection: connection.execute("update payers set email = 'payer@demo.example'"))
    invoice = clinic.invoice("70.00")
    values = {"invoiceId": invoice, "submittedOn": TODAY, "method": "EMAIL"}
    payload = answered(
        clinic.billing, "submitInvoice", "invoice { documents { id number } } warnings { code }", **values
    )
    [one] = payload["invoice"]["documents"]
    codes = [warning["code"] for warning in payload["warnings"]]
    if not attaches:
        assert codes == ["DOCUMENT_ON_PAPER"]
        return
    assert codes == []
    files = Files(open_folder(tmp_path / "store"), None, "https://clinic.example", tmp_path)  # type: ignore[arg-type]
    messages = [
        message_from_bytes(raw, policy=policy.default) for raw in sent(clinic, one["id"], tmp_path / "mail", files)
    ]
    [mine] = [message for message in messages if one["number"] in message["Subject"]]
    [attached] = list(mine.iter_attachments())
    assert attached.get_filename() == f"{one['number']}.pdf"
    assert "$70.00" in text_of(attached.get_content())
    [delivery] = document(clinic.billing, one["id"])["deliveries"]
    assert (delivery["method"], delivery["recipient"], delivery["recordedBy"]) == ("EMAIL", "payer@demo.example", None)


def test_a_document_whose_email_comes_back_is_an_action_item_until_it_is_delivered_in_another_way(
    clinic: Clinic, tmp_path: Path
) -> None:
    setting = "update clinics set attaches_documents = true where short_name = 'demo'"
    ask(clinic.address.owner, lambda connection: connection.execute(setting))
    ask(clinic.address.owner, lambda connection: connection.execute("update payers set email = 'payer@demo.example'"))
    invoice = clinic.invoice("70.00")
    selection = "invoice { documents { id } }"
    after = done(clinic.billing, "submitInvoice", selection, invoiceId=invoice, submittedOn=TODAY, method="EMAIL")
    identity = after["documents"][0]["id"]
    files = Files(open_folder(tmp_path / "store"), None, "https://clinic.example", tmp_path)  # type: ignore[arg-type]
    sent(clinic, identity, tmp_path / "mail", files)
    query = "select id from outbound_messages where issued_document_id = $1"
    report = read_report(plain_report(rows(clinic.address, query, uuid_of(identity))[0]["id"], "payer@demo.example"))
    assert report is not None

    async def apply() -> tuple[int, int]:
        async with Database(clinic.address.login) as database:
            return await apply_reports(database, datetime(2027, 3, 4, 17, tzinfo=UTC), [report])

    def items() -> list[str]:
        query = "{ actionItems(first: 500) { nodes { kind subject document { id } } } }"
        nodes = clinic.billing.read(query)["actionItems"]["nodes"]
        return [node["subject"] for node in nodes if node["document"] == {"id": identity}]

    assert items() == []
    assert asyncio.run(apply()) == (1, 1)
    [words] = items()
    assert "could not be sent: payer@demo.example: The address does not exist (5.1.1)" in words
    events = "select entities from audit_events where operation = 'readDeliveryReport'"
    case = "select case_id from issued_documents where id = $1"
    assert rows(clinic.address, case, uuid_of(identity))[0][0].bytes in rows(clinic.address, events)[0]["entities"]
    by_hand = {"issuedDocumentId": identity, "method": "MAIL", "recipient": "A payer"}
    done(clinic.billing, "deliverDocument", "issuedDocument { id }", **by_hand)
    assert items() == []


def test_a_document_that_cannot_be_sent_is_an_action_item(clinic: Clinic) -> None:
    setting = "update clinics set attaches_documents = true where short_name = 'demo'"
    ask(clinic.address.owner, lambda connection: connection.execute(setting))
    invoice = clinic.invoice("70.00")
    selection = "invoice { documents { id } }"
    after = done(clinic.billing, "submitInvoice", selection, invoiceId=invoice, submittedOn=TODAY, method="EMAIL")
    [one] = after["documents"]
    query = "update outbound_messages set status = 'failed', failure = '550 no such user' where issued_document_id = $1"
    rows(clinic.address, query, uuid_of(one["id"]))
    found = clinic.billing.read("{ actionItems(first: 500) { nodes { kind subject document { id } } } }")[
        "actionItems"
    ]["nodes"]
    assert [item["kind"] for item in found if item["document"] == {"id": one["id"]}] == ["FAILED_MESSAGE"]
