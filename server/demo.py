"""Decides how the demo clinic comes into a database, and with which password one signs in to it."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from domain.clinics import clinic_day
from imports.demo import load_demo
from server.addresses import Address
from server.settings import Settings

DEMO_USERS = tuple(f"{name}@demo.clinic" for name in ("admin", "billing", "physician", "attorney", "analyst"))
# A few hundred invoices are there before anybody could read how far they are.
_SHOWN_ABOVE = 1_000
_ZONE = "America/New_York"


async def prepare_demo(address: Address, settings: Settings, *, invoices: int = 400, seed: int = 1) -> tuple[str, str]:
    """Load the demo clinic unless it is there; what was done in words, and the password of its users."""
    hasher, password = PasswordHasher(), _password(settings)
    connection = await asyncpg.connect(address.owner)
    try:
        today = clinic_day(datetime.now(UTC), _ZONE)
        summary = await load_demo(
            connection, today=today, password_hash=hasher.hash(password), invoices=invoices, seed=seed, progress=_show
        )
        await _keep_password(connection, hasher, password)
        await connection.execute("analyze")
        return str(summary), password
    finally:
        await connection.close()


def _password(settings: Settings) -> str:
    """The password that the operator chose; else the one made up at the first start, kept beside the data."""
    if settings.demo_password:
        return settings.demo_password
    kept = settings.home / "demo-password"
    if not kept.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        _write_private(kept, secrets.token_urlsafe(12))
    return kept.read_text()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600, exist_ok=True)
    path.write_text(text)


async def _keep_password(connection: asyncpg.Connection, hasher: PasswordHasher, password: str) -> None:
    """A demo that was loaded with another password takes this one."""
    stored = await connection.fetchval("select password_hash from users where email = $1", DEMO_USERS[0])
    try:
        hasher.verify(stored, password)
    except VerificationError:
        await connection.execute(
            "update users set password_hash = $1 where email = any($2)", hasher.hash(password), list(DEMO_USERS)
        )


def _show(written: int, of: int) -> None:
    if of > _SHOWN_ABOVE:
        print(f"\r{written:,} of {of:,} invoices", end="" if written < of else "\n", flush=True)
