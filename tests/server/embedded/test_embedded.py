"""The embedded PostgreSQL runs while it has user processes and stops after the last one ended, in whatever way it ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.embedded import cluster as embedded_cluster
from server.embedded import programs as embedded_programs
from server.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from server.embedded.watchdog import postmaster_status
from tests.server.embedded.embedded_user import (
    PROJECT,
    User,
    ask,
    comes_true,
    kill_all,
    nothing_is_left,
    postgres_processes,
    read_link,
    watchdogs,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; no process of it may be left running at the end of the test."""
    yield tmp_path / "home"
    assert nothing_is_left(tmp_path / "home", seconds=5)


def test_the_first_start_creates_a_cluster_and_later_starts_find_its_data(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        ask(server.dsn(), "create table kept as select 7 as value")
    with EmbeddedPostgres(folder) as server:
        assert ask(server.dsn(), "select value from kept") == 7
    assert nothing_is_left(folder)


def test_a_second_process_joins_the_server_of_the_first(folder: Path) -> None:
    first = User(folder)
    ask(first.dsn, "create table shared ()")
    second = User(folder)
    assert ask(second.dsn, "select count(*) from shared") == 0
    assert len(watchdogs(folder)) == 1
    first.leave()
    assert ask(second.dsn, "select 1") == 1
    second.leave()
    assert nothing_is_left(folder)


def test_two_users_in_one_process_count_as_two(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as first:
        with EmbeddedPostgres(folder, durable=False) as second:
            assert first.dsn() == second.dsn()
        assert ask(first.dsn(), "select 1") == 1


def test_a_forked_child_that_stops_does_not_stop_the_server_of_its_parent(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with EmbeddedPostgres(folder, durable=False) as joined:
            assert ask(joined.dsn(), "select 1") == 1
        assert ask(server.dsn(), "select 1") == 1


def test_three_processes_that_start_at_once_on_an_empty_folder_share_one_server(folder: Path) -> None:
    users = [User(folder) for _ in range(3)]
    started = {ask(user.dsn, "select pg_postmaster_start_time()") for user in users}
    assert len(started) == 1
    assert len(watchdogs(folder)) == 1
    for user in users:
        user.leave()
    assert nothing_is_left(folder)


def test_processes_that_start_and_stop_concurrently_always_find_a_server(folder: Path) -> None:
    for _ in range(4):
        leaving = [User(folder) for _ in range(2)]
        assert [ask(user.dsn, "select 1") for user in leaving] == [1, 1]
        coming = User(folder)
        for user in leaving:
            user.kill()
        assert ask(coming.dsn, "select 1") == 1
        coming.leave()


def test_the_server_continues_after_kill_9_of_the_user_that_started_it(folder: Path) -> None:
    first = User(folder)
    started = ask(first.dsn, "select pg_postmaster_start_time()")
    second = User(folder)
    assert second.dsn
    first.kill()
    time.sleep(0.5)
    assert ask(second.dsn, "select pg_postmaster_start_time()") == started
    second.kill()
    assert nothing_is_left(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_no_process_is_left_when_the_last_user_is_ended_by(number: signal.Signals, folder: Path) -> None:
    users = [User(folder), User(folder)]
    assert all(user.dsn for user in users)
    assert postgres_processes(folder)
    for user in users:
        os.killpg(user.process.pid, number)
        user.process.communicate()
    assert nothing_is_left(folder)


def test_a_user_killed_while_it_starts_leaves_no_process(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    for milliseconds in (0, 20, 40, 60, 80):
        user = User(folder)
        assert comes_true((folder / "postgres" / "start.lock").exists)
        comes_true(lambda: bool(watchdogs(folder)), seconds=2)
        time.sleep(milliseconds / 1000)
        user.kill()
        assert nothing_is_left(folder)


def test_ctrl_c_ends_the_user_process_and_not_postgresql(folder: Path) -> None:
    user = User(folder)
    assert user.dsn
    os.killpg(user.process.pid, signal.SIGINT)
    assert user.read_line() == "interrupted"
    time.sleep(0.3)
    assert ask(user.dsn, "select 1") == 1
    user.leave()
    assert nothing_is_left(folder)


def test_kill_9_of_the_watchdog_ends_postgresql_and_the_next_user_starts_another(folder: Path) -> None:
    user = User(folder)
    assert user.dsn
    kill_all(watchdogs(folder))
    assert nothing_is_left(folder)
    with EmbeddedPostgres(folder, durable=False) as server:
        assert ask(server.dsn(), "select 1") == 1
    user.kill()


def test_kill_9_of_everything_loses_nothing_that_was_committed(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        ask(server.dsn(), "create table kept as select 7 as value")
        kill_all(watchdogs(folder) | postgres_processes(folder))
        assert nothing_is_left(folder)
        assert (folder / "postgres" / "data" / "postmaster.pid").exists()
        assert (server.socket_folder / ".s.PGSQL.5432").exists()
    with EmbeddedPostgres(folder) as server:
        assert ask(server.dsn(), "select value from kept") == 7


def test_kill_9_of_postgresql_ends_its_watchdog(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        kill_all(postgres_processes(folder))
        assert nothing_is_left(folder)


def test_an_unrelated_process_with_the_id_of_a_dead_postgresql_is_not_killed(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pid_file = folder / "postgres" / "data" / "postmaster.pid"
        content = pid_file.read_text().split("\n")
    owner = (folder / "postgres" / "data").stat()
    # A process of the same account is the hard case: PostgreSQL itself refuses to start then.
    unrelated = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        pid_file.write_text("\n".join([str(unrelated.pid), *content[1:]]))
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        with EmbeddedPostgres(folder, durable=False) as server:
            assert ask(server.dsn(), "select 1") == 1
        assert unrelated.poll() is None
    finally:
        unrelated.kill()
        unrelated.wait()


def test_a_postgresql_that_was_started_by_another_program_on_the_data_is_not_stopped(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    place = embedded_cluster.Place(folder / "postgres")
    account = embedded_cluster.find_account(place)
    with ExitStack() as stack:
        data, pass_fds = embedded_cluster.reach(place.data, account, stack)
        # The socket is in the data folder, the working directory, so that its path is short enough.
        programs, hba = embedded_programs.find_programs(), "/proc/self/cwd/pg_hba.conf"
        arguments = embedded_cluster.command(programs, data, "/proc/self/cwd", hba, False, 20)
        foreign = subprocess.Popen(
            arguments,
            pass_fds=pass_fds,
            user=None if account is None else account.uid,
            stderr=subprocess.DEVNULL,
        )
    try:
        assert comes_true(lambda: postmaster_status(place.data) == (foreign.pid, "ready"))
        with pytest.raises(EmbeddedPostgresError, match=r"process \d+ runs PostgreSQL on .*: stop it first"):
            EmbeddedPostgres(folder, durable=False).start()
        assert postmaster_status(place.data) == (foreign.pid, "ready")
    finally:
        foreign.send_signal(signal.SIGINT)
        assert foreign.wait(timeout=20) == 0


@pytest.mark.parametrize("whole_group", [True, False], ids=["initdb too", "its starter only"])
def test_a_first_start_that_was_killed_is_completed_by_the_next(folder: Path, whole_group: bool) -> None:
    user = User(folder)
    assert comes_true((folder / "postgres" / "data.new" / "base").exists)
    user.kill()
    kill_all(children_of_initdb(folder) if whole_group else ())
    assert not (folder / "postgres" / "data").exists()
    with EmbeddedPostgres(folder, durable=False) as server:
        assert ask(server.dsn(), "select 1") == 1
    assert not (folder / "postgres" / "data.new").exists()


def children_of_initdb(folder: Path) -> list[int]:
    """The ids of the processes that have the unfinished cluster open or work in it."""
    unfinished = str((folder / "postgres" / "data.new").resolve())
    lock = str((folder / "postgres" / "alive.lock").resolve())
    held = [path for path in Path("/proc").glob("[0-9]*/fd/*") if read_link(path) in (unfinished, lock)]
    return sorted({int(path.parts[2]) for path in held})


def test_the_error_about_a_postgresql_that_cannot_start_quotes_its_log_and_no_process_is_left(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="max_connections"):
        EmbeddedPostgres(folder, durable=False, max_connections=10_000_000).start()
    assert nothing_is_left(folder)


def test_the_pytest_workers_of_one_run_share_one_server(tmp_path: Path) -> None:
    for name in ("one", "two"):
        test = f"def test_{name}(postgres_server):\n    from tests.server.embedded.embedded_user import ask\n"
        test += "    print(ask(postgres_server.dsn(), 'select pg_postmaster_start_time()')); assert 0\n"
        (tmp_path / f"test_{name}.py").write_text(test)
    options = [
        "-n",
        "2",
        "--dist",
        "loadfile",
        "-p",
        "tests.postgres",
        "--basetemp",
        str(tmp_path / "run"),
        "-c",
        os.devnull,
    ]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), *options, str(tmp_path)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    started = [line for line in result.stdout.splitlines() if line.endswith("+00:00") and line[:4].isdigit()]
    assert "gw0" in result.stdout
    assert "2 failed" in result.stdout, result.stdout
    assert len(started) == 2
    assert nothing_is_left(tmp_path / "run" / "postgres-server")
