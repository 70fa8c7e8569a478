"""The databases of the benchmark: demo clinics of fixed sizes, loaded once and kept for later runs."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import asyncpg
from argon2 import PasswordHasher

from domain.clinics import clinic_day
from imports.demo.load import load_demo
from server.database_urls import DatabaseUrls, bring_up_to_date
from server.embedded.postgres import EmbeddedPostgres
from tests.bench.measurements.million import INVOICES, make_million

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".bench"
# The clinics are synthetic and the servers listen on this machine alone, so that the password need not be a secret.
PASSWORD = "only for measuring"
ZONE = "America/New_York"
# The sources of a loaded clinic: when one of these files changes, it is loaded anew.
_SOURCES = (
    "db/migrations/versions/*.py",
    "imports/demo/*.py",
    "imports/history/invoice_history.py",
    "imports/history/batch.py",
    "tests/bench/measurements/million.py",
)


@dataclass(frozen=True)
class Sizes:
    """Invoices of each clinic, invoices that wait to be submitted, documents and requests of the memory part."""

    small: int = 2_000
    large: int = 200_000
    million: int = INVOICES
    pending: int = 5_000
    documents: int = 2_000
    requests: int = 20_000


SIZES = Sizes()


class Clinics:
    """The benchmark's own PostgreSQL, durable as in operation, with one database per size, named after `prefix`."""

    def __init__(self, home: Path = HOME, sizes: Sizes = SIZES, prefix: str = "bench") -> None:
        self.sizes = sizes
        self._home, self._prefix = home, prefix
        self._postgres = EmbeddedPostgres(home, durable=True)

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True, exist_ok=True)
        (self._home / ".gitignore").write_text("*\n")
        self._postgres.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._postgres.stop()

    async def of_a_million(self) -> DatabaseUrls:
        """The owner's address of a clinic of a million invoices, made by PostgreSQL itself; the first time it takes some minutes."""
        address = await self._loaded("million", self.sizes.small)
        await make_million(address, self.sizes.million)
        return address

    async def of_size(self, invoices: int) -> DatabaseUrls:
        """The owner's address of a clinic with this number of invoices; the first time it is loaded, which takes a minute or two."""
        return await self._loaded(str(invoices), invoices)

    async def _loaded(self, kind: str, invoices: int) -> DatabaseUrls:
        family = f"{self._prefix}_{kind}_"
        address = DatabaseUrls(self._postgres.dsn(database=family + _fingerprint()))
        await self._create(family + _fingerprint(), family)
        await bring_up_to_date(address)
        await _load(address, invoices)
        return address

    def postmaster(self) -> int:
        """The process of PostgreSQL whose children serve the connections."""
        return postmaster_of(self._home)

    async def version(self) -> str:
        """The version of PostgreSQL."""
        connection = await asyncpg.connect(self._postgres.dsn())
        try:
            return str(await connection.fetchval("show server_version"))
        finally:
            await connection.close()

    async def _create(self, name: str, family: str) -> None:
        """Create the database unless it exists, and drop those of earlier sources."""
        connection = await asyncpg.connect(self._postgres.dsn())
        try:
            existing = [row[0] for row in await connection.fetch("select datname from pg_database")]
            for old in existing:
                if old.startswith(family) and old != name:
                    await connection.execute(f'drop database "{old}" with (force)')
            if name not in existing:
                await connection.execute(f'create database "{name}"')
        finally:
            await connection.close()


def postmaster_of(home: Path) -> int:
    """The process of the embedded PostgreSQL in a folder, while it runs."""
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


async def _load(address: DatabaseUrls, invoices: int) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        today = clinic_day(datetime.now(UTC), ZONE)
        hashed = PasswordHasher().hash(PASSWORD)
        summary = await load_demo(connection, today=today, password_hash=hashed, invoices=invoices, progress=_show)
        if summary.loaded:
            # Index-only scans need the visibility map, and autovacuum would otherwise run in the middle of a round.
            await connection.execute("vacuum (analyze)")
            await connection.execute("checkpoint")
    finally:
        await connection.close()


def _show(written: int, of: int) -> None:
    print(f"\rloading {written:,} of {of:,} invoices", end="" if written < of else "\n", flush=True)
