"""Loads the demo clinic into a database, and keeps the password of its users."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from domain.clinics import clinic_day
from imports.demo.load import load_demo
from imports.demo.merged_patient import merge_patient_registered_twice
from server.database_urls import DatabaseUrls
from server.settings import Settings

DEMO_USERS = tuple(f"{name}@demo.example" for name in ("admin", "billing", "physician", "attorney", "analyst"))
# No progress line for fewer invoices: they are loaded too fast to read it.
_SHOWN_ABOVE = 1_000
_ZONE = "America/New_York"


async def prepare_demo(
    address: DatabaseUrls, settings: Settings, *, invoices: int = 400, seed: int = 1
) -> tuple[str, str]:
    """Load the demo clinic unless it exists; returns a summary and the password of its users."""
    hasher, password = PasswordHasher(), _password(settings)
    connection = await asyncpg.connect(address.owner)
    try:
        today = clinic_day(datetime.now(UTC), _ZONE)
        # A demo that exists needs no new hash, which costs as much as loading a tenth of the code.
        password_hash = await _stored_hash(connection) or hasher.hash(password)
        summary = await load_demo(
            connection, today=today, password_hash=password_hash, invoices=invoices, seed=seed, progress=_show
        )
        if summary.loaded:
            await merge_patient_registered_twice(connection)
        await _keep_password(connection, hasher, password)
        await connection.execute("analyze")
        return str(summary), password
    finally:
        await connection.close()


async def has_only_demo(address: DatabaseUrls) -> bool:
    """Whether the demo is the only clinic of the database."""
    connection = await asyncpg.connect(address.owner)
    try:
        return bool(await connection.fetchval("select count(*) = 1 from clinics"))
    finally:
        await connection.close()


def _password(settings: Settings) -> str:
    """The password from the settings; else the one generated at the first start and kept in BILLING_HOME."""
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


async def _stored_hash(connection: asyncpg.Connection) -> str | None:
    found: str | None = await connection.fetchval("select password_hash from logins where email = $1", DEMO_USERS[0])
    return found


async def _keep_password(connection: asyncpg.Connection, hasher: PasswordHasher, password: str) -> None:
    """Set this password for the users of a demo that was loaded with another one."""
    stored = await _stored_hash(connection)
    assert stored is not None
    try:
        hasher.verify(stored, password)
    except VerificationError:
        await connection.execute(
            "update logins set password_hash = $1 where email = any($2)", hasher.hash(password), list(DEMO_USERS)
        )


def _show(written: int, of: int) -> None:
    if of > _SHOWN_ABOVE:
        print(f"\r{written:,} of {of:,} invoices", end="" if written < of else "\n", flush=True)
