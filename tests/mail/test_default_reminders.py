"""The default reminder templates contain numbers of cases and invoices, and no data of patients, no diagnosis and no amounts."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from domain.reminders.defaults import LEVELS, TEMPLATES
from exports.templates import Listed, Section, check_template, fill_in
from server.database_urls import DatabaseUrls
from tests.mail.reminding import Reminding, reminding_over
from tests.mail.smtp_server import plain
from tests.support.databases import TODAY, rows

_INVOICES_OF_MESSAGE = """select p.first_name, p.last_name, p.birth_date, p.mrn, y.name as payer, y.kind, i.balance, i.billed_amount, i.number,
    (select array_agg(l.label) from invoice_lines l where l.invoice_id = i.id) as labels
    from message_invoices m join invoices i on i.id = m.invoice_id join patients p on p.id = i.patient_id
    join payers y on y.id = i.payer_id where m.message_id = $1"""
_STANDARD = "update reminder_policies set active = true where name = 'Standard'"
_AGED = """update invoices set submitted_on = $1::date - (case (row_number) % 3 when 0 then 30 when 1 then 60 else 95 end)
    from (select id as of, row_number() over (order by id) from invoices) n where n.of = invoices.id
    and status = 'pending_invoice' and submitted_on is not null"""


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        rows(own_address, _STANDARD)
        rows(own_address, _AGED, TODAY)
        # Patients who are payers get reminders, too.
        rows(own_address, "update payers set email = 'self' || id || '@patient.example' where email is null")
        yield reminding


def _secrets(row: Any) -> Iterator[str]:
    yield from (row["first_name"], row["last_name"], row["mrn"], f"{row['balance']:,.2f}", str(row["balance"]))
    yield from (f"{row['billed_amount']:,.2f}", str(row["billed_amount"]), *row["labels"])
    birth = row["birth_date"]
    yield from (birth.isoformat(), f"{birth:%m/%d/%Y}", f"{birth:%B}")
    if row["kind"] == "patient":
        yield row["payer"]


def test_every_message_of_every_level_contains_no_patient_data_and_no_amounts(clinic: Reminding) -> None:
    assert len(clinic.run()) > 10
    for _ in range(2):
        clinic.pass_days(30)
        clinic.run()
    levels = {row["level"] for row in rows(clinic.address, "select distinct level from message_invoices")}
    assert levels == {number for number, _ in enumerate(LEVELS, 1)}
    for _, message in clinic.mail_server.taken:
        identity = str(message["Message-ID"])[1:37]
        html_part = message.get_body(("html",))
        assert html_part is not None
        texts = [str(message["Subject"]), str(message["To"]), plain(message), html_part.get_content()]
        invoices = rows(clinic.address, _INVOICES_OF_MESSAGE, identity)
        assert invoices
        for row in invoices:
            assert row["number"] in plain(message)
            for secret in _secrets(row):
                assert not any(re.search(rf"\b{re.escape(secret)}\b", text) for text in texts), secret


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_default_template_uses_no_other_variables_than_clinic_and_invoices(name: str) -> None:
    subject, body = TEMPLATES[name]
    check_template({"subject": subject, "body": body})
    named = set(re.findall(r"{{ (\w+) }}", subject + body))
    assert named <= {"clinic", "invoices"}
    one, two = (
        fill_in(
            [Section(subject, body, "A payer", [Listed("PI-1", f"INV-{n}", Decimal(1), 1) for n in range(count)])],
            "Ours",
            TODAY,
        )
        for count in (1, 2)
    )
    assert ("invoice of" in one.subject, "invoices of" in two.subject) == (True, True)
