"""Decides what an import by file reports: how many rows are new, changed or known, and what is wrong with each bad one."""

from dataclasses import dataclass, field

from domain.imports import MOST_TOLD, ImportKind


@dataclass(frozen=True, slots=True)
class BadCell:
    """What is wrong in a file: on which line, in which column, with which value; without a column it is the whole line."""

    line: int
    column: str | None
    value: str | None
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self.reason}" + (f" (“{self.value}”)" if self.value else "")


@dataclass(slots=True)
class Problems:
    """What is wrong in a file, in the order of its lines; told up to a bound, counted beyond it."""

    told: list[BadCell] = field(default_factory=list)
    told_lines: set[int] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)

    def add(self, line: int, column: str | None, value: str | None, reason: str) -> None:
        """One more; of rows beyond the bound only that they are bad."""
        if line not in self.lines and len(self.lines) < MOST_TOLD:
            self.told_lines.add(line)
        if line in self.told_lines:
            self.told.append(BadCell(line, column, value, reason))
        self.lines.add(line)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a file, or would have come of it. `bad_cells` tell the first bad rows, `bad_rows` counts all of them."""

    kind: ImportKind
    rows: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    bad_rows: int = 0
    bad_cells: tuple[BadCell, ...] = ()
    written: bool = False

    def as_text(self) -> str:
        """The report for a terminal."""
        if not self.bad_rows:
            done = "written" if self.written else "nothing was written: this was a dry run"
            return f"{self.rows:,} rows: {self.added:,} new, {self.changed:,} changed, {self.unchanged:,} as they were; {done}."
        told = len({cell.line for cell in self.bad_cells})
        more = f"\n… and {self.bad_rows - told:,} more bad rows" if self.bad_rows > told else ""
        said = "\n".join(map(str, self.bad_cells))
        return f"{said}{more}\n{self.bad_rows:,} of {self.rows:,} rows cannot be imported; nothing was written."
