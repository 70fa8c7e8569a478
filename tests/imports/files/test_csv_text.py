"""A text file is read in the encoding and with the delimiter that it has; what cannot be told is asked, and a row has as many cells as the header."""

import csv
import io

import pytest

from domain.documents.uploads import CSV
from domain.imports import ImportKind
from imports.checking import Checked, check_file
from imports.files.child import read_in_child, read_in_process
from imports.kinds.known import KINDS
from imports.sheets import FileShape, ReadOptions, SheetError

HEADER = "name,firm,email,phone"
ROW = "Esmé Peña,Müller & Söhne,,555-0100"
TEXT = f"{HEADER}\n{ROW}\n"


def shape(data: bytes, options: ReadOptions | None = None) -> FileShape:
    return read_in_process(data, CSV, options or ReadOptions()).shape


def rows(data: bytes, options: ReadOptions | None = None) -> list[tuple[int, list[str]]]:
    return [(line.number, list(line.cells)) for line in read_in_process(data, CSV, options or ReadOptions())]


def checked(data: bytes | str) -> Checked:
    found = data.encode() if isinstance(data, str) else data
    return check_file(KINDS[ImportKind.ATTORNEYS], found, CSV, read=read_in_process)


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_encoding_is_found_out_and_reported(codec: str, encoding: str, end: str) -> None:
    mark = "\ufeff" if codec in ("utf-16-le", "utf-16-be") else ""
    data = (mark + TEXT.replace("\n", end)).encode(codec)
    assert shape(data) == FileShape(encoding, ",")
    assert rows(data) == [(1, HEADER.split(",")), (2, ROW.split(","))]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_delimiter_is_found_out(delimiter: str) -> None:
    made = io.StringIO()
    writer = csv.writer(made, delimiter=delimiter)
    # Cells with the other delimiters, in quotation marks and without.
    for row in (["name", "price", "note"], ["a;b", "33,35", "x|y"], ["c\td", "1,5", "line\nbreak; and, more"]):
        writer.writerow(row)
    assert shape(made.getvalue().encode()).delimiter == delimiter
    assert rows(made.getvalue().encode())[1] == (2, ["a;b", "33,35", "x|y"])


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("code;price\nA;33,35\nB;1,50\n", ";"),
        ("name\tprice\nA\t1,50\nB\t2,50\n", "\t"),
        ('a,b\n"x;y",1\n"x;y",2\n', ","),
        ("Report of 3 May; final\n\nname,firm,phone\nA,B,1\nC,D,2\n", ","),
        ("name\nSmith\n", ","),
        ("a,b\n5; pipe,1\n6; pipe,2\n", ","),
    ],
)
def test_the_delimiter_is_the_one_with_which_most_rows_agree(text: str, delimiter: str) -> None:
    assert shape(text.encode()).delimiter == delimiter


def test_two_delimiters_that_fit_equally_are_a_question() -> None:
    data = b"a,b;c\n1,2;3\n"
    assert shape(data) == FileShape("UTF-8", None)
    with pytest.raises(SheetError, match="comma or semicolon"):
        rows(data)
    assert rows(data, ReadOptions(delimiter=";"))[1] == (2, ["1,2", "3"])
    assert rows(data, ReadOptions(delimiter=","))[1] == (2, ["1", "2;3"])


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
def test_a_first_line_that_names_the_delimiter_is_no_row(first: str) -> None:
    for codec in ("utf-8", "utf-16"):
        data = f"{first}\r\na;b,c\r\n1;2,3\r\n".encode(codec)
        assert shape(data).delimiter == ";"
        assert rows(data) == [(2, ["a", "b,c"]), (3, ["1", "2,3"])]
        assert rows(data, ReadOptions(delimiter=",")) == [(2, ["a;b", "c"]), (3, ["1;2", "3"])]


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        (TEXT.encode("cp1252"), ReadOptions(encoding="UTF-8"), "This line is not UTF-8"),
        (TEXT.encode("utf-8-sig"), ReadOptions(encoding="Windows-1252"), "The file is UTF-8, as its first bytes say"),
        (TEXT.encode(), ReadOptions(encoding="UTF-16"), "The file is not UTF-16"),
        (TEXT.encode(), ReadOptions(encoding="utf-7"), "The encoding must be one of"),
        (TEXT.encode(), ReadOptions(delimiter="x"), "The delimiter must be one of"),
        (TEXT.encode("utf-32"), ReadOptions(), "This line is not text"),
        (TEXT.encode()[: TEXT.encode().index(b"\xc3") + 1], ReadOptions(), "it is cut off"),
        (TEXT.encode("utf-16")[:-1], ReadOptions(), "it is cut off"),
    ],
)
def test_a_file_that_is_not_as_it_is_said_to_be_is_refused(data: bytes, options: ReadOptions, reason: str) -> None:
    with pytest.raises(SheetError, match=reason):
        rows(data, options)


