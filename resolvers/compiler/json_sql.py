"""JSON in SQL: the object of a row, the list of a query's rows, and keys of any length."""

from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import Text, func, literal_column, select, union_all
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Select

from db.row import Scope

Expression = ColumnElement[Any]
Columns = list[tuple[str, Expression]]
_LONGEST_ALIAS = 63
EMPTY_LIST: Expression = literal_column("'[]'::json")


def typename(of_type: GraphQLObjectType) -> Expression:
    """The name of a type as a constant."""
    return literal_column(f"'{of_type.name}'::text", Text())


def selected(columns: Columns, query: Select[Any]) -> Select[Any]:
    """A query with response keys as the names of its columns."""
    return query.add_columns(*(expression.label(key) for key, expression in columns))


def is_long(columns: Columns) -> bool:
    """Whether a response key is longer than PostgreSQL allows a column's name to be."""
    return any(len(key) > _LONGEST_ALIAS for key, _ in columns)


def as_object(columns: Columns, scope: Scope, query: Select[Any] | None = None) -> Expression:
    """A JSON object of the one row of a query (without a query: of the current row); null if there is none."""
    name = scope.name("q")
    if is_long(columns):
        return (query if query is not None else select()).add_columns(_long_object(columns)).scalar_subquery()
    body = selected(columns, query if query is not None else select()).subquery(name)
    return select(func.row_to_json(literal_column(name))).select_from(body).scalar_subquery()


def as_list(columns: Columns, scope: Scope, query: Select[Any]) -> Expression:
    """A JSON list with an object for each row of a query, in its order."""
    name = scope.name("q")
    body, item = listed(columns, query, name)
    return select(func.coalesce(func.json_agg(item), EMPTY_LIST)).select_from(body.subquery(name)).scalar_subquery()


def listed(columns: Columns, query: Select[Any], name: str) -> tuple[Select[Any], Expression]:
    """A query under an alias, and the expression that is the JSON object of each of its rows."""
    if is_long(columns):
        return query.add_columns(_long_object(columns).label("o")), literal_column(f"{name}.o")
    return selected(columns, query), literal_column(name)


def _long_object(columns: Columns) -> Expression:
    """A JSON object whose keys may have any length."""
    pairs = [
        select(literal_column(f"'{key}'::text").label("k"), func.to_json(value).label("v")) for key, value in columns
    ]
    rows = union_all(*pairs).subquery("long_keys")
    return select(func.json_object_agg(rows.c.k, rows.c.v)).scalar_subquery()
