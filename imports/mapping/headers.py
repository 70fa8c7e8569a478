"""Finds the header of a foreign file, and the columns of the file that a mapping names."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from domain.imports import ImportKind
from imports.cells import NumberCell, Unreadable
from imports.mapping.columns import COLUMNS
from imports.mapping.mappings import Source
from imports.sheets import Line, SheetError

# How many rows of a file may stand before its header.
SEARCHED = 60
_NO_WORD = re.compile(r"[\W_]+")


def header_key(text: str) -> str:
    """A header in normal form: "Chart #" is `chart`, "code|1" is `code_1`."""
    return _NO_WORD.sub("_", text.casefold()).strip("_")


def header_texts(header: Line) -> list[str]:
    """The headers of a row as texts; a blank or unreadable one is an empty text."""
    return [cell_text(cell) for cell in header.cells]


def cell_text(cell: Any) -> str:
    """The text of a cell, as the file shows it; an empty text for a blank or unreadable cell."""
    if cell is None or isinstance(cell, Unreadable):
        return ""
    return (cell.shown if isinstance(cell, NumberCell) else str(cell)).strip()


def likeliest_header(kind: ImportKind, lines: Iterable[Line]) -> Line | None:
    """The row whose texts are headers of most of the kind's columns; None if no row has one."""
    best, found = 0, None
    for line in lines:
        keys = {header_key(text) for text in header_texts(line)}
        named = sum(not keys.isdisjoint((name, *known.headers)) for name, known in COLUMNS[kind].items())
        # Of rows that are equally likely, the first: a header stands above its rows.
        if named > best and not any(isinstance(cell, NumberCell) for cell in line.cells):
            best, found = named, line
    return found


def sources_of(headers: Sequence[str]) -> list[Source]:
    """How a mapping names each column: by its header, with its position where the header is blank or not the only one of its key."""
    often = Counter(map(header_key, headers))
    return [
        Source(text) if often[header_key(text)] == 1 and header_key(text) else Source(text or None, place)
        for place, text in enumerate(headers, 1)
    ]


class HeaderIndex:
    """The columns of a file by name and by position."""

    def __init__(self, line: Line) -> None:
        self._texts, self._line = header_texts(line), line.number
        self._places: dict[str, list[int]] = {}
        for place, text in enumerate(self._texts):
            self._places.setdefault(header_key(text), []).append(place)

    @property
    def width(self) -> int:
        """The number of columns up to the last that has a header."""
        return max((place for place, text in enumerate(self._texts, 1) if text), default=0)

    @property
    def texts(self) -> list[str]:
        """The headers, from the first column on."""
        return self._texts

    def position(self, source: Source) -> int:
        """The position of a column, from 0; SheetError if the file does not have it, or has several of its name."""
        if source.position is not None:
            return self._at(source, source.position - 1)
        name = source.name or ""
        places = self._places.get(header_key(name), []) if header_key(name) else []
        if len(places) > 1:
            places = [place for place in places if self._texts[place] == name.strip()]
        if len(places) != 1:
            several = "The file has several columns of this name: name one by its position"
            raise SheetError(f"{several if places else 'The file has no such column'} (“{source}”)", self._line)
        return places[0]

    def _at(self, source: Source, place: int) -> int:
        if place >= len(self._texts):
            # Nothing can be in it: rows are not wider than the header. Blank values would stand for what the file does not have.
            raise SheetError(f"The file has no column {place + 1}: the header has {len(self._texts):,}", self._line)
        found = self._texts[place]
        if source.name is not None and header_key(found) != header_key(source.name):
            reason = f"Column {place + 1} of the file is not “{source.name}” as in the mapping"
            raise SheetError(reason, self._line)
        return place


def text_of(cell: Any) -> str:
    """A cell as text for comparisons with what a mapping says: trimmed, without regard to case."""
    return " ".join(cell_text(cell).split()).casefold()
