"""GraphQL types and the mutation of file imports; the access rule of each kind of import stands with its enum value."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.records import imports
from schema.enums import ImportKind
from schema.errors import UserError, user_errors

_RULE = "staff"


@strawberry.type(description="An error in the file: in one cell or in a whole line.")
class BadCell:
    line: int = output_field(_RULE, "The line number in the file; the header is line 1.")
    column: str | None = output_field(_RULE, "The column; null if the whole line is wrong.")
    cell_value: str | None = output_field(_RULE, "The content of the cell, shortened.")
    reason: str = output_field(_RULE, "The error message.")


@strawberry.type(
    description="The result of an import, or of a dry run: the number of rows by effect, and the errors in the file."
)
class ImportReport:
    kind: ImportKind = output_field(_RULE, "The kind of records.")
    rows: int = output_field(_RULE, "The number of rows in the file, without the header.")
    added: int = output_field(_RULE, "The number of rows that add a record.")
    changed: int = output_field(_RULE, "The number of rows that change an existing record.")
    unchanged: int = output_field(_RULE, "The number of rows that match an existing record exactly.")
    bad_rows: int = output_field(
        _RULE, "The number of rows with errors; if there is at least one, nothing is imported."
    )
    bad_cells: list[BadCell] = output_field(_RULE, "The errors by line, for the first 1,000 rows with errors.")
    is_written: bool = output_field(
        _RULE, "Whether the rows were imported; false for a dry run and if a row has an error."
    )


@strawberry.input(description="An uploaded CSV or XLSX file to import. Either all of it is imported, or nothing.")
class ImportRecordsInput:
    kind: ImportKind = input_field(_RULE, "The kind of records.")
    document_id: strawberry.ID = input_field(
        _RULE, "The id of the uploaded file. Only the user who uploaded it can import it, and only once."
    )
    dry_run: bool = input_field(
        _RULE, "If true, only report what would be imported; the file can be imported afterwards.", default=False
    )
    idempotency_key: str | None = input_field(
        _RULE,
        "An idempotency key: a string of your choice with which the same request can be retried safely "
        "for 24 hours; the report of a retry counts all rows as unchanged.",
    )


@strawberry.type(description="The result of an import.")
class ImportPayload:
    import_report: ImportReport | None = output_field(_RULE, "The report; null if the file cannot be read.")
    errors: list[UserError] = output_field(
        _RULE, "Why nothing was imported; empty on success and for a dry run without errors."
    )


@strawberry.type
class ImportMutations:
    """The mutation that imports a file."""

    @mutation(
        ACTIONS["import_records"],
        "Import a file: new records are added, existing records are changed, nothing is deleted.",
    )
    async def import_records(
        self, info: Info, input: Annotated[ImportRecordsInput, argument("The file and the kind of its records.", _RULE)]
    ) -> ImportPayload:
        imported = await imports.import_records(info, input)
        return ImportPayload(import_report=_report(imported), errors=user_errors(imported.errors))


def _report(imported: imports.Imported) -> ImportReport | None:
    found = imported.report
    if found is None:
        return None
    return ImportReport(
        kind=found.kind,
        rows=found.rows,
        added=found.added,
        changed=found.changed,
        unchanged=found.unchanged,
        bad_rows=found.bad_rows,
        bad_cells=[BadCell(line=c.line, column=c.column, cell_value=c.value, reason=c.reason) for c in found.bad_cells],
        is_written=found.written,
    )
