"""Finds the merged cells of a sheet row by row, at a cost that does not grow with the overlap of ranges."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from imports.files.places import COLUMNS, LAST_ROW
from imports.sheets import SheetError

_RANGE = re.compile("([A-Z]{1,3})([1-9][0-9]{0,6}):([A-Z]{1,3})([1-9][0-9]{0,6})")
_MOST_RANGES = 1_000
_TOO_MANY = f"A sheet has at most {_MOST_RANGES:,} merged ranges: give each row its own cells"
_NO_RANGE = "The sheet has merged cells without a position: save the workbook again in a spreadsheet program"


@dataclass(slots=True)
class Merges:
    """The merged ranges of a sheet."""

    ranges: list[tuple[int, int, int, int]] = field(default_factory=list)
    _changes: list[int] = field(default_factory=list)
    _next: int = 0
    _columns: tuple[int, ...] = ()

    def add(self, reference: str) -> None:
        """Add a range, such as A1:B2."""
        found = _RANGE.fullmatch(reference)
        if not found:
            raise SheetError(_NO_RANGE)
        left, top, right, bottom = COLUMNS.get(found[1], 0), int(found[2]), COLUMNS.get(found[3], 0), int(found[4])
        if not 1 <= left <= right or not top <= bottom <= LAST_ROW:
            raise SheetError(_NO_RANGE)
        if len(self.ranges) == _MOST_RANGES:
            raise SheetError(_TOO_MANY)
        self.ranges.append((top, bottom, left, right))

    def within(self, width: int) -> "Merges":
        """The same ranges, clipped to so many columns, ready to be queried row by row."""
        ranges = [(top, bottom, left, min(right, width)) for top, bottom, left, right in self.ranges if left <= width]
        changes = sorted({top for top, *_ in ranges} | {bottom + 1 for _, bottom, *_ in ranges})
        return Merges(ranges, changes)

    def columns(self, row: int) -> Sequence[int]:
        """The columns, counted from 1, that are merged on a row; rows are queried in ascending order."""
        if self._next < len(self._changes) and row >= self._changes[self._next]:
            while self._next < len(self._changes) and row >= self._changes[self._next]:
                self._next += 1
            self._columns = self._columns_of(row)
        return self._columns

    def _columns_of(self, row: int) -> tuple[int, ...]:
        merged = set[int]()
        for top, bottom, left, right in self.ranges:
            if top <= row <= bottom:
                merged.update(range(left, right + 1))
        return tuple(sorted(merged))
