"""An import of the large Synthea sample, where it is available: amounts to the cent, with legal invoice histories."""

import shutil
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from imports.synthea.summary import ControlTotals
from tests.imports.database import Database
from tests.imports.history_rules import broken_rules
from tests.imports.synthea.oracle import oracle

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "synthea"
pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the Synthea sample is not beside this checkout")


def test_the_sample_is_billed_and_received_to_the_cent(database: Database) -> None:
    summary = database.import_synthea(SAMPLE)
    assert database.ledger() == oracle(SAMPLE)
    assert summary.in_files == summary.in_clinic == ControlTotals(*oracle(SAMPLE))
    assert summary.unapplied == summary.left_out == Decimal(0)
    assert broken_rules(database) == {}


def test_the_sample_without_transactions_bills_each_encounter(database: Database, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SAMPLE, tmp_path / "export", ignore=shutil.ignore_patterns("claims*")))
    database.import_synthea(folder)
    assert database.ledger() == oracle(folder)
    assert broken_rules(database) == {}


def test_importing_the_sample_twice_changes_nothing(database: Database) -> None:
    database.import_synthea(SAMPLE)
    before = database.content()
    summary = database.import_synthea(SAMPLE)
    assert database.content() == before
    assert set(summary.created.values()) == {0}
    assert summary.already_there["invoices"] == summary.in_clinic.invoices == oracle(SAMPLE)[0]


def test_the_sample_has_open_invoices_when_recent_payments_are_left_out(database: Database) -> None:
    summary = database.import_synthea(SAMPLE, open_since=date(2023, 1, 1))
    invoices, billed, paid = oracle(SAMPLE)
    assert database.ledger() == (invoices, billed, paid - summary.left_out)
    open_statuses = database.rows("select distinct status from invoices where created_on >= '2023-01-01'")
    assert [row[0] for row in open_statuses] == ["pending_invoice"]
    assert database.value("select sum(balance) from invoices") == summary.left_out > 0
    assert broken_rules(database) == {}


def test_attorneys_of_the_sample_differ_by_one_case_at_most(database: Database) -> None:
    database.import_synthea(SAMPLE, attorneys=4)
    assert sorted(Counter(database.representation().values()).values()) == [2, 3, 3, 3]
