"""Proposes a mapping for a foreign file: its header, its columns by the words that other systems use, and formats by profiling every value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from domain.imports import CellFormat
from imports.cells import is_blank
from imports.mapping.columns import COLUMNS, Form
from imports.mapping.headers import SEARCHED, HeaderIndex, header_key, header_texts, likeliest_header, sources_of
from imports.mapping.mappings import ColumnMapping, ImportMapping, Source
from imports.mapping.profiles import FormatProfile, Question, ValueProfile
from imports.shapes import Column, Kind
from imports.sheets import Line, ReadOptions, SheetError

# Headers of a name in one column, which becomes two.
_WHOLE_NAMES = ("patient_name", "patient", "full_name", "name", "client_name", "client", "customer")
_SPLIT = ("first_name", "last_name")


@dataclass(slots=True)
class Proposal:
    """A mapping for a file, and what a person has to answer before it can be imported."""

    mapping: ImportMapping
    questions: list[Question] = field(default_factory=list)


def propose(kind: Kind, lines: Iterator[Line], options: ReadOptions) -> Proposal:
    """A mapping for the lines of a file that are not blank; SheetError if no row looks like a header."""
    first = list(islice(lines, SEARCHED))
    header = likeliest_header(kind.name, first)
    if header is None:
        raise SheetError(
            "No row has the name of a column of this kind: give the columns and the header row in a mapping"
        )
    columns = _columns(kind, sources_of(header_texts(header)))
    below = (line for line in first if line.number > header.number)
    mapping = ImportMapping(tuple(columns), header.number, options.encoding, options.delimiter, options.sheet)
    return _profiled(kind, mapping, header, below, lines)


def profile(kind: Kind, mapping: ImportMapping, lines: Iterator[Line]) -> Proposal:
    """A given mapping, with the formats that are undecided in it decided where the values tell them."""
    first = next((line for line in lines if line.number >= mapping.header_row), None)
    if first is None or first.number != mapping.header_row:
        raise SheetError("The header row of the mapping is blank in this file", mapping.header_row)
    undecided = [column.column for column in mapping.columns if column.format is CellFormat.UNDECIDED]
    return _profiled(kind, mapping, first, iter(()), lines, only=undecided)


def _columns(kind: Kind, sources: Sequence[Source]) -> list[ColumnMapping]:
    """Columns and sources with the same words, the most telling words first; each source once."""
    left = {header_key(source.name or ""): source for source in reversed(sources) if source.name}
    found: dict[str, ColumnMapping] = {}
    words = [(name, (name, *known.headers)) for name, known in COLUMNS[kind.name].items()]
    for rank in range(max(len(headers) for _, headers in words)):
        for name, headers in words:
            key = headers[rank] if rank < len(headers) else None
            if name not in found and key in left:
                found[name] = ColumnMapping(name, (left.pop(key),))
    if set(_SPLIT) <= set(COLUMNS[kind.name]) and not set(_SPLIT) & set(found):
        whole = next((left[key] for key in _WHOLE_NAMES if key in left), None)
        if whole:
            found |= {name: ColumnMapping(name, (whole,), format=CellFormat.UNDECIDED) for name in _SPLIT}
    return [found[column.name] for column in kind.columns if column.name in found]


def _profiled(
    kind: Kind,
    mapping: ImportMapping,
    header: Line,
    first: Iterator[Line],
    lines: Iterator[Line],
    only: Sequence[str] | None = None,
) -> Proposal:
    """The mapping with the formats and values that the rows tell; rows without a value in any needed column are proposed to be skipped."""
    profiler = _Profiler(kind, mapping, HeaderIndex(header), only)
    for some in (first, lines):
        for line in some:
            profiler.see(line)
    return profiler.proposal(is_new=only is None)


class _Profiler:
    """The profiles of the columns of one file."""

    def __init__(self, kind: Kind, mapping: ImportMapping, index: HeaderIndex, only: Sequence[str] | None) -> None:
        self._mapping, self._known = mapping, COLUMNS[kind.name]
        columns = {column.name: column for column in kind.columns}
        self._profiles: list[tuple[int, FormatProfile | ValueProfile]] = []
        self._needed: list[tuple[int, Source]] = []
        self._has_groups = False
        for mapped in mapping.columns:
            if not mapped.sources:
                continue
            place, column = index.position(mapped.sources[0]), columns[mapped.column]
            made = self._profile(column, mapped)
            if made and (only is None or mapped.column in only):
                self._profiles.append((place, made))
            if column.needed and self._known[mapped.column].form is not Form.AMOUNT:
                self._needed.append((place, mapped.sources[0]))

    def _profile(self, column: Column, mapped: ColumnMapping) -> FormatProfile | ValueProfile | None:
        known = self._known[column.name]
        if known.form is Form.CHOICE:
            return ValueProfile(column.name, column.read, known)
        is_foreign = known.form in (Form.DAY, Form.AMOUNT) or column.name == "patient_name"
        return FormatProfile(column.name, known.form, column.read) if is_foreign else None

    def see(self, line: Line) -> None:
        """Take a row into account; one without a value in any needed column is no record."""
        cells = line.cells
        if self._needed and all(is_blank(_cell(cells, place)) for place, _ in self._needed):
            self._has_groups = True
            return
        for place, made in self._profiles:
            made.see(_cell(cells, place))

    def proposal(self, *, is_new: bool) -> Proposal:
        """The mapping with what the profiles tell, and the questions that they leave."""
        columns = {column.column: column for column in self._mapping.columns}
        questions = list(_split_questions(columns))
        for _, made in self._profiles:
            mapped = columns[made.column]
            if isinstance(made, ValueProfile):
                values, question = tuple(made.meanings.values()), made.ask()
                columns[made.column] = replace(mapped, values=values)
            else:
                found, question = made.decide()
                columns[made.column] = replace(mapped, format=found)
            questions += [question] if question else []
        mapping = replace(self._mapping, columns=tuple(columns.values()))
        if is_new and self._has_groups:
            mapping = replace(mapping, skip_where_blank=tuple(source for _, source in self._needed))
        return Proposal(mapping, questions)


def _split_questions(columns: Mapping[str, ColumnMapping]) -> Iterator[Question]:
    for name in _SPLIT:
        mapped = columns.get(name)
        if mapped and mapped.format is CellFormat.UNDECIDED:
            reason = (
                'The first and the last name are in one column: only names such as "Last, First" can be taken apart'
            )
            yield Question(name, reason, formats=(CellFormat.LAST_FIRST,))


def _cell(cells: Sequence[Any], place: int) -> Any:
    return cells[place] if place < len(cells) else None
