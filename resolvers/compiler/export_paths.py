"""Resolves the path of an export column: through the schema of the requesting role, to records joined to the row's own record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema
from sqlalchemy import FromClause, Table, literal_column, select, true

from db.fields import VIEWS
from db.fields.base import ById, Expression, One, SameRow, View
from db.row import Row
from permissions.roles import is_protected

Render = Callable[[Expression], Expression]


class NotOfferedError(Exception):
    """The role's schema does not have the field."""


@dataclass(frozen=True, slots=True)
class Place:
    """A record that a path leads to: how it is read, and its type, if the schema has it as one.

    `outer` is its row as the statement sees it, and `inner` as it is looked up: they are the same for the record of the
    file's
    row. `values` are the expressions that are computed where it is looked up. `known_id` is its id where the record before it has
    that in a column.
    """

    view: View
    of_type: GraphQLObjectType | None
    outer: Row
    inner: Row
    on: Expression | None = None
    values: list[Expression] = field(default_factory=list)
    known_id: Expression | None = None

    @property
    def is_read(self) -> bool:
        """Whether the statement reads anything of the record."""
        return bool(self.values or self.outer.used)

    def look_up(self) -> FromClause:
        """The record joined to another one by a memoized lookup, so that rows stay in order.

        Its values are computed once for a patient, and not once for each of the patient's invoices.
        """
        assert self.on is not None
        kept = [self.inner.stored(name).label(name) for name in sorted(self.outer.used)]
        shown = [value.label(f"v{place}") for place, value in enumerate(self.values)]
        # Without a limit the planner would turn the sub-select into a join.
        found = select(*kept, *shown).select_from(self.inner.source).where(self.on).offset(literal_column("0"))
        return found.subquery(self.outer.alias).lateral(self.outer.alias)


@dataclass
class Paths:
    """The records that paths lead to from the record of a file's row."""

    schema: GraphQLSchema
    root: Place
    # The protected coordinates on the paths, for the audit log.
    fields: set[str] = field(default_factory=set)
    _places: dict[tuple[str, ...], Place] = field(default_factory=dict)

    def value(self, path: str, render: Render) -> Expression:
        """The value at the end of a path, rendered; NotOfferedError if the schema has no such path."""
        *steps, name = path.split(".")
        place = self.place(tuple(steps))
        how = self._how(place, name)
        assert callable(how)
        value = render(how(place.inner))
        if place.inner is self.root.inner:
            return value
        place.values.append(value)
        return literal_column(f"{place.outer.alias}.v{len(place.values) - 1}", value.type)

    def place(self, steps: tuple[str, ...]) -> Place:
        """The record at the end of some relations."""
        if not steps:
            return self.root
        if steps not in self._places:
            self._places[steps] = self._step(self.place(steps[:-1]), steps[-1])
        return self._places[steps]

    def identities(self) -> list[tuple[Table, Expression]]:
        """The table and the id of each record that the paths lead to, the file's row included; null where there is no record."""
        root = self.root.outer
        found = [(root.table, root.id)] if "id" in root.table.c else []
        for place in [place for place in self._places.values() if place.on is not None]:
            known = place.known_id
            found.append((place.outer.table, place.outer.id if known is None else known))
        return found

    def beside(self, source: FromClause) -> FromClause:
        """The FROM clause besides the rows of the file: requested when everything that is read is known."""
        source = self.root.outer.beside(source)
        for place in self._places.values():
            if place.on is not None and place.is_read:
                source = place.outer.beside(source.outerjoin(place.look_up(), true()))
        return source

    def _how(self, place: Place, name: str) -> Any:
        if place.of_type is not None:
            if name not in place.of_type.fields:
                raise NotOfferedError(name)
            if is_protected(place.of_type.fields[name]):
                self.fields.add(f"{place.of_type.name}.{name}")
        return place.view.fields[name]

    def _step(self, place: Place, name: str) -> Place:
        how = self._how(place, name)
        assert isinstance(how, One | SameRow)
        of_type = self.schema.get_type(how.target)
        if not isinstance(of_type, GraphQLObjectType):
            raise NotOfferedError(name)
        view = VIEWS[how.target]
        if isinstance(how, SameRow):
            # Its values are those of the record that it is a part of.
            return Place(view, of_type, place.outer, place.inner, values=place.values)
        outer, inner = (place.outer.scope.row(view.table) for _ in range(2))
        known = place.outer.followed(how.on.column) if isinstance(how.on, ById) else None
        return Place(view, of_type, outer, inner, how.on(place.outer, inner), known_id=known)
