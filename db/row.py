"""Scopes and rows for SQL expressions: columns of an alias, recorded when used, so that column grants are derived from them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    CTE,
    Date,
    FromClause,
    Select,
    Table,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql.elements import ColumnElement

from db.tables import metadata
from domain.access.people import Role

Expression = ColumnElement[Any]
# The columns that refer to a record which can be merged into another one (decision 30), with the table of the links.
_LINKS = {"patient_id": "merged_patients", "payer_id": "merged_payers"}
# Rows of what belongs to the record itself, and of the links.
_OWN = frozenset({"patient_names", "merges"})


@dataclass
class Scope:
    """The shared state of one statement's expressions: the role, the columns that it reads, and the parameters of each request.

    A statement that `follows` reads of a merged patient or payer the one that stays. Most clinics have merged none, and their
    statements do not follow: `unfollowed` are the tables of links that such a statement would have to read.
    """

    role: Role | None = None
    columns: set[tuple[str, str]] = field(default_factory=set)
    is_past: ClassVar[bool] = False
    is_restated: ClassVar[bool] = False
    numbers: Any = field(default_factory=lambda: count(1))
    follows: bool = False
    unfollowed: set[str] = field(default_factory=set)

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

    def surviving(self, links: str, identity: Expression) -> Expression:
        """The id of the record that stays of a merged one; of any other one its own id."""
        link = self._link(links)
        found = select(link.survivor_id).select_from(link.source).where(link.keyed(identity)).scalar_subquery()
        # In a select of its own, which can be compared with an index under row-level security.
        return select(func.coalesce(found, identity).label("id")).scalar_subquery()

    def group(self, links: str, identity: Expression) -> Expression:
        """The ids of all records that are one with a record, itself included, as an array."""
        link = self._link(links)
        mine = (link.clinic_id == self.clinic_id, or_(link.id == identity, link.survivor_id == identity))
        found = (
            select(link.group_ids).select_from(link.source).where(*mine).limit(literal_column("1")).scalar_subquery()
        )
        return cast(select(func.coalesce(found, array([identity]))).scalar_subquery(), ARRAY(Uuid()))

    def groups(self, links: str, ids: Expression) -> Expression:
        """The ids of all records that are one with one of some records, these included, as an array."""
        link = self._link(links)
        mine = (link.clinic_id == self.clinic_id, or_(link.id == any_(ids), link.survivor_id == any_(ids)))
        others = select(func.unnest(link.group_ids)).select_from(link.source).where(*mine)
        return func.array(union_all(select(func.unnest(ids)), others).scalar_subquery())

    def _link(self, links: str) -> "Row":
        # One name for all: an expression that is grouped by has to be the same wherever it is written.
        return Row(metadata.tables[links], "link", self)

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
        if not self._links(name):
            return self.stored(name)
        return self.scope.surviving(_LINKS[name], self.stored(name)) if self.scope.follows else self.stored(name)

    def _links(self, name: str) -> bool:
        """Whether a column refers to a record that can be merged; in a statement that does not follow, that is noted."""
        if name not in _LINKS or self.table.metadata is not metadata or self.table.name in _OWN:
            return False
        self.scope.unfollowed.add(_LINKS[name])
        return True

    def stored(self, name: str) -> Expression:
        """A column as it is stored: of a reference, the record that it was made to, merged or not."""
        column = self.table.c.get(name)
        if column is None:
            raise KeyError(
                f"the table {self.table.name} has no column {name}: add it in db/tables/ and run `make revision`"
            )
        self.used.add(name)
        self.scope.columns.add((self.table.name, name))
        prefix = f"{self.alias}." if self.alias else ""
        return literal_column(f"{prefix}{column.name}", column.type)

    def followed(self, name: str) -> Expression:
        """A reference, to be compared with an id by an index: of a merged record to the one that stays, by a link joined to this row."""
        if not self._links(name) or not self.scope.follows:
            return getattr(self, name)  # type: ignore[no-any-return]
        alias = f"{self.alias}_{name}"
        stored = self.stored(name)
        if alias not in dict(self.joins):
            link = self.scope.row(metadata.tables[_LINKS[name]])
            found = select(link.id.label("id"), link.survivor_id.label("survivor_id")).select_from(link.source)
            self.join(alias, found.where(link.keyed(stored)))
        is_merged = literal_column(f"{alias}.id", Uuid()).is_not(None)
        return case((is_merged, literal_column(f"{alias}.survivor_id", Uuid())), else_=stored)

    def refers(self, name: str, identity: Expression) -> Expression:
        """That a reference is to a record, or to one that is merged with it; an index can find the rows."""
        if not self._links(name) or not self.scope.follows:
            return self.stored(name) == identity
        return self.stored(name) == any_(self.scope.group(_LINKS[name], identity))

    def refers_to_any(self, name: str, ids: Expression) -> Expression:
        """That a reference is to one of some records, or to one that is merged with them; an index can find the rows."""
        if not self._links(name) or not self.scope.follows:
            return self.stored(name) == any_(ids)
        return self.stored(name) == any_(self.scope.groups(_LINKS[name], ids))

    @property
    def is_merged(self) -> Expression | None:
        """Whether this patient or payer is merged into another one; None for other records, and where the statement does not follow."""
        links = f"merged_{self.table.name}"
        if links not in _LINKS.values() or self.table.metadata is not metadata:
            return None
        self.scope.unfollowed.add(links)
        if not self.scope.follows:
            return None
        link = self.scope.row(metadata.tables[links])
        return select(link.id).select_from(link.source).where(link.keyed(self.id)).exists()

    def is_identified(self, identity: Expression) -> Expression:
        """That this row has an id, or is the patient or payer into which the one with that id was merged."""
        if self.is_merged is None:
            return self.id == identity
        return self.id == self.scope.surviving(f"merged_{self.table.name}", identity)

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
