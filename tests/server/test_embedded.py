"""Decides what the embedded PostgreSQL promises: there for each of its users, gone after the last, however they go."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from server import embedded_cluster, embedded_programs
from server.embedded import EmbeddedPostgres, EmbeddedPostgresError
from server.embedded_watchdog import postmaster_status
from tests.server.embedded_user import (
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
    """A data folder; whatever a test does with it, nothing may be left running at its end."""
    yield tmp_path / "home"
    assert nothing_is_left(tmp_path / "home", seconds=5)


def test_the_first_start_makes_a_cluster_and_later_ones_find_their_data(folder: Path) -> None:
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


def test_two_users_in_one_process_are_two_users(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as first:
        with EmbeddedPostgres(folder, durable=False) as second:
            assert first.dsn() == second.dsn()
        assert ask(first.dsn(), "select 1") == 1


def test_a_forked_child_that_stops_leaves_the_server_to_its_parent(folder: Path) -> None:
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


def test_processes_that_come_and_go_at_once_always_find_a_server(folder: Path) -> None:
    for _ in range(4):
        leaving = [User(folder) for _ in range(2)]
        assert [ask(user.dsn, "select 1") for user in leaving] == [1, 1]
        coming = User(folder)
        for user in leaving:
            user.kill()
        assert ask(coming.dsn, "select 1") == 1
        coming.leave()


def test_kill_9_of_the_user_that_started_it_leaves_it_to_the_others(folder: Path) -> None:
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


def test_ctrl_c_reaches_the_user_and_not_postgresql(folder: Path) -> None:
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


def test_kill_9_of_postgresql_takes_its_watchdog_along(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        kill_all(postgres_processes(folder))
        assert nothing_is_left(folder)


def test_a_stranger_who_got_the_number_of_a_dead_postgresql_is_left_alone(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pid_file = folder / "postgres" / "data" / "postmaster.pid"
        content = pid_file.read_text().split("\n")
    owner = (folder / "postgres" / "data").stat()
    # The same account is the hard case: PostgreSQL itself refuses to start then.
    stranger = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *content[1:]]))
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        with EmbeddedPostgres(folder, durable=False) as server:
            assert ask(server.dsn(), "select 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_postgresql_that_somebody_else_started_on_the_data_is_left_alone(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    place = embedded_cluster.Place(folder / "postgres")
    account = embedded_cluster.find_account(place)
    with ExitStack() as doors:
        data, door = embedded_cluster.reach(place.data, account, doors)
        # A socket in the data folder, its working directory, by a path that is short enough.
        arguments = embedded_cluster.command(embedded_programs.find_programs(), data, "/proc/self/cwd", False, 20)
        foreign = subprocess.Popen(
            arguments,
            pass_fds=door,
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
def test_a_first_start_that_was_killed_half_way_is_made_good_by_the_next(folder: Path, whole_group: bool) -> None:
    user = User(folder)
    assert comes_true((folder / "postgres" / "data.new" / "base").exists)
    user.kill()
    kill_all(children_of_initdb(folder) if whole_group else ())
    assert not (folder / "postgres" / "data").exists()
    with EmbeddedPostgres(folder, durable=False) as server:
        assert ask(server.dsn(), "select 1") == 1
    assert not (folder / "postgres" / "data.new").exists()


def children_of_initdb(folder: Path) -> list[int]:
    """The process numbers that have the unfinished cluster open or work in it."""
    unfinished = str((folder / "postgres" / "data.new").resolve())
    lock = str((folder / "postgres" / "alive.lock").resolve())
    held = [path for path in Path("/proc").glob("[0-9]*/fd/*") if read_link(path) in (unfinished, lock)]
    return sorted({int(path.parts[2]) for path in held})


def test_a_postgresql_that_cannot_start_says_what_its_log_says_and_leaves_nothing(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="max_connections"):
        EmbeddedPostgres(folder, durable=False, max_connections=10_000_000).start()
    assert nothing_is_left(folder)


def test_the_workers_of_one_run_of_pytest_share_one_server(tmp_path: Path) -> None:
    for name in ("one", "two"):
        test = f"def test_{name}(postgres_server):\n    from tests.server.embedded_user import ask\n"
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
