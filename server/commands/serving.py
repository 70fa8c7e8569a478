"""The commands of the long-running processes: `billing serve` and `billing worker`."""

import click

from server.commands.loading import without_garbage_collection
from server.commands.options import pass_settings
from server.parent_watchdog import end_with_parent
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
    # The whole server, which the help of this command does not need, and the schemas, which every start needs.
    with without_garbage_collection():
        from schema.whole import policy_statements  # noqa: PLC0415
        from server import database_urls, serving  # noqa: PLC0415

        policy_statements()
    if while_parent_lives:
        end_with_parent()
    if create_account:
        database_urls.create_account(settings)
    serving.serve(settings, demo=demo, worker=worker)


@click.command(help="Run background jobs. Any number of workers may run, on any number of hosts.")
@pass_settings
def worker(settings: Settings) -> None:
    """Run jobs until SIGINT or SIGTERM."""
    with without_garbage_collection():
        from schema.whole import policy_statements  # noqa: PLC0415
        from server import serving  # noqa: PLC0415 (the whole server)

        policy_statements()
    serving.work(settings)
