"""A number is of the server's own format if it begins with the prefix of the clinic."""

import pytest

from server.database_urls import DatabaseUrls
from tests.imports.imported_files import bad_cells
from tests.imports.test_opening_balances import imported, line, prepared
from tests.support.databases import rows

__all__ = ["prepared"]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("NW-2026-0000001", "A number in the server's own format must look like NW-2026-000123"),
        ("NW-2025-000001", "A number in the server's own format must have the year of the creation date"),
        ("INV-2025-0000001", None),
    ],
)
def test_a_number_is_of_the_server_s_own_format_if_it_has_the_clinic_s_prefix(
    prepared: DatabaseUrls, number: str, reason: str | None
) -> None:
    rows(prepared, "update clinics set invoice_number_prefix = 'NW'")
    report = imported(prepared, line("OLD-1", invoice_number=number))
    if reason is None:
        assert report.written
    else:
        assert [(cell[1], cell[3]) for cell in bad_cells(report)] == [("invoice_number", reason)]
