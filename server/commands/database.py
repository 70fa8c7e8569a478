"""The commands on the whole database: `billing migrate`, `billing verify` and `billing demo`."""

import asyncio
import sys

import asyncpg
import click

from db.duplicates import AmbiguousName, Duplicates, find_ambiguous_firms, find_duplicates
from db.security.policy_version import Standing
from db.verify import LAWS, Verified, find_exceptions
from db.verify import verify as verify_laws
from server.commands.options import pass_settings
from server.database_urls import DatabaseUrls, bring_up_to_date, opened, with_database
from server.demo import prepare_demo
from server.settings import Settings

_NEWER = "The database is of a newer version than this code: nothing was changed."
_DONE = "The database is up to date."
_RESULTS = {Standing.NEWER: _NEWER, Standing.OLDER: _DONE, Standing.SAME: _DONE}
_NOTHING = "The database is up to date: there was nothing to do."


@click.command(help="Bring the database to the state of this code. Safe to run from many hosts at once.")
@pass_settings
def migrate(settings: Settings) -> None:
    """Migrate, and set roles, grants, row-level security policies and the lifecycle guard."""
    told: list[str] = []

    async def run() -> None:
        async with opened(settings) as address:
            before = await bring_up_to_date(address, told.append)
            twice, unclear = ([], []) if before is Standing.NEWER else await _duplicates(address)
            # Laws are checked over whole tables: only where something has changed.
            kept = await _count_exceptions(address) if told else 0
        for words in told:
            click.echo(f"{words}.")
        click.echo(_RESULTS[before] if told or before is Standing.NEWER else _NOTHING)
        if twice:
            click.echo(f"{len(twice):,} numbers or names have several records: `billing duplicates` lists them.")
        if unclear:
            click.echo(f"{len(unclear):,} law firms are named ambiguously: `billing duplicates` lists them.")
        if kept:
            click.echo(f"{kept:,} records are known exceptions to the laws: `billing verify` lists them.")

    asyncio.run(run())


@click.command(
    help="List records of earlier releases that have the number or name of another one of their clinic, and ambiguous names of law firms."
)
@pass_settings
def duplicates(settings: Settings) -> None:
    """List the clinic, the kind and the ids of each group: the oldest record first."""

    async def find() -> tuple[list[Duplicates], list[AmbiguousName]]:
        async with opened(settings) as address:
            return await _duplicates(address)

    found, unclear = asyncio.run(find())
    for group in found:
        click.echo(f"{group.clinic}: {group.kind} {' '.join(group.ids)}")
    click.echo(f"{len(found):,} numbers or names have several records." if found else "There are no duplicates.")
    for name in unclear:
        others = f": {' '.join(name.others)}" if name.others else ""
        click.echo(f"{name.clinic}: {name.kind} {name.id}: {name.reason}{others}")
    if unclear:
        click.echo(f"{len(unclear):,} law firms are named ambiguously.")


async def _duplicates(address: DatabaseUrls) -> tuple[list[Duplicates], list[AmbiguousName]]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await find_duplicates(connection), await find_ambiguous_firms(connection)
    finally:
        await connection.close()


async def _count_exceptions(address: DatabaseUrls) -> int:
    connection = await asyncpg.connect(address.owner)
    try:
        return sum(known.count for known in await find_exceptions(connection))
    finally:
        await connection.close()


@click.command(
    help="Check every law of the records of all clinics, list the known exceptions, and change nothing; exit code 1 when a law is broken."
)
@pass_settings
def verify(settings: Settings) -> None:
    """Report which laws are broken, and by which records."""

    async def ask() -> Verified:
        async with opened(settings) as address:
            connection = await asyncpg.connect(address.owner)
            try:
                return await verify_laws(connection)
            except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
                raise click.ClickException("The database is not up to date: run `billing migrate` first") from error
            finally:
                await connection.close()

    found = asyncio.run(ask())
    for breach in found.breaches:
        click.echo(f"{breach.law.words}: broken by {breach.count:,}\n  " + "\n  ".join(breach.ids))
    click.echo(
        f"{len(LAWS) - len(found.breaches)} of {len(LAWS)} laws hold: "
        f"{found.invoices:,} invoices, {found.cases:,} cases, {found.cheques:,} cheques."
    )
    for known in found.exceptions:
        click.echo(f"Known exceptions: {known.law.words}: {known.count:,}\n  " + "\n  ".join(known.ids))
    sys.exit(1 if found.breaches else 0)


@click.command(help="Load the demo clinic: the same for the same number, seed and day.")
@click.option("--invoices", default=400, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True)
@pass_settings
def demo(settings: Settings, invoices: int, seed: int) -> None:
    """Load the synthetic data of the demo clinic."""

    async def load(address: DatabaseUrls) -> None:
        summary, password = await prepare_demo(address, settings, invoices=invoices, seed=seed)
        click.echo(f"{summary}\nThe password of its users is {password}")

    with_database(settings, load)
