"""Previews: a mapping is proposed for a foreign file, what the file does not tell is asked, and only the previewed file is imported."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.api.audit_log.test_audit_events import event_of
from tests.storage.stores import Folder
from tests.support.api.scans import House, house_over
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.files.import_files import PREVIEW, column, imported, previewed, saved, sha256, uploaded

# Of the days of birth, none proves the order of month and day.
PATIENTS = "Chart #,First,Last,DOB,Notes\nPV-1,Ada,Example,3/4/1980,x\nPV-2,Ben,Sample,5/6/1990,y\n"
PROVEN = PATIENTS + "PV-3,Cyd,Sample,12/31/1990,\n"


@pytest.fixture(scope="module")
def house(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_over(address, Folder(tmp_path_factory.mktemp("home")))


def stored(house: House) -> Any:
    tables = ("patients", "cpt_codes", "import_mappings")
    return [sorted(row[0] for row in rows(house.address, f"select t::text from {table} t")) for table in tables]


def test_a_mapping_is_proposed_and_an_ambiguous_day_is_asked(house: House) -> None:
    before = stored(house)
    payload = previewed(house.biller, uploaded(house.biller, PATIENTS), "PATIENTS")
    assert payload["errors"] == []
    preview = payload["preview"]
    assert preview["fileSha256"] == sha256(PATIENTS)
    assert {one["column"]: (one["sources"][0]["name"], one["format"]) for one in preview["mapping"]["columns"]} == {
        "mrn": ("Chart #", "AS_IS"),
        "first_name": ("First", "AS_IS"),
        "last_name": ("Last", "AS_IS"),
        "birth_date": ("DOB", "UNDECIDED"),
    }
    [question] = preview["questions"]
    assert (question["column"], question["example"]) == ("birth_date", "3/4/1980")
    assert question["formats"] == ["MONTH_DAY_YEAR", "DAY_MONTH_YEAR"]
    assert (preview["otherColumns"], preview["missingColumns"], preview["report"]) == (["Notes"], [], None)
    first = {cell["column"]: (cell["value"], cell["readAs"]) for cell in preview["firstRows"][0]["cells"]}
    assert first == {
        "mrn": ("PV-1", "PV-1"),
        "first_name": ("Ada", "Ada"),
        "last_name": ("Example", "Example"),
        "birth_date": ("3/4/1980", None),
    }
    assert stored(house) == before


def test_with_an_answer_the_preview_has_the_report_of_a_dry_run(house: House) -> None:
    before, answer = stored(house), [{"column": "birth_date", "format": "DAY_MONTH_YEAR"}]
    file = uploaded(house.biller, PATIENTS)
    preview = previewed(house.biller, file, "PATIENTS", columnFormats=answer)["preview"]
    assert preview["questions"] == []
    assert (preview["report"]["added"], preview["report"]["written"]) == (2, False)
    assert {cell["readAs"] for cell in preview["firstRows"][0]["cells"]} >= {"1980-04-03"}
    assert stored(house) == before


def test_a_day_that_the_file_proves_is_not_asked(house: House) -> None:
    preview = previewed(house.biller, uploaded(house.biller, PROVEN), "PATIENTS")["preview"]
    assert preview["questions"] == []
    assert {one["column"]: one["format"] for one in preview["mapping"]["columns"]}["birth_date"] == "MONTH_DAY_YEAR"


MAPPING = {
    "columns": [
        column("mrn", "chart"),
        column("first_name", "FIRST"),
        column("last_name", "Last"),
        column("birth_date", "DOB", format="MONTH_DAY_YEAR"),
    ],
    "ignoresOtherColumns": True,
}


def test_an_import_by_mapping_names_the_file_that_was_previewed(house: House) -> None:
    file, before = uploaded(house.biller, PATIENTS.replace("PV-", "PW-")), stored(house)
    for named in (None, sha256(PATIENTS), "nonsense"):
        [error] = imported(house.biller, file, "PATIENTS", mapping=MAPPING, fileSha256=named)["errors"]
        assert error["path"] == ["input", "fileSha256"]
    assert stored(house) == before
    right = sha256(PATIENTS.replace("PV-", "PW-"))
    payload = imported(house.biller, file, "PATIENTS", mapping=MAPPING, fileSha256=right)
    assert (payload["errors"], payload["report"]["added"]) == ([], 2)
    query = "select birth_date::text from patients where mrn = 'PW-1'"
    assert [tuple(row) for row in rows(house.address, query)] == [("1980-03-04",)]


def test_the_hash_is_checked_without_a_mapping_too(house: House) -> None:
    text = "mrn,first_name,last_name\nPT-1,Ada,Example\n"
    file = uploaded(house.biller, text)
    [error] = imported(house.biller, file, "PATIENTS", fileSha256=sha256(text + " "))["errors"]
    assert error["path"] == ["input", "fileSha256"]
    assert imported(house.biller, file, "PATIENTS", fileSha256=sha256(text).upper())["report"]["added"] == 1


def test_columns_that_are_not_mapped_are_refused_unless_it_is_said_that_they_are_ignored(house: House) -> None:
    file, strict = uploaded(house.biller, PROVEN), {**MAPPING, "ignoresOtherColumns": False}
    payload = imported(house.biller, file, "PATIENTS", mapping=strict, fileSha256=sha256(PROVEN))
    [cell] = payload["report"]["badCells"]
    assert (cell["line"], cell["column"]) == (1, "Notes")
    # No row was read: the message does not count any.
    assert [error["message"] for error in payload["errors"]] == [
        "The file cannot be imported as it is: nothing was written"
    ]


def test_bad_cells_name_the_column_of_the_file_the_value_and_the_reason(house: House) -> None:
    text = PROVEN.replace("5/6/1990", "31/12/1990")
    payload = imported(house.biller, uploaded(house.biller, text), "PATIENTS", mapping=MAPPING, fileSha256=sha256(text))
    [cell] = payload["report"]["badCells"]
    assert cell == {"line": 3, "column": "DOB", "value": "31/12/1990", "reason": "There is no such day in the calendar"}


def test_a_saved_day_format_is_proved_anew_on_each_file(house: House) -> None:
    kept = saved(house.biller, "PATIENTS", "Proved anew", MAPPING)["importMapping"]
    open_file, other = uploaded(house.biller, PATIENTS), PATIENTS.replace("PV-", "PX-")
    preview = previewed(house.biller, open_file, "PATIENTS", mappingId=kept["id"])["preview"]
    assert [(one["column"], one["example"]) for one in preview["questions"]] == [("birth_date", "3/4/1980")]
    assert preview["report"] is None
    file, named, before = uploaded(house.biller, other), sha256(other), stored(house)
    chosen = {"mappingId": kept["id"], "fileSha256": named}
    [error] = imported(house.biller, file, "PATIENTS", **chosen)["errors"]
    assert error["path"] == ["input", "columnFormats"]
    assert "birth_date" in error["message"]
    assert stored(house) == before
    answer = [{"column": "birth_date", "format": "DAY_MONTH_YEAR"}]
    assert imported(house.biller, file, "PATIENTS", columnFormats=answer, **chosen)["report"]["added"] == 2
    query = "select birth_date::text from patients where mrn = 'PX-1'"
    assert [tuple(row) for row in rows(house.address, query)] == [("1980-04-03",)]


def test_a_saved_day_format_that_the_file_proves_needs_no_answer(house: House) -> None:
    kept = saved(house.biller, "PATIENTS", "Proved by the file", MAPPING)["importMapping"]
    text = PROVEN.replace("PV-", "PY-")
    chosen = {"mappingId": kept["id"], "fileSha256": sha256(text)}
    assert imported(house.biller, uploaded(house.biller, text), "PATIENTS", **chosen)["report"]["added"] == 3


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"columns": [column("nowhere", "x")]}, ["mapping", "columns", "0", "column"]),
        ({"columns": [column("mrn")]}, ["mapping", "columns", "0"]),
        ({"columns": [column("mrn", "a", constant="b")]}, ["mapping", "columns", "0"]),
        ({"columns": [column("mrn", "a"), column("mrn", "b")]}, ["mapping", "columns", "1", "column"]),
        ({"columns": [column("mrn", "a", format="US_AMOUNT")]}, ["mapping", "columns", "0", "format"]),
        ({"columns": [column("mrn", "a", format="UNDECIDED")]}, ["mapping", "columns", "0", "format"]),
        ({"columns": [{"column": "mrn", "sources": [{}]}]}, ["mapping", "columns", "0", "sources"]),
        ({"columns": [column("mrn", "a" * 201)]}, ["mapping", "columns", "0", "sources", "0", "name"]),
        ({"columns": [column("mrn", "a")], "headerRow": 0}, ["mapping", "headerRow"]),
        (
            {"columns": [column("mrn", "a", values=[{"source": "a", "value": "b"}])]},
            ["mapping", "columns", "0", "values"],
        ),
        ({"columns": [column("mrn", "a")] * 101}, ["mapping", "columns"]),
    ],
)
def test_a_wrong_mapping_is_refused_at_its_place(house: House, wrong: Any, path: list[str]) -> None:
    file, before = uploaded(house.biller, PATIENTS), stored(house)
    [by_import] = imported(house.biller, file, "PATIENTS", mapping=wrong, fileSha256=sha256(PATIENTS))["errors"]
    [by_saving] = saved(house.biller, "PATIENTS", "Wrong", wrong)["errors"]
    assert by_import["path"] == by_saving["path"] == ["input", *path]
    assert stored(house) == before


def test_formats_of_columns_are_those_of_the_mapping(house: House) -> None:
    file, named = uploaded(house.biller, PATIENTS), sha256(PATIENTS)
    for answer, mapping in (
        ({"column": "nowhere", "format": "AS_IS"}, MAPPING),
        ({"column": "mrn", "format": "US_AMOUNT"}, MAPPING),
        ({"column": "mrn", "format": "AS_IS"}, None),
    ):
        wanted = {"columnFormats": [answer], "fileSha256": named, "mapping": mapping}
        [error] = imported(house.biller, file, "PATIENTS", **wanted)["errors"]
        assert error["code"] == "INVALID_INPUT"
    both = {"mapping": MAPPING, "mappingId": make_id("ImportMapping", UUID(int=0)), "fileSha256": named}
    [error] = imported(house.biller, file, "PATIENTS", **both)["errors"]
    assert error["path"] == ["input", "mappingId"]


def test_a_file_without_any_known_header_is_refused_in_a_sentence(house: House) -> None:
    [error] = previewed(house.biller, uploaded(house.biller, "a,b\n1,2\n"), "PATIENTS")["errors"]
    assert (error["path"], "header" in error["message"]) == (["input", "documentId"], True)


CODES = "HCPCS,Description,Price,Effective date\nV9001,Own words,$12.50,12/31/2025\n"


@pytest.mark.parametrize("role", [Role.BILLING, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_only_administrators_preview_codes(house: House, role: Role | None) -> None:
    file = uploaded(house.admin, CODES)
    client = house.anonymous.signed_in(f"{role}@demo.example") if role else house.anonymous
    assert client.refusals(PREVIEW, input={"kind": "CODES", "documentId": file})
    assert previewed(house.admin, file, "CODES")["preview"]["report"]["added"] == 1


def test_a_kind_that_a_role_s_schema_lacks_is_refused_at_run_time_too(
    own_address: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(role_schemas(), Role.BILLING, role_schemas()[Role.ADMIN])
    with serving(own_address) as url, Client(url) as anonymous, anonymous.signed_in("billing@demo.example") as biller:
        payload = previewed(biller, uploaded(biller, CODES), "CODES")
        assert (payload["preview"], payload["errors"][0]["message"]) == (None, "There is no such kind of file")


def test_another_user_s_file_is_not_previewed(house: House) -> None:
    theirs = uploaded(house.admin, PATIENTS)
    payload = previewed(house.biller, theirs, "PATIENTS")
    assert (payload["preview"], payload["errors"][0]["code"]) == (None, "NOT_FOUND")


def test_previews_are_in_the_audit_log_and_no_cell_is_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    answer = [{"column": "birth_date", "format": "MONTH_DAY_YEAR"}]
    wanted = {"kind": "PATIENTS", "documentId": uploaded(house.biller, PATIENTS)}
    for more in ({}, {"columnFormats": answer}):
        payload, event = event_of(house.address, house.biller, PREVIEW, input={**wanted, **more})
        assert payload["importPreview"]["errors"] == []
        assert (event["operation"], event["email"]) == ("importPreview", "billing@demo.example")
    wanted["documentId"] = wanted["documentId"][:-4] + "AAAA"
    _, event = event_of(house.address, house.biller, PREVIEW, input=wanted)
    assert event["operation"] == "importPreview refused"
    assert "Example" not in caplog.text
