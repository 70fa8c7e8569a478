"""The cluster of the embedded PostgreSQL: any path, root and other accounts, and its settings."""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from server.embedded import programs as embedded_programs
from server.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from tests.server.embedded.embedded_user import (
    PROJECT,
    User,
    ask,
    comes_true,
    kill_all,
    nothing_is_left,
    postgres_processes,
    watchdogs,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start something as another account")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; no process of it may be left running at the end of the test."""
    yield tmp_path / "home"
    assert nothing_is_left(tmp_path / "home", seconds=5)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every account may read and write, unlike pytest's own folders."""
    with tempfile.TemporaryDirectory(prefix="clinic-", ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o777)
        yield Path(name)


def test_the_cluster_is_durable_by_default_and_the_same_on_every_host(folder: Path) -> None:
    wanted = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on"}
    wanted |= {"jit": "off", "TimeZone": "UTC", "server_encoding": "UTF8", "lc_messages": "C", "lc_collate": "C.UTF-8"}
    with EmbeddedPostgres(folder, max_connections=33) as server:
        found = {
            name: ask(server.dsn(), f"select current_setting('{name}')") for name in wanted if name != "lc_collate"
        }
        found["lc_collate"] = ask(server.dsn(), "select datlocale from pg_database where datname = 'template0'")
        assert found == wanted
        assert ask(server.dsn(), "show max_connections") == "33"
        assert (
            ask(
                server.dsn(),
                "select upper('é') || (select string_agg(c, '' order by c) from unnest('{b,B,a}'::text[]) c)",
            )
            == "ÉBab"
        )
    with EmbeddedPostgres(folder, durable=False) as server:
        assert ask(server.dsn(), "show fsync") == "off"


def test_only_the_owner_reaches_the_socket_and_there_is_no_port(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700
        assert ask(server.dsn(), "show listen_addresses") == ""
        assert (
            ask(
                server.dsn(), "select count(*) from pg_hba_file_rules where type <> 'local' and auth_method <> 'reject'"
            )
            == 0
        )


def test_names_of_users_and_databases_may_hold_any_character(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        ask(server.dsn(), "create role \"a/b c@d\" login password 'e:f/g@h'")
        ask(server.dsn(), 'create database "x?y&z"')
        assert (
            ask(
                server.dsn(user="a/b c@d", database="x?y&z", password="e:f/g@h"),  # noqa: S106
                "select current_user || current_database()",
            )
            == "a/b c@dx?y&z"
        )


def test_patient_data_in_a_failing_statement_is_not_in_the_log(folder: Path) -> None:
    failing = ("insert into people values ('Ruth Alvarez')", "select 'Ruth Alvarez'::numeric", "selec 'Ruth Alvarez'")
    with EmbeddedPostgres(folder, durable=False) as server:
        ask(server.dsn(), "create table people (name text primary key)")
        ask(server.dsn(), "insert into people values ('Ruth Alvarez')")
        for statement in failing:
            with pytest.raises(asyncpg.PostgresError, match=r"."):
                ask(server.dsn(), statement)
    log = (folder / "postgres" / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert "Ruth" not in log


def test_the_statement_of_a_crashed_process_is_not_in_the_log_and_the_server_recovers(folder: Path) -> None:
    async def crash(dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.execute("select pg_sleep(30) /* Ruth Alvarez */")

    with EmbeddedPostgres(folder, durable=False) as server:
        killer = threading.Thread(target=kill_backend_that_sleeps, args=(server.dsn(),))
        killer.start()
        asyncio.run(crash(server.dsn()))
        killer.join()
        assert comes_true(lambda: server_answers(server.dsn()))
    log = (folder / "postgres" / "postgres.log").read_text()
    assert "was terminated by signal 9" in log
    assert "Ruth" not in log


def kill_backend_that_sleeps(dsn: str) -> None:
    """Kill -9 the PostgreSQL process that runs the statement with pg_sleep."""
    sleeping = "select pid from pg_stat_activity where query like 'select pg_sleep(30) /*%'"
    assert comes_true(lambda: ask(dsn, sleeping) is not None)
    os.kill(int(str(ask(dsn, sleeping))), signal.SIGKILL)


def server_answers(dsn: str) -> bool:
    """Whether the server accepts connections."""
    try:
        return ask(dsn, "select 1") == 1
    except (asyncpg.PostgresError, OSError):
        return False


def test_data_of_another_major_version_is_refused_with_the_reason(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    (folder / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 16, this is PostgreSQL 18: dump it"):
        EmbeddedPostgres(folder, durable=False).start()


@pytest.mark.parametrize("name", ["a" * 120, "with space, comma, 'and\" quotes", "Prüfung"])
def test_the_folder_may_have_any_path(name: str, tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / name, durable=False) as server:
        socket = server.socket_folder
        assert ask(server.dsn(), "select 1") == 1
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        with EmbeddedPostgres(tmp_path / name, durable=False) as joined:
            assert joined.dsn() == server.dsn()
    assert nothing_is_left(tmp_path / name)
    assert socket.parent == tmp_path / name / "postgres" or not socket.parent.exists()


def test_files_that_a_crash_left_outside_the_folder_are_removed_by_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 120)
    with EmbeddedPostgres(folder, durable=False) as server:
        left = server.socket_folder.parent
        # A watchdog that outlived PostgreSQL for a moment would remove them.
        kill_all(watchdogs(folder))
        kill_all(postgres_processes(folder))
        assert nothing_is_left(folder)
    assert left.exists()
    with EmbeddedPostgres(folder, durable=False) as server:
        assert not left.exists()
    assert nothing_is_left(folder)


@needs_root
def test_the_data_of_root_is_in_a_folder_that_no_other_account_can_enter(folder: Path) -> None:
    folder.parent.chmod(0o700)
    with EmbeddedPostgres(folder, durable=False) as server:
        assert not embedded_programs.is_open_to_all(folder)
        assert ask(server.dsn(), "select 1") == 1
        owners = {os.stat(f"/proc/{number}").st_uid for number in postgres_processes(folder)}
        assert owners == {pwd.getpwnam("nobody").pw_uid}
        assert (folder / "postgres" / "data" / "PG_VERSION").exists()


@needs_root
def test_root_may_have_the_programs_where_no_other_account_can_read_them(folder: Path, tmp_path: Path) -> None:
    installed = embedded_programs.find_programs()
    hidden = tmp_path / "hidden"
    shutil.copytree(installed, hidden / installed.parent.name / installed.name)
    shutil.copytree(
        installed.parent.with_name(f"{installed.parent.name}.libs"), hidden / f"{installed.parent.name}.libs"
    )
    (hidden / installed.parent.name / "__init__.py").touch()
    hidden.chmod(0o700)
    user = User(folder, search_path=[hidden])
    assert ask(user.dsn, "select count(*) > 100 from pg_timezone_names") is True
    outside = (folder / "postgres" / "outside").resolve()
    assert (outside / installed.parent.name).is_dir()
    user.kill()
    assert nothing_is_left(folder)
    assert comes_true(lambda: not outside.exists())


@needs_root
def test_an_ordinary_account_runs_postgresql_as_itself(public_folder: Path) -> None:
    uid, interpreter = pwd.getpwnam("nobody").pw_uid, find_public_interpreter()
    folder = public_folder / "home"
    users = [User(folder, uid=uid, interpreter=interpreter) for _ in range(2)]
    assert [ask(user.dsn, "select 1") for user in users] == [1, 1]
    assert {path.stat().st_uid for path in (folder / "postgres").iterdir()} == {uid}
    assert {os.stat(f"/proc/{number}").st_uid for number in postgres_processes(folder) | watchdogs(folder)} == {uid}
    for user in users:
        user.kill()
    assert nothing_is_left(folder)


@needs_root
def test_root_and_the_ordinary_owner_of_the_data_can_use_it_in_turn_and_together(public_folder: Path) -> None:
    uid, interpreter = pwd.getpwnam("nobody").pw_uid, find_public_interpreter()
    folder = public_folder / "home"
    first = User(folder, uid=uid, interpreter=interpreter)
    assert first.dsn
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.dsn() == first.dsn
        first.leave()
        assert ask(server.dsn(), "select 1") == 1
    with EmbeddedPostgres(folder, durable=False) as server:
        last = User(folder, uid=uid, interpreter=interpreter)
        assert ask(last.dsn, "select 1") == 1
    last.leave()
    assert nothing_is_left(folder)


@needs_root
def test_the_folder_of_another_account_is_refused_with_the_reason(public_folder: Path) -> None:
    folder = public_folder / "home"
    with EmbeddedPostgres(folder, durable=False):
        pass
    user = User(folder, uid=pwd.getpwnam("nobody").pw_uid, interpreter=find_public_interpreter())
    _, errors = user.process.communicate(timeout=30)
    assert "belongs to user 0: start as that user" in errors


def find_public_interpreter() -> str:
    """A Python that other accounts may run; the one of the tests is often in root's own folder."""
    version = "import sys; sys.exit(sys.version_info < (3, 11))"
    for interpreter in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        path = Path(interpreter).resolve()
        is_open = path.exists() and embedded_programs.is_open_to_all(path) and embedded_programs.is_open_to_all(PROJECT)
        if is_open and subprocess.run([interpreter, "-c", version], check=False).returncode == 0:
            return interpreter
    pytest.skip("neither a Python ≥ 3.11 nor this project lies where other accounts may read it")
