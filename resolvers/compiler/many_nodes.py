"""Compiles records by their ids: of one type, in the order of the ids, with null for each that cannot be accessed."""

from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import ARRAY, Text, Uuid, cast, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.selectable import Select

from db.audit.entity_ids import NOTHING
from db.fields import VIEWS
from db.security.reach import reach_of
from resolvers.compiler.compile import Compiler
from resolvers.compiler.json_sql import as_object
from resolvers.compiler.selection import SelectedField


def records(compiler: Compiler, target: GraphQLObjectType, asked: SelectedField) -> Select[Any]:
    """A query for the records of one type as a list of JSON texts and, if audited, the ids of the records read."""
    scope, audited, binder = compiler.scope, compiler.audited, compiler.binder
    row = scope.row(VIEWS[target.name].table)
    audited.begin(target.name, row)
    columns = compiler.columns(target, compiler.selector.fields(target, asked.selection_sets), row)
    wanted = scope.name("wanted")
    ids = func.unnest(binder.argument(asked, ("ids",), ARRAY(Uuid()))).table_valued("id", with_ordinality="place")
    identity = literal_column(f"{wanted}.id", Uuid())
    conditions = [row.clinic_id == scope.clinic_id, row.is_identified(identity), *reach_of(row)]
    if audited.has(row):
        found = audited.objects(columns, row).where(*conditions)
    else:
        query = select().select_from(row.joined).where(*conditions)
        found = select(as_object(columns, scope, query).label("o"))
    name = scope.name("q")
    texts = func.array_agg(
        aggregate_order_by(cast(literal_column(f"{name}.o"), Text), literal_column(f"{wanted}.place"))
    )
    read = [func.coalesce(func.string_agg(literal_column(f"{name}.t"), NOTHING), NOTHING)] if audited.has(row) else []
    source = ids.render_derived(name=wanted).outerjoin(found.lateral(name), true())
    return audited.row(texts, *read).select_from(source)
