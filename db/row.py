"""Decides how expressions speak of a row: columns of an alias, recorded as they are used, so that grants can follow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from sqlalchemy import CTE, Date, FromClause, Select, Table, Uuid, bindparam, literal_column, true
from sqlalchemy.sql.elements import ColumnElement

from db.tables import metadata
from domain.people import Role

Expression = ColumnElement[Any]


@dataclass
class Scope:
    """What the expressions of one statement share: for whom it is, which columns it reads, and the values that every request brings."""

    role: Role | None = None
    columns: set[tuple[str, str]] = field(default_factory=set)
    is_past: ClassVar[bool] = False
    numbers: Any = field(default_factory=lambda: count(1))

    def row(self, table: Table) -> "Row":
        """A fresh alias of a table."""
        # What is worked out from other tables says itself how.
        made: Row = table.info.get("row", Row)(table, self.name(table.name[:3]), self)
        return made

    def name(self, stem: str) -> str:
        """A name that nothing else in the statement has."""
        return f"{stem}{next(self.numbers)}"

    @property
    def clinic_id(self) -> Expression:
        """The viewer's clinic, bound."""
        return bindparam("clinic_id", None, type_=Uuid())

    @property
    def person_id(self) -> Expression:
        """The attorney or physician that the viewer is, bound."""
        return bindparam("person_id", None, type_=Uuid())

    @property
    def user_id(self) -> Expression:
        """The user that the viewer is, bound."""
        return bindparam("user_id", None, type_=Uuid())

    @property
    def today(self) -> Expression:
        """The calendar day in the clinic, bound."""
        return bindparam("today", None, type_=Date())

    def known(self, row: "Row") -> list[Expression]:
        """What a record beside must satisfy to be known by now; everything that stands there is."""
        return []

    def lasting(self, ended_at: Expression) -> Expression:
        """That what ends at a moment, if it does, lasts until now."""
        return ended_at.is_(None)

    def invoice(self) -> "Row":
        """An invoice as it is on the day that the scope is about."""
        return self.row(metadata.tables["invoices"])

    def brought(self, name: str, type_: Any) -> Expression:
        """A value that a request brings where a statement asks for it, bound; resolvers/plans.py knows the names."""
        return bindparam(name, None, type_=type_)


class PolicyScope(Scope):
    """A scope whose values come from the transaction's settings instead of bound parameters: row security is written in it."""

    @property
    def clinic_id(self) -> Expression:
        """The clinic that the transaction was entered for."""
        return _setting("app.clinic_id")

    @property
    def person_id(self) -> Expression:
        """The attorney or physician that the transaction was entered for."""
        return _setting("app.person_id")

    @property
    def user_id(self) -> Expression:
        """The user that the transaction was entered for."""
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
        # What the audit trail names of this row and of everything read below it, in bytes.
        self.subjects: list[Expression] = []

    def __getattr__(self, name: str) -> Expression:
        column = self.table.c[name]
        self.used.add(name)
        self.scope.columns.add((self.table.name, name))
        prefix = f"{self.alias}." if self.alias else ""
        return literal_column(f"{prefix}{column.name}", column.type)

    def join(self, name: str, query: Select[Any]) -> None:
        """Have a query of at most one row stand beside this row, under a name."""
        self.joins.append((name, query))

    def beside(self, source: FromClause) -> FromClause:
        """What stands in FROM when this row comes from `source`: it, and everything that was joined to the row."""
        for name, query in self.joins:
            source = source.outerjoin(query.lateral(name), true())
        return source

    @property
    def joined(self) -> FromClause:
        """What stands in FROM for this row and everything that was joined to it: asked for when all expressions are made."""
        return self.beside(self.source)

    @property
    def source(self) -> FromClause:
        """What stands in FROM for this row."""
        return self.table.alias(self.alias)

    def keyed(self, identity: Expression) -> Expression:
        """That this row is the one of the viewer's clinic with a given id."""
        return (self.clinic_id == self.scope.clinic_id) & (self.id == identity)


class Derived(Row):
    """A row that a query works out, which is built when it is known what is read of it."""

    def __init__(self, table: Table, scope: Scope, build: Callable[[set[str]], Select[Any]]) -> None:
        super().__init__(table, scope.name(table.name[:3]), scope)
        self._build = build
        # What is worked out beside the row, by field: handed in, since it is made of other rows.
        self.lists: dict[str, Callable[..., Expression]] = {}

    @property
    def source(self) -> FromClause:
        """What stands in FROM for this row."""
        return self._build(self.used).subquery(self.alias)


class Shared(Row):
    """A row of a query that several parts of a statement read: worked out once where there are several, and in place where not."""

    def __init__(self, table: Table, scope: Scope, query: CTE) -> None:
        super().__init__(table, scope.name(table.name[:3]), scope)
        self._query = query

    @property
    def source(self) -> FromClause:
        """What stands in FROM for this row."""
        return self._query.alias(self.alias)
