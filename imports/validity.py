"""Decides that no imported row is valid on a day on which another row of the same already is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from imports.checking import Checked, Row
from imports.shapes import Apart


@dataclass(frozen=True, slots=True)
class _Span:
    """From when until when something is valid, and the row of the file that says so."""

    begins: date
    ends: date | None
    row: Row | None = None

    @property
    def last(self) -> date:
        """The end, also of what has none."""
        return self.ends or date.max

    def __str__(self) -> str:
        line = f" (line {self.row.line})" if self.row else ""
        return f"from {self.begins} {f'until {self.ends}' if self.ends else 'without end'}{line}"


def check_validity(checked: Checked, apart: Apart, valid: Iterable[Mapping[str, Any]]) -> None:
    """Refuse every row that would be valid beside another; `valid` is what is there now, of which the file may say otherwise."""
    for spans in _spans(checked, apart, valid).values():
        before: _Span | None = None
        for span in sorted(spans.values(), key=lambda span: (span.begins, span.last)):
            if span.begins == span.ends:
                continue
            if before and before.last > span.begins:
                _refuse(checked, before, span)
            if before is None or span.last > before.last:
                before = span


def _spans(checked: Checked, apart: Apart, valid: Iterable[Mapping[str, Any]]) -> dict[Any, dict[Any, _Span]]:
    """What is valid after the import, by what has to be apart and by its own key."""
    by, key, above = apart.by, checked.kind.key, checked.kind.records[0].key
    said = {tuple(row.values[name] for name in above): row for row in checked.rows}
    spans: dict[Any, dict[Any, _Span]] = {}
    for record in valid:
        # The end of a schedule that is in the file is said by the file, for each of its codes.
        row = said.get(tuple(record[name] for name in above))
        ends = row.values["valid_to"] if row else record["valid_to"]
        of = spans.setdefault(tuple(record[name] for name in by), {})
        of[tuple(record[name] for name in key)] = _Span(record["valid_from"], ends, row)
    for row in checked.rows:
        of = spans.setdefault(tuple(row.values[name] for name in by), {})
        own = tuple(row.values[name] for name in key)
        of[own] = _Span(row.values["valid_from"], row.values["valid_to"], row)
    return spans


def _refuse(checked: Checked, before: _Span, after: _Span) -> None:
    if after.row:
        checked.refuse(
            after.row, "valid_from", f"The same is valid already, {before}: let that one end first", after.begins
        )
    elif before.row:
        checked.refuse(before.row, "valid_to", f"The same is valid again, {after}", before.ends)
