"""The columns of each kind of export: their order, headers and cell formats."""

from dataclasses import dataclass
from enum import StrEnum

from domain.exports import ExportKind


class Cell(StrEnum):
    """The type of a cell."""

    TEXT = "text"
    # An enum value of the API, such as a status.
    WORD = "word"
    DATE = "date"
    AMOUNT = "amount"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the path of fields from the record of a row to its value, which is also its name, and its format.

    Columns that are not `default` have to be requested.
    `width` is in characters.
    """

    header: str
    path: str
    cell: Cell = Cell.TEXT
    width: int = 16
    default: bool = True


_INVOICE = "Invoice number"


def _date(header: str, path: str, *, default: bool = True) -> Column:
    return Column(header, path, Cell.DATE, 12, default)


def _amount(header: str, path: str, *, default: bool = True) -> Column:
    return Column(header, path, Cell.AMOUNT, 14, default)


_INVOICES = (
    Column(_INVOICE, "number"),
    Column("Case number", "case.number"),
    Column("Patient name", "patient.name", width=28),
    _amount("Billed amount", "billedAmount"),
    Column("Status", "status", Cell.WORD, 18),
    Column("Payer", "payer.name", width=32),
    Column("Physician", "physician.name", width=28),
    Column("Facility", "facility.name", width=28),
    _date("Created on", "createdOn"),
    _date("Service date", "serviceDate"),
    _date("Submitted on", "submittedOn"),
    _amount("Contractual adjustments", "contractualAmount"),
    _amount("Agreed amount", "agreedAmount"),
    _amount("Received amount", "receivedAmount"),
    _amount("Written off", "writtenOffAmount"),
    _amount("Balance", "balance"),
    Column("Aging bucket", "agingBucket", Cell.WORD, 16),
    _date("Paid on", "paidOn"),
    _date("Fully paid on", "fullyPaidOn", default=False),
    Column("Age in days", "ageDays", Cell.NUMBER, 12, default=False),
    Column("Risk", "risk", Cell.WORD, default=False),
    Column("Payer kind", "payer.kind", Cell.WORD, default=False),
    Column("Attorney", "case.attorney.name", width=28, default=False),
    Column("Case status", "case.status", Cell.WORD, default=False),
    _date("Date of injury", "case.dateOfInjury", default=False),
    Column("Record number", "patient.mrn", default=False),
    _date("Birth date", "patient.birthDate", default=False),
    _amount("Reduction", "negotiation.reductionAmount", default=False),
)
# The rows of a payment add up to its amount.
_PAYMENTS = (
    Column("Cheque number", "cheque.number"),
    _date("Cheque date", "cheque.chequeDate"),
    _date("Received on", "cheque.receivedOn"),
    _date("Returned on", "cheque.returnedOn"),
    Column("Payer", "cheque.payer.name", width=32),
    Column(_INVOICE, "invoice.number"),
    Column("Case number", "invoice.case.number"),
    Column("Patient name", "invoice.patient.name", width=28),
    _amount("Amount", "amount"),
    _date("Effective on", "effectiveOn"),
    Column("Kind", "kind", Cell.WORD, 14),
    Column("Method", "cheque.method", Cell.WORD, 14),
    _amount("Cheque amount", "cheque.amount", default=False),
    Column("Bank", "cheque.bank", width=28, default=False),
    Column("Return kind", "cheque.returnKind", Cell.WORD, 14, default=False),
    _date("Deposited on", "cheque.deposit.depositedOn", default=False),
    Column("Bank account", "cheque.deposit.bankAccount", width=28, default=False),
    _date("Cleared on", "cheque.clearedOn", default=False),
    Column("Refunded to", "refund.payee", width=28, default=False),
    Column("Adjustment code", "providerAdjustment.code", default=False),
    Column("Adjustment reference", "providerAdjustment.reference", width=28, default=False),
    _amount("Billed amount", "invoice.billedAmount", default=False),
)
_ADJUSTMENTS = (
    _date("Adjusted on", "adjustedOn"),
    Column("Kind", "kind", Cell.WORD, 14),
    Column(_INVOICE, "invoice.number"),
    Column("Case number", "invoice.case.number"),
    Column("Patient name", "invoice.patient.name", width=28),
    Column("Payer", "invoice.payer.name", width=32),
    _amount("Amount", "amount"),
    _amount("Billed amount", "invoice.billedAmount", default=False),
)
# A set of files for QuickBooks has no columns to choose: exports/quickbooks/parts.py.
COLUMNS: dict[ExportKind, tuple[Column, ...]] = {
    ExportKind.INVOICES: _INVOICES,
    ExportKind.PAYMENTS: _PAYMENTS,
    ExportKind.ADJUSTMENTS: _ADJUSTMENTS,
}
