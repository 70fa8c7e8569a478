"""Scopes and rows for SQL expressions: columns of an alias, recorded when used, so that column grants are derived from them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from sqlalchemy import CTE, Date, FromClause, Select, Table, Uuid, bindparam, literal_column, true
from sqlalchemy.sql.elements import ColumnElement

from db.tables import metadata
from domain.access.people import Role

Expression = ColumnElement[Any]


@dataclass
class Scope:
    """The shared state of one statement's expressions: the role, the columns that it reads, and the parameters of each request."""

    role: Role | None = None
    columns: set[tuple[str, str]] = field(default_factory=set)
    is_past: ClassVar[bool] = False
    is_restated: ClassVar[bool] = False
    numbers: Any = field(default_factory=lambda: count(1))

    def row(self, table: Table) -> "Row":
        """A fresh alias of a table."""
        # A row that is computed from other tables has a class of its own.
        made: Row = table.info.get("row", Row)(table, self.name(table.name[:3]), self)
        return made

    def name(self, stem: str) -> str:
        """A name that is unique in the statement."""
        return f"{stem}{next(self.numbers)}"

    @property
    def clinic_id(self) -> Expression:
        """The viewer's clinic, bound."""
        return bindparam("clinic_id", None, type_=Uuid())

    @property
    def person_id(self) -> Expression:
        """The id of the viewer's attorney or physician record, bound."""
        return bindparam("person_id", None, type_=Uuid())

    @property
    def user_id(self) -> Expression:
        """The viewer's user id, bound."""
        return bindparam("user_id", None, type_=Uuid())

    @property
    def today(self) -> Expression:
        """The calendar day in the clinic, bound."""
        return bindparam("today", None, type_=Date())

    def known(self, row: "Row") -> list[Expression]:
        """The conditions for a record to be recorded by the scope's day; none for the current day."""
        return []

    def lasting(self, ended_at: Expression) -> Expression:
        """That a record with an end moment (or null) has not ended."""
        return ended_at.is_(None)

    def uncorrected(self, corrected_at: Expression) -> Expression:
        """That a record with a moment of its correction (or null) had not been corrected."""
        return corrected_at.is_(None)

    def invoice(self) -> "Row":
        """A row of invoices in the state of the scope's day."""
        return self.row(metadata.tables["invoices"])

    def encounter(self) -> "Row":
        """A row of encounters in the state of the scope's day."""
        return self.row(metadata.tables["encounters"])

    def brought(self, name: str, type_: Any) -> Expression:
        """A named parameter whose value comes from the request; resolvers/compiler/plans.py defines the names."""
        return bindparam(name, None, type_=type_)


class PolicyScope(Scope):
    """A scope whose values come from the transaction's settings instead of bound parameters: for row-level security policies."""

    @property
    def clinic_id(self) -> Expression:
        """The clinic id in the transaction's settings."""
        return _setting("app.clinic_id")

    @property
    def person_id(self) -> Expression:
        """The id of the attorney or physician in the transaction's settings."""
        return _setting("app.person_id")

    @property
    def user_id(self) -> Expression:
        """The user id in the transaction's settings."""
        return _setting("app.user_id")


def _setting(name: str) -> Expression:
    # A scalar sub-select is evaluated once per statement; a bare function call would be once per row.
    return literal_column(f"(select nullif(current_setting('{name}', true), '')::uuid)", Uuid())


class Row:
    """A row of a table under an alias; each attribute is a column of it."""

    def __init__(self, table: Table, alias: str, scope: Scope) -> None:
        self.table, self.alias, self.scope = table, alias, scope
        self.used: set[str] = set()
        self.joins: list[tuple[str, Select[Any]]] = []

    def __getattr__(self, name: str) -> Expression:
        column = self.table.c.get(name)
        if column is None:
            raise KeyError(
                f"the table {self.table.name} has no column {name}: add it in db/tables/ and run `make revision`"
            )
        self.used.add(name)
        self.scope.columns.add((self.table.name, name))
        prefix = f"{self.alias}." if self.alias else ""
        return literal_column(f"{prefix}{column.name}", column.type)

    def join(self, name: str, query: Select[Any]) -> None:
        """Join a query of at most one row laterally to this row, under a name."""
        self.joins.append((name, query))

    def beside(self, source: FromClause) -> FromClause:
        """The FROM clause when this row comes from `source`: it, and everything that was joined to the row."""
        for name, query in self.joins:
            source = source.outerjoin(query.lateral(name), true())
        return source

    @property
    def joined(self) -> FromClause:
        """The FROM clause for this row and everything that was joined to it; valid when all expressions are built."""
        return self.beside(self.source)

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row."""
        return self.table.alias(self.alias)

    def keyed(self, identity: Expression) -> Expression:
        """That this row belongs to the viewer's clinic and has a given id."""
        return (self.clinic_id == self.scope.clinic_id) & (self.id == identity)


class Derived(Row):
    """A row of a subquery, which is built when the columns that are read of it are known."""

    def __init__(self, table: Table, scope: Scope, build: Callable[[set[str]], Select[Any]]) -> None:
        super().__init__(table, scope.name(table.name[:3]), scope)
        self._build = build
        # The lists that a report computes beside the row, by field: set from outside, since they are made of other rows.
        self.lists: dict[str, Callable[..., Expression]] = {}

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row."""
        return self._build(self.used).subquery(self.alias)


class Shared(Row):
    """A row of a CTE that several parts of a statement read: evaluated once where there are several, and inlined where not."""

    def __init__(self, table: Table, scope: Scope, query: CTE) -> None:
        super().__init__(table, scope.name(table.name[:3]), scope)
        self._query = query

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row."""
        return self._query.alias(self.alias)
