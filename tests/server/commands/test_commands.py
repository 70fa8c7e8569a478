"""Listing the commands of `billing` takes little processor time, imports no module of the server, and needs no setting."""

import os
import resource
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from server.cli import main
from server.commands.lazy import LazyCommand, LazyGroup

# Processor time, not clock time: other programs on the host hardly change it. Listing takes 0.2 s; importing the server takes 3 s.
CPU_SECONDS = 0.6
HEAVY = {
    "alembic",
    "asyncpg",
    "graphql",
    "jinja2",
    "matplotlib",
    "openpyxl",
    "pgqueuer",
    "sqlalchemy",
    "starlette",
    "strawberry",
}
_LISTED = (
    "import sys; from server.cli import main; main(standalone_mode=False); print(*sorted(sys.modules), file=sys.stderr)"
)
BROKEN = {**os.environ, "BILLING_PORT": "no port"}

assert isinstance(main, LazyGroup)
COMMANDS: dict[str, LazyCommand] = dict(main.lazy)


def _cpu_seconds_of_help() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", "from server.cli import main; main()", "--help"], check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_list_of_commands_costs_little_processor_time() -> None:
    assert min(_cpu_seconds_of_help() for _ in range(3)) < CPU_SECONDS, (
        "a module that `--help` imports has become slow to import"
    )


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_list_of_commands_and_the_version_import_no_heavy_library(option: str) -> None:
    process = subprocess.run([sys.executable, "-c", _LISTED, option], check=True, capture_output=True, text=True)
    imported = {name.partition(".")[0] for name in process.stderr.split()}
    assert imported & HEAVY == set(), "import it in the module of the command that needs it (server/commands/)"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["migrate", "--help"], ["user", "add", "--help"]])
def test_help_and_version_work_with_invalid_settings(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments, env=BROKEN)
    assert result.exit_code == 0, result.output


def test_a_wrong_setting_stops_a_command_with_its_name() -> None:
    result = CliRunner().invoke(main, ["migrate"], env=BROKEN)
    assert (result.exit_code, "BILLING_PORT is wrong" in result.output) == (1, True)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_listed_command_exists_under_its_name_and_has_a_longer_help(name: str) -> None:
    command = COMMANDS[name].load()
    assert isinstance(command, click.Command)
    assert (command.name, bool(command.help)) == (name, True)


def test_the_list_names_every_command_with_its_summary() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output
    for name, command in COMMANDS.items():
        assert f"  {name} " in listed
        assert command.summary in listed


def test_an_unknown_command_is_refused_with_its_name() -> None:
    result = CliRunner().invoke(main, ["serv"])
    assert (result.exit_code, "No such command 'serv'" in result.output) == (2, True)
