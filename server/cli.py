"""Decides the commands of `billing`."""

import asyncio
import sys
from typing import Any

import asyncpg
import click
from graphql import GraphQLError

from db.verifying import LAWS, Verified
from db.verifying import verify as verify_laws
from domain.people import Role
from permissions.explaining import described
from resolvers.access import explained
from schema.whole import role_schemas, sdl
from server.accounts import AccountError, add_user, deactivate_user, reset_second_factor
from server.addresses import Address, opened, with_database
from server.audit_cli import audit
from server.demo import prepare_demo
from server.embedded import EmbeddedPostgresError
from server.import_commands import import_
from server.parent import end_with_parent
from server.reminder_commands import remind
from server.report_commands import report
from server.serving import serve as serve_until_told
from server.serving import work as work_until_told
from server.settings import SettingError, Settings, read_settings

# A member of an enumeration would be asked for by its name in capitals.
_ROLES = [role.value for role in Role]


class _Plain(click.Group):
    """Commands that an operator can put right end with a sentence."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command that is named."""
        try:
            return super().invoke(context)
        except (SettingError, EmbeddedPostgresError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Plain, help="Billing for personal-injury clinics.")
@click.pass_context
def main(context: click.Context) -> None:
    """The command `billing`."""
    context.obj = read_settings()


@main.command(help="Serve the API; without DATABASE_URL on an embedded PostgreSQL.")
@click.option("--demo", is_flag=True, help="Load the demo clinic first, unless it is there.")
@click.option("--worker/--no-worker", default=True, show_default=True, help="Do background jobs in this process too.")
@click.option("--while-parent-lives", is_flag=True, help="End when the program that started this one ends.")
@click.pass_obj
def serve(settings: Settings, demo: bool, worker: bool, while_parent_lives: bool) -> None:
    """Serve until told to stop."""
    if while_parent_lives:
        end_with_parent()
    serve_until_told(settings, demo=demo, worker=worker)


@main.command(help="Do background jobs. As many workers as you like, on as many hosts.")
@click.pass_obj
def worker(settings: Settings) -> None:
    """Work until told to stop."""
    work_until_told(settings)


@main.command(help="Bring the database to the state of this code. Safe to run from many hosts at once.")
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Migrate, and set roles, grants and policies."""

    async def nothing_more(address: Address) -> None:
        click.echo("The database is up to date.")

    with_database(settings, nothing_more)


@main.command(help="Check every law of the records of all clinics, and change nothing; exit code 1 when one is broken.")
@click.pass_obj
def verify(settings: Settings) -> None:
    """Say which laws are broken, and by which records."""

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
    sys.exit(1 if found.breaches else 0)


@main.command(help="Load the demo clinic: the same for the same number, seed and day.")
@click.option("--invoices", default=400, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True)
@click.pass_obj
def demo(settings: Settings, invoices: int, seed: int) -> None:
    """Load made-up data."""

    async def load(address: Address) -> None:
        summary, password = await prepare_demo(address, settings, invoices=invoices, seed=seed)
        click.echo(f"{summary}\nThe password of its users is {password}")

    with_database(settings, load)


main.add_command(import_)


@main.command(name="print-schema", help="Print the schema of a role as GraphQL SDL.")
@click.option("--role", type=click.Choice([*_ROLES, "nobody"]), default="admin", show_default=True)
def print_schema(role: str) -> None:
    """The schema as the role is served it."""
    click.echo(sdl(None if role == "nobody" else Role(role)), nl=False)


@main.command(help="Say why a role sees something of the API or does not, such as Invoice.balance.")
@click.argument("role", type=click.Choice([*_ROLES, "nobody"]))
@click.argument("coordinate")
def explain(role: str, coordinate: str) -> None:
    """The same as explainAccess answers to administrators."""
    try:
        found = explained(role_schemas()[Role.ADMIN], None if role == "nobody" else Role(role), coordinate)
    except GraphQLError as error:
        raise click.ClickException(error.message) from error
    click.echo(described(found))


main.add_command(audit)
main.add_command(report)
main.add_command(remind)


@main.group(help="The clinic's users.")
def user() -> None:
    """Users."""


@user.command(help="Add a user; the password is read from standard input.")
@click.argument("email")
@click.option("--clinic", required=True, help="Short name of the clinic.")
@click.option("--role", required=True, type=click.Choice(_ROLES))
@click.option("--name", required=True)
@click.option("--person", help="The attorney's or physician's id that the user is.")
@click.pass_obj
def add(settings: Settings, email: str, clinic: str, role: str, name: str, person: str | None) -> None:
    """Add a user of a clinic."""
    password = click.prompt("Password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")

    async def create(address: Address) -> None:
        try:
            await add_user(
                address, email=email, clinic=clinic, role=Role(role), name=name, person=person, password=password
            )
        except AccountError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{email} can sign in.")

    with_database(settings, create)


@user.command(help="Sign a user out everywhere and for good; an administrator can undo it.")
@click.argument("email")
@click.option("--clinic", required=True, help="Short name of the clinic.")
@click.pass_obj
def deactivate(settings: Settings, email: str, clinic: str) -> None:
    """Deactivate a user of a clinic."""

    async def end(address: Address) -> None:
        try:
            await deactivate_user(address, email=email, clinic=clinic)
        except AccountError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{email} cannot sign in any more.")

    with_database(settings, end)


@user.command(name="reset-second-factor", help="Take away the second factor of somebody who has lost it.")
@click.argument("email")
@click.option("--clinic", required=True, help="Short name of the clinic.")
@click.pass_obj
def reset_factor(settings: Settings, email: str, clinic: str) -> None:
    """Let a user sign in by the password alone again."""

    async def take_away(address: Address) -> None:
        if not await reset_second_factor(address, email=email, clinic=clinic):
            raise click.ClickException(f"{email} has no second factor in the clinic {clinic}")
        click.echo(f"{email} can sign in by the password alone.")

    with_database(settings, take_away)
