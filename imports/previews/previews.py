"""Previews the import of a file: the mapping, what a person has to answer, the first rows as they would be read, and control totals."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from domain.errors import InvalidInput
from domain.imports import CellFormat
from imports.cells import Unreadable, is_blank, shown
from imports.checking import Checked, Progress, Read, check_file, quietly
from imports.files.child import read_in_child
from imports.mapping.applied import Skipped
from imports.mapping.columns import COLUMNS, Form
from imports.mapping.formats import EXAMPLES
from imports.mapping.mappings import ChosenMapping, ImportMapping, answered, options_of
from imports.mapping.profiles import Question
from imports.mapping.proposals import Proposal, profile, propose
from imports.report import Report
from imports.shapes import Column, Kind
from imports.sheets import FileShape, ReadOptions, SheetError, SheetFile, filled


@dataclass(frozen=True, slots=True)
class PreviewedCell:
    """A cell as the file shows it, and the value as which it would be read; without a value it cannot be read."""

    column: str
    source: str
    cell: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class PreviewedRow:
    """One of the first rows."""

    line: int
    cells: tuple[PreviewedCell, ...]


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """The sum of a column of amounts over the rows that can be read, to compare with the other system's."""

    column: str
    values: int
    total: Decimal


@dataclass(slots=True)
class Preview:
    """The preview of a file: `checked` are its rows, which a dry run compares with the records of the clinic."""

    sha256: bytes
    mapping: ImportMapping
    questions: list[Question]
    checked: Checked
    shape: FileShape
    rows: list[PreviewedRow] = field(default_factory=list)
    totals: list[ControlTotal] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    other_columns: list[str] = field(default_factory=list)
    skipped: Skipped = field(default_factory=Skipped)
    report: Report | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to answer, so that the rows can be compared with the records."""
        return not self.questions and not self.missing


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """What a person says about a file: the mapping, or, where one is to be proposed, how the file is read and formats of columns."""

    chosen: ChosenMapping | None = None
    answers: Mapping[str, CellFormat] = field(default_factory=dict)
    options: ReadOptions = field(default_factory=ReadOptions)


def preview_file(
    kind: Kind,
    data: bytes,
    content_type: str,
    request: PreviewRequest,
    progress: Progress = quietly,
    read: Read = read_in_child,
) -> Preview:
    """Preview a file by a chosen mapping, or by the one that is proposed for it; InvalidInput if no mapping can be proposed."""
    chosen = request.chosen
    given = chosen.for_file(kind.name) if chosen else None
    proposal = _proposal(kind, partial(read, data, content_type), given, request.options)
    if chosen is None:
        _answer(kind, proposal, request.answers)
    # A proposal is read without the columns that it does not know; to import it, a person has to say that they are ignored.
    tried = proposal.mapping if chosen else replace(proposal.mapping, ignores_other_columns=True)
    checked = check_file(kind, data, content_type, progress, read, tried)
    made = Preview(
        hashlib.sha256(data).digest(), proposal.mapping, proposal.questions, checked, checked.shape or FileShape()
    )
    if checked.applied:
        applied = checked.applied
        made.missing, made.other_columns, made.skipped = applied.missing(), applied.other_columns(), applied.skipped
        made.questions += open_questions(checked, chosen)
        made.rows, made.totals = _rows(kind, checked), _totals(kind, checked)
    return made


def _answer(kind: Kind, proposal: Proposal, answers: Mapping[str, CellFormat]) -> None:
    proposal.mapping = answered(kind.name, proposal.mapping, answers)
    proposal.questions = [one for one in proposal.questions if not one.formats or one.column not in answers]


def open_questions(checked: Checked, chosen: ChosenMapping | None) -> list[Question]:
    """The columns whose format of days a saved mapping names, this file does not prove, and no answer is given for."""
    if checked.applied is None or chosen is None or not chosen.is_saved:
        return []
    return [
        Question(one.column, f"The values can be read as {_listed(one.choices)}", one.example, one.choices)
        for one in checked.applied.open_days()
        if one.column not in chosen.answers
    ]


def _listed(formats: Iterable[CellFormat]) -> str:
    return " or ".join(EXAMPLES[form] for form in formats)


def _proposal(
    kind: Kind, opened: Callable[[ReadOptions], SheetFile], given: ImportMapping | None, options: ReadOptions
) -> Proposal:
    if given and all(column.format is not CellFormat.UNDECIDED for column in given.columns):
        return Proposal(given)
    try:
        with closing(opened(options_of(given) if given else options)) as file:
            return profile(kind, given, filled(file)) if given else propose(kind, filled(file), options)
    except SheetError as error:
        raise InvalidInput(f"Line {error.line}: {error.reason}", ("document_id",)) from error


def _rows(kind: Kind, checked: Checked) -> list[PreviewedRow]:
    """The first rows, cell by cell, under the names of the template."""
    assert checked.applied is not None
    names = {column.into: column.name for column in kind.columns}
    columns = checked.applied.columns
    return [
        PreviewedRow(
            line.number,
            tuple(
                PreviewedCell(names[column.into], column.name, shown(cell), _value(column, cell))
                for column, cell in zip(columns, line.cells, strict=False)
            ),
        )
        for line in checked.applied.first_lines
    ]


def _value(column: Column, cell: Any) -> str | None:
    if is_blank(cell) or isinstance(cell, Unreadable):
        return None
    try:
        found = column.read(cell)
    except InvalidInput:
        return None
    return None if found is None else found.isoformat() if isinstance(found, date) else str(found)


def _totals(kind: Kind, checked: Checked) -> list[ControlTotal]:
    """The sums of the columns of amounts that the file has."""
    made = list[ControlTotal]()
    for column in kind.columns:
        if COLUMNS[kind.name][column.name].form is Form.AMOUNT and column.into in checked.present_columns:
            found = [row.values[column.into] for row in checked.rows if row.values[column.into] is not None]
            made.append(ControlTotal(column.name, len(found), sum(found, Decimal("0.00"))))
    return made
