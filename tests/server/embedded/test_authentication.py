"""The embedded PostgreSQL asks every process for a password, which other processes of its account do not find."""

import asyncio
import hashlib
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from server.database_urls import opened
from server.embedded import cluster as embedded_cluster
from server.embedded import programs as embedded_programs
from server.embedded.credentials import verifier_of
from server.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from server.settings import read_settings
from tests.server.embedded.embedded_user import (
    User,
    ask,
    nothing_is_left,
    postgres_processes,
    watchdogs,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start something as another account")

# As another process of PostgreSQL's account: the first answer of the server to a sign-in as superuser, and which readable
# file, variable, argument or memory of each process holds the password. Reads the password's SHA-256 to know it.
_HOSTILE = r"""
import hashlib, json, os, re, socket, struct, sys
processes, wanted = json.loads(sys.argv[1]), sys.argv[2]
def holds(data):
    return any(hashlib.sha256(word).hexdigest() == wanted for word in set(re.findall(rb"[0-9a-f]{64}", data)))
def contents(process):
    for name in ("environ", "cmdline"):
        yield f"{process}/{name}", open(f"/proc/{process}/{name}", "rb").read()
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            # Memory that all processes share is read once.
            if line.split()[1] == "rw-p" or line.split()[1] == "rw-s" and process == processes[0]:
                try:
                    memory.seek(start)
                    yield f"{process}/mem", memory.read(end - start)
                except OSError:
                    pass
def files(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield f"{place}/{name}", open(f"{place}/{name}", "rb").read()
            except OSError:
                pass
def signs_in(folder):
    client = socket.socket(socket.AF_UNIX)
    client.connect(f"{folder}/.s.PGSQL.5432")
    words = b"user\0postgres\0database\0postgres\0\0"
    client.sendall(struct.pack("!ii", len(words) + 8, 196608) + words)
    return client.recv(1000)
found, read, answers = [], 0, []
for process in processes:
    for name, data in contents(process):
        read += 1
        found += [name] if holds(data) else []
    for descriptor in os.listdir(f"/proc/{process}/fd"):
        path = f"/proc/{process}/fd/{descriptor}"
        if os.path.isdir(path):
            found += [name for name, data in files(path) if holds(data)]
            for folder in (path, f"{path}/.."):
                try:
                    answers += [struct.unpack("!i", signs_in(folder)[5:9])[0]]
                except OSError:
                    pass
    found += [f"{process}/../{name}" for name in ("pgpass",) if os.access(f"/proc/{process}/cwd/../{name}", os.R_OK)]
print(json.dumps({"found": found, "read": read, "answers": answers}))
"""
_ASKS_FOR_SCRAM = 10


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; no process of it may be left running at the end of the test."""
    yield tmp_path / "home"
    assert nothing_is_left(tmp_path / "home", seconds=5)


def password_of(server: EmbeddedPostgres) -> str:
    password = urlsplit(server.dsn()).password
    assert password
    return password


def without_password(dsn: str) -> str:
    return re.sub(r"//(\w+):\w+@", r"//\1@", dsn)


def make_old_home(folder: Path) -> None:
    """A home as made by earlier releases: no password, and everyone who reaches the socket is trusted."""
    place = embedded_cluster.Place(folder / "postgres")
    place.prepare()
    account = embedded_cluster.find_account(place)
    embedded_cluster.make_private(place.data, account)
    with ExitStack() as doors:
        data, descriptors = embedded_cluster.reach(place.data, account, doors)
        options = [*embedded_cluster.LOCALE, "--username=postgres", "--auth-local=trust", "--auth-host=reject"]
        initdb = str(embedded_programs.find_programs() / "bin" / "initdb")
        argv = [initdb, f"--pgdata={data}", *options, "--no-sync"]
        made = embedded_cluster.run_program(argv, account, descriptors, embedded_cluster.child_environment())
    assert made.returncode == 0, made.stderr


def test_every_connection_needs_a_password(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        assert ask(server.dsn(), "select 1") == 1
        for wrong in (without_password(server.dsn()), server.dsn().replace(password_of(server), "0" * 64)):
            with pytest.raises(asyncpg.InvalidPasswordError, match=r"."):
                ask(wrong, "select 1")
        methods = "select array_agg(distinct auth_method) from pg_hba_file_rules"
        assert ask(server.dsn(), methods) == ["scram-sha-256"]


def test_the_password_is_in_a_file_for_its_owner_alone_which_psql_can_use(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        file = folder / "postgres" / "pgpass"
        found = file.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o600, os.geteuid())
        arguments = ["--dbname", without_password(server.dsn()), "--no-password", "--tuples-only", "--command=select 7"]
        psql = subprocess.run(
            [embedded_programs.find_programs() / "bin" / "psql", *arguments],
            env={"PGPASSFILE": str(file)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert psql.stdout.strip() == "7", psql.stderr


def test_no_command_line_and_no_environment_of_any_process_holds_the_password(folder: Path) -> None:
    user = User(folder)
    password = urlsplit(user.dsn).password
    assert password
    assert ask(user.dsn, "select 1") == 1
    processes = {user.process.pid, *watchdogs(folder), *postgres_processes(folder)}
    assert len(processes) > 4
    for process in processes:
        for name in ("cmdline", "environ"):
            assert password.encode() not in Path(f"/proc/{process}/{name}").read_bytes(), (process, name)
    user.leave()


@needs_root
def test_another_process_of_the_account_finds_no_password_and_is_asked_for_it(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        password = password_of(server)
        nobody = pwd.getpwnam("nobody")
        processes = sorted(postgres_processes(folder))

        arguments = [json.dumps(processes), hashlib.sha256(password.encode()).hexdigest()]
        hostile = subprocess.run(
            ["/usr/bin/python3", "-I", "-S", "-c", _HOSTILE, *arguments],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert hostile.returncode == 0, hostile.stderr
        seen = json.loads(hostile.stdout)
        assert seen["read"] > len(processes) * 5
        assert seen["found"] == []
        assert set(seen["answers"]) == {_ASKS_FOR_SCRAM}


def test_the_verifier_is_that_of_postgresql(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        ask(server.dsn(), f"create role checked login password '{verifier_of('a password')}'")
        dsn = server.dsn(user="checked", password="a password")  # noqa: S106
        assert ask(dsn, "select current_user") == "checked"
        stored = "select rolpassword from pg_authid where rolname = 'checked'"
        assert str(ask(server.dsn(), stored)).startswith("SCRAM-SHA-256$4096:")


def test_a_home_of_an_earlier_release_gets_a_password_at_the_next_start_and_keeps_its_data(folder: Path) -> None:
    make_old_home(folder)
    with EmbeddedPostgres(folder, durable=False) as server:
        with pytest.raises(asyncpg.InvalidPasswordError, match=r"."):
            ask(without_password(server.dsn()), "select 1")
        ask(server.dsn(), "create table kept as select 7 as value")
        password = password_of(server)
    with EmbeddedPostgres(folder, durable=False) as server:
        assert password_of(server) == password
        assert ask(server.dsn(), "select value from kept") == 7


def test_a_lost_password_is_renewed_by_deleting_its_file_and_no_data_is_lost(folder: Path) -> None:
    settings = read_settings({"BILLING_HOME": str(folder)})
    file = folder / "postgres" / "pgpass"

    async def value() -> object:
        async with opened(settings) as address:
            connection = await asyncpg.connect(address.owner)
            try:
                await connection.execute("create table if not exists kept as select 7 as value")
                return await connection.fetchval("select value from kept")
            finally:
                await connection.close()

    assert asyncio.run(value()) == 7
    file.write_text(f"*:*:*:postgres:{'0' * 64}\n")
    with pytest.raises(EmbeddedPostgresError, match=r"is not the password of .*: stop every billing process"):
        asyncio.run(value())
    for unreadable in (b"", b"\xff", b"*:*:*:other:" + b"0" * 64):
        file.write_bytes(unreadable)
        with pytest.raises(EmbeddedPostgresError, match="delete pgpass and start again; no data is lost"):
            asyncio.run(value())
    file.unlink()
    assert asyncio.run(value()) == 7


def test_a_change_of_password_that_was_interrupted_is_completed_by_the_next_start(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        ask(server.dsn(), "create table kept as select 7 as value")
    shutil.move(folder / "postgres" / "pgpass", folder / "postgres" / "pgpass.new")
    with EmbeddedPostgres(folder, durable=False) as server:
        assert ask(server.dsn(), "select value from kept") == 7
    assert not (folder / "postgres" / "pgpass.new").exists()
