"""Makes hostile CSV and XLSX files, each with what a person sees in it where that is known."""

import csv
import gzip
import io
import random
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from domain.documents.uploads import CSV, XLSX
from tests.imports.files.mutants import SHEET, Random, mutant, parts_of, shared, zipped
from tests.imports.files.shown_values import DAYS, NO_DAYS, NOT_RENDERED, SHOWN

Grid = list[list[str]]


@dataclass(frozen=True)
class HostileFile:
    """A file, and the texts that a person sees in its rows.

    `seen` is None where that is not known, and a cell of it None where no text is right, so that it has to be refused.
    """

    data: bytes
    content_type: str
    seen: Sequence[Sequence[str | None]] | None = None
    # A person does not see all of it, or it is not certain which part is meant: reading it has to end with an error.
    must_be_refused: bool = False
    # The last row was cut off, where a shorter last cell cannot be told from a whole one.
    may_end_early: bool = False


def hostile_file(seed: str) -> HostileFile:
    """The file of a seed."""
    rng = random.Random(seed)  # noqa: S311 (the same files each time)
    with warnings.catch_warnings(action="ignore"):
        [make] = rng.choices([make for make, _ in _MAKERS], [share for _, share in _MAKERS])
        return make(rng)


# Text files.

_TEXTS = [
    "Ann", "O'Neil", '5" brace', "Poe, Ann", "a;b", "x|y", "a\tb", "001001", "1,275.00", "33,35", "'=1", "=1+1", "", " ", "NULL", "$5",
    "1.23457E+11", "Main St. 5", "2026-01-31", "1/2/2026", "é", "Müller & Söhne", "Peña", "€ 5", "René\u2019s",
]  # fmt: skip
_WIDE_TEXTS = [*_TEXTS, "Łukasz", "Dvořák", "王", "😀", "Esm\ufffd"]
_ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1252"]
_ENDS = ["\n", "\r\n", "\r"]


def _table(rng: Random, encoding: str) -> Grid:
    texts = _TEXTS if encoding == "cp1252" else _WIDE_TEXTS
    width = rng.randrange(2, 8)
    header = [f"column_{place}" for place in range(width)]
    return [header, *([rng.choice(texts) for _ in header] for _ in range(rng.randrange(1, 30)))]


