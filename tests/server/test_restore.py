"""A backup can be restored by the commands of docs/operations.md on an empty PostgreSQL server, and nothing is lost."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.tables import metadata
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.embedded.programs import find_programs
from tests.server.commands.test_cli import done
from tests.server.embedded.embedded_user import PROJECT, comes_true
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.processes import billing

_PAGE = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
_CHAINED = "select count(*) > 0 from audit_chain"
_TIMEOUT_SECONDS = 60
_DIGEST = "select count(*), md5(string_agg(t::text, '|' order by t::text)) from {} t"


def _commands(heading: str) -> list[str]:
    """The commands below a heading of the page."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## )", _PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return [line[4:] for line in found[1].splitlines() if line.startswith("    ")]


def _run(command: str, folder: Path, **variables: str) -> None:
    program, *arguments = shlex.split(command)
    arguments = [
        argument.replace("$OLD", variables.get("OLD", "")).replace("$NEW", variables.get("NEW", ""))
        for argument in arguments
    ]
    process = subprocess.run(
        [find_programs() / "bin" / program, *arguments],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, (command, process.stderr)


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("restored"), durable=False) as server:
        yield server


def test_a_dump_restored_into_an_empty_server_has_the_same_rows_and_passes_every_check(
    own_address: DatabaseUrls, empty_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    with serving(own_address) as url, Client(url).signed_in("billing@demo.example") as client:
        client.read("{ invoices(first: 1) { totalCount } }")
    with billing(own_address, "worker"):
        comes_true(lambda: rows(own_address, _CHAINED)[0][0], _TIMEOUT_SECONDS)
    rows(DatabaseUrls(empty_server.dsn()), "create database restored")
    new = DatabaseUrls(empty_server.dsn(database="restored"))
    commands = _commands("Backup and restore")
    assert [command.split()[0] for command in commands] == ["pg_dumpall", "pg_dump", "psql", "pg_restore", "billing"]
    for command in commands[:4]:
        _run(command, tmp_path, OLD=own_address.owner, NEW=new.owner)
    done(new, *shlex.split(commands[4])[1:])
    assert "laws hold" in done(new, "verify")
    assert done(new, "audit", "verify") == done(own_address, "audit", "verify")
    # The version of the policies is recorded anew by `billing migrate`, with the time.
    for table in metadata.tables.keys() - {"policy_version"}:
        assert rows(new, _DIGEST.format(table)) == rows(own_address, _DIGEST.format(table)), table
