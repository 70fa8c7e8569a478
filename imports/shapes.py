"""The definition of a kind of import: columns, the reader of each, and the records that its rows become."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.imports import ImportKind
from domain.normal_forms import normal_key
from imports.cells import Reader


@dataclass(frozen=True, slots=True)
class Reference:
    """A record that has to exist already: `find` selects, for $1 the clinic and $2 keys of names in the file, each key and its id."""

    word: str
    find: str
    key: Callable[[str], str] = normal_key


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its name, its reader, and the column of a record that it becomes.

    If it is not `needed`, a cell may be blank, which means `blank`, and the column may be missing: then the existing
    value stays.
    """

    name: str
    read: Reader
    into: str
    needed: bool = True
    blank: Any = None
    refers: Reference | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """A record that a row becomes: found by `key`, whose first column narrows the search; `values` are what may differ.

    `below` is the column of the key that refers to the record of the table before. Where rows are `replaced`, another
    value is a
    new row. `follows` adds values to a new record that are derived from its key; `derived` values are computed from its
    values
    and written with each change. `fixed` values never change: a row with another value refers to a different record.
    `named` are the columns whose normal form is in the key: an existing record keeps its spelling. `differs` says why an
    existing record with the same key is not the one of the row, if nothing else agrees.
    """

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    below: str | None = None
    replaced: bool = False
    follows: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    derived: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    fixed: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    differs: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Apart:
    """The rule that no two rows that are equal in `by` are valid on the same day; `find` selects what is valid, $2 being the codes in the file."""

    by: tuple[str, ...]
    find: str


def nothing(row: Mapping[str, Any]) -> None:
    """The check of rows whose cells cannot contradict each other."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file. `check` rejects contradictions within a row; each `key` occurs in one row only.

    Validity periods are kept `apart`. Days in `past` columns must not be in the future. `keys` are the columns with the
    normal form of others, by which records are found.
    """

    name: ImportKind
    columns: tuple[Column, ...]
    records: tuple[Records, ...]
    check: Callable[[Mapping[str, Any]], None]
    apart: Apart | None = None
    past: tuple[str, ...] = ()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def keys_of(self, row: Mapping[str, Any]) -> dict[str, str]:
        """The normal forms of a row."""
        return {key: normal_key(" ".join(row[name] for name in names)) for key, names in self.keys.items()}

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        last = self.records[-1]
        above = self.records[0].key if last.below else ()
        return (*above, *(name for name in last.key if name != last.below))

    def column_of(self, into: str) -> str:
        """The name in the file of a column of a record."""
        spelled = self.keys[into][0] if into in self.keys else into
        return next(column.name for column in self.columns if column.into == spelled)
