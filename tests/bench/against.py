"""The server of another commit, for comparison: its checkout, its environment, and a clinic that its own code has made.

It has a PostgreSQL server of its own: roles belong to a whole server, and two commits may grant them differently. So the
code of two commits never uses the same database.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.bench.clinics import HOME, PASSWORD, ROOT, postmaster_of
from tests.bench.servers.start import Server, StartError, started

_DATABASE = "bench_quick"
# Variables of this process's environment that would make the other commit's programs use the wrong packages.
_OWN = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT")


@dataclass(frozen=True)
class Other:
    """The server of another commit, its database, and the process of its PostgreSQL."""

    commit: str
    address: DatabaseUrls
    server: Server
    postmaster: int


@contextmanager
def other_commit(name: str, invoices: int) -> Iterator[Other]:
    """The server of a commit on a clinic with this number of invoices; StartError, with the reason, when it cannot be started."""
    commit = _run(["git", "rev-parse", "--short", "--verify", f"{name}^{{commit}}"], ROOT)
    folder = _checked_out(commit)
    home = HOME / f"against-{commit}"
    with EmbeddedPostgres(home, durable=True) as postgres:
        address = DatabaseUrls(postgres.dsn(database=_DATABASE))
        asyncio.run(_create(postgres.dsn()))
        settings = {"DATABASE_URL": address.owner, "BILLING_DEMO_PASSWORD": PASSWORD, "BILLING_PORT": "0"}
        billing = str(folder / ".venv" / "bin" / "billing")
        print(f"loading {invoices:,} invoices by the code of {commit}, unless they are there", flush=True)
        _run([billing, "migrate"], folder, settings)
        _run([billing, "demo", "--invoices", str(invoices)], folder, settings)
        asyncio.run(_settle(address))
        with started(commit, [billing, "serve"], settings, folder) as server:
            yield Other(commit, address, server, postmaster_of(home))


def _checked_out(commit: str) -> Path:
    """The folder of a commit, with its environment; made the first time, from the cache of uv where possible."""
    folder = ROOT / ".tools" / f"bench-{commit}"
    if not (folder / "pyproject.toml").exists():
        # `make clean` removes folders that git still lists as worktrees.
        _run(["git", "worktree", "prune"], ROOT)
        _run(["git", "worktree", "add", "--quiet", "--force", "--detach", str(folder), commit], ROOT)
    if not (folder / ".venv" / "bin" / "billing").exists():
        print(f"setting up the environment of {commit}", flush=True)
        sync = [_uv(), "sync", "--quiet", "--frozen", "--no-dev", "--python", sys.executable]
        try:
            _run([*sync, "--offline"], folder)
        except StartError:
            _run(sync, folder)
    return folder


def _uv() -> str:
    found = sorted((ROOT / ".tools").glob("uv-*/bin/uv"))
    if not found:
        raise StartError("uv is not set up: run `make bench-quick`, which does it")
    return str(found[-1])


def _run(command: list[str], folder: Path, settings: Mapping[str, str] | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _OWN} | dict(settings or {})
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        shown = " ".join([Path(command[0]).name, *command[1:3]])
        raise StartError(f"{shown} failed: {(done.stderr or done.stdout)[-2000:].strip()}")
    return done.stdout.strip()


async def _create(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", _DATABASE):
            await connection.execute(f"create database {_DATABASE}")
    finally:
        await connection.close()


async def _settle(address: DatabaseUrls) -> None:
    """Vacuum and analyse, as for the clinics of the current code, so that autovacuum does not run in a round."""
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute("vacuum (analyze)")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
