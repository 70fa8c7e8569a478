"""The mapping of a foreign file onto the columns of a kind of import: what it says, and how it is read from JSON and checked."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from domain.errors import InvalidInput
from domain.imports import MOST_COLUMNS, CellFormat, ImportKind
from domain.texts import can_be_kept
from imports.mapping.columns import COLUMNS, Form
from imports.sheets import ReadOptions

MOST_VALUES = 200
LONGEST_TEXT = 200
_LAST_POSITION = 16_384
_LAST_HEADER = 1_000


@dataclass(frozen=True, slots=True)
class Source:
    """A column of the file: by its name, by its position from 1 where the header is blank or occurs twice, or by both, which must agree."""

    name: str | None = None
    position: int | None = None

    def __str__(self) -> str:
        return self.name or f"column {self.position}"


@dataclass(frozen=True, slots=True)
class ValueMapping:
    """A value of the file, and the value of the column that it means."""

    source: str
    value: str


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Where a column's values come from: a column of the file, several that are joined by a space, or a constant; and their format."""

    column: str
    sources: tuple[Source, ...] = ()
    constant: str | None = None
    format: CellFormat = CellFormat.AS_IS
    values: tuple[ValueMapping, ...] = ()


@dataclass(frozen=True, slots=True)
class RowCondition:
    """The rows whose column of the file has one of some values."""

    source: Source
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A mapping: the columns, the place of the header, how the bytes are read, and which rows are not records."""

    columns: tuple[ColumnMapping, ...]
    header_row: int = 1
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    ignores_other_columns: bool = False
    skip_where_blank: tuple[Source, ...] = ()
    skip_totals_in: Source | None = None
    only_where: tuple[RowCondition, ...] = ()


def options_of(mapping: ImportMapping | None) -> ReadOptions:
    """How the bytes of a file are read; what the mapping does not say is found out from the file."""
    return ReadOptions(mapping.encoding, mapping.delimiter, mapping.sheet) if mapping else ReadOptions()


def read_options(found: Mapping[str, Any]) -> ReadOptions:
    """How a file is to be read, from an input; InvalidInput names the part that is wrong."""
    given = {name: found.get(name) for name in ("encoding", "delimiter", "sheet")}
    return ReadOptions(**{name: _text(value, (name,)) for name, value in given.items() if value is not None})


def as_json(mapping: Any) -> dict[str, Any]:
    """A mapping, or a part of it, as JSON; what is not said is left out."""

    def said(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        listed = ((name, list(value) if isinstance(value, tuple) else value) for name, value in pairs)
        return {name: value for name, value in listed if value not in (None, [])}

    return asdict(mapping, dict_factory=said)


def mapping_of(kind: ImportKind, found: Any) -> ImportMapping:
    """A checked mapping from JSON; InvalidInput names the part that is wrong."""
    mapping: ImportMapping = _object(ImportMapping, found, ())
    _check(kind, mapping)
    return mapping


def _object(cls: Any, found: Any, path: tuple[str, ...]) -> Any:
    if not isinstance(found, Mapping):
        raise InvalidInput("This must be an object", path)
    known = {one.name for one in fields(cls)}
    for name in found:
        if name not in known:
            raise InvalidInput(
                f"There is no such key; keys are {', '.join(sorted(known))}", (*path, str(name)[:LONGEST_TEXT])
            )
    given = {name: value for name, value in found.items() if value is not None}
    read = {name: _READERS[cls][name](value, (*path, name)) for name, value in given.items()}
    try:
        return cls(**read)
    except TypeError:
        raise InvalidInput("A key is missing in this object", path) from None


_Read = Callable[[Any, tuple[str, ...]], Any]


def _text(found: Any, path: tuple[str, ...]) -> str:
    if not _text_or_blank(found, path):
        raise InvalidInput("This cannot be left blank", path)
    return str(found)


def _text_or_blank(found: Any, path: tuple[str, ...]) -> str:
    if not isinstance(found, str) or len(found) > LONGEST_TEXT or not can_be_kept(found):
        raise InvalidInput(f"This must be a text of at most {LONGEST_TEXT} characters", path)
    return found


def _number(last: int) -> _Read:
    def read(found: Any, path: tuple[str, ...]) -> int:
        if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= last:
            raise InvalidInput(f"This must be a whole number from 1 to {last:,}", path)
        return found

    return read


def _truth(found: Any, path: tuple[str, ...]) -> bool:
    if not isinstance(found, bool):
        raise InvalidInput("This must be true or false", path)
    return found


def _format(found: Any, path: tuple[str, ...]) -> CellFormat:
    try:
        return CellFormat(found)
    except ValueError:
        raise InvalidInput(f"This must be one of {', '.join(sorted(CellFormat))}", path) from None


def _of(cls: Any) -> _Read:
    return lambda found, path: _object(cls, found, path)


def _many(read: _Read, most: int, least: int = 0) -> _Read:
    def each(found: Any, path: tuple[str, ...]) -> tuple[Any, ...]:
        if not isinstance(found, list) or not least <= len(found) <= most:
            raise InvalidInput(f"This must be a list of {least} to {most} entries", path)
        return tuple(read(item, (*path, str(place))) for place, item in enumerate(found))

    return each


_READERS: dict[Any, dict[str, _Read]] = {
    Source: {"name": _text, "position": _number(_LAST_POSITION)},
    ValueMapping: {"source": _text, "value": _text},
    RowCondition: {"source": _of(Source), "values": _many(_text_or_blank, MOST_VALUES, 1)},
    ColumnMapping: {
        "column": _text,
        "sources": _many(_of(Source), MOST_COLUMNS),
        "constant": _text,
        "format": _format,
        "values": _many(_of(ValueMapping), MOST_VALUES),
    },
    ImportMapping: {
        "columns": _many(_of(ColumnMapping), MOST_COLUMNS, 1),
        "header_row": _number(_LAST_HEADER),
        "encoding": _text,
        "delimiter": _text,
        "sheet": _text,
        "ignores_other_columns": _truth,
        "skip_where_blank": _many(_of(Source), MOST_COLUMNS),
        "skip_totals_in": _of(Source),
        "only_where": _many(_of(RowCondition), MOST_COLUMNS),
    },
}


def _check(kind: ImportKind, mapping: ImportMapping) -> None:
    known, seen = COLUMNS[kind], set[str]()
    for place, column in enumerate(mapping.columns):
        path = ("columns", str(place))
        if column.column not in known:
            raise InvalidInput(f"There is no such column; columns are {', '.join(known)}", (*path, "column"))
        if column.column in seen:
            raise InvalidInput("This column is mapped twice", (*path, "column"))
        seen.add(column.column)
        _check_column(known[column.column].form, column, path)
    for name, sources in (
        ("skip_where_blank", mapping.skip_where_blank),
        ("skip_totals_in", [mapping.skip_totals_in] if mapping.skip_totals_in else []),
        ("only_where", [condition.source for condition in mapping.only_where]),
    ):
        for source in sources:
            _check_source(source, (name,))


def _check_column(form: Form, column: ColumnMapping, path: tuple[str, ...]) -> None:
    if (column.constant is None) == (not column.sources):
        raise InvalidInput("A column has either sources in the file or a constant", path)
    allowed = (CellFormat.AS_IS, CellFormat.UNDECIDED, *form.formats) if column.sources else (CellFormat.AS_IS,)
    if column.format not in allowed:
        raise InvalidInput(f"This column cannot have this format: {form.formats_in_words}", (*path, "format"))
    if len(column.sources) > 1 and form is not Form.TEXT:
        raise InvalidInput("Only texts are joined from several columns of the file", (*path, "sources"))
    if column.values and (form is not Form.CHOICE or column.constant is not None):
        raise InvalidInput("Only a column with a choice of values has a table of values", (*path, "values"))
    for source in column.sources:
        _check_source(source, (*path, "sources"))


def _check_source(source: Source, path: tuple[str, ...]) -> None:
    if source.name is None and source.position is None:
        raise InvalidInput("A source is a name, a position, or both", path)


@dataclass(frozen=True, slots=True)
class ChosenMapping:
    """The mapping that a person chose for one file, and the formats that the person gave for this file.

    The formats of a mapping that `is_saved` were chosen for another file, so that this file has to prove its days anew.
    """

    mapping: ImportMapping
    is_saved: bool = False
    answers: Mapping[str, CellFormat] = field(default_factory=dict)

    def for_file(self, kind: ImportKind) -> ImportMapping:
        """The mapping with the given formats; InvalidInput for a column or a format that does not fit."""
        return answered(kind, self.mapping, self.answers)


def answered(kind: ImportKind, mapping: ImportMapping, answers: Mapping[str, CellFormat]) -> ImportMapping:
    """The mapping with other formats for some columns; InvalidInput for a column or a format that does not fit."""
    known = {column.column for column in mapping.columns}
    for name in answers:
        if name not in known:
            raise InvalidInput(f"The mapping has no column {name[:LONGEST_TEXT]}", ("column_formats",))
    columns = tuple(replace(column, format=answers.get(column.column, column.format)) for column in mapping.columns)
    changed = replace(mapping, columns=columns)
    _check(kind, changed)
    return changed


def check_decided(mapping: ImportMapping) -> None:
    """InvalidInput if the format of a column is still undecided."""
    for place, column in enumerate(mapping.columns):
        if column.format is CellFormat.UNDECIDED:
            words = f"The format of {column.column} is undecided: choose one"
            raise InvalidInput(words, ("mapping", "columns", str(place), "format"))
