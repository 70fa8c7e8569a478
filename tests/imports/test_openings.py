"""Open invoices come along with what has been paid: their ledger to the cent, their numbers, and a past that is legal."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.imports import ImportKind
from domain.invoices import InvoiceStatus
from imports.report import Report
from server.addresses import Address
from tests.databases import rows
from tests.imports.files import CLINIC, broken, counts, told
from tests.imports.files import imported as imported_as
from tests.other_clinic import add_other_clinic

# As an export writes its first line.
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
KNOWN = {
    ImportKind.PATIENTS: "mrn,first_name,last_name\nP-1,Lena,Vega\nP-2,Omar,Sample\n",
    ImportKind.PHYSICIANS: "name,npi\nDr. Filed,0000000009\n",
    ImportKind.FACILITIES: "name,geographic_factor\nFiled House,1.0500\n",
    ImportKind.PAYERS: "name,kind\nSample Mutual,INSURANCE\nOther Mutual,INSURANCE\n",
    ImportKind.CASES: "number,patient_mrn,date_of_injury,opened_on\nC-1,P-1,2026-01-05,2026-01-06\nC-2,P-2,2026-01-05,2026-01-06\n",
}


@pytest.fixture
def known(own_address: Address) -> Address:
    """The demo clinic with the people and cases that the file names."""
    for kind, text in KNOWN.items():
        assert imported_as(own_address, kind, text).written
    return own_address


def imported(address: Address, text: str, *, undone: bool = False) -> Report:
    return imported_as(address, ImportKind.INVOICES, text, undone=undone)


def content(address: Address) -> dict[str, list[str]]:
    return {table: sorted(row[0] for row in rows(address, f"select t::text from {table} t")) for table in TABLES}


def line(text: str, **said: str) -> str:
    """A file of one of the lines, in which some cells say something else."""
    header, *lines = FILE.splitlines()
    cells = dict(
        zip(header.split(","), next(found for found in lines if found.startswith(f"{text},")).split(","), strict=True)
    )
    cells |= {name.replace("_", " ").capitalize(): value for name, value in said.items()}
    return f"{','.join(cells)}\n{','.join(cells.values())}\n"


def test_every_state_is_there_with_its_ledger_and_all_laws_hold(known: Address) -> None:
    assert broken(known) == ()
    assert counts(imported(known, FILE)) == (6, 0, 0, 0)
    query = """select number, status, billed_amount, agreed_amount, received_amount, balance, submitted_on, version
        from invoices where external_key = number order by number"""
    sent, amount = date(2026, 1, 12), Decimal
    assert [tuple(row) for row in rows(known, query)] == [
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
    assert broken(known) == ()


def test_what_an_invoice_bills_is_one_opening_line_that_no_code_prices(known: Address) -> None:
    imported(known, FILE)
    query = """select l.code, l.label, l.units, l.amount, l.price_source, l.override_reason from invoice_lines l
        join invoices i on i.id = l.invoice_id where i.number = 'OLD-2'"""
    found = ("OPENING", "Opening balance", 1, Decimal("1200.50"), "override", "Opening balance")
    assert [tuple(row) for row in rows(known, query)] == [found]


def test_what_was_received_is_a_cheque_for_each_invoice_that_says_that_it_came_by_a_file(known: Address) -> None:
    imported(known, FILE)
    query = """select i.number, c.number, c.amount, a.amount, c.imported, p.name from cheques c
        join cheque_allocations a on a.cheque_id = c.id join invoices i on i.id = a.invoice_id
        join payers p on p.id = c.payer_id where i.external_key = i.number order by 1"""
    first, second = Decimal("60.10"), Decimal("150.25")
    assert [tuple(row) for row in rows(known, query)] == [
        ("INV-2026-700000", "OPENING INV-2026-700000", first, first, True, "Sample Mutual"),
        ("OLD-5", "9001", second, second, True, "Sample Mutual"),
    ]


def test_the_same_file_again_changes_nothing_and_one_with_more_adds_only_that(known: Address) -> None:
    imported(known, FILE)
    before = content(known)
    assert (counts(imported(known, FILE)), content(known)) == ((0, 0, 6, 0), before)
    more = FILE + line("OLD-1", invoice_number="OLD-7").splitlines()[1] + "\n"
    assert counts(imported(known, more)) == (1, 0, 6, 0)
    assert broken(known) == ()


def test_a_run_that_is_undone_reports_what_the_real_one_does(known: Address) -> None:
    before = content(known)
    tried = imported(known, FILE, undone=True)
    assert content(known) == before
    assert imported(known, FILE) == tried


def test_numbers_are_kept_and_those_that_are_given_here_go_on_behind_them(known: Address) -> None:
    query = f"select last_number from invoice_counters where clinic_id = {CLINIC} and year = 2026"
    [[before]] = rows(known, query)
    assert 0 < before < 700_000
    imported(known, FILE)
    assert rows(known, query)[0][0] == 700_000
    imported(known, line("INV-2026-700000", invoice_number="INV-2026-650000", cheque_number="9002"))
    assert rows(known, query)[0][0] == 700_000
    assert broken(known) == ()


def test_what_was_known_at_the_end_of_a_past_day_is_told(known: Address) -> None:
    imported(known, FILE)
    query = """select s.known_from, s.known_until, s.status, s.submitted_on from invoice_states s
        join invoices i on i.id = s.invoice_id where i.number = 'OLD-4' order by 1"""
    created, sent = date(2026, 1, 10), date(2026, 1, 12)
    [first, second] = [tuple(row) for row in rows(known, query)]
    assert first == (created, sent, "pending_invoice", None)
    assert (second[0], *second[2:]) == (sent, "pending_invoice", sent)
    [[today]] = rows(known, "select known_from from invoices where number = 'OLD-4'")
    assert second[1] == today


# What is refused. Each: a line of the file, what it says instead, and the column and reason that are told.
WRONG: list[tuple[str, dict[str, str], str, str]] = [
    ("OLD-1", {"case_number": "C-9"}, "case_number", "There is no case of this number"),
    ("OLD-1", {"patient_name": "Omar Sample"}, "patient_name", "The patient of this case is somebody else"),
    ("OLD-1", {"payer": "Nobody"}, "payer", "There is no payer of this name"),
    ("OLD-1", {"physician": "Nobody"}, "physician", "There is no physician of this name"),
    ("OLD-1", {"facility": "Nowhere"}, "facility", "There is no facility of this name"),
    ("OLD-1", {"billed_amount": "0.00", "balance": ""}, "billed_amount", "Nothing is billed"),
    ("OLD-1", {"billed_amount": "-1.00"}, "billed_amount", "An amount is not below 0"),
    ("OLD-1", {"balance": "999.99"}, "balance", "This is not what was billed or agreed, less what was received"),
    ("OLD-5", {"balance": "800.00"}, "balance", "This is not what was billed or agreed, less what was received"),
    ("OLD-1", {"written_off": "0.01"}, "written_off", "Of an open invoice nothing is written off"),
    ("OLD-1", {"paid_on": "2026-02-01"}, "paid_on", "An open invoice is not paid"),
    ("OLD-1", {"status": "PAID"}, "status", "Only open invoices are brought along: "),
    ("OLD-1", {"created_on": "2126-01-01"}, "created_on", "This day has not come yet"),
    ("OLD-1", {"service_date": "2026-01-11"}, "service_date", "What is billed is done by the day of creation"),
    ("OLD-2", {"submitted_on": "2026-01-09"}, "submitted_on", "An invoice is submitted after its creation"),
    ("OLD-4", {"submitted_on": ""}, "submitted_on", "In this state an invoice has been submitted"),
    ("OLD-2", {"agreed_amount": "1.00", "balance": ""}, "agreed_amount", "In this state nothing is agreed"),
    ("OLD-4", {"agreed_amount": "", "balance": ""}, "agreed_amount", "In this state an amount is agreed, up to"),
    ("OLD-4", {"agreed_amount": "800.01", "balance": ""}, "agreed_amount", "In this state an amount is agreed, up to"),
    ("OLD-2", {"received_amount": "1.00", "balance": ""}, "received_amount", "This is more than was agreed"),
    ("OLD-4", {"received_amount": "600.00", "balance": ""}, "received_amount", "All that was agreed is received in"),
    ("OLD-1", {"cheque_number": "9"}, "cheque_number", "No cheque has been received"),
    ("OLD-1", {"invoice_number": "INV-2025-000001"}, "invoice_number", "A number like those that are given here is of"),
    (
        "OLD-1",
        {"invoice_number": "INV-2026-0000001"},
        "invoice_number",
        "A number like those that are given here reads",
    ),
    ("OLD-1", {"invoice_number": "X" * 22}, "invoice_number", "This has at most 21 characters"),
]


@pytest.mark.parametrize(("of", "said", "column", "reason"), WRONG)
def test_what_contradicts_itself_or_what_is_known_is_refused(
    known: Address, of: str, said: dict[str, str], column: str, reason: str
) -> None:
    before = content(known)
    [cell] = told(imported(known, line(of, **said)))
    assert (cell[0], cell[1], cell[3][: len(reason)]) == (2, column, reason)
    assert content(known) == before


@pytest.mark.parametrize(
    ("said", "column"),
    [
        ({"billed_amount": "1200.51", "balance": ""}, "billed_amount"),
        ({"payer": "Other Mutual"}, "payer"),
        ({"submitted_on": "2026-01-13"}, "submitted_on"),
        ({"case_number": "C-2", "patient_name": ""}, "case_number"),
        ({"status": "PENDING_REDUCTION"}, "status"),
    ],
)
def test_an_invoice_that_is_known_and_says_otherwise_is_refused(
    known: Address, said: dict[str, str], column: str
) -> None:
    imported(known, FILE)
    before = content(known)
    assert [cell[1:4:2] for cell in told(imported(known, line("OLD-2", **said)))] == [
        (column, "The invoice of this number says otherwise")
    ]
    assert content(known) == before


def test_every_bad_row_of_a_file_is_told(known: Address) -> None:
    before = content(known)
    bad = FILE.replace("649.75", "649.76").replace("C-1,,900", "C-9,,900")
    assert [cell[:2] for cell in told(imported(known, bad))] == [(4, "case_number"), (6, "balance")]
    twice = FILE + FILE.splitlines()[1] + "\n"
    assert told(imported(known, twice)) == [(8, None, None, "This row is there already, on line 2")]
    assert content(known) == before


def test_a_cheque_of_a_payer_comes_once(known: Address) -> None:
    imported(known, FILE)
    before = content(known)
    again = line("OLD-5", invoice_number="OLD-8")
    reason = "A cheque of this payer has this number already"
    assert told(imported(known, again)) == [(2, "cheque_number", "9001", reason)]
    shared = again.replace("9001", "9003") + line("OLD-5", invoice_number="OLD-9", cheque_number="9003").splitlines()[1]
    [(number, column, value, reason)] = told(imported(known, shared))
    assert (number, column, value) == (3, "cheque_number", "9003")
    assert reason.startswith("Line 2 has this cheque")
    assert content(known) == before


def test_nothing_comes_to_a_case_that_is_settled(known: Address) -> None:
    query = f"""select number, first_name || ' ' || last_name from cases c join patients p on p.id = c.patient_id
        where c.clinic_id = {CLINIC} and status = 'settled' order by number limit 1"""
    [[number, patient]] = rows(known, query)
    before = content(known)
    [(_, column, _, reason)] = told(imported(known, line("OLD-1", case_number=number, patient_name=patient)))
    assert (column, reason) == ("case_number", "This case is settled; an administrator can open it again")
    assert content(known) == before


def test_what_came_along_goes_on_as_any_other_invoice(known: Address) -> None:
    imported(known, FILE)
    query = "select transition, from_status, to_status from invoice_events e join invoices i on i.id = invoice_id where number = $1 order by seq"
    agreed = [
        ("create_invoice", None, "pending_invoice"),
        ("submit_invoice", "pending_invoice", "pending_invoice"),
        ("request_reduction", "pending_invoice", "pending_reduction"),
        ("agree_reduction", "pending_reduction", "pending_cheque"),
    ]
    assert [tuple(row) for row in rows(known, query, "OLD-4")] == agreed
    covered = [*agreed, ("record_cheque", "pending_cheque", InvoiceStatus.CHEQUE_RECEIVED)]
    assert [tuple(row) for row in rows(known, query, "INV-2026-700000")] == covered


def test_another_clinics_invoices_are_neither_changed_nor_joined(known: Address) -> None:
    other = add_other_clinic(known)
    query = "select t::text from invoices t where clinic_id = $1 order by id"
    for table, number in (("invoices", "OLD-1"), ("cases", "THEIRS")):
        one = f"(select id from {table} where clinic_id = $1 order by id limit 1)"
        rows(known, f"update {table} set number = '{number}' where clinic_id = $1 and id = {one} returning id", other)
    before: list[Any] = rows(known, query, other)
    assert [cell[3] for cell in told(imported(known, line("OLD-1", case_number="THEIRS")))] == [
        "There is no case of this number"
    ]
    assert counts(imported(known, line("OLD-1"))) == (1, 0, 0, 0)
    assert rows(known, query, other) == before