def _written(rng: Random, rows: Grid, encoding: str) -> bytes:
    made, delimiter = io.StringIO(), rng.choice(",;\t|")
    if rng.random() < 0.2:
        made.write(f"sep={delimiter}\n")
    end = rng.choice(_ENDS)
    if rng.random() < 0.5:
        csv.writer(made, delimiter=delimiter, lineterminator=end).writerows(rows)
    else:
        csv.writer(made, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return made.getvalue().encode(encoding)


def _text_file(rng: Random) -> HostileFile:
    encoding = rng.choice(_ENCODINGS)
    rows = _table(rng, encoding)
    return HostileFile(_written(rng, rows, encoding), CSV, rows)


def _cut_text_file(rng: Random) -> HostileFile:
    encoding = rng.choice(_ENCODINGS)
    rows = _table(rng, encoding)
    data = _written(rng, rows, encoding)
    return HostileFile(data[: rng.randrange(1, len(data))], CSV, rows, may_end_early=True)


def _shuffled_text_file(rng: Random) -> HostileFile:
    """A row has a cell too many or too few: it is not to be read as if it had the right ones."""
    rows = _table(rng, "utf-8")
    seen: list[list[str | None]] = [[*row] for row in rows]
    place = rng.randrange(1, len(rows))
    if rng.random() < 0.5:
        rows[place] = [*rows[place], rng.choice(_TEXTS)]
    else:
        rows[place] = rows[place][:-1]
    seen[place] = [None] * len(rows[0])
    return HostileFile(_written(rng, rows, "utf-8"), CSV, seen)


_INSERTED = [
    b"\0", b'"', b"\xff", b"\x81", b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b"sep=;\n", b'"' * 1000, b"," * 20_000,
    b"x" * 2_000_000, b'a"b', b"\n" * 100_000,
]  # fmt: skip


def _damaged_text_file(rng: Random) -> HostileFile:
    encoding = rng.choice(_ENCODINGS)
    data = bytearray(_written(rng, _table(rng, encoding), encoding))
    for _ in range(rng.randrange(1, 6)):
        place = rng.randrange(len(data))
        if rng.random() < 0.5:
            data[place] = rng.randrange(256)
        else:
            data[place:place] = rng.choice(_INSERTED)
    return HostileFile(bytes(data), CSV)


def _no_text(rng: Random) -> HostileFile:
    data = rng.choice(
        [
            rng.randbytes(rng.randrange(5000)),
            gzip.compress(b"a,b\n" * 1000),
            _written(rng, [["a"]], "utf-32"),
            b"\0" * 10_000,
        ]
    )
    return HostileFile(data, rng.choice([CSV, XLSX]))


# Workbooks.

_CASES = [(code, value, shown) for code, values in SHOWN.items() for value, shown in values.items()]
_REFUSED = [*NOT_RENDERED, *NO_DAYS]
_DAY = date(2026, 1, 1)


def _fill(rng: Random, sheet: Worksheet, row: int, column: int) -> str | None:
    """Fill a cell at random, and return what a person sees in it."""
    cell, kind = sheet.cell(row, column), rng.random()
    if kind < 0.5:
        code, value, shown = rng.choice(_CASES)
        cell.value, cell.number_format = Decimal(value), code
        return shown or None
    if kind < 0.65:
        number = rng.randrange(300)
        cell.value, cell.number_format = 46_023 + number, rng.choice(DAYS)
        return str(_DAY + timedelta(number))
    if kind < 0.75:
        cell.value, cell.number_format = 46_053, rng.choice(_REFUSED)
        return None
    text = rng.choice(_TEXTS)
    cell.value = text
    cell.data_type = "s"
    return text


def _hide_row(rng: Random, sheet: Worksheet) -> None:
    sheet.row_dimensions[rng.randrange(2, 5)].hidden = True


def _hide_column(rng: Random, sheet: Worksheet) -> None:
    sheet.column_dimensions[rng.choice("AB")].hidden = True


def _second_sheet(rng: Random, sheet: Worksheet) -> None:
    assert sheet.parent
    sheet.parent.create_sheet()["C3"] = "more"


_HIDING: list[Callable[[Random, Worksheet], None]] = [_hide_row, _hide_column, _second_sheet]


def _workbook(rng: Random, hide: Callable[[Random, Worksheet], None] | None = None) -> HostileFile:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    width = rng.randrange(2, 7)
    seen: list[list[str | None]] = [[f"column_{place}" for place in range(width)]]
    sheet.append(seen[0])
    for row in range(2, rng.randrange(6, 30)):
        seen.append([_fill(rng, sheet, row, column) for column in range(1, width + 1)])
        # So that no row is blank.
        sheet.cell(row, 1).value, sheet.cell(row, 1).number_format, seen[-1][0] = f"R{row}", "General", f"R{row}"
        sheet.cell(row, 2).value, sheet.cell(row, 2).number_format, seen[-1][1] = row, "000000", f"{row:06}"
    if rng.random() < 0.2:
        book.create_sheet("empty")
    if hide:
        hide(rng, sheet)
    file = io.BytesIO()
    book.save(file)
    data = shared(file.getvalue()) if rng.random() < 0.5 else file.getvalue()
    return HostileFile(data, XLSX, seen, must_be_refused=hide is not None)


def _hiding_workbook(rng: Random) -> HostileFile:
    return _workbook(rng, rng.choice(_HIDING))


def _shuffled_workbook(rng: Random) -> HostileFile:
    """Cells or rows are exchanged in the file, their references staying with them or not."""
    made = _workbook(rng)
    parts = parts_of(made.data)
    pattern = rng.choice([rb"<c [^>]*?(?:/>|>.*?</c>)", rb"<row .*?</row>"])
    found = list(re.finditer(pattern, parts[SHEET]))
    first, second = sorted(rng.sample(found, 2), key=lambda match: match.start())
    text = parts[SHEET]
    parts[SHEET] = (
        text[: first.start()] + second[0] + text[first.end() : second.start()] + first[0] + text[second.end() :]
    )
    return HostileFile(zipped([*parts.items()]), XLSX, made.seen)


def _mutant(rng: Random) -> HostileFile:
    return HostileFile(mutant(rng), XLSX)


_MAKERS: list[tuple[Callable[[Random], HostileFile], int]] = [
    (_text_file, 15),
    (_cut_text_file, 10),
    (_shuffled_text_file, 5),
    (_damaged_text_file, 10),
    (_no_text, 5),
    (_workbook, 20),
    (_hiding_workbook, 10),
    (_shuffled_workbook, 5),
    (_mutant, 20),
]
