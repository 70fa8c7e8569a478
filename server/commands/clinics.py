"""The commands of `billing clinic`: creating, listing, showing and checking clinics, and writing all of one into a folder."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from domain.errors import InvalidInput
from domain.records.readiness import ReadinessStep
from exports.leaving.folders import SUMS, FolderError, differences
from server.accounts import AccountError
from server.clinics.checking import as_lines, check_clinic
from server.clinics.creating import NewClinic, create_clinic, list_clinics
from server.clinics.leaving import leave as leave_clinic
from server.commands.options import pass_settings
from server.commands.users import ask_password, invitation_url
from server.database_urls import DatabaseUrls, with_database
from server.settings import Settings
from server.stores import open_store

_SHORT_NAME = "What commands and people with accounts in several clinics call the clinic; it cannot be changed."
_ZONE = "The IANA time zone in which the clinic's days begin, such as America/Chicago; it cannot be changed."
_NEXT = """
What comes next (docs/begin.md):
  1. billing serve, and sign in as {email}
  2. updateClinic: the letterhead, the sender of mails, the terms of payment
  3. billing import codes codes.csv --clinic {short_name}, then exam-types, reason-codes, physicians, facilities, attorneys, patients,
     payers, fee-schedules, cases, invoices
  4. billing clinic check {short_name}: what is still missing, and where it is mended
  5. billing user add biller@clinic.example --clinic {short_name} --role billing --name 'Ann Biller' --invite"""


@click.group(help="Create, show and check clinics, and write everything of one into a folder.")
def clinic() -> None:
    """Clinics."""


@clinic.command(
    help="Create a clinic and its first administrator. The password is asked for, or read from standard input where that is no terminal; "
    "with --invite, a one-time link is printed instead."
)
@click.argument("short_name")
@click.option("--name", required=True, help="The clinic's name.")
@click.option("--time-zone", required=True, help=_ZONE)
@click.option("--admin", "email", required=True, help="The e-mail of the first administrator.")
@click.option("--admin-name", "person", required=True, help="The name of the first administrator.")
@click.option(
    "--invite", is_flag=True, help="Print a one-time link, valid for 72 hours, instead of asking for a password."
)
@pass_settings
def create(
    settings: Settings, short_name: str, name: str, time_zone: str, email: str, person: str, *, invite: bool
) -> None:
    """Create a clinic."""
    try:
        # Before the password is asked for.
        new = NewClinic(short_name, name, time_zone, email, person)
    except InvalidInput as refusal:
        raise click.ClickException(refusal.message) from refusal
    password = None if invite else ask_password()

    async def make(address: DatabaseUrls) -> None:
        invitation = await create_clinic(address, new, password)
        click.echo(
            f"The clinic {short_name} is there: {name}, {time_zone}. Its short name and its time zone cannot be changed."
        )
        if invitation:
            why = "" if invite else " has a login already, and"
            click.echo(f"{email}{why} accepts the account within 72 hours at {invitation_url(settings, invitation)}")
        click.echo(_NEXT.format(short_name=short_name, email=email).lstrip("\n"))

    _run(settings, make)


@clinic.command(name="list", help="List the clinics of the database.")
@pass_settings
def list_(settings: Settings) -> None:
    """List clinics."""

    async def show_all(address: DatabaseUrls) -> None:
        found = await list_clinics(address)
        for row in found:
            click.echo(f"{row['short_name']}: {row['name']}")
        if not found:
            click.echo("There is no clinic: `billing clinic create` makes one.")

    _run(settings, show_all)


@clinic.command(help="Show a clinic: its name, its time zone, and how much it holds.")
@click.argument("short_name")
@pass_settings
def show(settings: Settings, short_name: str) -> None:
    """Show a clinic."""

    async def show_one(address: DatabaseUrls) -> None:
        [row] = await list_clinics(address, short_name)
        click.echo(f"{row['short_name']}: {row['name']}, {row['time_zone']}")
        click.echo(f"Since {row['recorded_at']:%Y-%m-%d}; users: {row['users']:,}, invoices: {row['invoices']:,}.")

    _run(settings, show_one)


@clinic.command(
    help="Show what is missing before a clinic's first invoice, document, claim, reminder and export, and where that is mended. "
    "With --step, only one of these; exit code 1 when something is missing for it."
)
@click.argument("short_name")
@click.option("--step", type=click.Choice([step.value.replace("_", "-") for step in ReadinessStep]))
@pass_settings
def check(settings: Settings, short_name: str, step: str | None) -> None:
    """Check the readiness of a clinic."""
    lacking: list[ReadinessStep] = []

    async def find(address: DatabaseUrls) -> None:
        for found, missing in await check_clinic(address, short_name):
            if step is None or found == step.replace("-", "_"):
                click.echo("\n".join(as_lines(found, missing)))
                lacking.extend([found] if missing else [])

    _run(settings, find)
    if step and lacking:
        sys.exit(1)


_FOLDER = click.Path(file_okay=False, path_type=Path)


@clinic.command(
    help="Write everything of a clinic into a new folder: its records as CSV, its stored files, its audit trail, a manifest and hashes. "
    "The clinic stays as it is."
)
@click.argument("short_name")
@click.argument("folder", type=_FOLDER)
@pass_settings
def leave(settings: Settings, short_name: str, folder: Path) -> None:
    """Write a clinic into a folder; exit code 1 when stored files are missing."""

    async def write(address: DatabaseUrls) -> None:
        left = await leave_clinic(address, open_store(settings), short_name, folder, _tell)
        for words in left.broken:
            click.echo(words, err=True)
        click.echo(
            f"{folder}: {sum(left.rows.values()):,} rows of {len(left.rows)} tables and {sum(left.stored.values()):,} stored files, "
            f"{left.size:,} bytes.\nThe SHA-256 of its list {SUMS} is {left.sums_sha256}: note it elsewhere.\n"
            f"`billing clinic check-files {folder}` checks the files."
        )
        if left.broken:
            raise click.ClickException(f"{len(left.broken):,} stored files are missing or changed")

    _run(settings, write)


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"writing {what}", err=True)


@clinic.command(
    name="check-files",
    help="Check the files that `billing clinic leave` wrote, without a database; exit code 1 when one differs.",
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def check_files(folder: Path) -> None:
    """Compare each file with its hash."""
    count = 0
    try:
        for words in differences(folder):
            count += 1
            click.echo(words)
    except FolderError as error:
        raise click.ClickException(str(error)) from error
    if count:
        raise click.ClickException("The folder is not as it was written")
    click.echo(f"{folder}: every file is as it was written.")


def _run(settings: Settings, work: Callable[[DatabaseUrls], Awaitable[None]]) -> None:
    try:
        with_database(settings, work)
    except (AccountError, FolderError) as error:
        raise click.ClickException(str(error)) from error
