"""GraphQL types and mutations of file imports and their previews; the access rule of each kind of import stands with its enum value."""

from collections.abc import Iterable
from typing import Annotated

import strawberry
from strawberry import Info

from imports.mapping.profiles import Question
from imports.previews.previews import Preview
from imports.previews.previews import PreviewedCell as FoundCell
from imports.report import BadCell as FoundBadCell
from imports.report import Report
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.records import imports
from schema.errors import UserError, user_errors
from schema.records.import_enums import CellFormat, ImportKind
from schema.records.import_mappings import ImportMapping, ImportMappingInput, published

_RULE = "staff"


@strawberry.type(description="An error or a warning about the file: about one cell or a whole line.")
class BadCell:
    line: int = output_field(_RULE, "The line number in the file, from 1.")
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
    warnings: list[BadCell] = output_field(_RULE, "Warnings about rows that are imported anyway.")


@strawberry.input(description="The format that you chose for a column of this file.")
class ImportColumnFormatInput:
    column: str = input_field(_RULE, "The name of the column in the template of the kind.")
    format: CellFormat = input_field(_RULE, "The format of its values.")


_FORMATS = (
    "Formats that you chose for columns of this file. A saved mapping needs them for days that this file does not prove, "
    "such as 3/4/2026."
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
    mapping: ImportMappingInput | None = input_field(
        _RULE, "How the file is read; omit it for a file with the columns of the template."
    )
    mapping_id: strawberry.ID | None = input_field(_RULE, "The id of a saved mapping, instead of a mapping.")
    column_formats: list[ImportColumnFormatInput] | None = input_field(_RULE, _FORMATS)
    file_sha256: str | None = input_field(
        _RULE, "The SHA-256 of the file that was previewed, in hexadecimal digits: required with a mapping."
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


@strawberry.input(description="An uploaded CSV or XLSX file, and how it is read.")
class ImportPreviewInput:
    kind: ImportKind = input_field(_RULE, "The kind of records.")
    document_id: strawberry.ID = input_field(
        _RULE, "The id of the uploaded file. Only the user who uploaded it can preview it."
    )
    mapping: ImportMappingInput | None = input_field(_RULE, "How the file is read; one is proposed by default.")
    mapping_id: strawberry.ID | None = input_field(_RULE, "The id of a saved mapping, instead of a mapping.")
    column_formats: list[ImportColumnFormatInput] | None = input_field(_RULE, _FORMATS)
    encoding: str | None = input_field(_RULE, "The encoding of a text file, for a mapping that is to be proposed.")
    delimiter: str | None = input_field(_RULE, "The delimiter of a text file, for a mapping that is to be proposed.")
    sheet: str | None = input_field(_RULE, "The sheet of a workbook, for a mapping that is to be proposed.")


@strawberry.type(description="What has to be answered about a column before the file can be imported.")
class ImportQuestion:
    column: str = output_field(_RULE, "The name of the column in the template of the kind.")
    reason: str = output_field(_RULE, "Why the values do not decide it.")
    example: str | None = output_field(_RULE, "A value of the file that can be read in more than one way.")
    formats: list[CellFormat] = output_field(_RULE, "The formats to choose from, for the mapping or as columnFormats.")
    unknown_values: list[str] = output_field(_RULE, "Values of the file whose meaning the mapping has to say.")


@strawberry.type(description="A cell of the file.")
class PreviewedCell:
    column: str = output_field(_RULE, "The name of the column in the template of the kind.")
    source: str = output_field(_RULE, "The name of the column in the file.")
    cell_value: str | None = output_field(_RULE, "The content of the cell, shortened.")
    read_as: str | None = output_field(_RULE, "The value as which it is read; null if it is blank or cannot be read.")


@strawberry.type(description="One of the first rows of the file.")
class PreviewedRow:
    line: int = output_field(_RULE, "The line number in the file.")
    cells: list[PreviewedCell] = output_field(_RULE, "The cells of the mapped columns.")


@strawberry.type(
    description="The sum of a column of amounts, to compare with the total of the system that wrote the file."
)
class ControlTotal:
    column: str = output_field(_RULE, "The name of the column in the template of the kind.")
    value_count: int = output_field(_RULE, "The number of amounts.")
    total: str = output_field(_RULE, "The sum of all rows that can be read, in US dollars.")


@strawberry.type(description="How a file would be imported; nothing is written.")
class ImportPreview:
    kind: ImportKind = output_field(_RULE, "The kind of records.")
    file_sha256: str = output_field(
        _RULE, "The SHA-256 of the file, in hexadecimal digits, which the import has to name."
    )
    encoding: str | None = output_field(_RULE, "The encoding with which a text file is read.")
    delimiter: str | None = output_field(_RULE, "The delimiter with which a text file is read.")
    sheets: list[str] = output_field(_RULE, "The sheets of a workbook that are shown and have values.")
    sheet: str | None = output_field(_RULE, "The sheet that is read.")
    mapping: ImportMapping = output_field(_RULE, "The proposed or the given mapping.")
    questions: list[ImportQuestion] = output_field(_RULE, "What has to be answered before the file can be imported.")
    missing_columns: list[str] = output_field(_RULE, "The required columns that the mapping does not have.")
    other_columns: list[str] = output_field(
        _RULE,
        "The columns of the file that the mapping does not use. The import refuses the file, unless the mapping says that they are "
        "ignored.",
    )
    skipped_rows: int = output_field(_RULE, "The number of rows that the mapping skips.")
    skipped_lines: list[int] = output_field(_RULE, "The lines of the first of them.")
    first_rows: list[PreviewedRow] = output_field(_RULE, "The first rows, as they are read.")
    row_count: int = output_field(_RULE, "The number of rows that are records.")
    control_totals: list[ControlTotal] = output_field(_RULE, "The sums of the columns of amounts.")
    import_report: ImportReport | None = output_field(
        _RULE, "The report of a dry run; null as long as questions are open or required columns are missing."
    )


@strawberry.type(description="The result of a preview.")
class ImportPreviewPayload:
    preview: ImportPreview | None = output_field(_RULE, "The preview; null if the file cannot be read.")
    errors: list[UserError] = output_field(_RULE, "Why there is no preview; empty on success.")


@strawberry.type
class ImportMutations:
    """The mutations that preview and import a file."""

    @mutation(
        ACTIONS["import_records"],
        "Import a file: new records are added, existing records are changed, nothing is deleted.",
    )
    async def import_records(
        self, info: Info, input: Annotated[ImportRecordsInput, argument("The file and the kind of its records.", _RULE)]
    ) -> ImportPayload:
        imported = await imports.import_records(info, input)
        report = _report(imported.report) if imported.report else None
        return ImportPayload(import_report=report, errors=user_errors(imported.errors))

    @mutation(
        ACTIONS["import_preview"],
        "Preview the import of a file in any layout: propose a mapping, and ask what the values do not decide.",
    )
    async def import_preview(
        self, info: Info, input: Annotated[ImportPreviewInput, argument("The file and the kind of its records.", _RULE)]
    ) -> ImportPreviewPayload:
        previewed = await imports.preview_import(info, input)
        preview = _preview(previewed.preview) if previewed.preview else None
        return ImportPreviewPayload(preview=preview, errors=user_errors(previewed.errors))


def _report(found: Report) -> ImportReport:
    return ImportReport(
        kind=found.kind,
        rows=found.rows,
        added=found.added,
        changed=found.changed,
        unchanged=found.unchanged,
        bad_rows=found.bad_rows,
        bad_cells=_cells(found.bad_cells),
        is_written=found.written,
        warnings=_cells(found.warnings),
    )


def _cells(found: Iterable[FoundBadCell]) -> list[BadCell]:
    return [BadCell(line=c.line, column=c.column, cell_value=c.value, reason=c.reason) for c in found]


def _preview(found: Preview) -> ImportPreview:
    shape = found.shape
    return ImportPreview(
        kind=found.checked.kind.name,
        file_sha256=found.sha256.hex(),
        encoding=shape.encoding,
        delimiter=shape.delimiter,
        sheets=list(shape.sheets),
        sheet=shape.sheet,
        mapping=published(found.mapping),
        questions=[_question(question) for question in found.questions],
        missing_columns=found.missing,
        other_columns=found.other_columns,
        skipped_rows=found.skipped.rows,
        skipped_lines=found.skipped.lines,
        first_rows=[PreviewedRow(line=row.line, cells=[_cell(cell) for cell in row.cells]) for row in found.rows],
        row_count=found.checked.read,
        control_totals=[
            ControlTotal(column=one.column, value_count=one.values, total=str(one.total)) for one in found.totals
        ],
        import_report=_report(found.report) if found.report else None,
    )


def _question(found: Question) -> ImportQuestion:
    return ImportQuestion(
        column=found.column,
        reason=found.reason,
        example=found.example,
        formats=list(found.formats),
        unknown_values=list(found.values),
    )


def _cell(found: FoundCell) -> PreviewedCell:
    return PreviewedCell(column=found.column, source=found.source, cell_value=found.cell, read_as=found.value)
