"""Files of cases and of open invoices."""

from collections.abc import Mapping
from typing import Any

from domain.billing import opening_balances as openings
from domain.billing.cases import NUMBER, check_injury
from domain.billing.invoices import InvoiceStatus
from domain.imports import ImportKind
from domain.parties import MRN
from domain.texts import CODE, NAME
from imports.cells import amount, day, identifier, ignored, name, one_of
from imports.history.rows import ZERO
from imports.kinds import references
from imports.shapes import Column, Kind, Records


def _injury(row: Mapping[str, Any]) -> None:
    check_injury(row["date_of_injury"], row["opened_on"])


KINDS = (
    Kind(
        ImportKind.CASES,
        (
            Column("number", identifier(NUMBER), "number"),
            Column("patient_mrn", identifier(MRN), "patient_id", refers=references.PATIENT_IN_USE),
            Column("attorney", name(NAME), "attorney_id", needed=False, refers=references.ATTORNEY),
            Column("date_of_injury", day, "date_of_injury"),
            Column("opened_on", day, "opened_on"),
        ),
        (
            Records(
                "cases",
                ("number_key",),
                ("patient_id", "attorney_id", "date_of_injury", "opened_on"),
                named=("number",),
                fixed=("patient_id", "date_of_injury", "opened_on"),
            ),
        ),
        _injury,
        past=("opened_on",),
        keys={"number_key": ("number",)},
    ),
    Kind(
        ImportKind.INVOICES,
        # The columns of an export of invoices, in its order.
        (
            Column("invoice_number", identifier(openings.NUMBER), "number"),
            Column("case_number", identifier(NUMBER), "case_id", refers=references.CASE),
            Column("patient_name", name(NAME), "patient_name", needed=False),
            Column("billed_amount", amount(), "billed_amount"),
            Column("status", one_of(InvoiceStatus), "status"),
            Column(
                "payer",
                name(NAME),
                "payer_id",
                refers=references.even_retired("payer", references.ALL_PAYERS, "retired_at is null"),
            ),
            Column(
                "physician",
                name(NAME),
                "physician_id",
                needed=False,
                refers=references.even_retired("physician", "physicians", "active"),
            ),
            Column(
                "facility",
                name(NAME),
                "facility_id",
                needed=False,
                refers=references.even_retired("facility", "facilities", "active"),
            ),
            Column("created_on", day, "created_on"),
            Column("service_date", day, "service_date"),
            Column("submitted_on", day, "submitted_on", needed=False),
            Column("contractual_adjustments", amount(), "contractual_amount", needed=False, blank=ZERO),
            Column("agreed_amount", amount(), "agreed_amount", needed=False),
            Column("received_amount", amount(), "received_amount", needed=False, blank=ZERO),
            Column("written_off", amount(), "written_off_amount", needed=False, blank=ZERO),
            Column("balance", amount(), "balance", needed=False),
            Column("aging_bucket", ignored, "aging_bucket", needed=False),
            Column("paid_on", day, "paid_on", needed=False),
            Column("cheque_number", identifier(CODE), "cheque_number", needed=False),
        ),
        # Written as invoice histories; imports/writing/opening_balances.py compares them with existing invoices.
        (Records("invoices", ("number",), ()),),
        openings.check_opening,
        past=("created_on", "submitted_on"),
    ),
)
