"""Reminder templates: what cannot be filled in, or must not be sent to payers, is refused when saved."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from db.global_ids import TAGS
from domain.reminders.reminders import NUMBER_VARIABLES, TEXT_VARIABLES
from server.database_urls import DatabaseUrls
from tests.api.audit_log.test_audit_events import event_of
from tests.api.reminders.test_reminder_policies import GOOD, TEMPLATE
from tests.support.api.mutations import answered, document, done, refused
from tests.support.api.records import Found, uuid_of
from tests.support.client import Client
from tests.support.databases import rows


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("body", "a\n{% for one in invoices %}{{ one }}{% endfor %}", "Line 2: a template has no For"),
        ("body", "\n\n{{ clinic.__class__ }}", "Line 3: a template has no Getattr __class__"),
        ("body", "{{ clinic['x'] }}", "Line 1: a template has no Getitem"),
        ("body", "{{" + "(" * 4_000 + "1" + ")" * 4_000 + "}}", "Line 1: this is nested too deeply"),
        ("body", "{% if invoice_count > 1 %}" * 200 + "{% endif %}" * 200, "Line 1: this is nested too deeply"),
        (
            "body",
            "{% if invoice_count > " + "9" * 5_000 + " %}{% endif %}",
            "Line 1: this is nested too deeply, or a number",
        ),
        ("body", "a\n{{ diagnosis }}", "Line 2: diagnosis is not a variable"),
        ("body", "{{ floor_amount }}", "Line 1: floor_amount is not a variable"),
        ("subject", "{{ patient_name }}", "Line 1: patient_name is not a variable"),
        ("body", "{{ today() }}", "Line 1: a template has no Call"),
        ("body", "{{ clinic|upper }}", "Line 1: a template has no Filter upper"),
        ("body", "{{ 'a' * 10 ** 9 }}", "Line 1: a template has no Mul"),
        ("body", "{% set x = 1 %}", "Line 1: a template has no Assign"),
        ("body", "{% include 'other' %}", "Line 1: a template has no Include"),
        ("body", "{% if clinic > 1 %}x{% endif %}", "Line 1: a comparison must be of one of"),
        ("body", "a {{ clinic", "Line 1: "),
        ("body", "{% if invoice_count > 1 %}s", "Line 1: "),
        ("subject", "two\nlines", "The text must be a single line"),
        ("subject", "a\r\nBcc: other@example.test", "The text must be a single line"),
        ("subject", " ", "This cannot be left blank"),
        ("body", " ", "This cannot be left blank"),
        ("body", "x" * 10_001, "This has at most 10,000 characters"),
    ],
)
def test_an_invalid_template_is_refused_with_its_line_and_variable(
    address: DatabaseUrls, billing: Client, found: Found, field: str, text: str, words: str
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


def test_concurrent_saves_of_a_template_get_a_version_each(server_url: str, billing: Client) -> None:
    def save(number: int) -> int:
        with Client(server_url) as fresh, fresh.signed_in("billing@demo.example") as client:
            inputs = {"name": "At once", "subject": "Open", "body": f"{number}"}
            version: int = done(client, "saveReminderTemplate", TEMPLATE, **inputs)["version"]
            return version

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(save, range(4))) == [1, 2, 3, 4]


def test_a_preview_renders_a_template_for_an_invoice_and_stores_nothing(
    address: DatabaseUrls, billing: Client, found: Found
) -> None:
    (row,) = rows(
        address,
        """select i.number, c.number as of, i.balance, p.first_name, p.last_name from invoices i join cases c on c.id = i.case_id
        join patients p on p.id = i.patient_id where i.clinic_id = (select clinic_id from clinics where short_name = 'demo')
        order by i.id limit 1 offset 3""",
    )
    (invoice,) = billing.read("query ($n: String!) { invoiceByNumber(number: $n) { id } }", n=row["number"]).values()
    before = rows(address, "select count(*) from outbound_messages")
    inputs = {
        "subject": "{{ invoice_count }} of {{ clinic }}",
        "body": "{{ invoices_with_balances }} = {{ total_balance }}",
    }
    message = done(billing, "previewReminderTemplate", "message { subject body }", invoiceId=invoice["id"], **inputs)
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
        ({**kept, **inputs}, "INVALID_INPUT", "reminderTemplateId"),
        ({"subject": "Open"}, "INVALID_INPUT", "body"),
        ({"reminderTemplateId": found.foreign["ReminderTemplate"]}, "NOT_FOUND", "reminderTemplateId"),
        ({**kept, "invoiceId": found.foreign["Invoice"]}, "NOT_FOUND", "invoiceId"),
        ({**kept, "invoiceId": found.unknown("Invoice")}, "NOT_FOUND", "invoiceId"),
    ):
        error = refused(billing, "previewReminderTemplate", "message { body }", **{"invoiceId": invoice["id"], **wrong})
        assert (error["code"], error["path"]) == (code, ["input", field]), wrong


def test_the_audit_log_records_the_invoice_of_a_preview(address: DatabaseUrls, billing: Client, found: Found) -> None:
    inputs = {"invoiceId": found.own["Invoice"], "subject": "Open", "body": "{{ invoices_with_balances }}"}
    _, event = event_of(address, billing, document("previewReminderTemplate", "message { body }"), input=inputs)
    assert event["entities"] == TAGS["Invoice"].encode() + uuid_of(found.own["Invoice"]).bytes
    assert event["fields"] == ["Case.number", "Invoice.balance"]


def test_the_schema_describes_every_variable_of_a_template(billing: Client) -> None:
    query = '{ __type(name: "SaveReminderTemplateInput") { inputFields { name description } } }'
    fields = billing.read(query)["__type"]["inputFields"]
    (description,) = (one["description"] for one in fields if one["name"] == "body")
    for name, words in {**TEXT_VARIABLES, **NUMBER_VARIABLES}.items():
        assert f"{name}: {words}" in description
