"""Decides what a kind of file is made of: columns, how each is read, and the records that its rows become."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.imports import ImportKind
from imports.cells import Reader


@dataclass(frozen=True, slots=True)
class Reference:
    """A record that has to be there already: `find` tells, for $1 the clinic and $2 the names in the file, each name and its id."""

    word: str
    find: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its name, how a cell is read, and which column of a record it becomes.

    Where it is not `needed`, a cell may be blank, which says `blank`, and the column may be missing: then what is known stays.
    """

    name: str
    read: Reader
    into: str
    needed: bool = True
    blank: Any = None
    refers: Reference | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """What a row becomes in a table: found again by `key`, whose first column narrows the search; `values` are what may differ.

    `below` is the column of the key that names the record of the table before. Where rows are `replaced`, another value is a new row.
    `follows` tells what else a new record is given, which follows from its key alone; what is `derived` from its values is
    written with each change. What is `fixed` stays once it is known: a row that says otherwise means somebody else.
    """

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    below: str | None = None
    replaced: bool = False
    follows: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    derived: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Apart:
    """That no two rows which are alike in `by` are valid on the same day; `find` tells what is valid, $2 being the codes in the file."""

    by: tuple[str, ...]
    find: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file. `check` refuses what contradicts itself within a row; a row is the only one of its `key`.

    What is valid from a day on is kept `apart`. Days that are `past` have come by now.
    """

    name: ImportKind
    columns: tuple[Column, ...]
    records: tuple[Records, ...]
    check: Callable[[Mapping[str, Any]], None]
    apart: Apart | None = None
    past: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell one row from another."""
        last = self.records[-1]
        above = self.records[0].key if last.below else ()
        return (*above, *(name for name in last.key if name != last.below))

    def column_of(self, into: str) -> str:
        """The name in the file of what becomes a column of a record."""
        return next(column.name for column in self.columns if column.into == into)
