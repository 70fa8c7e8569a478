"""Decides what importing a file asks of billing staff, and what they are told of it; which kinds are whose, each kind says."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import done, given, shown, takes
from resolvers import imports
from schema.enums import ImportKind
from schema.errors import UserError
from schema.payloads import told

_RULE = "staff"


@strawberry.type(description="What is wrong in a file: one cell of it, or a whole line.")
class BadCell:
    line: int = shown(_RULE, "The line of the file, the header being on the first.")
    column: str | None = shown(_RULE, "The column; null where it is the whole line.")
    cell_value: str | None = shown(_RULE, "What stands there, shortened.")
    reason: str = shown(_RULE, "Why it cannot be imported, in words for a person.")


@strawberry.type(description="What an import does to the records, row by row, or what is wrong with its file.")
class ImportReport:
    kind: ImportKind = shown(_RULE, "What the rows are.")
    rows: int = shown(_RULE, "How many rows the file has, without its header.")
    added: int = shown(_RULE, "How many are new.")
    changed: int = shown(_RULE, "How many were known and say something else now.")
    unchanged: int = shown(_RULE, "How many were known as they are.")
    bad_rows: int = shown(_RULE, "How many cannot be imported; with a single one nothing is written.")
    bad_cells: list[BadCell] = shown(_RULE, "What is wrong, line by line, for the first 1,000 bad rows.")
    is_written: bool = shown(_RULE, "Whether it was written: not by a dry run, and not when a row is bad.")


@strawberry.input(
    description="A file to import that was sent before, as CSV or XLSX. All of it is imported, or nothing."
)
class ImportRecordsInput:
    kind: ImportKind = given(_RULE, "What the rows are.")
    document_id: strawberry.ID = given(_RULE, "The uploaded file. Whoever sent it imports it, once.")
    dry_run: bool = given(
        _RULE, "Whether to report only what would be done; the file can be imported afterwards.", default=False
    )
    idempotency_key: str | None = given(
        _RULE,
        "A text of your own that makes it safe to send the same step again within 24 hours: the report then says that every "
        "row is as it was.",
    )


@strawberry.type(description="The answer to an import.")
class ImportPayload:
    import_report: ImportReport | None = shown(_RULE, "What came of it; nothing when the file cannot be had.")
    errors: list[UserError] = shown(
        _RULE, "Why nothing was written; empty when it was, and for a dry run without bad rows."
    )


@strawberry.type
class ImportSteps:
    """The mutation that imports a file."""

    @done(
        ACTIONS["import_records"], "Import a file: what is new is added, what is known is changed, nothing is removed."
    )
    async def import_records(
        self, info: Info, input: Annotated[ImportRecordsInput, takes("The file, and what its rows are.", _RULE)]
    ) -> ImportPayload:
        imported = await imports.import_records(info, input)
        return ImportPayload(import_report=_report(imported), errors=told(imported.errors))


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
