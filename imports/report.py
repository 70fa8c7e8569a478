"""The report of a file import: the numbers of new, changed and unchanged rows, and the errors of the bad ones."""

from dataclasses import dataclass, field

from domain.imports import MOST_TOLD, ImportKind


@dataclass(frozen=True, slots=True)
class BadCell:
    """An error in a file: its line, its column and the value; without a column it concerns the whole line."""

    line: int
    column: str | None
    value: str | None
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self.reason}" + (f" (“{self.value}”)" if self.value else "")


@dataclass(slots=True)
class Problems:
    """The errors of a file in the order of its lines; kept up to a limit, counted beyond it."""

    shown: list[BadCell] = field(default_factory=list)
    told_lines: set[int] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)

    def add(self, line: int, column: str | None, value: str | None, reason: str) -> None:
        """Add an error; beyond the limit only the row is counted."""
        if line not in self.lines and len(self.lines) < MOST_TOLD:
            self.told_lines.add(line)
        if line in self.told_lines:
            self.shown.append(BadCell(line, column, value, reason))
        self.lines.add(line)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a file import, or of a dry run. `bad_cells` are the errors of the first bad rows, `bad_rows` counts all of them."""

    kind: ImportKind
    rows: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    bad_rows: int = 0
    bad_cells: tuple[BadCell, ...] = ()
    written: bool = False
    # Warnings about rows that are imported anyway.
    warnings: tuple[BadCell, ...] = ()

    def as_text(self) -> str:
        """The report for a terminal."""
        if not self.bad_rows:
            done = "written" if self.written else "nothing was written: this was a dry run"
            warned = "".join(f"Warning: {cell}\n" for cell in self.warnings)
            counts = f"{self.added:,} new, {self.changed:,} changed, {self.unchanged:,} unchanged"
            return f"{warned}{self.rows:,} rows: {counts}; {done}."
        shown = len({cell.line for cell in self.bad_cells})
        more = f"\n… and {self.bad_rows - shown:,} more bad rows" if self.bad_rows > shown else ""
        said = "\n".join(map(str, self.bad_cells))
        return f"{said}{more}\n{self.refusal}; nothing was written."

    @property
    def refusal(self) -> str:
        """Why nothing was written, in one sentence."""
        if not self.rows:
            # The error is in the header, or in the file itself: no row was read.
            return "The file cannot be imported as it is"
        return f"{self.bad_rows:,} of {self.rows:,} rows cannot be imported"
