"""Decides that a backup brings everything back: by the commands of docs/operations.md, on a server that has never seen the clinic."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.tables import metadata
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from server.embedded_programs import find_programs
from tests.client import Client, serving
from tests.databases import rows
from tests.processes import billing
from tests.server.embedded_user import PROJECT, comes_true
from tests.server.test_cli import done

_PAGE = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
_CHAINED = "select count(*) > 0 from audit_chain"
_PATIENCE_SECONDS = 60
_DIGEST = "select count(*), md5(string_agg(t::text, '|' order by t::text)) from {} t"


def _commands(heading: str) -> list[str]:
    """The commands that the page shows below a heading."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## )", _PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return [line[4:] for line in found[1].splitlines() if line.startswith("    ")]


def _run(command: str, folder: Path, **variables: str) -> None:
    program, *words = shlex.split(command)
    words = [word.replace("$OLD", variables.get("OLD", "")).replace("$NEW", variables.get("NEW", "")) for word in words]
    done_ = subprocess.run(
        [find_programs() / "bin" / program, *words],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done_.returncode == 0, (command, done_.stderr)


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("restored"), durable=False) as server:
        yield server


def test_a_dump_restored_into_an_empty_server_is_the_same_clinic_and_passes_every_check(
    own_address: Address, empty_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    with serving(own_address) as url, Client(url).signed_in("billing@demo.clinic") as client:
        client.read("{ invoices(first: 1) { totalCount } }")
    with billing(own_address, "worker"):
        comes_true(lambda: rows(own_address, _CHAINED)[0][0], _PATIENCE_SECONDS)
    rows(Address(empty_server.dsn()), "create database restored")
    new = Address(empty_server.dsn(database="restored"))
    commands = _commands("Backup and restore")
    assert [command.split()[0] for command in commands] == ["pg_dumpall", "pg_dump", "psql", "pg_restore", "billing"]
    for command in commands[:4]:
        _run(command, tmp_path, OLD=own_address.owner, NEW=new.owner)
    done(new, *shlex.split(commands[4])[1:])
    assert "laws hold" in done(new, "verify")
    assert done(new, "audit", "verify") == done(own_address, "audit", "verify")
    for table in metadata.tables:
        assert rows(new, _DIGEST.format(table)) == rows(own_address, _DIGEST.format(table)), table
