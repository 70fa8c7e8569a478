"""The commands of `billing import`: Synthea's CSV files, and CSV or XLSX files of each kind of record."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import asyncpg
import click

from domain.clinics import clinic_day
from domain.documents import CSV, XLSX
from domain.errors import Conflict
from domain.imports import LARGEST_UNPACKED, ImportKind
from imports.checking import Checked, check_file
from imports.kinds import KINDS
from imports.run_import import bring_in
from imports.synthea.csv_rows import BrokenRowError
from imports.synthea.load import import_synthea
from imports.synthea.summary import ControlTotalsError
from imports.target import Target
from server.commands.options import pass_settings
from server.database_urls import DatabaseUrls, with_database
from server.settings import Settings

_DAY = click.DateTime(["%Y-%m-%d"])
# The words for a kind of file in its help, where they differ from its name.
_WORDS = {
    ImportKind.CODES: "the master list of codes",
    ImportKind.FEE_SCHEDULES: "fee schedules and their rates",
}
_KIND_OF_FILE = {".csv": CSV, ".xlsx": XLSX}


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


def _file_command(kind: ImportKind, words: str) -> None:
    """Add the command that imports files of one kind."""

    @import_.command(
        name=kind.value.replace("_", "-"), help=f"Import {words} from a CSV or XLSX file: all of it, or nothing."
    )
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--clinic", required=True, help="Short name of the clinic.")
    @click.option("--dry-run", is_flag=True, help="Only report what would be imported; change nothing.")
    @pass_settings
    def command(settings: Settings, file: Path, clinic: str, dry_run: bool) -> None:
        content_type = _KIND_OF_FILE.get(file.suffix.lower())
        if content_type is None or file.stat().st_size > LARGEST_UNPACKED:
            raise click.ClickException("The file must be .csv or .xlsx, and must not be larger than 300 MiB")
        checked = check_file(KINDS[kind], file.read_bytes(), content_type, _show)
        with_database(settings, partial(_bring_in, checked, clinic, dry_run))


for _kind in ImportKind:
    _file_command(_kind, _WORDS.get(_kind, _kind.value))


async def _bring_in(checked: Checked, clinic: str, dry_run: bool, address: DatabaseUrls) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        found = await connection.fetchrow("select clinic_id, time_zone from clinics where short_name = $1", clinic)
        if found is None:
            raise click.ClickException(f"There is no clinic {clinic}")
        transaction, moment = connection.transaction(), datetime.now(UTC)
        await transaction.start()
        target = Target(connection, found["clinic_id"], moment, clinic_day(moment, found["time_zone"]), _show)
        report = await bring_in(target, checked)
        await (transaction.rollback() if dry_run or report.bad_rows else transaction.commit())
    except Conflict as conflict:
        raise click.ClickException(conflict.message) from conflict
    finally:
        await connection.close()
    if report.bad_rows:
        raise click.ClickException(f"the file cannot be imported\n{report.as_text()}")
    click.echo((replace(report, written=False) if dry_run else report).as_text())


def _today() -> date:
    return clinic_day(datetime.now(UTC), "America/New_York")


def _show(doing: str, done: int, of: int | None) -> None:
    whole = "" if of is None else f" of {of:,}"
    click.echo(f"\r{doing}: {done:,}{whole}", nl=done == of, err=True)
