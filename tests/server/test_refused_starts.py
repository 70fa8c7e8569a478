"""A start that cannot work ends with one sentence and an exit code, and writes nothing; `billing migrate` says what it ran."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

import pytest

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.home import check_home
from server.settings import SettingError
from tests.support.databases import address_of, rows
from tests.support.forking.forked import Forked

_PASSWORD = "only for these tests"
_OLD = b"S\x00\x00\x00\x18server_version\x0015.4\x00"


def billing(home: Path, *arguments: str, database: str = "") -> subprocess.CompletedProcess[str]:
    unset = {name: text for name, text in os.environ.items() if not name.startswith(("BILLING_", "DATABASE_"))}
    settings = {"BILLING_HOME": str(home), "BILLING_PORT": "0"} | ({"DATABASE_URL": database} if database else {})
    with TemporaryFile("w+") as errors, Forked(arguments, unset | settings, errors) as process:
        output, code = process.stdout.read(), process.wait(120)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, code, output, errors.read())


def one_sentence(process: subprocess.CompletedProcess[str]) -> str:
    """The error message of a command that has failed: one line, no stack trace."""
    assert process.returncode != 0
    (line,) = process.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize(
    "command", [["serve"], ["worker"], ["migrate"], ["user", "deactivate", "a@b.example", "--clinic", "x"]]
)
def test_a_file_in_the_place_of_the_home_folder_is_refused(tmp_path: Path, command: list[str]) -> None:
    home = tmp_path / "home"
    home.write_text("mine")
    for place in (home, home / "below"):
        assert (
            one_sentence(billing(place, *command))
            == f"Error: BILLING_HOME is wrong: expected a folder, and {home} is not one"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert home.read_text() == "mine"


def test_a_home_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so that the kernel's answer is replaced.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    for home in (tmp_path, tmp_path / "new" / "home"):
        with pytest.raises(SettingError, match=f"BILLING_HOME is wrong: {tmp_path} cannot be written to by this user"):
            check_home(home)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_too_old_is_refused(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        # AuthenticationOk, the version, ReadyForQuery: as PostgreSQL begins a session.
        writer.write(b"R\x00\x00\x00\x08\x00\x00\x00\x00" + _OLD + b"Z\x00\x00\x00\x05I")
        await reader.read(1_000)
        writer.close()

    async def run() -> subprocess.CompletedProcess[str]:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            address = f"postgresql://a:b@127.0.0.1:{port}/c?sslmode=disable"
            return await asyncio.to_thread(billing, tmp_path / "home", "migrate", database=address)

    words = "Error: DATABASE_URL is wrong: expected PostgreSQL 16 or newer, and this is 15"
    assert one_sentence(asyncio.run(run())) == words
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def plain_owner(postgres_server: EmbeddedPostgres) -> Iterator[DatabaseUrls]:
    """An empty database whose owner may not create roles."""
    name, server = f"plain_{uuid4().hex}", DatabaseUrls(postgres_server.dsn())
    rows(server, f"create role {name} login password '{_PASSWORD}'")
    rows(server, f"create database {name} owner {name}")
    yield DatabaseUrls(postgres_server.dsn(user=name, database=name, password=_PASSWORD))
    rows(server, f"drop database {name} with (force)")
    rows(server, f"drop role {name}")


def test_an_owner_that_may_not_create_roles_is_refused_and_nothing_is_written(
    plain_owner: DatabaseUrls, tmp_path: Path
) -> None:
    line = one_sentence(billing(tmp_path / "home", "migrate", database=plain_owner.owner))
    assert "DATABASE_URL is wrong" in line
    assert "right to create roles" in line
    assert rows(plain_owner, "select from pg_tables where schemaname = 'public'") == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[DatabaseUrls]:
    name, server = f"empty_{uuid4().hex}", DatabaseUrls(postgres_server.dsn())
    rows(server, f"create database {name}")
    yield address_of(postgres_server, name)
    rows(server, f"drop database {name} with (force)")


def test_migrate_says_what_it_ran_and_that_nothing_was_to_be_done(empty: DatabaseUrls, tmp_path: Path) -> None:
    first = billing(tmp_path, "migrate", database=empty.owner).stdout.splitlines()
    assert first[0] == "Revision 0001: Tables of the whole specification."
    assert [line.split(":")[0] for line in first[:-2]] == sorted(line.split(":")[0] for line in first[:-2])
    assert first[-2].startswith("Roles, grants, policies and the lifecycle guard are those of version ")
    assert first[-1] == "The database is up to date."
    second = billing(tmp_path, "migrate", database=empty.owner).stdout
    assert second == "The database is up to date: there was nothing to do.\n"
