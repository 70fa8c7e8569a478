"""What a clinic's payers are told on its first day says numbers of cases and invoices, and nothing of a patient, an illness or money."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from domain.default_reminders import LEVELS, TEMPLATES
from exports.templates import Listed, Section, check_template, fill_in
from server.addresses import Address
from tests.databases import TODAY, rows
from tests.mail.post_office import plain
from tests.mail.reminding import Reminding, reminding_over

_TOLD = """select p.first_name, p.last_name, p.birth_date, p.mrn, y.name as payer, y.kind, i.balance, i.billed_amount, i.number,
    (select array_agg(l.label) from invoice_lines l where l.invoice_id = i.id) as labels
    from message_invoices m join invoices i on i.id = m.invoice_id join patients p on p.id = i.patient_id
    join payers y on y.id = i.payer_id where m.message_id = $1"""
_STANDARD = "update reminder_policies set active = true where name = 'Standard'"
_AGED = """update invoices set submitted_on = $1::date - (case (row_number) % 3 when 0 then 30 when 1 then 60 else 95 end)
    from (select id as of, row_number() over (order by id) from invoices) n where n.of = invoices.id
    and status = 'pending_invoice' and submitted_on is not null"""


@pytest.fixture
def clinic(own_address: Address) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        rows(own_address, _STANDARD)
        rows(own_address, _AGED, TODAY)
        # Patients who pay themselves are written to, too.
        rows(own_address, "update payers set email = 'self' || id || '@patient.example' where email is null")
        yield reminding


def _secrets(row: Any) -> Iterator[str]:
    yield from (row["first_name"], row["last_name"], row["mrn"], f"{row['balance']:,.2f}", str(row["balance"]))
    yield from (f"{row['billed_amount']:,.2f}", str(row["billed_amount"]), *row["labels"])
    birth = row["birth_date"]
    yield from (birth.isoformat(), f"{birth:%m/%d/%Y}", f"{birth:%B}")
    if row["kind"] == "patient":
        yield row["payer"]


def test_every_message_of_every_level_is_free_of_patients_and_amounts(clinic: Reminding) -> None:
    assert len(clinic.run()) > 10
    levels = {row["level"] for row in rows(clinic.address, "select distinct level from message_invoices")}
    assert levels == {number for number, _ in enumerate(LEVELS, 1)}
    for _, letter in clinic.office.taken:
        identity = str(letter["Message-ID"])[1:37]
        page = letter.get_body(("html",))
        assert page is not None
        said = [str(letter["Subject"]), str(letter["To"]), plain(letter), page.get_content()]
        told = rows(clinic.address, _TOLD, identity)
        assert told
        for row in told:
            assert row["number"] in plain(letter)
            for secret in _secrets(row):
                assert not any(re.search(rf"\b{re.escape(secret)}\b", text) for text in said), secret


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_default_template_names_no_variable_that_tells_more(name: str) -> None:
    subject, body = TEMPLATES[name]
    check_template({"subject": subject, "body": body})
    named = set(re.findall(r"{{ (\w+) }}", subject + body))
    assert named <= {"clinic", "invoices"}
    one, two = (
        fill_in(
            [Section(subject, body, "Nobody", [Listed("PI-1", f"INV-{n}", Decimal(1), 1) for n in range(count)])],
            "Ours",
            TODAY,
        )
        for count in (1, 2)
    )
    assert ("invoice of" in one.subject, "invoices of" in two.subject) == (True, True)
