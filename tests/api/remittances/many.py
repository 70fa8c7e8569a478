"""Submitted invoices in large numbers, copied in the database, and a remittance that pays all of them."""

from decimal import Decimal
from typing import Any

from domain.remittances.remittance import RemittedClaim, RemittedPayment
from tests.api.remittances.remitting import claim, payment, remitted_line
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import Clinic
from tests.support.databases import rows

_COLUMNS = "select column_name from information_schema.columns where table_name = $1 and is_generated = 'NEVER'"


def copies(clinic: Clinic, invoice: str, wanted: int) -> list[str]:
    """The numbers of so many copies of a submitted invoice, with its lines, history and responsibility."""
    named = {"id": "m.copied", "number": "'COPY-' || m.n", "encounter_id": "null", "external_key": "null"}
    rows(
        clinic.address,
        "create table copied as select n, gen_random_uuid() as copied from generate_series(1, $1::int) n",
        wanted,
    )
    for table, key, changed in (
        ("invoices", "id", named),
        ("invoice_lines", "invoice_id", {"id": "gen_random_uuid()", "invoice_id": "m.copied"}),
        ("responsibilities", "invoice_id", {"id": "gen_random_uuid()", "invoice_id": "m.copied"}),
        ("invoice_events", "invoice_id", {"id": "gen_random_uuid()", "invoice_id": "m.copied"}),
    ):
        columns = [row["column_name"] for row in rows(clinic.address, _COLUMNS, table)]
        values = ", ".join(changed.get(name, f"t.{name}") for name in columns)
        rows(clinic.address, f"alter table {table} disable trigger user")
        rows(
            clinic.address,
            f"insert into {table} ({', '.join(columns)}) select {values} from {table} t cross join copied m where t.{key} = $1",
            uuid_of(invoice),
        )
        rows(clinic.address, f"alter table {table} enable trigger user")
    numbers = [f"COPY-{n}" for n in range(1, wanted + 1)]
    rows(clinic.address, "drop table copied")
    return numbers


def paying(numbers: list[str], **values: Any) -> RemittedPayment:
    """A payment of many invoices of 100.00 and 50.00: 120.00 paid, 20.00 contractual, 10.00 the patient's."""
    return payment(*map(_claim, numbers), **values)


def _claim(number: str) -> RemittedClaim:
    lines = (
        remitted_line(1, "100.00", "80.00", "CO-45 20.00", code="A4556"),
        remitted_line(2, "50.00", "40.00", "PR-2 10.00", code="L0120"),
    )
    return claim(number, "150.00", "120.00", lines=lines, patient_amount=Decimal("10.00"))
