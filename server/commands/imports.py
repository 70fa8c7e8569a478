"""The commands of `billing import`: Synthea's CSV files, files of each kind of record in any layout, and previews of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import click

from domain.clinics import clinic_day
from domain.documents.uploads import CSV, XLSX
from domain.errors import Conflict, InvalidInput
from domain.imports import LARGEST_UNPACKED, CellFormat, ImportKind
from imports.checking import Checked, check_file
from imports.kinds.known import KINDS
from imports.mapping.mappings import ChosenMapping
from imports.previews.previews import Preview, PreviewRequest, open_questions, preview_file
from imports.report import Report
from imports.run_import import bring_in
from imports.sheets import ReadOptions
from imports.synthea.csv_rows import BrokenRowError
from imports.synthea.load import import_synthea
from imports.synthea.summary import ControlTotalsError
from imports.target import Target
from server.commands.import_mappings import (
    answers_of,
    decided,
    is_file,
    mapping_file,
    mapping_in_file,
    preview_text,
    saved_mapping,
)
from server.commands.options import pass_settings
from server.database_urls import DatabaseUrls, with_database
from server.settings import Settings

_DAY = click.DateTime(["%Y-%m-%d"])
# The words for a kind of file in its help, where they differ from its name.
_WORDS = {
    ImportKind.CODES: "the master list of codes",
    ImportKind.FEE_SCHEDULES: "fee schedules and their rates",
    ImportKind.REASON_CODES: "the list of reason codes",
    ImportKind.EXAM_TYPES: "the tree of exams",
}
_KIND_OF_FILE = {".csv": CSV, ".tsv": CSV, ".txt": CSV, ".xlsx": XLSX}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_Work = Callable[[asyncpg.Connection, Target], Awaitable[Report]]


@click.group(name="import", help="Import data from files and other systems.")
def import_() -> None:
    """Imports."""


@import_.command(help="Import a folder of Synthea's CSV files.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--clinic", default="synthea", show_default=True, help="Short name of the clinic; created if it does not exist."
)
@click.option(
    "--attorneys",
    default=5,
    show_default=True,
    type=click.IntRange(min=0),
    help="Number of attorneys, distributed over the cases.",
)
@click.option("--open-since", type=_DAY, help="Leave out payments of claims served since this day.")
@pass_settings
def synthea(settings: Settings, folder: Path, clinic: str, attorneys: int, open_since: datetime | None) -> None:
    """Import Synthea's patients, encounters, claims and payments."""

    async def bring_in_folder(address: DatabaseUrls) -> None:
        connection = await asyncpg.connect(address.owner)
        try:
            summary = await import_synthea(
                connection,
                folder,
                clinic=clinic,
                attorneys=attorneys,
                open_since=open_since.date() if open_since else None,
                today=_today(),
                progress=_show,
            )
            click.echo(summary.as_text())
        except (BrokenRowError, ControlTotalsError) as error:
            raise click.ClickException(str(error)) from error
        finally:
            await connection.close()

    with_database(settings, bring_in_folder)


