"""An import of a Synthea export writes the export's amounts to the cent, with legal invoice histories."""

import shutil
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from imports.synthea.csv_rows import BrokenRowError
from imports.synthea.summary import ControlTotals
from tests.imports.database import TODAY, Database
from tests.imports.history_rules import broken_rules
from tests.imports.synthea.oracle import oracle

SMALL = Path(__file__).parents[1] / "data" / "synthea"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A copy of the small export that a test may change."""
    return Path(shutil.copytree(SMALL, tmp_path / "export"))


@pytest.fixture
def without_claims(small: Path) -> Path:
    """The small export without claims and transactions."""
    (small / "claims.csv").unlink()
    (small / "claims_transactions.csv").unlink()
    return small


# The invoice of a claim.


def test_an_export_is_billed_and_received_to_the_cent(database: Database) -> None:
    summary = database.import_synthea(SMALL)
    invoices, billed, paid = oracle(SMALL)
    assert summary.in_files == summary.in_clinic == ControlTotals(invoices, billed, paid - summary.unapplied)
    assert database.ledger() == (invoices, billed, paid - summary.unapplied)
    assert summary.unapplied == Decimal("20.00")
    assert broken_rules(database) == {}


EXPECTED_HISTORIES = [
    # claim, state, agreed, received, balance, history
    ("claim-a1", "paid", "100.10", "100.10", "0.00", "submit accept cheque cheque settle"),
    ("claim-a2", "paid", "66.60", "66.60", "0.00", "submit accept cheque settle"),
    ("claim-b1", "cheque_received", "85.55", "85.55", "0.00", "submit accept cheque"),
    ("claim-b2", "pending_cheque", "40.00", "15.01", "24.99", "submit accept cheque"),
    ("claim-c1", "cheque_received", "150.00", "150.00", "0.00", "submit request agree cheque"),
    ("claim-c2", "cheque_received", "80.00", "80.00", "0.00", "submit accept cheque cheque"),
    ("claim-c3", "pending_invoice", None, "0.00", "0.00", ""),
    ("claim-c4", "pending_invoice", None, "0.00", "0.00", ""),
    ("claim-c5", "pending_invoice", None, "0.00", "12.34", ""),
    ("claim-c6", "pending_invoice", None, "0.00", "70.00", "submit"),
    ("claim-c7", "written_off", None, "0.00", "0.00", "submit write"),
]


def test_each_claim_ends_in_the_status_that_its_payments_imply(database: Database) -> None:
    database.import_synthea(SMALL)
    query = """select external_key, status, agreed_amount::text, received_amount::text, balance::text,
        (select coalesce(string_agg(replace(split_part(transition, '_', 1), 'record', 'cheque'), ' ' order by seq), '')
            from invoice_events where invoice_id = invoices.id and seq > 1) from invoices order by external_key"""
    assert [tuple(row) for row in database.rows(query)] == EXPECTED_HISTORIES


def test_a_line_is_a_charge_with_its_code_note_units_and_price(database: Database) -> None:
    database.import_synthea(SMALL)
    query = """select code, label, units, unit_price::text, l.amount::text, price_source from invoice_lines l
        join invoices i on i.id = l.invoice_id where external_key = any($1) order by external_key, position"""
    assert [tuple(row) for row in database.rows(query, ["claim-a1", "claim-a2", "claim-b2"])] == [
        ("OWN-VISIT", "Visit", 1, "100.10", "100.10", "override"),
        ("OWN-FREE", "Advice without charge", 1, "0.00", "0.00", "override"),
        ("OWN-TAPE", "Tape, elastic", 3, "22.20", "66.60", "override"),
        ("OWN-PILLS", "OWN-PILLS", 1, "40.00", "40.00", "override"),
    ]


def test_each_payment_is_an_imported_cheque_of_the_primary_payer_without_a_document(database: Database) -> None:
    database.import_synthea(SMALL)
    query = """select c.number, p.name, p.kind, c.amount::text, c.received_on::text from cheques c
        join payers p on p.id = c.payer_id where imported and document_id is null order by 1"""
    assert [tuple(row) for row in database.rows(query)] == [
        ("row-04", "First Mutual", "insurance", "50.05", "2025-01-10"),
        ("row-07", "First Mutual", "insurance", "50.05", "2025-03-15"),
        ("row-08", "First Mutual", "insurance", "66.60", "2025-02-10"),
        ("row-10", "Ben Uninsured", "patient", "85.55", "2025-03-05"),
        ("row-12", "Ben Uninsured", "patient", "15.01", "2025-03-06"),
        ("row-15", "Second Mutual", "insurance", "150.00", "2025-04-11"),
        ("row-17", "Second Mutual", "insurance", "60.00", "2025-04-02"),
        ("row-18", "Second Mutual", "insurance", "30.00", "2025-04-03"),
        ("row-19", "Second Mutual", "insurance", "10.00", "2025-04-04"),
    ]


def test_an_overpayment_stays_unapplied_on_its_cheque(database: Database) -> None:
    database.import_synthea(SMALL)
    query = """select c.number, c.amount - (select coalesce(sum(amount), 0) from cheque_allocations where cheque_id = c.id)
        from cheques c order by 1"""
    unapplied = {number: amount for number, amount in database.rows(query) if amount}
    assert unapplied == {"row-18": Decimal("10.00"), "row-19": Decimal("10.00")}


def test_an_invoice_has_the_patient_payer_physician_facility_and_encounter_of_its_claim(database: Database) -> None:
    database.import_synthea(SMALL)
    query = """select i.external_key, pa.mrn, py.name, ph.name, f.name, e.external_key from invoices i
        join patients pa on pa.id = i.patient_id join payers py on py.id = i.payer_id
        left join physicians ph on ph.id = i.physician_id left join facilities f on f.id = i.facility_id
        left join encounters e on e.id = i.encounter_id where i.external_key = any($1) order by 1"""
    assert [tuple(row) for row in database.rows(query, ["claim-a2", "claim-b2", "claim-c1", "claim-c5"])] == [
        ("claim-a2", "patient-a", "First Mutual", "Peter Two", "Hilltop Clinic", "encounter-a2"),
        # Medication without an encounter: the facility is the provider's.
        ("claim-b2", "patient-b", "Ben Uninsured", "Paula One", "Riverside Clinic", None),
        # Of several claims for an encounter, the first one bills it.
        ("claim-c1", "patient-c", "Second Mutual", "Peter Two", "Hilltop Clinic", "encounter-c1"),
        ("claim-c5", "patient-c", "Second Mutual", "Peter Two", "Hilltop Clinic", None),
    ]


def test_dates_are_in_the_time_zone_of_the_clinic_and_numbers_run_per_year_of_creation(database: Database) -> None:
    database.import_synthea(SMALL)
    rows = database.rows(
        "select number, created_on::text, service_date::text, submitted_on::text from invoices order by 1 limit 2"
    )
    assert [tuple(row) for row in rows] == [
        # 03:30 UTC on New Year's Day is the evening before in New York; an invoice paid on 01-10 was submitted by then.
        ("INV-2024-000001", "2024-12-31", "2024-12-31", "2025-01-10"),
        ("INV-2025-000001", "2025-02-10", "2025-02-10", "2025-02-10"),
    ]


def test_imported_records_count_as_recorded_on_the_day_of_the_event(database: Database) -> None:
    database.import_synthea(SMALL)
    query = """select count(*) from cheques c join cheque_allocations a on a.cheque_id = c.id
        where c.recorded_at::date <> c.received_on or a.recorded_at::date <> a.effective_on"""
    assert database.value(query) == 0
    assert database.value("select count(*) from invoices where recorded_at::date <> created_on") == 0
    assert database.value("select count(*) from encounters where recorded_at::date <> service_date") == 0


# Cases and attorneys.


def test_each_served_patient_has_one_case_that_began_with_the_first_encounter(database: Database) -> None:
    database.import_synthea(SMALL)
    query = """select mrn, status, date_of_injury::text, opened_on::text, settled_on::text from patients p
        left join cases c on c.patient_id = p.id order by 1"""
    assert [tuple(row) for row in database.rows(query)] == [
        ("patient-a", "settled", "2024-12-31", "2024-12-31", "2025-03-15"),
        ("patient-b", "open", "2025-03-05", "2025-03-05", None),
        ("patient-c", "open", "2025-04-01", "2025-04-01", None),
        ("patient-d", None, None, None, None),
    ]


def test_the_number_of_a_case_does_not_contain_the_record_number(database: Database) -> None:
    database.import_synthea(SMALL)
    assert (
        database.value("select count(*) from cases c, patients p where strpos(upper(c.number), upper(p.mrn)) > 0") == 0
    )


def test_attorneys_are_assigned_evenly_and_the_same_way_in_every_import(
    database: Database, other_database: Database
) -> None:
    database.import_synthea(SMALL, attorneys=2)
    other_database.import_synthea(SMALL, attorneys=2)
    assert sorted(Counter(database.representation().values()).values()) == [1, 2]
    assert database.representation() == other_database.representation()


def test_an_invoice_shows_the_attorney_of_its_case(database: Database) -> None:
    database.import_synthea(SMALL, attorneys=2)
    assert (
        database.value(
            "select count(*) from invoices i join cases c on c.id = i.case_id and c.attorney_id = i.attorney_id"
        )
        == 11
    )


def test_an_import_without_attorneys_writes_no_representations(database: Database) -> None:
    database.import_synthea(SMALL, attorneys=0)
    assert database.value("select count(*) from cases where attorney_id is null") == 3
    with pytest.raises(ValueError, match="0 or more"):
        database.import_synthea(SMALL, attorneys=-1)


# Exports without transactions.


def test_without_transactions_each_encounter_becomes_an_invoice_that_was_not_submitted(
    database: Database, without_claims: Path
) -> None:
    summary = database.import_synthea(without_claims)
    assert database.ledger() == oracle(without_claims)
    assert summary.rows_read["procedures.csv"] == 3
    query = """select i.external_key, billed_amount::text, p.kind, submitted_on,
        (select string_agg(code, ' ' order by position) from invoice_lines where invoice_id = i.id)
        from invoices i join payers p on p.id = i.payer_id order by 1"""
    assert [tuple(row) for row in database.rows(query)] == [
        ("encounter-a1", "520.80", "insurance", None, "OWN-VISIT OWN-XRAY OWN-XRAY"),
        ("encounter-a2", "100.00", "insurance", None, "OWN-VISIT"),
        ("encounter-b1", "105.54", "patient", None, "OWN-VISIT OWN-CAST"),
        ("encounter-c1", "0.00", "insurance", None, "OWN-VISIT"),
    ]
    assert broken_rules(database) == {}


@pytest.mark.parametrize("claims_first", [True, False])
def test_encounters_are_not_billed_twice_by_exports_with_and_without_claims(
    database: Database, without_claims: Path, claims_first: bool
) -> None:
    first, second = (SMALL, without_claims) if claims_first else (without_claims, SMALL)
    database.import_synthea(first)
    before = database.content()
    with pytest.raises(BrokenRowError, match="bill twice"):
        database.import_synthea(second)
    assert database.content() == before


# Leaving payments out.


def test_payments_of_claims_served_since_a_day_are_left_out(database: Database) -> None:
    summary = database.import_synthea(SMALL, open_since=date(2025, 3, 6))
    assert summary.left_out == Decimal("15.01") + Decimal("150.00") + Decimal("100.00")
    open_invoices = database.rows(
        "select external_key from invoices where status = 'pending_invoice' and submitted_on is not null"
    )
    assert {row[0] for row in open_invoices} == {"claim-b2", "claim-c1", "claim-c2", "claim-c6", "claim-c7"}
    assert database.value("select count(*) from cheques") == 4
    assert broken_rules(database) == {}


# Repeated imports.


def test_a_second_import_changes_nothing_and_reports_the_existing_records(database: Database) -> None:
    first = database.import_synthea(SMALL)
    before = database.content()
    second = database.import_synthea(SMALL, open_since=date(2025, 1, 1))
    assert database.content() == before
    assert set(second.created.values()) == {0}
    for kind in ("clinics", "patients", "cases", "physicians", "facilities", "payers", "encounters", "invoices"):
        assert second.already_there[kind] == first.created[kind] > 0
    assert second.in_clinic == first.in_clinic


def test_an_export_with_new_records_adds_only_these(database: Database, small: Path) -> None:
    database.import_synthea(small)
    before = database.content()
    append(
        small, "claims.csv", "claim-b3,patient-b,provider-1,,,encounter-b1,2025-05-05T15:00:00Z,2025-05-05T15:00:00Z"
    )
    append(
        small,
        "claims_transactions.csv",
        "row-90,claim-b3,90,patient-b,CHARGE,9.99,,2025-05-05T15:00:00Z,OWN-VISIT,1,Visit,9.99,0,0,,0",
    )
    summary = database.import_synthea(small)
    assert {kind for kind, count in summary.created.items() if count} == {"invoices"}
    after = database.content()
    assert all(set(before[table]) <= set(after[table]) for table in before if table != "invoice_counters")
    assert database.value("select number from invoices where external_key = 'claim-b3'") == "INV-2025-000011"
    assert broken_rules(database) == {}


def test_a_new_claim_of_a_settled_case_is_refused(database: Database, small: Path) -> None:
    database.import_synthea(small)
    before = database.content()
    append(
        small,
        "claims.csv",
        "claim-a3,patient-a,provider-1,payer-1,,encounter-a1,2025-05-05T15:00:00Z,2025-05-05T15:00:00Z",
    )
    with pytest.raises(BrokenRowError, match=r"claims\.csv, line 13: .*settled.*reopened"):
        database.import_synthea(small)
    assert database.content() == before


def test_the_same_export_in_another_clinic_creates_separate_records(database: Database) -> None:
    database.import_synthea(SMALL)
    database.import_synthea(SMALL, clinic="hilltop", clinic_name="Hilltop")
    query = "select c.name, i.number from invoices i join clinics c using (clinic_id) where external_key = 'claim-a1' order by 1"
    assert [tuple(row) for row in database.rows(query)] == [
        ("Hilltop", "INV-2024-000001"),
        ("riverside", "INV-2024-000001"),
    ]


# Reporting, and data that is not read.


def test_the_summary_shows_rows_records_and_totals(database: Database) -> None:
    progress_calls: list[tuple[str, int, int | None]] = []
    summary = database.import_synthea(
        SMALL, progress=lambda step, done, total: progress_calls.append((step, done, total))
    )
    text = " ".join(summary.as_text().split())
    assert "claims_transactions.csv 24" in text
    assert "invoices 11 0" in text
    assert "in the files 11 684.59 497.26 in the clinic 11 684.59 497.26 paid too much, unapplied 20.00" in text
    assert ("reading claims.csv", 11, 11) in progress_calls
    assert progress_calls[-1] == ("writing invoices", 11, 11)


def test_social_security_numbers_licences_and_passports_are_never_read(database: Database) -> None:
    database.import_synthea(SMALL)
    everything = " ".join(text for rows in database.content().values() for text in rows)
    assert "patient-a" in everything
    for secret in ("999-55", "S9990000", "X100000"):
        assert secret not in everything


def test_a_patient_is_found_by_every_part_of_the_name(database: Database) -> None:
    database.import_synthea(SMALL)
    query = (
        "select fragment from patient_names n join patients p on p.id = n.patient_id where mrn = 'patient-d' order by 1"
    )
    assert [row[0] for row in database.rows(query)] == [
        "dan never served",
        "never served",
        "served",
        "served dan never",
    ]


def append(folder: Path, file: str, line: str) -> None:
    """Add a record to a file of an export."""
    with (folder / file).open("a", encoding="utf-8") as opened:
        opened.write(line + "\n")


def test_nothing_is_dated_after_today(database: Database) -> None:
    database.import_synthea(SMALL, today=date(2025, 4, 3))
    assert TODAY > database.value("select max(received_on) from cheques") == date(2025, 4, 3)
    assert database.value("select max(at)::date from invoice_events") == date(2025, 4, 3)
    assert broken_rules(database) == {}
