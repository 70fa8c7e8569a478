"""Staff say in which words payers are reminded; what cannot be filled in, or says what is not for payers, is refused as it is saved."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from db.identity import TAGS
from domain.reminders import NUMBER_VARIABLES, TEXT_VARIABLES
from server.addresses import Address
from tests.api.records import Found, uuid_of
from tests.api.steps import answered, document, done, refused
from tests.api.test_audit import event_of
from tests.api.test_reminder_policies import GOOD, TEMPLATE
from tests.client import Client
from tests.databases import rows


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("body", "a\n{% for one in invoices %}{{ one }}{% endfor %}", "Line 2: a template has no For"),
        ("body", "\n\n{{ clinic.__class__ }}", "Line 3: a template has no Getattr __class__"),
        ("body", "{{ clinic['x'] }}", "Line 1: a template has no Getitem"),
        ("body", "a\n{{ diagnosis }}", "Line 2: diagnosis is no variable"),
        ("body", "{{ floor_amount }}", "Line 1: floor_amount is no variable"),
        ("subject", "{{ patient_name }}", "Line 1: patient_name is no variable"),
        ("body", "{{ today() }}", "Line 1: a template has no Call"),
        ("body", "{{ clinic|upper }}", "Line 1: a template has no Filter upper"),
        ("body", "{{ 'a' * 10 ** 9 }}", "Line 1: a template has no Mul"),
        ("body", "{% set x = 1 %}", "Line 1: a template has no Assign"),
        ("body", "{% include 'other' %}", "Line 1: a template has no Include"),
        ("body", "{% if clinic > 1 %}x{% endif %}", "Line 1: a comparison is of one of"),
        ("body", "a {{ clinic", "Line 1: "),
        ("body", "{% if invoice_count > 1 %}s", "Line 1: "),
        ("subject", "two\nlines", "This is one line of text"),
        ("subject", "a\r\nBcc: other@example.test", "This is one line of text"),
        ("subject", " ", "This cannot be left blank"),
        ("body", " ", "This cannot be left blank"),
        ("body", "x" * 10_001, "This has at most 10,000 characters"),
    ],
)
def test_what_no_template_may_say_is_refused_with_its_line_and_name(
    address: Address, billing: Client, found: Found, field: str, text: str, words: str
) -> None:
    before = rows(address, "select count(*) from reminder_templates")
    error = refused(billing, "saveReminderTemplate", TEMPLATE, **{**GOOD, "name": "Refused", field: text})
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])
    assert error["message"].startswith(words)
    draft = {"subject": "Open", "body": "Open", field: text}
    assert (
        answered(billing, "previewReminderTemplate", "message { body }", invoiceId=found.own["Invoice"], **draft)[
            "message"
        ]
        is None
    )
    assert rows(address, "select count(*) from reminder_templates") == before


def test_of_two_who_save_a_template_at_once_each_gets_a_version(server_url: str, billing: Client) -> None:
    def save(number: int) -> int:
        with Client(server_url) as fresh, fresh.signed_in("billing@demo.clinic") as client:
            said = {"name": "At once", "subject": "Open", "body": f"{number}"}
            version: int = done(client, "saveReminderTemplate", TEMPLATE, **said)["version"]
            return version

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(save, range(4))) == [1, 2, 3, 4]


def test_a_template_is_tried_out_for_an_invoice_and_nothing_is_kept(
    address: Address, billing: Client, found: Found
) -> None:
    (row,) = rows(
        address,
        """select i.number, c.number as of, i.balance, p.first_name, p.last_name from invoices i join cases c on c.id = i.case_id
        join patients p on p.id = i.patient_id where i.clinic_id = (select clinic_id from clinics where short_name = 'demo')
        order by i.id limit 1 offset 3""",
    )
    (invoice,) = billing.read("query ($n: String!) { invoiceByNumber(number: $n) { id } }", n=row["number"]).values()
    before = rows(address, "select count(*) from outbound_messages")
    said = {
        "subject": "{{ invoice_count }} of {{ clinic }}",
        "body": "{{ invoices_with_balances }} = {{ total_balance }}",
    }
    message = done(billing, "previewReminderTemplate", "message { subject body }", invoiceId=invoice["id"], **said)
    money = f"${row['balance']:,.2f}"
    assert message == {
        "subject": "1 of Demo Injury Clinic",
        "body": f"Case {row['of']}, invoice {row['number']}: {money} = {money}",
    }
    kept = {"reminderTemplateId": found.own["ReminderTemplate"]}
    assert (
        row["number"]
        in done(billing, "previewReminderTemplate", "message { body }", invoiceId=invoice["id"], **kept)["body"]
    )
    assert rows(address, "select count(*) from outbound_messages") == before
    for wrong, code, field in (
        ({}, "INVALID_INPUT", "reminderTemplateId"),
        ({**kept, **said}, "INVALID_INPUT", "reminderTemplateId"),
        ({"subject": "Open"}, "INVALID_INPUT", "body"),
        ({"reminderTemplateId": found.foreign["ReminderTemplate"]}, "NOT_FOUND", "reminderTemplateId"),
        ({**kept, "invoiceId": found.foreign["Invoice"]}, "NOT_FOUND", "invoiceId"),
        ({**kept, "invoiceId": found.unknown("Invoice")}, "NOT_FOUND", "invoiceId"),
    ):
        error = refused(billing, "previewReminderTemplate", "message { body }", **{"invoiceId": invoice["id"], **wrong})
        assert (error["code"], error["path"]) == (code, ["input", field]), wrong


def test_whose_invoice_was_looked_at_by_a_preview_stands_in_the_audit_trail(
    address: Address, billing: Client, found: Found
) -> None:
    said = {"invoiceId": found.own["Invoice"], "subject": "Open", "body": "{{ invoices_with_balances }}"}
    _, event = event_of(address, billing, document("previewReminderTemplate", "message { body }"), input=said)
    assert event["entities"] == TAGS["Invoice"].encode() + uuid_of(found.own["Invoice"]).bytes
    assert event["fields"] == ["Case.number", "Invoice.balance"]


def test_whoever_writes_a_template_reads_what_each_variable_means(billing: Client) -> None:
    asked = '{ __type(name: "SaveReminderTemplateInput") { inputFields { name description } } }'
    fields = billing.read(asked)["__type"]["inputFields"]
    (told,) = (one["description"] for one in fields if one["name"] == "body")
    for name, words in {**TEXT_VARIABLES, **NUMBER_VARIABLES}.items():
        assert f"{name}: {words}" in told
