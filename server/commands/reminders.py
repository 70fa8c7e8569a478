"""The commands `billing remind`, which plans and sends due reminders now, and `billing reminders`: dry run, confirmation, stop."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import click

from db.pools import Database
from db.reminders.plan import REMINDERS_ARE_ON, DryRun, dry_run
from db.reminders.working_days import due_day
from domain.clinics import clinic_day
from domain.reminders.reminders import SkipReason
from jobs.message_delivery import send_messages
from jobs.reminder_plan import plan
from resolvers.commands.reminders.confirmations import confirm_run, stop
from server.accounts import AccountError, change_clinic
from server.commands.options import pass_settings
from server.database_urls import DatabaseUrls, opened, with_database
from server.settings import Settings
from server.stores import open_files, open_mail

_WHY_NOT = {
    SkipReason.NOT_SUBMITTED: "it is not submitted",
    SkipReason.NO_POLICY: "no reminder policy applies to it",
    SkipReason.OFFER_OPEN: "an offer is open",
    SkipReason.NOT_DUE: "no level is due",
    SkipReason.ALREADY_TOLD: "level {level} was sent already, and no further one is due",
    SkipReason.UNSUBSCRIBED: "{address} has unsubscribed",
    SkipReason.LAST_QUEUED: "the message of level {level} waits to be sent",
    SkipReason.LAST_FAILED: "the message of level {level} has failed: send it again, and the next level follows",
    SkipReason.ON_HOLD: "it is on hold until {held_until}",
}


_ARE_OFF = (
    "{name}: reminders are off, and nothing was sent. "
    "Look at a dry run and switch them on with `billing reminders confirm {short_name}`."
)


_WAIT = "{name}: {today} is no working day, and nothing was sent: what is due goes out on {day}."


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
        for clinic in await _clinics(database, named):
            today = clinic_day(moment, clinic["time_zone"])
            day = await due_day(clinic, on or today)
            async with database.working(clinic["clinic_id"]) as connection:
                is_on = await connection.fetchval(f"select {REMINDERS_ARE_ON}", clinic["clinic_id"])
                if is_dry:
                    _print_run(clinic, await dry_run(connection, clinic["clinic_id"], day))
                elif is_on and day > today:
                    click.echo(_WAIT.format(**clinic, today=today, day=day))
                elif is_on:
                    count = await plan(connection, database.hints, clinic["clinic_id"], today, moment)
                    click.echo(f"{clinic['name']}, {today}: {count:,} messages to payers.")
            if not is_on:
                click.echo(_ARE_OFF.format_map(clinic))
        if not is_dry:
            tried = await send_messages(database, lambda: datetime.now(UTC), open_mail(settings))
            click.echo(f"{tried:,} messages were passed to {settings.smtp_host or settings.home / 'outbox'}.")


async def _clinics(database: Database, named: str | None) -> list[Any]:
    found = [row for row in await database.clinics() if named in (None, row["short_name"])]
    if not found:
        raise click.UsageError("There is no clinic with this short name")
    return sorted(found, key=lambda row: str(row["short_name"]))


@click.group(help="Switch the reminders of a clinic on, after a dry run, or off.")
def reminders() -> None:
    """Reminders of a clinic."""


@reminders.command(help="Show a dry run, ask whether to send it, and switch the reminders of a clinic on.")
@click.argument("clinic")
@click.option(
    "--token", help="The token of a dry run that you have seen; without it, the dry run is shown and you are asked."
)
@pass_settings
def confirm(settings: Settings, clinic: str, token: str | None) -> None:
    """Confirm a dry run."""
    _run_in(settings, clinic, lambda address: _confirm(address, clinic, token))


async def _confirm(address: DatabaseUrls, clinic: str, token: str | None) -> None:
    async with Database(address.login) as database:
        (row,) = await _clinics(database, clinic)
        today = clinic_day(datetime.now(UTC), row["time_zone"])
        async with database.working(row["clinic_id"]) as connection:
            if await connection.fetchval(f"select {REMINDERS_ARE_ON}", row["clinic_id"]):
                raise click.ClickException(f"The reminders of {row['name']} are on already")
            run = await dry_run(connection, row["clinic_id"], await due_day(row, today))
    if token is None:
        _print_run(row, run)
        click.confirm(
            f"Send these {len(run.messages):,} messages{f' on {run.day}' if run.day > today else ''}, and from now on what is due on each day?",
            abort=True,
        )
    await change_clinic(address, clinic, {"token": token or run.token}, lambda work: confirm_run(work, run))
    click.echo(f"The reminders of {row['name']} are on.")


@reminders.command(name="dry-run", help="Show what would be sent today, and the token with which it is confirmed.")
@click.argument("clinic")
@pass_settings
def dry_run_of_today(settings: Settings, clinic: str) -> None:
    """Show a dry run."""
    asyncio.run(_remind(settings, clinic, None, is_dry=True))


@reminders.command(name="stop", help="Switch the reminders of a clinic off; messages that wait are not sent meanwhile.")
@click.argument("clinic")
@pass_settings
def stop_reminders(settings: Settings, clinic: str) -> None:
    """Switch reminders off."""

    async def end(address: DatabaseUrls) -> None:
        await change_clinic(address, clinic, {}, stop)
        click.echo(f"The reminders of {clinic} are off.")

    _run_in(settings, clinic, end)


def _run_in(settings: Settings, clinic: str, work: Callable[[DatabaseUrls], Awaitable[None]]) -> None:
    try:
        with_database(settings, work)
    except AccountError as error:
        raise click.ClickException(f"{clinic}: {error}") from error


def _print_run(clinic: Any, run: DryRun) -> None:
    """Print the messages that would be sent on a day, and each other open invoice with the reason why it has no reminder."""
    count = run.invoice_count
    click.echo(
        f"{clinic['name']}, {run.day}: {len(run.messages):,} messages about {count:,} of {count + len(run.skipped):,} open invoices."
    )
    for message in run.messages:
        first = message[0]
        copy = f", copy to {first['copy_address']}" if first["copy_address"] else ""
        click.echo(f"\nTo {first['address'] or 'no recipient: the e-mail address is missing'}{copy}")
        for row in message:
            click.echo(f"  {_invoice(row)}: {_level(row)}, due since {row['due_on']}, ${row['balance']:,.2f} open")
    click.echo("\nNo reminder for" if run.skipped else "")
    for row in run.skipped:
        click.echo(f"  {_invoice(row)}: {_WHY_NOT[SkipReason(row['silence'])].format_map(row)}")
    click.echo(f"Token of this dry run: {run.token}")


def _invoice(row: Any) -> str:
    return f"{row['invoice_number']} of case {row['case_number']}"


def _level(row: Any) -> str:
    again = f", repeated {row['repetition']} times" if row["repetition"] else ""
    return f"level {row['level']} of {row['policy']}{again}"
