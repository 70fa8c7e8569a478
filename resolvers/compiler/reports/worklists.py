"""Compiles the work lists: how many invoices are on each, and what they bill and owe, in one statement."""

from typing import Any

from sqlalchemy import Select, Text, func, literal, select, true
from sqlalchemy.sql.elements import ColumnElement

from db.fields import VIEWS
from db.fields.billing.worklists import SUMS, in_worklist
from db.security.reach import reach_of
from domain.reports.worklists import WorklistName
from resolvers.compiler.compile import Compiler
from resolvers.compiler.json_sql import as_object, typename
from resolvers.compiler.selection import SelectedField, object_type

Expression = ColumnElement[Any]


def worklists(compiler: Compiler, field: SelectedField) -> Select[Any]:
    """All work lists, in their order."""
    lists = [_summary(compiler, field, name) for name in WorklistName]
    return compiler.audited.report(func.json_build_array(*lists), literal(0))


def _summary(compiler: Compiler, field: SelectedField, name: WorklistName) -> Expression:
    assert field.definition is not None
    target, row = object_type(field.definition), compiler.scope.row(VIEWS["Invoice"].table)
    known: dict[str, Expression] = {
        "name": literal(name.name, Text(), literal_execute=True),
        "count": func.count(),
        "billed": SUMS["billed"](row),
        "balance": SUMS["balance"](row),
        "__typename": typename(target),
    }
    asked = compiler.selector.fields(target, field.selection_sets)
    columns = [(part.key, known[part.name]) for part in asked]
    found = [row.clinic_id == compiler.scope.clinic_id, *reach_of(row), in_worklist(row, name)]
    # One row, also where neither the count nor a sum is selected.
    return as_object(columns, compiler.scope, select().select_from(row.source).where(*found).having(true()))
