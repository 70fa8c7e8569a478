"""The command `billing remind`: plans and sends due reminders now or, as a dry run, lists them with the reasons."""

import asyncio
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

import click

from db.pools import Database
from db.reminder_plan import every_one
from domain.clinics import clinic_day
from domain.reminders.reminders import SkipReason
from jobs.message_delivery import send_messages
from jobs.reminder_plan import plan, together_with
from server.commands.options import pass_settings
from server.database_urls import opened
from server.settings import Settings
from server.stores import open_files, open_mail

_WHY_NOT = {
    SkipReason.NOT_SUBMITTED: "it is not submitted",
    SkipReason.NO_POLICY: "no reminder policy applies to it",
    SkipReason.OFFER_OPEN: "an offer is open",
    SkipReason.NOT_DUE: "no level is due",
    SkipReason.ALREADY_TOLD: "level {level} of {policy} was sent already",
    SkipReason.ON_HOLD: "it is on hold until {held_until}",
}


@click.command(
    help="Send payers the reminders that are due, as the worker does each day; with --dry-run only list them."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="List what would be sent and what would not, with the reasons; change and send nothing.",
)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="With --dry-run: the day, such as 2026-12-01.")
@click.option("--clinic", help="Short name of one clinic; without it, all clinics.")
@pass_settings
def remind(settings: Settings, dry_run: bool, on: datetime | None, clinic: str | None) -> None:
    """Send the due reminders, or list them."""
    if on and not dry_run:
        raise click.UsageError("--on requires --dry-run: reminders are sent for today only")
    asyncio.run(_remind(settings, clinic, on.date() if on else None, is_dry=dry_run))


async def _remind(settings: Settings, named: str | None, on: date | None, *, is_dry: bool) -> None:
    hints = open_files(settings).hints()
    async with opened(settings) as address, Database(address.login, hints=hints) as database:
        moment = datetime.now(UTC)
        found = [row for row in await database.clinics() if named in (None, row["short_name"])]
        clinics = sorted(found, key=lambda row: str(row["short_name"]))
        if not clinics:
            raise click.UsageError("There is no clinic with this short name")
        for clinic in clinics:
            today = clinic_day(moment, clinic["time_zone"])
            async with database.working(clinic["clinic_id"]) as connection:
                if is_dry:
                    await _print_due(connection, clinic, on or today)
                else:
                    count = await plan(connection, database.hints, clinic["clinic_id"], today, moment)
                    click.echo(f"{clinic['name']}, {today}: {count:,} messages to payers.")
        if not is_dry:
            tried = await send_messages(database, lambda: datetime.now(UTC), open_mail(settings))
            click.echo(f"{tried:,} messages were passed to {settings.smtp_host or settings.home / 'outbox'}.")


async def _print_due(connection: Any, clinic: Any, day: date) -> None:
    """Print the messages that would be sent on a day, and each other open invoice with the reason why it has no reminder."""
    rows = await every_one(connection, clinic["clinic_id"], day)
    due, silent = ([row for row in rows if (row["silence"] is None) is wanted] for wanted in (True, False))
    messages = [list(group) for _, group in groupby(due, together_with)]
    click.echo(
        f"{clinic['name']}, {day}: {len(messages):,} messages about {len(due):,} of {len(rows):,} open invoices."
    )
    for message in messages:
        first = message[0]
        copy = f", copy to {first['copy_address']}" if first["copy_address"] else ""
        click.echo(f"\nTo {first['address'] or 'no recipient: the e-mail address is missing'}{copy}")
        for row in message:
            click.echo(f"  {_invoice(row)}: {_level(row)}, due since {row['due_on']}, ${row['balance']:,.2f} open")
    click.echo("\nNo reminder for" if silent else "")
    for row in silent:
        click.echo(f"  {_invoice(row)}: {_WHY_NOT[SkipReason(row['silence'])].format_map(row)}")


def _invoice(row: Any) -> str:
    return f"{row['invoice_number']} of case {row['case_number']}"


def _level(row: Any) -> str:
    again = f", repeated {row['repetition']} times" if row["repetition"] else ""
    return f"level {row['level']} of {row['policy']}{again}"
