"""Open invoices are imported as opening balances: their ledger to the cent, their numbers, and a legal history."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.billing.invoices import InvoiceStatus
from domain.imports import ImportKind
from imports.report import Report
from server.database_urls import DatabaseUrls
from tests.imports.imported_files import CLINIC, bad_cells, broken, counts
from tests.imports.imported_files import imported as imported_as
from tests.support.databases import rows
from tests.support.other_clinic import add_other_clinic

# The header line that an export writes.
HEADER = (
    "Invoice number,Case number,Patient name,Billed amount,Status,Payer,Physician,Facility,Created on,Service date,Submitted on,"
    "Agreed amount,Received amount,Written off,Balance,Aging bucket,Paid on"
)
FILE = f"""{HEADER},Cheque number
OLD-1,C-1,Lena Vega,1000.00,PENDING_INVOICE,Sample Mutual,Dr. Filed,Filed House,2026-01-10,2026-01-07,,,0.00,0.00,1000.00,DAYS_0_30,,
OLD-2,C-1,Lena Vega,1200.50,PENDING_INVOICE,Sample Mutual,,,2026-01-10,2026-01-07,2026-01-12,,0.00,0.00,1200.50,DAYS_0_30,,
OLD-3,C-1,,900.00,PENDING_REDUCTION,Sample Mutual,,,2026-01-10,2026-01-07,2026-01-10,,,,,,,
OLD-4,C-2,Omar Sample,800.00,PENDING_CHEQUE,Sample Mutual,,,2026-01-10,2026-01-07,2026-01-12,600.00,0.00,0.00,600.00,,,
OLD-5,C-2,Omar Sample,800.00,PENDING_CHEQUE,Sample Mutual,,,2026-01-10,2026-01-07,2026-01-12,800.00,150.25,0.00,649.75,,,9001
INV-2026-700000,C-2,,70.00,CHEQUE_RECEIVED,Sample Mutual,,,2026-01-10,2026-01-07,2026-01-12,60.10,60.10,0.00,0.00,,,
"""
TABLES = (
    "invoices",
    "invoice_lines",
    "invoice_events",
    "invoice_states",
    "invoice_counters",
    "cheques",
    "cheque_allocations",
)
PREREQUISITES = {
    ImportKind.PATIENTS: "mrn,first_name,last_name\nP-1,Lena,Vega\nP-2,Omar,Sample\n",
    ImportKind.PHYSICIANS: "name,npi\nDr. Filed,0000000097\n",
    ImportKind.FACILITIES: "name,geographic_factor\nFiled House,1.0500\n",
    ImportKind.PAYERS: "name,kind\nSample Mutual,INSURANCE\nOther Mutual,INSURANCE\n",
    ImportKind.CASES: "number,patient_mrn,date_of_injury,opened_on\nC-1,P-1,2026-01-05,2026-01-06\nC-2,P-2,2026-01-05,2026-01-06\n",
}


@pytest.fixture
def prepared(own_address: DatabaseUrls) -> DatabaseUrls:
    """The demo clinic with the patients, payers, physicians, facilities and cases that the file names."""
    for kind, text in PREREQUISITES.items():
        assert imported_as(own_address, kind, text).written
    return own_address


def imported(address: DatabaseUrls, text: str, *, dry_run: bool = False) -> Report:
    return imported_as(address, ImportKind.INVOICES, text, dry_run=dry_run)


def content(address: DatabaseUrls) -> dict[str, list[str]]:
    return {table: sorted(row[0] for row in rows(address, f"select t::text from {table} t")) for table in TABLES}


def line(text: str, **changes: str) -> str:
    """A file with one of the lines, in which some cells have other values."""
    header, *lines = FILE.splitlines()
    cells = dict(
        zip(header.split(","), next(found for found in lines if found.startswith(f"{text},")).split(","), strict=True)
    )
    cells |= {name.replace("_", " ").capitalize(): value for name, value in changes.items()}
    return f"{','.join(cells)}\n{','.join(cells.values())}\n"


def test_every_open_status_is_imported_with_its_ledger_and_all_rules_hold(prepared: DatabaseUrls) -> None:
    assert broken(prepared) == ()
    assert counts(imported(prepared, FILE)) == (6, 0, 0, 0)
    query = """select number, status, billed_amount, agreed_amount, received_amount, balance, submitted_on, version
        from invoices where external_key = number order by number"""
    sent, amount = date(2026, 1, 12), Decimal
    assert [tuple(row) for row in rows(prepared, query)] == [
        (
            "INV-2026-700000",
            "cheque_received",
            amount("70.00"),
            amount("60.10"),
            amount("60.10"),
            amount("0.00"),
            sent,
            5,
        ),
        ("OLD-1", "pending_invoice", amount("1000.00"), None, amount("0.00"), amount("1000.00"), None, 1),
        ("OLD-2", "pending_invoice", amount("1200.50"), None, amount("0.00"), amount("1200.50"), sent, 2),
        ("OLD-3", "pending_reduction", amount("900.00"), None, amount("0.00"), amount("900.00"), date(2026, 1, 10), 3),
        ("OLD-4", "pending_cheque", amount("800.00"), amount("600.00"), amount("0.00"), amount("600.00"), sent, 4),
        ("OLD-5", "pending_cheque", amount("800.00"), amount("800.00"), amount("150.25"), amount("649.75"), sent, 4),
    ]
    assert broken(prepared) == ()


def test_the_billed_amount_is_one_opening_line_without_a_code(prepared: DatabaseUrls) -> None:
    imported(prepared, FILE)
    query = """select l.code, l.label, l.units, l.amount, l.price_source, l.override_reason from invoice_lines l
        join invoices i on i.id = l.invoice_id where i.number = 'OLD-2'"""
    found = ("OPENING", "Opening balance", 1, Decimal("1200.50"), "override", "Opening balance")
    assert [tuple(row) for row in rows(prepared, query)] == [found]


def test_a_received_amount_becomes_an_imported_cheque_for_each_invoice(prepared: DatabaseUrls) -> None:
    imported(prepared, FILE)
    query = """select i.number, c.number, c.amount, a.amount, c.imported, p.name from cheques c
        join cheque_allocations a on a.cheque_id = c.id join invoices i on i.id = a.invoice_id
        join payers p on p.id = c.payer_id where i.external_key = i.number order by 1"""
    first, second = Decimal("60.10"), Decimal("150.25")
    assert [tuple(row) for row in rows(prepared, query)] == [
        ("INV-2026-700000", "OPENING INV-2026-700000", first, first, True, "Sample Mutual"),
        ("OLD-5", "9001", second, second, True, "Sample Mutual"),
    ]


def test_the_same_file_again_changes_nothing_and_an_extended_file_adds_only_the_new_rows(
    prepared: DatabaseUrls,
) -> None:
    imported(prepared, FILE)
    before = content(prepared)
    assert (counts(imported(prepared, FILE)), content(prepared)) == ((0, 0, 6, 0), before)
    more = FILE + line("OLD-1", invoice_number="OLD-7").splitlines()[1] + "\n"
    assert counts(imported(prepared, more)) == (1, 0, 6, 0)
    assert broken(prepared) == ()


def test_a_dry_run_reports_the_same_as_the_real_import(prepared: DatabaseUrls) -> None:
    before = content(prepared)
    dry_run_report = imported(prepared, FILE, dry_run=True)
    assert content(prepared) == before
    assert imported(prepared, FILE) == dry_run_report


def test_imported_numbers_are_kept_and_new_numbers_continue_after_them(prepared: DatabaseUrls) -> None:
    query = f"select last_number from invoice_counters where clinic_id = {CLINIC} and year = 2026"
    [[before]] = rows(prepared, query)
    assert 0 < before < 700_000
    imported(prepared, FILE)
    assert rows(prepared, query)[0][0] == 700_000
    imported(prepared, line("INV-2026-700000", invoice_number="INV-2026-650000", cheque_number="9002"))
    assert rows(prepared, query)[0][0] == 700_000
    assert broken(prepared) == ()


def test_the_past_states_of_an_imported_invoice_are_kept_by_day(prepared: DatabaseUrls) -> None:
    imported(prepared, FILE)
    query = """select s.known_from, s.known_until, s.status, s.submitted_on from invoice_states s
        join invoices i on i.id = s.invoice_id where i.number = 'OLD-4' order by 1"""
    created, sent = date(2026, 1, 10), date(2026, 1, 12)
    [first, second] = [tuple(row) for row in rows(prepared, query)]
    assert first == (created, sent, "pending_invoice", None)
    assert (second[0], *second[2:]) == (sent, "pending_invoice", sent)
    [[today]] = rows(prepared, "select known_from from invoices where number = 'OLD-4'")
    assert second[1] == today


# Refused rows. Each: a line of the file, the changed cells, and the column and reason in the report.
REFUSED_ROWS: list[tuple[str, dict[str, str], str, str]] = [
    ("OLD-1", {"case_number": "C-9"}, "case_number", "There is no case of this number"),
    ("OLD-1", {"patient_name": "Omar Sample"}, "patient_name", "This case belongs to another patient"),
    ("OLD-1", {"payer": "Nobody"}, "payer", "There is no payer of this name"),
    ("OLD-1", {"physician": "Nobody"}, "physician", "There is no physician of this name"),
    ("OLD-1", {"facility": "Nowhere"}, "facility", "There is no facility of this name"),
    ("OLD-1", {"billed_amount": "0.00", "balance": ""}, "billed_amount", "The billed amount must be above 0"),
    ("OLD-1", {"billed_amount": "-1.00"}, "billed_amount", "An amount must not be negative"),
    (
        "OLD-1",
        {"balance": "999.99"},
        "balance",
        "The balance is not the billed or agreed amount less the received amount",
    ),
    (
        "OLD-5",
        {"balance": "800.00"},
        "balance",
        "The balance is not the billed or agreed amount less the received amount",
    ),
    ("OLD-1", {"written_off": "0.01"}, "written_off", "An open invoice has no written-off amount"),
    ("OLD-1", {"paid_on": "2026-02-01"}, "paid_on", "An open invoice has no payment date"),
    ("OLD-1", {"status": "PAID"}, "status", "Only open invoices can be imported: "),
    ("OLD-1", {"created_on": "2126-01-01"}, "created_on", "The date is in the future"),
    ("OLD-1", {"service_date": "2026-01-11"}, "service_date", "The service date must not be after the creation date"),
    (
        "OLD-2",
        {"submitted_on": "2026-01-09"},
        "submitted_on",
        "The submission date must not be before the creation date",
    ),
    ("OLD-4", {"submitted_on": ""}, "submitted_on", "An invoice with this status needs a submission date"),
    (
        "OLD-2",
        {"agreed_amount": "1.00", "balance": ""},
        "agreed_amount",
        "An invoice with this status has no agreed amount",
    ),
    (
        "OLD-4",
        {"agreed_amount": "", "balance": ""},
        "agreed_amount",
        "An invoice with this status needs an agreed amount of at most",
    ),
    (
        "OLD-4",
        {"agreed_amount": "800.01", "balance": ""},
        "agreed_amount",
        "An invoice with this status needs an agreed amount of at most",
    ),
    (
        "OLD-1",
        {"received_amount": "1.00", "balance": ""},
        "received_amount",
        "The received amount is more than the agreed amount, or not less than the open part of a submitted invoice",
    ),
    (
        "OLD-2",
        {"received_amount": "1200.50", "balance": ""},
        "received_amount",
        "The received amount is more than the agreed amount, or not less than the open part of a submitted invoice",
    ),
    (
        "OLD-4",
        {"received_amount": "600.00", "balance": ""},
        "received_amount",
        "The received amount is the agreed amount in",
    ),
    ("OLD-1", {"cheque_number": "9"}, "cheque_number", "A cheque number needs a received amount"),
    (
        "OLD-1",
        {"invoice_number": "INV-2025-000001"},
        "invoice_number",
        "A number in the server's own format must have the year of the creation date",
    ),
    (
        "OLD-1",
        {"invoice_number": "INV-2026-0000001"},
        "invoice_number",
        "A number in the server's own format must look like INV-2026-000123",
    ),
    ("OLD-1", {"invoice_number": "X" * 22}, "invoice_number", "This has at most 21 characters"),
]


@pytest.mark.parametrize(("number", "changes", "column", "reason"), REFUSED_ROWS)
def test_a_row_that_contradicts_itself_or_existing_records_is_refused(
    prepared: DatabaseUrls, number: str, changes: dict[str, str], column: str, reason: str
) -> None:
    before = content(prepared)
    [cell] = bad_cells(imported(prepared, line(number, **changes)))
    assert (cell[0], cell[1], cell[3][: len(reason)]) == (2, column, reason)
    assert content(prepared) == before


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"billed_amount": "1200.51", "balance": ""}, "billed_amount"),
        ({"payer": "Other Mutual"}, "payer"),
        ({"submitted_on": "2026-01-13"}, "submitted_on"),
        ({"case_number": "C-2", "patient_name": ""}, "case_number"),
        ({"status": "PENDING_REDUCTION"}, "status"),
    ],
)
def test_an_existing_invoice_with_other_values_is_refused(
    prepared: DatabaseUrls, changes: dict[str, str], column: str
) -> None:
    imported(prepared, FILE)
    before = content(prepared)
    [(_, told, value, reason)] = bad_cells(imported(prepared, line("OLD-2", **changes)))
    assert (told, reason) == (column, "The existing invoice of this number has another value")
    # The id of a case or a payer is nothing that stands in the file.
    assert value == (None if column in ("payer", "case_number") else changes[column].lower())
    assert content(prepared) == before


def test_an_invoice_of_an_earlier_release_is_not_imported_again_under_another_spelling(prepared: DatabaseUrls) -> None:
    imported(prepared, FILE)
    rows(prepared, "update invoices set number = 'old-2' where number = 'OLD-2' returning id")
    before = content(prepared)
    [cell] = bad_cells(imported(prepared, line("OLD-2")))
    assert cell == (2, "invoice_number", "OLD-2", "An existing invoice has this number in another spelling")
    assert content(prepared) == before


def test_every_bad_row_of_a_file_is_reported(prepared: DatabaseUrls) -> None:
    before = content(prepared)
    bad = FILE.replace("649.75", "649.76").replace("C-1,,900", "C-9,,900")
    assert [cell[:2] for cell in bad_cells(imported(prepared, bad))] == [(4, "case_number"), (6, "balance")]
    twice = FILE + FILE.splitlines()[1] + "\n"
    assert bad_cells(imported(prepared, twice)) == [(8, None, None, "This row duplicates line 2")]
    assert content(prepared) == before


def test_a_cheque_of_a_payer_is_imported_only_once(prepared: DatabaseUrls) -> None:
    imported(prepared, FILE)
    before = content(prepared)
    again = line("OLD-5", invoice_number="OLD-8")
    reason = "A cheque of this payer already has this number"
    assert bad_cells(imported(prepared, again)) == [(2, "cheque_number", "9001", reason)]
    assert content(prepared) == before


def several(*changes: dict[str, str]) -> str:
    """A file with the paid invoice several times, in which some cells have other values."""
    files = [line("OLD-5", **change) for change in changes]
    return files[0] + "".join(file.split("\n", 1)[1] for file in files[1:])


def test_rows_that_name_the_same_cheque_of_a_payer_are_one_cheque_with_the_sum(prepared: DatabaseUrls) -> None:
    report = imported(
        prepared,
        several(
            {"invoice_number": "OLD-8", "cheque_number": "7001"},
            {"invoice_number": "OLD-9", "cheque_number": "7001", "received_amount": "100.00", "balance": "700.00"},
            {"invoice_number": "OLD-10", "cheque_number": "7001", "payer": "Other Mutual"},
        ),
    )
    assert counts(report) == (3, 0, 0, 0)
    query = """select p.name, c.amount, c.cheque_date = c.received_on, array_agg(i.number || ' ' || a.amount order by i.number)
        from cheques c join payers p on p.id = c.payer_id join cheque_allocations a on a.cheque_id = c.id
        join invoices i on i.id = a.invoice_id where c.number = '7001' group by c.clinic_id, c.id, p.name order by 1"""
    assert [tuple(row) for row in rows(prepared, query)] == [
        ("Other Mutual", Decimal("150.25"), True, ["OLD-10 150.25"]),
        ("Sample Mutual", Decimal("250.25"), True, ["OLD-8 150.25", "OLD-9 100.00"]),
    ]
    assert broken(prepared) == ()


def test_a_settlement_cheque_over_thousands_of_invoices_is_one_cheque(prepared: DatabaseUrls) -> None:
    numbers = [{"invoice_number": f"MANY-{place}", "cheque_number": "7002"} for place in range(5_003)]
    assert counts(imported(prepared, several(*numbers))) == (5_003, 0, 0, 0)
    assert counts(imported(prepared, several(*numbers))) == (0, 0, 5_003, 0)
    [cheque] = rows(prepared, "select amount from cheques where number = '7002'")
    assert cheque["amount"] == Decimal("150.25") * 5_003
    assert broken(prepared) == ()


def test_only_rows_that_name_a_cheque_share_it(prepared: DatabaseUrls) -> None:
    before = content(prepared)
    shared = several(
        {"invoice_number": "OLD-8", "cheque_number": ""}, {"invoice_number": "OLD-9", "cheque_number": "OPENING OLD-8"}
    )
    [(number, column, value, reason)] = bad_cells(imported(prepared, shared))
    assert (number, column, value) == (3, "cheque_number", "OPENING OLD-8")
    assert reason.startswith("Line 2 has the same cheque")
    assert content(prepared) == before


def test_an_invoice_of_a_settled_case_is_refused(prepared: DatabaseUrls) -> None:
    query = f"""select number, first_name || ' ' || last_name from cases c join patients p on p.id = c.patient_id
        where c.clinic_id = {CLINIC} and status = 'settled' order by number limit 1"""
    [[number, patient]] = rows(prepared, query)
    before = content(prepared)
    [(_, column, _, reason)] = bad_cells(imported(prepared, line("OLD-1", case_number=number, patient_name=patient)))
    assert (column, reason) == ("case_number", "This case is settled; an administrator can reopen it")
    assert content(prepared) == before


def test_an_imported_invoice_continues_as_any_other_invoice(prepared: DatabaseUrls) -> None:
    imported(prepared, FILE)
    query = "select transition, from_status, to_status from invoice_events e join invoices i on i.id = invoice_id where number = $1 order by seq"
    agreed = [
        ("create_invoice", None, "pending_invoice"),
        ("submit_invoice", "pending_invoice", "pending_invoice"),
        ("request_reduction", "pending_invoice", "pending_reduction"),
        ("agree_reduction", "pending_reduction", "pending_cheque"),
    ]
    assert [tuple(row) for row in rows(prepared, query, "OLD-4")] == agreed
    covered = [*agreed, ("record_cheque", "pending_cheque", InvoiceStatus.CHEQUE_RECEIVED)]
    assert [tuple(row) for row in rows(prepared, query, "INV-2026-700000")] == covered


def test_invoices_of_another_clinic_are_neither_changed_nor_referenced(prepared: DatabaseUrls) -> None:
    other = add_other_clinic(prepared)
    query = "select t::text from invoices t where clinic_id = $1 order by id"
    for table, number in (("invoices", "OLD-1"), ("cases", "THEIRS")):
        one = f"(select id from {table} where clinic_id = $1 order by id limit 1)"
        rows(
            prepared, f"update {table} set number = '{number}' where clinic_id = $1 and id = {one} returning id", other
        )
    before: list[Any] = rows(prepared, query, other)
    assert [cell[3] for cell in bad_cells(imported(prepared, line("OLD-1", case_number="THEIRS")))] == [
        "There is no case of this number"
    ]
    assert counts(imported(prepared, line("OLD-1"))) == (1, 0, 0, 0)
    assert rows(prepared, query, other) == before
