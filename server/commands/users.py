"""The commands of `billing user`, which add and deactivate users and reset second factors."""

import sys
from uuid import UUID

import click

from domain.access.one_time_links import PURPOSE, LinkKind, one_time_url
from domain.access.people import Role
from server.accounts import AccountError, add_password_link, add_user, deactivate_user, reset_second_factor
from server.commands.options import pass_settings
from server.database_urls import DatabaseUrls, with_database
from server.secret_keys import read_keys
from server.settings import Settings

# Texts, because click would offer the members of an enumeration by their names in capitals.
_ROLES = [role.value for role in Role]


@click.group(help="The clinic's users.")
def user() -> None:
    """Users."""


def ask_password() -> str:
    """A new password: asked for twice, or one line of standard input where that is no terminal."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def invitation_url(settings: Settings, invitation: tuple[UUID, UUID]) -> str:
    """The one-time link by which a person accepts an account."""
    return one_time_url(_base_url(settings), LinkKind.INVITATION, read_keys(settings).newest(PURPOSE), *invitation)


@user.command(
    help="Add a user; the password is asked for, or read from standard input where that is no terminal. With --invite, a one-time link "
    "is printed instead, by which the person chooses the password."
)
@click.argument("email")
@click.option("--clinic", required=True, help="Short name of the clinic.")
@click.option("--role", required=True, type=click.Choice(_ROLES))
@click.option("--name", required=True)
@click.option("--person", help="The id of the attorney or physician that the user is linked to.")
@click.option(
    "--invite", is_flag=True, help="Print a one-time link, valid for 72 hours, instead of asking for a password."
)
@pass_settings
def add(settings: Settings, email: str, clinic: str, role: str, name: str, person: str | None, *, invite: bool) -> None:
    """Add a user of a clinic."""
    password = None if invite else ask_password()

    async def create(address: DatabaseUrls) -> None:
        try:
            waiting = await add_user(
                address, email=email, clinic=clinic, role=Role(role), name=name, person=person, password=password
            )
        except AccountError as error:
            raise click.ClickException(str(error)) from error
        if waiting is None:
            click.echo(f"{email} can sign in.")
            return
        why = "" if invite else " has a login already, and"
        click.echo(f"{email}{why} accepts the account within 72 hours at {invitation_url(settings, waiting)}")

    with_database(settings, create)


def _base_url(settings: Settings) -> str:
    return (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")


@user.command(help="Deactivate a user and end all sessions; an administrator can reactivate the user.")
@click.argument("email")
@click.option("--clinic", required=True, help="Short name of the clinic.")
@pass_settings
def deactivate(settings: Settings, email: str, clinic: str) -> None:
    """Deactivate a user of a clinic."""

    async def end(address: DatabaseUrls) -> None:
        try:
            await deactivate_user(address, email=email, clinic=clinic)
        except AccountError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{email} cannot sign in any more.")

    with_database(settings, end)


@user.command(name="reset-second-factor", help="Remove the second factor of a person who has lost it, in all clinics.")
@click.argument("email")
@pass_settings
def reset_factor(settings: Settings, email: str) -> None:
    """Remove a person's second factor, so that the password alone signs in."""

    async def take_away(address: DatabaseUrls) -> None:
        if not await reset_second_factor(address, email=email):
            raise click.ClickException(f"{email} has no second factor")
        click.echo(f"{email} can sign in with the password alone.")

    with_database(settings, take_away)


@user.command(
    name="password-link", help="Print a one-time link with which a person sets a new password, valid for an hour."
)
@click.argument("email")
@click.option("--url", default="", help="The server's URL; by default BILLING_PUBLIC_URL.")
@pass_settings
def password_link(settings: Settings, email: str, url: str) -> None:
    """Print a link to a new password, for a server without a mail server."""

    async def make(address: DatabaseUrls) -> None:
        base_url = url.rstrip("/") or _base_url(settings)
        try:
            made = await add_password_link(address, email=email)
        except AccountError as error:
            raise click.ClickException(str(error)) from error
        click.echo(one_time_url(base_url, LinkKind.PASSWORD_RESET, read_keys(settings).newest(PURPOSE), made))

    with_database(settings, make)
