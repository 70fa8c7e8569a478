"""The SQL by which COPY writes the rows of a clinic's table as CSV, without secrets and in the order of the primary key."""

from uuid import UUID

from sqlalchemy import Table, Text, select
from sqlalchemy.dialects.postgresql import asyncpg

from db.tables import metadata
from exports.csv_files import guarded
from exports.leaving.contents import LEFT_OUT_COLUMNS, WRITTEN

_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]


def written_tables() -> list[Table]:
    """The tables that are written, by name."""
    return [metadata.tables[name] for name in sorted(WRITTEN)]


def rows_of(table: Table, clinic_id: UUID) -> str:
    """The query of a clinic's rows; a text that a spreadsheet could take for a formula gets an apostrophe, as in exports."""
    left_out = LEFT_OUT_COLUMNS.get(table.name, {})
    columns = [
        guarded(column).label(column.name) if isinstance(column.type, Text) else column
        for column in table.columns
        if column.name not in left_out
    ]
    query = select(*columns).where(table.c.clinic_id == clinic_id).order_by(*table.primary_key.columns)
    return str(query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))
