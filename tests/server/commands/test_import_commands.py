"""The import commands import lists as the API does: as a whole or not at all, with every bad row reported."""

import time
from pathlib import Path

import pytest

import imports
from server.database_urls import DatabaseUrls
from tests.server.commands.test_cli import done, refused
from tests.support.databases import rows

TEMPLATES = Path(imports.__path__[0]) / "templates"
HEADER = "code,label,base_price,valid_from\n"
# Each list and the number of rows of its template, in an order in which they can be imported.
COMMANDS = {
    "codes": 7,
    "exam-types": 6,
    "fee-schedules": 4,
    **dict.fromkeys(("attorneys", "payers", "physicians", "facilities", "patients", "cases", "invoices"), 2),
}
PRICES = "select md5(string_agg(c::text, '' order by id)) from cpt_codes c"


@pytest.mark.parametrize("ending", [pytest.param("csv", marks=pytest.mark.prove), "xlsx"])
def test_the_templates_can_be_imported_by_commands_and_a_second_time_change_nothing(
    own_address: DatabaseUrls, ending: str
) -> None:
    for command, count in COMMANDS.items():
        arguments = ("import", command, str(TEMPLATES / f"{command}.{ending}"), "--clinic", "demo")
        assert done(own_address, *arguments) == f"{count} rows: {count} new, 0 changed, 0 unchanged; written.\n"
        assert done(own_address, *arguments) == f"{count} rows: 0 new, 0 changed, {count} unchanged; written.\n"


def test_a_dry_run_reports_the_changes_and_writes_nothing(own_address: DatabaseUrls) -> None:
    before = rows(own_address, PRICES)
    output = done(own_address, "import", "codes", str(TEMPLATES / "codes.csv"), "--clinic", "demo", "--dry-run")
    assert output == "7 rows: 7 new, 0 changed, 0 unchanged; nothing was written: this was a dry run.\n"
    assert rows(own_address, PRICES) == before


def test_every_bad_row_is_reported_and_nothing_is_written(own_address: DatabaseUrls, tmp_path: Path) -> None:
    file, before = tmp_path / "codes.csv", rows(own_address, PRICES)
    file.write_text(HEADER + "L9001,Collar,42.75,2026-01-01\nL9002,Brace,-1.00,2026-01-01\n")
    output = refused(own_address, "import", "codes", str(file), "--clinic", "demo")
    assert "line 3, base_price: A price must not be negative (“-1.00”)" in output
    assert "1 of 2 rows cannot be imported; nothing was written." in output
    assert "There is no clinic nowhere" in refused(own_address, "import", "codes", str(file), "--clinic", "nowhere")
    other = tmp_path / "codes.ods"
    other.write_text("")
    assert "must be .csv, .tsv, .txt or .xlsx" in refused(
        own_address, "import", "codes", str(other), "--clinic", "demo"
    )
    assert rows(own_address, PRICES) == before


@pytest.mark.prove
def test_fifty_thousand_codes_are_imported_in_less_than_thirty_seconds(
    own_address: DatabaseUrls, tmp_path: Path
) -> None:
    lines, file = [f"P{n},Proven,1.00,2026-01-01\n" for n in range(50_000)], tmp_path / "codes.csv"
    file.write_text(HEADER + "".join(lines))
    began = time.monotonic()
    assert "50,000 new" in done(own_address, "import", "codes", str(file), "--clinic", "demo")
    took, before = time.monotonic() - began, rows(own_address, PRICES)
    print(f"50,000 codes by the command: {took:.1f} s")  # noqa: T201 (the figure is the output of this test)
    for number in (7, 25_000, 49_999):
        lines[number] = lines[number].replace("1.00", "-1.00")
    file.write_text(HEADER + "".join(lines))
    output = refused(own_address, "import", "codes", str(file), "--clinic", "demo").splitlines()
    assert [line.partition(",")[0] for line in output if line.startswith("line")] == [
        "line 9",
        "line 25002",
        "line 50001",
    ]
    assert "3 of 50,000 rows" in output[-1]
    assert rows(own_address, PRICES) == before
    assert took < 30
