"""Decides the command `billing remind`: what would go out to payers and why, what would not, or have it go out now."""

import asyncio
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

import click

from db.pools import Database
from db.reminder_plan import every_one
from domain.clinics import clinic_day
from domain.reminders import Silence
from resolvers.message_delivery import send_messages
from resolvers.reminder_plan import plan, together_with
from server.addresses import opened
from server.mail import open_mail
from server.settings import Settings

_WHY_NOT = {
    Silence.NOT_SUBMITTED: "it is not submitted",
    Silence.NO_POLICY: "no policy is for it",
    Silence.OFFER_OPEN: "an offer is open",
    Silence.NOT_DUE: "no level is due",
    Silence.ALREADY_TOLD: "level {level} of {policy} went out already",
    Silence.ON_HOLD: "it is on hold until {held_until}",
}


@click.command(
    help="Remind payers of what is due, as the worker does each day; with --dry-run only say what would go out."
)
@click.option("--dry-run", is_flag=True, help="Say what would go out and why, and why not; change and send nothing.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="With --dry-run: the day, such as 2026-12-01.")
@click.option("--clinic", help="Short name of one clinic; all of them without it.")
@click.pass_obj
def remind(settings: Settings, dry_run: bool, on: datetime | None, clinic: str | None) -> None:
    """Remind, or say what would be."""
    if on and not dry_run:
        raise click.UsageError("--on goes with --dry-run: what goes out goes out today")
    asyncio.run(_remind(settings, clinic, on.date() if on else None, is_dry=dry_run))


async def _remind(settings: Settings, named: str | None, on: date | None, *, is_dry: bool) -> None:
    async with opened(settings) as address, Database(address.login) as database:
        moment = datetime.now(UTC)
        found = [row for row in await database.clinics() if named in (None, row["short_name"])]
        clinics = sorted(found, key=lambda row: str(row["short_name"]))
        if not clinics:
            raise click.UsageError("--clinic names no clinic")
        for clinic in clinics:
            today = clinic_day(moment, clinic["time_zone"])
            async with database.working(clinic["clinic_id"]) as connection:
                if is_dry:
                    await _tell(connection, clinic, on or today)
                else:
                    count = await plan(connection, clinic["clinic_id"], today, moment)
                    click.echo(f"{clinic['name']}, {today}: {count:,} messages to payers.")
        if not is_dry:
            tried = await send_messages(database, lambda: datetime.now(UTC), open_mail(settings))
            click.echo(f"{tried:,} messages were handed to {settings.smtp_host or settings.home / 'outbox'}.")


async def _tell(connection: Any, clinic: Any, day: date) -> None:
    """Write what would go out on a day, message by message, and each other open invoice with what keeps it silent."""
    rows = await every_one(connection, clinic["clinic_id"], day)
    due, silent = ([row for row in rows if (row["silence"] is None) is wanted] for wanted in (True, False))
    messages = [list(group) for _, group in groupby(due, together_with)]
    click.echo(
        f"{clinic['name']}, {day}: {len(messages):,} messages about {len(due):,} of {len(rows):,} open invoices."
    )
    for message in messages:
        first = message[0]
        copy = f", copy to {first['copy_address']}" if first["copy_address"] else ""
        click.echo(f"\nTo {first['address'] or 'nobody: there is no e-mail address'}{copy}")
        for row in message:
            click.echo(f"  {_invoice(row)}: {_level(row)}, due since {row['due_on']}, ${row['balance']:,.2f} open")
    click.echo("\nNothing about" if silent else "")
    for row in silent:
        click.echo(f"  {_invoice(row)}: {_WHY_NOT[Silence(row['silence'])].format_map(row)}")


def _invoice(row: Any) -> str:
    return f"{row['invoice_number']} of case {row['case_number']}"


def _level(row: Any) -> str:
    again = f", repeated {row['repetition']} times" if row["repetition"] else ""
    return f"level {row['level']} of {row['policy']}{again}"
