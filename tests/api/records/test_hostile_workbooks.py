"""A hostile workbook is refused as an invalid file, read in a child process: the server answers and goes on."""

import io
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from domain.documents.uploads import XLSX
from server.database_urls import DatabaseUrls
from tests.api.records.test_imports import consumed, imported, prices
from tests.storage.stores import Folder
from tests.support.api.scans import House, house_over, sent


@pytest.fixture(scope="module")
def house(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_over(address, Folder(tmp_path_factory.mktemp("home")))


def children_started() -> list[Any]:
    """The child processes that read workbooks from now on, started by this process in which the server runs."""
    started = list[Any]()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and "imports.files.reading" in arguments[1]:
            started.append(arguments[1])

    sys.addaudithook(hook)
    return started


def a_workbook(rows: bytes) -> bytes:
    """A workbook of one sheet with these rows only."""
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = b"http://schemas.openxmlformats.org/package/2006/relationships"
    kinds = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    related = b'<Relationships xmlns="%s"><Relationship Id="a" Type="%s/%s" Target="%s"/></Relationships>'
    sheets = b'<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="a" sheetId="1" r:id="a"/></sheets></workbook>'
    parts = {
        "_rels/.rels": related % (relations, kinds, b"officeDocument", b"xl/workbook.xml"),
        "xl/workbook.xml": sheets % (main, kinds),
        "xl/_rels/workbook.xml.rels": related % (relations, kinds, b"worksheet", b"sheet.xml"),
        "xl/sheet.xml": b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (main, rows),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


HOSTILE = [
    (b"<row><c><f>1+1</f><v>2</v></c></row>", "This is a formula"),
    (b'<row r="1"><c r="a1"><f>1+1</f><v>2</v></c></row>', "in the wrong position"),
    (b'<row r="4294967295"/><row/>', "in the wrong position"),
    (b'<row r="1048576"><c r="ALL1048576"><v>1</v></c></row>', "A sheet has at most"),
    (b"<a>" * 100_000, "This is not a readable XLSX workbook"),
    (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c><c r="B1"><v>NaN</v></c></row>',
        "This cell is damaged",
    ),
]


def test_a_hostile_workbook_is_an_invalid_file_and_the_server_goes_on(house: House) -> None:
    before, started = prices(house), children_started()
    for rows_of_it, reason in HOSTILE:
        file = sent(house.admin, a_workbook(rows_of_it), fileName="codes.xlsx", contentType=XLSX)
        done = imported(house.admin, file)
        assert [error["code"] for error in done["errors"]] == ["INVALID_INPUT"], reason
        assert reason in done["report"]["badCells"][0]["reason"]
        assert done["report"]["written"] is False
        assert not consumed(house, file)
    assert prices(house) == before
    assert len(started) == len(HOSTILE)
