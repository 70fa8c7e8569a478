"""Files of many rows are imported in a time that somebody waits for."""

import time

import httpx
import pytest

from server.database_urls import DatabaseUrls
from tests.api.records.test_imports import HEADER, a_list, imported
from tests.imports.imported_files import broken
from tests.support.client import Client, serving
from tests.support.databases import rows


@pytest.mark.prove
def test_fifty_thousand_codes_are_imported_in_less_than_thirty_seconds(own_address: DatabaseUrls) -> None:
    rows_of_file = [f"P{n},Proven,1.00,2026-01-01\n" for n in range(50_000)]
    with serving(own_address) as url, Client(url) as anonymous, anonymous.signed_in("admin@demo.example") as admin:
        began = time.monotonic()
        assert imported(admin, a_list(admin, HEADER + "".join(rows_of_file)))["report"]["added"] == 50_000
        took = time.monotonic() - began
        print(f"50,000 codes by the mutation: {took:.1f} s")  # noqa: T201 (the figure is what the test is run for)
        before = rows(own_address, "select md5(string_agg(c::text, '' order by id)) from cpt_codes c")
        for place in (7, 25_000, 49_999):
            rows_of_file[place] = rows_of_file[place].replace("1.00", "-1.00")
        report = imported(admin, a_list(admin, HEADER + "".join(rows_of_file)))["report"]
        assert [cell["line"] for cell in report["badCells"]] == [9, 25_002, 50_001]
        assert rows(own_address, "select md5(string_agg(c::text, '' order by id)) from cpt_codes c") == before
    assert took < 30


@pytest.mark.prove
def test_a_hundred_thousand_open_invoices_are_imported_in_less_than_a_minute(own_address: DatabaseUrls) -> None:
    people = "mrn,first_name,last_name\n" + "".join(f"H-{n},Hana,Proven {n}\n" for n in range(20_000))
    payers = "name,kind\n" + "".join(f"Proven Mutual {n},INSURANCE\n" for n in range(50))
    cases = "number,patient_mrn,date_of_injury,opened_on\n" + "".join(
        f"H-{n},H-{n},2025-01-05,2025-01-09\n" for n in range(20_000)
    )
    with serving(own_address) as url, Client(url) as anonymous, anonymous.signed_in("billing@demo.example") as biller:
        biller.http.timeout = httpx.Timeout(300)
        for kind, text in (("PATIENTS", people), ("PAYERS", payers), ("CASES", cases)):
            assert imported(biller, a_list(biller, text), kind=kind)["report"]["written"]
        lines = [_opening(n) for n in range(100_000)]
        file = a_list(biller, _OPENING + "".join(lines))
        began = time.monotonic()
        assert imported(biller, file, kind="INVOICES")["report"]["added"] == 100_000
        took = time.monotonic() - began
        print(f"100,000 open invoices by the mutation: {took:.1f} s")  # noqa: T201 (the figure is what the test is run for)
        lines[70_000] = lines[70_000].replace("900.00", "900.01")
        report = imported(biller, a_list(biller, _OPENING + "".join(lines)), kind="INVOICES")["report"]
        assert {cell["line"] for cell in report["badCells"]} == {70_002}
    assert broken(own_address) == ()
    assert took < 60


_OPENING = (
    "Invoice number,Case number,Patient name,Billed amount,Status,Payer,Created on,Service date,Submitted on,Agreed amount,"
    "Received amount,Balance\n"
)
# Of ten invoices: the cells of the status, and those of the ledger.
_STATES = (
    *(("PENDING_INVOICE", "", "", "", "900.00"),) * 2,
    *(("PENDING_INVOICE", "2025-03-04", "", "", "900.00"),) * 3,
    ("PENDING_REDUCTION", "2025-03-04", "", "", "900.00"),
    ("PENDING_CHEQUE", "2025-03-04", "900.00", "", "900.00"),
    ("PENDING_CHEQUE", "2025-03-04", "700.00", "", "700.00"),
    ("PENDING_CHEQUE", "2025-03-04", "700.00", "150.25", "549.75"),
    ("CHEQUE_RECEIVED", "2025-03-04", "650.00", "650.00", "0.00"),
)


def _opening(place: int) -> str:
    case, (status, sent, agreed, received, balance) = place % 20_000, _STATES[place % len(_STATES)]
    begin = f"OLD-{place},H-{case},Hana Proven {case},900.00,{status},Proven Mutual {place % 50}"
    return f"{begin},2025-03-03,2025-02-28,{sent},{agreed},{received},{balance}\n"
