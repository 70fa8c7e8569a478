"""The commands of the long-running processes: `billing serve` and `billing worker`."""

import click

from server.commands.options import pass_settings
from server.database_urls import create_account as create_own_account
from server.parent_watchdog import end_with_parent
from server.serving import serve as serve_until_told
from server.serving import work as work_until_told
from server.settings import Settings


@click.command(help="Serve the API; without DATABASE_URL on an embedded PostgreSQL.")
@click.option("--demo", is_flag=True, help="Load the demo clinic first, unless it exists.")
@click.option("--worker/--no-worker", default=True, show_default=True, help="Run background jobs in this process, too.")
@click.option("--while-parent-lives", is_flag=True, help="End when the program that started this one ends.")
@click.option(
    "--create-account",
    is_flag=True,
    help="As root: first make the system account billing-postgres for the embedded PostgreSQL, and give it the data.",
)
@pass_settings
def serve(settings: Settings, demo: bool, worker: bool, while_parent_lives: bool, create_account: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    if while_parent_lives:
        end_with_parent()
    if create_account:
        create_own_account(settings)
    serve_until_told(settings, demo=demo, worker=worker)


@click.command(help="Run background jobs. Any number of workers may run, on any number of hosts.")
@pass_settings
def worker(settings: Settings) -> None:
    """Run jobs until SIGINT or SIGTERM."""
    work_until_told(settings)
