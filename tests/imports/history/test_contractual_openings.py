"""Contractual adjustments of opening balances: what the payer does not pay by its contract is taken off the billed amount."""

from decimal import Decimal

import pytest

from server.database_urls import DatabaseUrls
from tests.imports.imported_files import bad_cells, broken, counts
from tests.imports.test_opening_balances import imported, prepared
from tests.support.databases import rows

__all__ = ["prepared"]

HEADER = (
    "Invoice number,Case number,Billed amount,Status,Payer,Created on,Service date,Submitted on,Contractual adjustments,"
    "Agreed amount,Received amount,Balance"
)
# With contractual adjustments: never negotiated, accepted in full and in part.
ADJUSTED = f"""{HEADER}
ADJ-1,C-1,1000.00,PENDING_INVOICE,Sample Mutual,2026-01-10,2026-01-07,2026-01-12,120.55,,,879.45
ADJ-2,C-1,1000.00,PENDING_CHEQUE,Sample Mutual,2026-01-10,2026-01-07,2026-01-12,120.55,879.45,79.45,800.00
ADJ-3,C-1,1000.00,PENDING_CHEQUE,Sample Mutual,2026-01-10,2026-01-07,2026-01-12,120.55,600.00,,600.00
"""


def test_contractual_adjustments_are_taken_off_before_anything_is_agreed(prepared: DatabaseUrls) -> None:
    before = broken(prepared)
    assert counts(imported(prepared, ADJUSTED)) == (3, 0, 0, 0)
    query = """select i.number, i.contractual_amount, i.agreed_amount, i.balance, a.adjustment_group, a.reason_code, a.amount
        from invoices i join invoice_adjustments a on a.clinic_id = i.clinic_id and a.invoice_id = i.id
        where i.number like 'ADJ-%' order by 1"""
    taken_off = Decimal("120.55")
    amounts = [(None, "879.45"), ("879.45", "800.00"), ("600.00", "600.00")]
    assert [tuple(row) for row in rows(prepared, query)] == [
        (f"ADJ-{place}", taken_off, agreed and Decimal(agreed), Decimal(balance), "co", "OPENING", taken_off)
        for place, (agreed, balance) in enumerate(amounts, 1)
    ]
    assert broken(prepared) == before
    assert counts(imported(prepared, ADJUSTED)) == (0, 0, 3, 0)


@pytest.mark.parametrize(
    ("cells", "wrong", "column"),
    [
        ("120.55,,,879.45", "120.55,,,1000.00", "balance"),
        ("120.55,,,879.45", "1000.00,,,", "contractual_adjustments"),
        ("120.55,600.00,,600.00", "400.01,600.00,,600.00", "agreed_amount"),
    ],
)
def test_contractual_adjustments_that_contradict_the_row_are_refused(
    prepared: DatabaseUrls, cells: str, wrong: str, column: str
) -> None:
    [cell] = bad_cells(imported(prepared, ADJUSTED.replace(cells, wrong)))
    assert cell[1] == column
