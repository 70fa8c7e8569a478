"""Decides on which databases the benchmark runs: demo clinics of fixed sizes, loaded once and kept for later runs."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import asyncpg
from argon2 import PasswordHasher

from domain.clinics import clinic_day
from imports.demo import load_demo
from server.addresses import Address, bring_up_to_date
from server.embedded import EmbeddedPostgres
from tests.bench.million import make_million

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".bench"
SMALL, LARGE = 2_000, 200_000
# The clinics are made up and the servers listen on this machine alone, so that the password need not be a secret.
PASSWORD = "only for measuring"
_ZONE = "America/New_York"
# What a loaded clinic depends on: when one of these files changes, it is loaded anew.
_SOURCES = (
    "db/migrations/versions/*.py",
    "imports/demo*.py",
    "imports/story*.py",
    "imports/batch.py",
    "tests/bench/million.py",
)


class Clinics:
    """The benchmark's own PostgreSQL, durable as in operation, with one database per size."""

    def __init__(self, home: Path = HOME) -> None:
        self._home = home
        self._postgres = EmbeddedPostgres(home, durable=True)

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True, exist_ok=True)
        (self._home / ".gitignore").write_text("*\n")
        self._postgres.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._postgres.stop()

    async def of_a_million(self) -> Address:
        """The owner's address of a clinic of a million invoices, made by PostgreSQL itself; the first time it takes some minutes."""
        name = f"bench_million_{_fingerprint()}"
        address = Address(self._postgres.dsn(database=name))
        await self._create(name, "bench_million_")
        await bring_up_to_date(address)
        await _load(address, SMALL)
        await make_million(address)
        return address

    async def of_size(self, invoices: int) -> Address:
        """The owner's address of a clinic with so many invoices; the first time it is loaded, which takes a minute or two."""
        name = f"bench_{invoices}_{_fingerprint()}"
        address = Address(self._postgres.dsn(database=name))
        await self._create(name, f"bench_{invoices}_")
        await bring_up_to_date(address)
        await _load(address, invoices)
        return address

    def postmaster(self) -> int:
        """The process of PostgreSQL whose children serve the connections."""
        return int((self._home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])

    async def version(self) -> str:
        """The version of PostgreSQL."""
        connection = await asyncpg.connect(self._postgres.dsn())
        try:
            return str(await connection.fetchval("show server_version"))
        finally:
            await connection.close()

    async def _create(self, name: str, family: str) -> None:
        """Make the database unless it is there, and drop those of earlier states of the code."""
        connection = await asyncpg.connect(self._postgres.dsn())
        try:
            known = [row[0] for row in await connection.fetch("select datname from pg_database")]
            for old in known:
                if old.startswith(family) and old != name:
                    await connection.execute(f'drop database "{old}" with (force)')
            if name not in known:
                await connection.execute(f'create database "{name}"')
        finally:
            await connection.close()


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


async def _load(address: Address, invoices: int) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        today = clinic_day(datetime.now(UTC), _ZONE)
        hashed = PasswordHasher().hash(PASSWORD)
        summary = await load_demo(connection, today=today, password_hash=hashed, invoices=invoices, progress=_show)
        if summary.loaded:
            # Without the visibility map an index alone answers nothing, and autovacuum would come in the middle of a round.
            await connection.execute("vacuum (analyze)")
            await connection.execute("checkpoint")
    finally:
        await connection.close()


def _show(written: int, of: int) -> None:
    print(f"\rloading {written:,} of {of:,} invoices", end="" if written < of else "\n", flush=True)