def test_utf8_can_be_read_as_windows_1252_only_if_it_is_asked_for() -> None:
    assert "EsmÃ© PeÃ±a" in rows(TEXT.encode(), ReadOptions(encoding="Windows-1252"))[1][1]


def test_the_child_process_is_given_the_options_and_sends_the_shape_first() -> None:
    for data, options in (
        (b"a,b;c\n1,2;3\n", ReadOptions(delimiter=";")),
        (TEXT.encode("utf-16"), ReadOptions()),
        (TEXT.encode("cp1252"), ReadOptions(encoding="Windows-1252")),
    ):
        here, there = read_in_process(data, CSV, options), read_in_child(data, CSV, options)
        assert here.shape == there.shape
        assert list(here) == list(there)


WIDTHS = [
    (f"{HEADER}\n{ROW}\nAnn Poe,Poe,ann@x.org\n", 3, "This row has 3 cells, and the header 4: it is cut off, or delimiters are missing"),
    (f"{HEADER}\n{ROW}\nAnn", 3, "This row has 1 cells, and the header 4: it is cut off, or delimiters are missing"),
    (f"{HEADER}\nPoe, Ann,Poe,,1\n{ROW}\n", 2, "This row has 5 cells, and the header 4: put a text that contains the delimiter in quotation marks"),
    (f"{HEADER}\n{ROW},\n", 2, "This row has 5 cells, and the header 4: put a text that contains the delimiter in quotation marks"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "reason"), WIDTHS)
def test_a_row_with_another_number_of_cells_than_the_header_is_refused(text: str, line: int, reason: str) -> None:
    assert [(cell.line, cell.reason) for cell in checked(text).report().bad_cells] == [(line, reason)]


def test_delimiters_at_the_end_of_all_rows_and_blank_rows_are_no_cells() -> None:
    found = checked(f"{HEADER},,\n{ROW},,\n,,,,,\n\n{ROW.replace('Esmé', 'Ann')},,\n")
    assert (found.report().bad_rows, len(found.rows)) == (0, 2)


def test_the_last_amount_of_a_file_that_is_cut_off_is_not_taken() -> None:
    text = "code,label,base_price,bilateral_policy,valid_from,valid_to\nA1,Collar,1.00,,2026-01-01,\nA2,Brace,250.00,,2026-01-01,\n"
    kind = KINDS[ImportKind.CODES]
    # Wherever the last row is cut off but at its end, it is refused.
    for length in range(text.index("A2") + 1, len(text) - 1):
        assert check_file(kind, text[:length].encode(), CSV, read=read_in_process).report().bad_rows == 1


def test_a_header_error_is_said_in_words_that_do_not_count_rows() -> None:
    found = checked("name,colour\nAnn,red\n").report().as_text()
    assert "of 0 rows" not in found
    assert found.endswith("The file cannot be imported as it is; nothing was written.")