_CLINIC = "Short name of the clinic."
_mapped = click.option(
    "--map",
    "named",
    metavar="FILE.json|NAME",
    help="How to read a file in another layout: a mapping file, or a saved mapping.",
)
_formats = click.option(
    "--column-format", "formats", multiple=True, metavar="COLUMN=FORMAT", help="The format of a column of this file."
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the options say about the file to import."""

    kind: ImportKind
    data: bytes
    content_type: str
    named: str | None
    answers: dict[str, CellFormat]

    def from_file(self) -> ChosenMapping | None:
        """The mapping, if it is in a file."""
        if self.named is None or not is_file(self.named):
            return None
        return mapping_in_file(self.kind, Path(self.named), self.data, self.answers)

    async def from_clinic(self, connection: asyncpg.Connection, clinic_id: UUID) -> ChosenMapping | None:
        """The mapping, if it is a saved one."""
        if self.named is None or is_file(self.named):
            return None
        return await saved_mapping(connection, clinic_id, self.kind, self.named, self.answers)


def _wanted(kind: ImportKind, file: Path, named: str | None, formats: tuple[str, ...]) -> _Wanted:
    content_type = _KIND_OF_FILE.get(file.suffix.lower())
    if content_type is None or file.stat().st_size > LARGEST_UNPACKED:
        raise click.ClickException("The file must be .csv, .tsv, .txt or .xlsx, and must not be larger than 300 MiB")
    return _Wanted(kind, file.read_bytes(), content_type, named, answers_of(kind, formats))


def _checked(wanted: _Wanted, chosen: ChosenMapping | None) -> Checked:
    """The rows of the file; ClickException if a format of days is neither proved by the file nor given."""
    mapping = decided(chosen, wanted.kind) if chosen else None
    checked = check_file(KINDS[wanted.kind], wanted.data, wanted.content_type, _show, mapping=mapping)
    for question in open_questions(checked, chosen):
        choices = " or ".join(f"--column-format {question.column}={form.name}" for form in question.formats)
        raise click.ClickException(f"{question.column}: {question.reason}, such as {question.example}: give {choices}")
    return checked


def _file_command(kind: ImportKind, words: str) -> None:
    """Add the command that imports files of one kind."""

    @import_.command(
        name=kind.value.replace("_", "-"), help=f"Import {words} from a CSV or XLSX file: all of it, or nothing."
    )
    @click.argument("file", type=_FILE)
    @click.option("--clinic", required=True, help=_CLINIC)
    @click.option("--dry-run", is_flag=True, help="Only report what would be imported; change nothing.")
    @_mapped
    @_formats
    @pass_settings
    def command(
        settings: Settings, file: Path, clinic: str, dry_run: bool, named: str | None, formats: tuple[str, ...]
    ) -> None:
        wanted = _wanted(kind, file, named, formats)
        in_file = wanted.from_file()
        checked = _checked(wanted, in_file) if in_file or named is None else None

        async def bring_in_file(connection: asyncpg.Connection, target: Target) -> Report:
            chosen = await wanted.from_clinic(connection, target.clinic_id)
            return await bring_in(target, checked or _checked(wanted, chosen))

        with_database(settings, partial(_in_clinic, clinic, dry_run, bring_in_file))


for _kind in ImportKind:
    _file_command(_kind, _WORDS.get(_kind, _kind.value))


@import_.command(help="Show how a file in any layout would be imported; with --clinic also what would change.")
@click.argument("kind", type=click.Choice([kind.value.replace("_", "-") for kind in ImportKind]))
@click.argument("file", type=_FILE)
@click.option("--clinic", help=f"{_CLINIC} Needed for saved mappings, and to compare the rows with its records.")
@_mapped
@_formats
@click.option("--encoding", help="The encoding of a text file.")
@click.option("--delimiter", help="The delimiter of a text file.")
@click.option("--sheet", help="The sheet of a workbook.")
@click.option(
    "--json", "as_file", is_flag=True, help="Print the mapping as a file that can be edited and given to --map."
)
@pass_settings
def preview(
    settings: Settings,
    kind: str,
    file: Path,
    clinic: str | None,
    named: str | None,
    formats: tuple[str, ...],
    as_file: bool,
    **options: str | None,
) -> None:
    """Propose a mapping for a file, or show what a mapping makes of it."""
    wanted = _wanted(ImportKind(kind.replace("-", "_")), file, named, formats)
    if clinic is None:
        if named and not is_file(named):
            raise click.ClickException("A saved mapping belongs to a clinic: give --clinic")
        made = _previewed(wanted, wanted.from_file(), options)
        click.echo(mapping_file(made) if as_file else preview_text(made))
        return

    async def compare(connection: asyncpg.Connection, target: Target) -> Report:
        made = _previewed(wanted, wanted.from_file() or await wanted.from_clinic(connection, target.clinic_id), options)
        click.echo(mapping_file(made) if as_file else preview_text(made))
        return await bring_in(target, made.checked) if made.is_complete else made.checked.report()

    with_database(settings, partial(_in_clinic, clinic, True, compare, is_quiet=as_file))


def _previewed(wanted: _Wanted, chosen: ChosenMapping | None, options: dict[str, str | None]) -> Preview:
    request = PreviewRequest(chosen, wanted.answers, ReadOptions(**options))
    try:
        return preview_file(KINDS[wanted.kind], wanted.data, wanted.content_type, request, _show)
    except InvalidInput as error:
        raise click.ClickException(error.message) from None


async def _in_clinic(clinic: str, dry_run: bool, work: _Work, address: DatabaseUrls, *, is_quiet: bool = False) -> None:
    """Run an import in one transaction, which is rolled back by a dry run and by bad rows, and print its report."""
    connection = await asyncpg.connect(address.owner)
    try:
        found = await connection.fetchrow("select clinic_id, time_zone from clinics where short_name = $1", clinic)
        if found is None:
            raise click.ClickException(f"There is no clinic {clinic}")
        transaction, moment = connection.transaction(), datetime.now(UTC)
        await transaction.start()
        target = Target(connection, found["clinic_id"], moment, clinic_day(moment, found["time_zone"]), _show)
        report = await work(connection, target)
        await (transaction.rollback() if dry_run or report.bad_rows else transaction.commit())
    except Conflict as conflict:
        raise click.ClickException(conflict.message) from conflict
    finally:
        await connection.close()
    if is_quiet:
        return
    if report.bad_rows:
        hint = "" if report.rows else "\n`billing import preview` proposes a mapping for a file in another layout."
        raise click.ClickException(f"the file cannot be imported\n{report.as_text()}{hint}")
    click.echo((replace(report, written=False) if dry_run else report).as_text())


def _today() -> date:
    return clinic_day(datetime.now(UTC), "America/New_York")


def _show(doing: str, done: int, of: int | None) -> None:
    whole = "" if of is None else f" of {of:,}"
    click.echo(f"\r{doing}: {done:,}{whole}", nl=done == of, err=True)
