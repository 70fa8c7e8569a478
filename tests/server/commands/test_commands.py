"""Listing the commands of `billing` takes little processor time, imports no module of the server, and needs no setting."""

import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from server.cli import main
from server.commands.lazy import LazyCommand, LazyGroup

# Processor time, not clock time: other programs on the host hardly change it. Listing takes 0.15 s; importing the server takes 3 s.
CPU_SECONDS = 0.3
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


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["worker", "--help"]])
def test_help_imports_no_module_of_the_server(arguments: list[str]) -> None:
    code = f"import sys; sys.argv = ['billing', *{arguments}]; {_LISTED}"
    process = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
    imported = set(process.stderr.split())
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()
    ours = {
        name
        for name in imported
        if name.split(".")[0] in ("db", "schema", "resolvers", "jobs", "exports", "imports", "storage")
    }
    assert ours == set()


def test_listing_imports_few_modules() -> None:
    process = subprocess.run([sys.executable, "-c", _LISTED, "--help"], check=True, capture_output=True, text=True)
    bare = subprocess.run(
        [sys.executable, "-c", "import sys, click; print(*sorted(sys.modules), file=sys.stderr)"],
        check=True,
        capture_output=True,
        text=True,
    )
    more = set(process.stderr.split()) - set(bare.stderr.split())
    assert len(more) < 25, sorted(more)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_command_are_command_lines_that_it_understands(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"]).output
    for example in COMMANDS[name].examples:
        assert f"  {example}\n" in shown
        words = shlex.split(example.partition(" >")[0])
        words = words[words.index("billing") + 1 :]
        # With --help at the end, options and arguments are parsed up to it, and nothing runs.
        assert CliRunner().invoke(main, [*words, "--help"]).exit_code == 0, example
        group = COMMANDS[words[0]].load()
        command = group.commands[words[1]] if isinstance(group, click.Group) else group
        rest = words[2:] if isinstance(group, click.Group) else words[1:]
        # Paths that exist, in the place of those of the example.
        paths = {"codes.xlsx": __file__, "folder": str(Path(__file__).parent)}
        exists = [paths.get(word, word) for word in rest]
        assert command.make_context(name, exists, resilient_parsing=False)


def test_no_command_takes_a_password_as_an_argument() -> None:
    loaded = [command.load() for command in COMMANDS.values()]
    commands = [
        one for group in loaded for one in (group.commands.values() if isinstance(group, click.Group) else [group])
    ]
    assert not [one.name for one in commands for parameter in one.params if "password" in (parameter.name or "")]


def test_the_list_names_every_command_with_its_summary() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output
    for name, command in COMMANDS.items():
        assert f"  {name} " in listed
        assert command.summary in listed


def test_an_unknown_command_is_refused_with_its_name() -> None:
    result = CliRunner().invoke(main, ["serv"])
    assert (result.exit_code, "No such command 'serv'" in result.output) == (2, True)
