"""Decides the commands of `billing audit`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from server.addresses import Address, opened
from server.audit import AuditError, noted, report_disclosures, told, verify_chains
from server.settings import Settings

T = TypeVar("T")


@click.group(help="Who saw or changed what.")
def audit() -> None:
    """The audit trail."""


@audit.command(help="Walk the chain of each clinic, and change nothing; exit code 1 when one is broken.")
@click.option("--clinic", help="Short name of one clinic.")
@click.option("--head", help="A head that this command printed before and somebody has kept: NUMBER:HASH.")
@click.pass_obj
def verify(settings: Settings, clinic: str | None, head: str | None) -> None:
    """Name the first link of each chain that does not hold."""
    if head and not clinic:
        raise click.UsageError("--head belongs to one clinic: say --clinic, too")

    def walk(address: Address) -> Awaitable[list[tuple[str, bool]]]:
        return _walk(address, clinic, head)

    lines = _with_database(settings, walk)
    for line, _ in lines:
        click.echo(line)
    sys.exit(0 if all(holds for _, holds in lines) else 1)


async def _walk(address: Address, clinic: str | None, head: str | None) -> list[tuple[str, bool]]:
    chains = await verify_chains(address.owner, clinic, noted(head))
    return [(line, chain.broken is None) for name, chain in chains for line in told(name, chain)]


@audit.command(help="Write who saw or changed something about a patient, and when, as CSV.")
@click.argument("patient")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@click.pass_obj
def disclosures(settings: Settings, patient: str, out: Path) -> None:
    """Report disclosures of one patient, given by id."""
    count = _with_database(settings, lambda address: report_disclosures(address.owner, patient, out))
    click.echo(f"{out}: {count:,} events.")


def _with_database(settings: Settings, work: Callable[[Address], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(settings) as address:
            return await work(address)

    try:
        return asyncio.run(run())
    except AuditError as error:
        raise click.ClickException(str(error)) from error
