"""Descriptions and access rules of the enums of imports, and of their values."""

from domain.imports import FIRST_SHORT_YEAR, CellFormat, ImportKind
from domain.records.addresses import columns_of
from permissions.actions import IMPORTS
from permissions.classes import enum_type

__all__ = ["CellFormat", "ImportKind"]

_PARTS = ", ".join(columns_of("address"))
_IMPORTED = {
    "CODES": "CPT codes of the master list: code, label, base_price, bilateral_policy, valid_from, valid_to.",
    "FEE_SCHEDULES": "Rates of fee schedules: schedule, payer, facility, valid_from, valid_to, code, rate.",
    "REASON_CODES": "The clinic's own list of reason codes: code, group, label.",
    "EXAM_TYPES": "The tree of exams: name, parent (the name of its main exam, blank for a main exam), code, selection_rule, position.",
    "PAYERS": f"Payers: name, kind, email, phone, address, fax, {_PARTS}, attorney, patient_mrn.",
    "ATTORNEYS": "Attorneys: name, firm, email, phone.",
    "PHYSICIANS": "Physicians: name, npi, taxonomy, licence_number, licence_state.",
    "FACILITIES": f"Facilities: name, geographic_factor, npi, place_of_service, {_PARTS}.",
    "PATIENTS": f"Patients: mrn, first_name, last_name, birth_date, email, phone, address, sex, {_PARTS}.",
    "CASES": "Cases: number, patient_mrn, attorney, date_of_injury, opened_on.",
    "INVOICES": "Open invoices (accounts receivable) with the amounts received: the columns of their export, and cheque_number.",
}
enum_type(
    ImportKind,
    "staff",
    "The kind of records in a file to import.",
    {name: (IMPORTS[ImportKind[name]], words) for name, words in _IMPORTED.items()},
)
_SHORT_YEAR = f"with years of two digits, which are read as {FIRST_SHORT_YEAR} to {FIRST_SHORT_YEAR + 99}"
enum_type(
    CellFormat,
    "staff",
    "How a column of a file to import writes its values. Real dates and numbers of a workbook are the same in each format.",
    {
        "AS_IS": "As in the templates: days as 2026-01-31, amounts as 1234.50, texts as they are.",
        "MONTH_DAY_YEAR": "Days as 1/31/2026.",
        "DAY_MONTH_YEAR": "Days as 31/1/2026.",
        "YEAR_MONTH_DAY": "Days as 20260131.",
        "MONTH_DAY_SHORT_YEAR": f"Days as 1/31/26, {_SHORT_YEAR}.",
        "DAY_MONTH_SHORT_YEAR": f"Days as 31/1/26, {_SHORT_YEAR}.",
        "US_AMOUNT": "Amounts as $1,234.50, negative ones as ($1,234.50) or with a minus sign before or after the amount; zero-padded, too.",
        "EUROPEAN_AMOUNT": "Amounts as 1.234,50.",
        "IMPLIED_DECIMAL": "Amounts without a decimal point, whose last two digits are cents: 0000123450 is 1234.50.",
        "LAST_FIRST": "Names as Last, First.",
        "UNDECIDED": "The values of the file do not decide the format: choose one before the import.",
    },
)
