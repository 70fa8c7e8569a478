"""Runs the state machine and prints its figures: python -m tests.state_machine --steps 20000 --kills 100."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from server.embedded.postgres import EmbeddedPostgres
from tests.state_machine.run import Plan, run
from tests.support.databases import copied, make_template


@click.command(help="Run the state machine over a PostgreSQL of its own, and print what happened.")
@click.option("--steps", default=20_000, show_default=True, help="How many steps the users make.")
@click.option("--kills", default=100, show_default=True, help="How often a server is killed.")
@click.option("--phase", default=500, show_default=True, help="After how many steps the records are checked.")
@click.option("--seed", default=1, show_default=True, help="What the choices begin with.")
def main(steps: int, kills: int, phase: int, seed: int) -> None:
    """Run it; exit with 1 when something was wrong."""
    with (
        TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder) / "cluster") as postgres,
        copied(postgres, make_template(postgres)) as address,
    ):
        result = run(address, Plan(steps, kills, phase, seed, lapses=max(4, steps // 250)), click.echo)
    sys.stdout.write(result.report() + "\n")
    sys.exit(1 if result.faults else 0)


if __name__ == "__main__":
    main()
