"""The check that validity periods of imported rows do not overlap, neither with each other nor with existing rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from imports.checking import Checked, Row
from imports.shapes import Apart


@dataclass(frozen=True, slots=True)
class _Span:
    """A validity period, and the row of the file that defines it."""

    begins: date
    ends: date | None
    row: Row | None = None

    @property
    def last(self) -> date:
        """The end of the period; a date far in the future if there is none."""
        return self.ends or date.max

    def __str__(self) -> str:
        line = f" (line {self.row.line})" if self.row else ""
        return f"from {self.begins} {f'until {self.ends}' if self.ends else 'without end'}{line}"


def check_validity(checked: Checked, apart: Apart, valid: Iterable[Mapping[str, Any]]) -> None:
    """Report every row whose validity overlaps; `valid` are the existing periods, which the file may change."""
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
    """The periods after the import, grouped by what must not overlap and by their own key."""
    by, key, above = apart.by, checked.kind.key, checked.kind.records[0].key
    said = {tuple(row.values[name] for name in above): row for row in checked.rows}
    spans: dict[Any, dict[Any, _Span]] = {}
    for record in valid:
        # If the file ends a schedule, that applies to each of its codes.
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
            after.row,
            "valid_from",
            f"This overlaps an existing validity period, {before}: end that one first",
            after.begins,
        )
    elif before.row:
        checked.refuse(before.row, "valid_to", f"This overlaps another validity period, {after}", before.ends)
