"""What the audit log records of one statement: protected fields, filters, and the ids of the records that it reads.

The ids come in a second column beside the JSON: each row carries its own ids and those of everything read below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, func, literal_column, select, true
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause, Select

from db.audit.entity_ids import ENTITIES, NOTHING, counted, entity_ids_of, together
from db.row import Row, Scope
from resolvers.compiler.json_sql import EMPTY_LIST, Columns, is_long, listed

Expression = ColumnElement[Any]
# A record or a count that may occur more than once in a response counts as two.
_REPEATED = 2


@dataclass
class AuditedIds:
    """The audit data of one statement while it is compiled; without `is_on`, the statement has the JSON column alone."""

    is_on: bool
    # A report records how many rows it counted, and not which.
    counts_only: bool = False
    # Protected coordinates that are read, and coordinates by which records are filtered.
    fields: set[str] = field(default_factory=set)
    filters: set[str] = field(default_factory=set)
    _recorded: int = 0
    # Alias of a row → the ids of the row and of everything read below it.
    _ids: dict[str, list[Expression]] = field(default_factory=dict)

    @property
    def has_ids(self) -> bool:
        """Whether the ids of the records that are read are recorded."""
        return self.is_on and not self.counts_only

    @property
    def is_distinct(self) -> bool:
        """Whether no record can occur twice, so that duplicates need not be removed."""
        return self._recorded < _REPEATED

    def has(self, row: Row) -> bool:
        """Whether ids are recorded with a row."""
        return row.alias in self._ids

    def begin(self, type_name: str, row: Row, via: tuple[str, str] | None = None) -> None:
        """Record a row of a type as it is read, if its records are audited; `via` is the field by which it is reached."""
        found = entity_ids_of(type_name, row, via) if self.has_ids else []
        if not found:
            return
        self._add(row, found)
        # Below the root, and where rows are audited by their parents, one record may occur several times.
        self._recorded += len(found) if via is None and type_name in ENTITIES else _REPEATED * len(found)

    def count(self, number: Expression) -> Expression:
        """A count of records, in place of the ids of the records that it counts."""
        self._recorded += _REPEATED
        return counted(number)

    def objects(self, columns: Columns, row: Row, found: FromClause | None = None) -> Select[Any]:
        """A query for rows as JSON objects, each with its ids; the caller adds the conditions.

        `found` is the FROM clause of the row and all that was joined to it, if it is not that of its table.
        """
        name = row.scope.name("q")
        body, item = listed(columns, select(), name)
        whole = item if is_long(columns) else func.row_to_json(item)
        source = (row.joined if found is None else found).join(body.lateral(name), true())
        return select(whole.label("o"), self.ids(row).label("t")).select_from(source)

    def array(self, query: Select[Any], scope: Scope) -> Select[Any]:
        """The rows of such a query as one JSON list, in its order, with all of their ids."""
        name = scope.name("q")
        items = func.coalesce(func.json_agg(literal_column(f"{name}.o")), EMPTY_LIST)
        ids = func.string_agg(literal_column(f"{name}.t"), NOTHING)
        return select(items.label("o"), ids.label("t")).select_from(query.subquery(name))

    def join(self, row: Row, query: Select[Any]) -> Expression:
        """The JSON of a query of at most one row with ids, which is joined to the row above it; that row takes over the ids."""
        name = row.scope.name("ids")
        row.join(name, query)
        self._add(row, [func.coalesce(literal_column(f"{name}.t"), NOTHING)])
        return literal_column(f"{name}.o", JSON())

    def ids(self, row: Row) -> Expression:
        """The ids that are recorded with a row."""
        return together(self._ids[row.alias])

    def row(self, json: Expression, *ids: Expression) -> Select[Any]:
        """The columns of a sub-select or of a statement: the JSON and, if ids are recorded, the ids."""
        return _columns(json, ids) if self.has_ids else _columns(json)

    def report(self, json: Expression, *count: Expression) -> Select[Any]:
        """The columns of a report's statement: the JSON and, if it is audited, the count in place of ids."""
        return _columns(json, count) if self.is_on else _columns(json)

    def _add(self, row: Row, ids: list[Expression]) -> None:
        self._ids[row.alias] = [*self._ids.get(row.alias, []), *ids]


def _columns(json: Expression, ids: Sequence[Expression] | None = None) -> Select[Any]:
    return select(json.label("o"), *([] if ids is None else [together(list(ids) or [NOTHING]).label("t")]))
