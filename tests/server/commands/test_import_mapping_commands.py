"""The command `billing import preview` proposes a mapping as text or as a file, and `--map` imports by it."""

import json
from pathlib import Path

from server.database_urls import DatabaseUrls
from tests.server.commands.test_cli import done, refused
from tests.support.databases import rows

OPEN = "Chart #\tLast\tFirst\tDOB\tNotes\nCM-1\tExample\tAda\t3/4/1980\tx\n"
BORN = "select mrn, birth_date::text from patients where mrn like 'CM-%' order by mrn"


def born(address: DatabaseUrls) -> list[tuple[str, str]]:
    return [tuple(row) for row in rows(address, BORN)]


def test_a_proposal_is_edited_and_imports_the_file(own_address: DatabaseUrls, tmp_path: Path) -> None:
    file, mapping = tmp_path / "patients.tsv", tmp_path / "patients.json"
    file.write_text(OPEN)
    text = done(own_address, "import", "preview", "patients", str(file))
    assert "mrn <- Chart # (AS_IS)" in text
    assert "To answer: birth_date: The values can be read as 1/31/2026 or 31/1/2026 such as 3/4/1980" in text
    assert "not mapped; set ignores_other_columns to ignore them: Notes" in text
    proposed = json.loads(done(own_address, "import", "preview", "patients", str(file), "--json"))
    assert (proposed["kind"], proposed["header_row"]) == ("patients", 1)
    mapping.write_text(json.dumps(proposed))
    arguments = ("import", "patients", str(file), "--clinic", "demo", "--map", str(mapping))
    assert "The format of birth_date is undecided" in refused(own_address, *arguments)
    [day] = [one for one in proposed["columns"] if one["column"] == "birth_date"]
    day["format"] = "day_month_year"
    mapping.write_text(json.dumps(proposed))
    assert "line 1, Notes: This column is not in the mapping" in refused(own_address, *arguments)
    assert born(own_address) == []
    mapping.write_text(json.dumps({**proposed, "ignores_other_columns": True}))
    shown = done(own_address, "import", "preview", "patients", str(file), "--clinic", "demo", "--map", str(mapping))
    assert "birth_date 1980-04-03" in shown
    assert shown.endswith("1 rows: 1 new, 0 changed, 0 unchanged; nothing was written: this was a dry run.\n")
    assert born(own_address) == []
    assert done(own_address, *arguments) == "1 rows: 1 new, 0 changed, 0 unchanged; written.\n"
    assert born(own_address) == [("CM-1", "1980-04-03")]
    # The answer was given for that file alone.
    file.write_text(OPEN.replace("CM-1", "CM-2"))
    assert "give --column-format birth_date=DAY_MONTH_YEAR" in refused(own_address, *arguments)
    # A format is written as in the API, or as in a mapping file.
    assert "formats are AS_IS, MONTH_DAY_YEAR" in refused(own_address, *arguments, "--column-format", "birth_date=day")
    answered = (*arguments, "--column-format", "birth_date=month_day_year")
    assert done(own_address, *answered) == "1 rows: 1 new, 0 changed, 0 unchanged; written.\n"
    assert born(own_address) == [("CM-1", "1980-04-03"), ("CM-2", "1980-03-04")]


def test_a_saved_mapping_is_named_and_proved_anew(own_address: DatabaseUrls, tmp_path: Path) -> None:
    columns = [
        {"column": column, "sources": [{"name": source}], "format": form}
        for column, source, form in (
            ("mrn", "Chart #", "as_is"),
            ("first_name", "First", "as_is"),
            ("last_name", "Last", "as_is"),
            ("birth_date", "DOB", "month_day_year"),
        )
    ]
    query = """insert into import_mappings (clinic_id, id, kind, name, mapping, changed_at)
        select clinic_id, gen_random_uuid(), 'patients', 'Old system', $1, now() from clinics where short_name = 'demo'"""
    rows(own_address, query, json.dumps({"columns": columns, "ignores_other_columns": True}))
    file = tmp_path / "patients.txt"
    file.write_text(OPEN)
    arguments = ("import", "patients", str(file), "--clinic", "demo", "--map", "old system")
    assert "birth_date: The values can be read as" in refused(own_address, *arguments)
    file.write_text(OPEN + "CM-2\tSample\tBen\t12/31/1990\t\n")
    assert done(own_address, *arguments) == "2 rows: 2 new, 0 changed, 0 unchanged; written.\n"
    assert born(own_address) == [("CM-1", "1980-03-04"), ("CM-2", "1990-12-31")]
    assert "has no mapping Another" in refused(own_address, *arguments[:-1], "Another")


def test_wrong_options_are_one_sentence(own_address: DatabaseUrls, tmp_path: Path) -> None:
    file, mapping = tmp_path / "patients.csv", tmp_path / "patients.json"
    file.write_text(OPEN)
    arguments = ("import", "preview", "patients", str(file))
    assert "birth_date=MONTH_DAY_YEAR" in refused(own_address, *arguments, "--column-format", "birth_date=M/D/Y")
    assert "give --clinic" in refused(own_address, *arguments, "--map", "Old system")
    for content, words in (
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        ('{"kind": "codes", "columns": []}', "another kind of file"),
        ('{"columns": [{"column": "code"}]}', "columns.0.column: There is no such column"),
    ):
        mapping.write_text(content)
        assert words in refused(own_address, *arguments, "--map", str(mapping))
