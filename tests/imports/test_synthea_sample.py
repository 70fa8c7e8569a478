"""The Synthea sample that lies beside the checkout: its money to the cent, with pasts that are legal."""

import shutil
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from imports.summary import ControlTotals
from tests.imports.database import Database
from tests.imports.laws import broken_laws
from tests.imports.oracle import oracle

REAL = Path(__file__).parents[3] / "shared" / "data" / "synthea"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the Synthea sample is not beside this checkout")


def test_the_sample_is_billed_and_received_to_the_cent(database: Database) -> None:
    summary = database.import_synthea(REAL)
    assert database.ledger() == oracle(REAL)
    assert summary.in_files == summary.in_clinic == ControlTotals(*oracle(REAL))
    assert summary.unapplied == summary.left_out == Decimal(0)
    assert broken_laws(database) == {}


def test_the_sample_without_transactions_bills_each_encounter(database: Database, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(REAL, tmp_path / "export", ignore=shutil.ignore_patterns("claims*")))
    database.import_synthea(folder)
    assert database.ledger() == oracle(folder)
    assert broken_laws(database) == {}


def test_the_sample_twice_is_the_sample_once(database: Database) -> None:
    database.import_synthea(REAL)
    before = database.content()
    summary = database.import_synthea(REAL)
    assert database.content() == before
    assert set(summary.created.values()) == {0}
    assert summary.already_there["invoices"] == summary.in_clinic.invoices == oracle(REAL)[0]


def test_the_sample_has_open_invoices_when_recent_payments_are_left_out(database: Database) -> None:
    summary = database.import_synthea(REAL, open_since=date(2023, 1, 1))
    invoices, billed, paid = oracle(REAL)
    assert database.ledger() == (invoices, billed, paid - summary.left_out)
    open_statuses = database.rows("select distinct status from invoices where created_on >= '2023-01-01'")
    assert [row[0] for row in open_statuses] == ["pending_invoice"]
    assert database.value("select sum(balance) from invoices") == summary.left_out > 0
    assert broken_laws(database) == {}


def test_attorneys_of_the_sample_differ_by_one_case_at_most(database: Database) -> None:
    database.import_synthea(REAL, attorneys=4)
    assert sorted(Counter(database.representation().values()).values()) == [2, 3, 3, 3]
