"""A start as root warns, and `--create-account` gives the embedded PostgreSQL an account of the operating system of its own.

The account is made by the real useradd in a mount namespace with a copy of /etc, so that this host gets none.
"""

import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli import main
from server.embedded import accounts
from server.embedded.cluster import OWN_ACCOUNT, Account, Place
from server.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from tests.server.embedded.embedded_user import PROJECT, ask, comes_true, nothing_is_left, postgres_processes
from tests.server.test_serve import BILLING, READY, TIMEOUT_SECONDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make accounts")
_USES = """
import sys
from pathlib import Path
from server.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.create_account()
with server:
    print(server.warning, flush=True)
    print(server.dsn(), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; no process of it may be left running at the end of the test."""
    yield tmp_path / "home"
    assert nothing_is_left(tmp_path / "home", seconds=5)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A copy of /etc for the processes of a test; skips where no mount namespace can be made."""
    copy = tmp_path / "etc"
    shutil.copytree("/etc", copy, symlinks=True, ignore_dangling_symlinks=True)
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if os.geteuid() != 0 or tried.returncode != 0 or not accounts.find_useradd():
        pytest.skip("needs root, useradd, and the right to make a mount namespace")
    return copy


def in_namespace(etc: Path, *command: str | Path) -> list[str]:
    """A command that runs with another /etc."""
    mounted = f"mount --bind {shlex.quote(str(etc))} /etc && exec {shlex.join(map(str, command))}"
    return ["unshare", "--mount", "sh", "-ec", mounted]


def owners(folder: Path) -> set[int]:
    """The owners of the data folder and of everything in it."""
    data = folder / "postgres" / "data"
    return {path.lstat().st_uid for path in (data, *data.rglob("*"))}


def test_data_of_nobody_is_given_to_an_account_that_is_made_and_nothing_is_lost(folder: Path, etc: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        ask(server.dsn(), "create table kept as select 7 as value")
    for _ in range(2):  # The second time, the account exists and has the data.
        command = in_namespace(etc, sys.executable, "-c", _USES, folder)
        user = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )
        assert user.stdout is not None
        assert f"PostgreSQL runs as the account {OWN_ACCOUNT}" in user.stdout.readline()
        dsn = user.stdout.readline().strip()
        assert ask(dsn, "select value from kept") == 7
        line = next(line for line in (etc / "passwd").read_text().splitlines() if line.startswith(f"{OWN_ACCOUNT}:"))
        assert line.endswith("nologin")
        uid = int(line.split(":")[2])
        assert uid not in {0, pwd.getpwnam("nobody").pw_uid}
        assert owners(folder) == {uid}
        assert {os.stat(f"/proc/{number}").st_uid for number in postgres_processes(folder)} == {uid}
        assert (folder / "postgres" / "pgpass").stat().st_uid == 0
        user.communicate(timeout=30)
        assert nothing_is_left(folder)
    assert OWN_ACCOUNT not in Path("/etc/passwd").read_text()


def test_billing_serve_creates_the_account_before_it_serves(folder: Path, etc: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BILLING_", "DATABASE_"))}
    environment |= {"BILLING_HOME": str(folder), "BILLING_PORT": "0"}
    with log.open("w") as output:
        command = in_namespace(etc, BILLING, "serve", "--create-account")
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        assert comes_true(lambda: bool(READY.search(log.read_text())), TIMEOUT_SECONDS), log.read_text()
        assert len(owners(folder)) == 1
        assert owners(folder).isdisjoint({0, pwd.getpwnam("nobody").pw_uid})
        assert re.search(
            rf"WARNING.*PostgreSQL runs as the account {OWN_ACCOUNT}|warning.*{OWN_ACCOUNT}", log.read_text()
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_SECONDS)


@needs_root
def test_a_start_as_root_warns_of_other_processes_of_nobody(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.warning is not None
        assert "any other process of that account can read and change all data" in server.warning
        assert "--create-account" in server.warning


@needs_root
def test_the_data_of_a_running_postgresql_is_not_given_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "OWN_ACCOUNT", "daemon")
    with EmbeddedPostgres(folder, durable=False) as server:
        before = owners(folder)
        with pytest.raises(EmbeddedPostgresError, match="is running: stop every billing process of that folder first"):
            server.create_account()
        assert owners(folder) == before
        assert ask(server.dsn(), "select 1") == 1


@needs_root
def test_files_of_others_that_the_former_owner_has_linked_into_the_data_stay_theirs(tmp_path: Path) -> None:
    data, mine = tmp_path / "data", tmp_path / "of-root"
    (data / "base").mkdir(parents=True)
    for name in ("linked", "hard-linked"):
        (tmp_path / name).write_text("root's")
    (data / "symbolic").symlink_to(tmp_path / "linked")
    (data / "folder").symlink_to(tmp_path)
    (data / "hard").hardlink_to(tmp_path / "hard-linked")
    (data / "base" / "rows").touch()
    mine.touch()
    nobody, daemon = pwd.getpwnam("nobody"), pwd.getpwnam("daemon")
    for path in (data, data / "base", data / "base" / "rows"):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    accounts.give_to(data, Account(daemon.pw_uid, daemon.pw_gid))
    assert {path.stat().st_uid for path in (data, data / "base", data / "base" / "rows")} == {daemon.pw_uid}
    assert {(tmp_path / name).stat().st_uid for name in ("linked", "hard-linked", "of-root")} == {0}


@needs_root
def test_a_folder_of_an_ordinary_account_keeps_its_owner(folder: Path) -> None:
    place = Place(folder / "postgres")
    place.prepare()
    os.chown(place.root, pwd.getpwnam("daemon").pw_uid, -1)
    with pytest.raises(
        EmbeddedPostgresError, match="PostgreSQL runs as that user: --create-account has no effect there"
    ):
        EmbeddedPostgres(folder).create_account()


@needs_root
def test_a_system_without_useradd_is_reported_with_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "find_useradd", lambda: None)
    with pytest.raises(
        EmbeddedPostgresError, match=f"has no useradd: make a system account named {OWN_ACCOUNT} by hand"
    ):
        EmbeddedPostgres(folder).create_account()


@pytest.mark.parametrize(
    ("settings", "uid", "message"),
    [
        ({"DATABASE_URL": "postgresql://owner@localhost/clinic"}, 0, "DATABASE_URL names another one"),
        ({}, 1000, "--create-account is for root: PostgreSQL runs as the account that starts it"),
    ],
)
def test_the_option_is_refused_where_it_can_do_nothing(
    settings: dict[str, str], uid: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    environment = {"BILLING_HOME": str(tmp_path / "home"), **settings}
    result = CliRunner(env=environment).invoke(main, ["serve", "--create-account"])
    assert result.exit_code == 1
    assert message in result.output
    assert not (tmp_path / "home").exists()
