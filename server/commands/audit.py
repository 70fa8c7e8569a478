"""The commands of `billing audit`, which verify the audit log and report from it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from server.audit import AuditError, checked_lines, noted, report_disclosures, verify_chains
from server.commands.options import pass_settings
from server.database_urls import DatabaseUrls, opened
from server.settings import Settings

T = TypeVar("T")


@click.group(help="Verify the audit log and report from it.")
def audit() -> None:
    """The audit log."""


@audit.command(
    help="Verify the hash chain of each clinic's audit log, and change nothing; exit code 1 when one is broken."
)
@click.option("--clinic", help="Short name of one clinic.")
@click.option("--head", help="A head that this command printed earlier, as NUMBER:HASH.")
@pass_settings
def verify(settings: Settings, clinic: str | None, head: str | None) -> None:
    """Report the first broken link of each chain."""
    if head and not clinic:
        raise click.UsageError("--head belongs to one clinic: give --clinic, too")

    def walk(address: DatabaseUrls) -> Awaitable[list[tuple[str, bool]]]:
        return _walk(address, clinic, head)

    lines = _with_database(settings, walk)
    for line, _ in lines:
        click.echo(line)
    sys.exit(0 if all(holds for _, holds in lines) else 1)


async def _walk(address: DatabaseUrls, clinic: str | None, head: str | None) -> list[tuple[str, bool]]:
    chains = await verify_chains(address.owner, clinic, noted(head))
    return [(line, chain.broken is None) for name, chain in chains for line in checked_lines(name, chain)]


@audit.command(help="Write the disclosures of a patient's records as CSV: who saw or changed what, and when.")
@click.argument("patient")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@pass_settings
def disclosures(settings: Settings, patient: str, out: Path) -> None:
    """Report the disclosures of one patient, given by id."""
    count = _with_database(settings, lambda address: report_disclosures(address.owner, patient, out))
    click.echo(f"{out}: {count:,} events.")


def _with_database(settings: Settings, work: Callable[[DatabaseUrls], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(settings) as address:
            return await work(address)

    try:
        return asyncio.run(run())
    except AuditError as error:
        raise click.ClickException(str(error)) from error
