"""The command `billing rotate-keys`, which encrypts every stored secret with the newest key."""

import sys
from datetime import timedelta

import click

from domain.access.secret_keys import SecretKeys
from domain.access.signed_urls import LIFETIMES
from identity.key_rotation import Rotation, rotate
from server.commands.options import pass_settings
from server.database_urls import DatabaseUrls, with_database
from server.secret_keys import read_keys
from server.settings import Settings

_LINKS_LAST = max(LIFETIMES.values()) // timedelta(minutes=1)
_ENDED = f"links that they have signed end within {_LINKS_LAST} minutes"


@click.command(
    name="rotate-keys",
    help="Encrypt every stored secret with BILLING_SECRET_KEY, and say whether the keys in BILLING_OLD_SECRET_KEYS are still needed. "
    "Safe to run again, and while servers run that have all of these keys.",
)
@pass_settings
def rotate_keys(settings: Settings) -> None:
    """Re-encrypt, and report the counts; exit code 1 when a secret can be read with none of the keys."""
    keys, found = read_keys(settings), list[Rotation]()

    async def run(address: DatabaseUrls) -> None:
        async with address.database() as database:
            found.extend(await rotate(database, keys))

    with_database(settings, run)
    for rotation in found:
        click.echo(
            f"{rotation.words}: {rotation.old} re-encrypted, {rotation.newest} were encrypted with the newest key, "
            f"{rotation.unreadable} cannot be read with any of the keys."
        )
    click.echo(_conclusion(keys, sum(rotation.unreadable for rotation in found)))
    sys.exit(1 if any(rotation.unreadable for rotation in found) else 0)


def _conclusion(keys: SecretKeys, unreadable: int) -> str:
    needed = f"No stored secret needs an old key any more; {_ENDED}." if keys.old else "There are no old keys."
    if not unreadable:
        return needed
    return (
        f"{needed} What cannot be read was encrypted with a key that is not among these: name it in BILLING_OLD_SECRET_KEYS "
        "and run this again, or remove these secrets with `billing user reset-second-factor`."
    )
