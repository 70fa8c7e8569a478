"""The command line `billing`: its commands, their summaries, and how errors of settings are reported."""

import sys
from typing import Any

import click

from server.commands.lazy import LazyCommand, LazyGroup
from server.operator_errors import OperatorError

_COMMANDS = {
    "serve": LazyCommand(
        "server.commands.serving:serve",
        "Serve the API.",
        ("billing serve --demo", "BILLING_PORT=9000 billing serve --no-worker"),
    ),
    "worker": LazyCommand(
        "server.commands.serving:worker", "Run background jobs.", ("DATABASE_URL=postgresql://… billing worker",)
    ),
    "migrate": LazyCommand(
        "server.commands.database:migrate",
        "Bring the database to the state of this code.",
        ("DATABASE_URL=postgresql://… billing migrate",),
    ),
    "verify": LazyCommand(
        "server.commands.database:verify", "Check every law of the records of all clinics.", ("billing verify",)
    ),
    "duplicates": LazyCommand(
        "server.commands.database:duplicates", "List records with the same number or name.", ("billing duplicates",)
    ),
    "demo": LazyCommand(
        "server.commands.database:demo", "Load the demo clinic.", ("billing demo --invoices 2000 --seed 7",)
    ),
    "clinic": LazyCommand(
        "server.commands.clinics:clinic",
        "Create, show, check and leave clinics.",
        (
            "billing clinic create main --name 'Main Clinic' --time-zone America/Chicago --admin ann@clinic.example --admin-name Ann",
            "billing clinic check main --step first-invoice",
            "billing clinic leave main folder",
            "billing clinic check-files folder",
        ),
    ),
    "user": LazyCommand(
        "server.commands.users:user",
        "Add and deactivate the clinic's users.",
        (
            "billing user add biller@clinic.example --clinic main --role billing --name 'Ann Biller'",
            "billing user deactivate biller@clinic.example --clinic main",
            "billing user password-link biller@clinic.example",
        ),
    ),
    "rotate-keys": LazyCommand(
        "server.commands.keys:rotate_keys", "Encrypt stored secrets with a new secret key.", ("billing rotate-keys",)
    ),
    "import": LazyCommand(
        "server.commands.imports:import_",
        "Import data from files and other systems.",
        ("billing import codes codes.xlsx --clinic main --dry-run", "billing import synthea folder --clinic main"),
    ),
    "remind": LazyCommand(
        "server.commands.reminders:remind",
        "Send payers the reminders that are due.",
        ("billing remind --dry-run --on 2026-12-24", "billing remind --clinic main"),
    ),
    "reminders": LazyCommand(
        "server.commands.reminders:reminders",
        "Switch a clinic's reminders on, after a dry run, or off.",
        ("billing reminders dry-run main", "billing reminders confirm main", "billing reminders stop main"),
    ),
    "report": LazyCommand(
        "server.commands.reports:report",
        "Draw reports of a clinic as SVG or HTML.",
        ("billing report aging --as-of 2026-06-30 --out aging.svg",),
    ),
    "audit": LazyCommand(
        "server.commands.audit:audit",
        "Verify the audit log and report from it.",
        ("billing audit verify --clinic main",),
    ),
    "explain": LazyCommand(
        "server.commands.access:explain",
        "Explain why a role sees a field or does not.",
        ("billing explain attorney Invoice.balance",),
    ),
    "print-schema": LazyCommand(
        "server.commands.access:print_schema",
        "Print the schema of a role as GraphQL SDL.",
        ("billing print-schema --role attorney > attorney.graphql",),
    ),
}
_EXAMPLES = """Billing for personal-injury clinics.

\b
Examples:
  billing serve --demo
  billing user add biller@clinic.example --clinic main --role billing --name 'Ann Biller'
  billing import codes codes.xlsx --clinic main --dry-run
  billing report aging --as-of 2026-06-30 --out aging.svg

Settings are environment variables, listed in docs/operations.md.
"""
_PYTHON = ".".join(map(str, sys.version_info[:3]))


class _Commands(LazyGroup):
    """Commands that report errors which an operator can correct in one sentence, without a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the named command."""
        try:
            return super().invoke(ctx)
        except OperatorError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, lazy=_COMMANDS, help=_EXAMPLES)
@click.version_option(package_name="clinic-billing", message=f"billing %(version)s (Python {_PYTHON})")
def main() -> None:
    """The command `billing`."""
