"""Every step of docs/begin.md runs on an empty database, in its order, with the answers that the page shows."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.house.source import PROJECT
from tests.server.commands.test_cli import PASSWORD, billing
from tests.support.client import Client, serving
from tests.support.databases import address_of, rows
from tests.support.owner_connection import leave

PAGE = (PROJECT / "docs" / "begin.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+) ?(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
USERS = {"admin": "ann@new.example", "biller": "bill@new.example"}
_CHANGED = "docs/begin.md shows what does not work any more: mend the step, or the page"


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[DatabaseUrls]:
    """An empty database."""
    name, owner = f"page_{uuid4().hex}", DatabaseUrls(postgres_server.dsn())
    rows(owner, f'create database "{name}"')
    yield address_of(postgres_server, name)
    leave(address_of(postgres_server, name).owner)
    rows(owner, f'drop database "{name}" with (force)')


class Reader:
    """Somebody who does what the page says, step by step."""

    def __init__(self, address: DatabaseUrls, stack: ExitStack) -> None:
        self.address, self._stack = address, stack
        self.clients: dict[str, Client] = {}
        self.answer: Any = None
        self.printed: dict[str, str] = {}
        self.ids: dict[str, Any] = {"today": datetime.now(ZoneInfo("America/Chicago")).date().isoformat()}

    def run(self, text: str) -> None:
        """The commands of a block."""
        for line in text.splitlines():
            command = [one or other for one, other in re.findall(r"'([^']*)'|(\S+)", line)]
            assert command[0] == "billing", line
            result = billing(self.address, *command[1:], input_text=f"{PASSWORD}\n")
            assert result.exit_code == 0, (line, result.output, result.exception, _CHANGED)
            self.printed[line] = result.stdout

    def ask(self, who: str, document: str) -> None:
        """The document of a block, as a user of the page."""
        if who not in self.clients:
            if not self.clients:
                self._url = self._stack.enter_context(serving(self.address, passwords=None))
            anonymous = self._stack.enter_context(Client(self._url))
            self.clients[who] = self._stack.enter_context(anonymous.signed_in(USERS[who], PASSWORD))
        named = re.findall(r"\$(\w+):", document)
        self.answer = self.clients[who].read(document, **{name: self.ids[name] for name in named})
        self._keep(self.answer)

    def _keep(self, part: Any) -> None:
        """Keep the ids of an answer, and see that nothing was refused."""
        for value in part if isinstance(part, list) else part.values() if isinstance(part, dict) else ():
            self._keep(value)
        if isinstance(part, dict):
            assert not part.get("errors"), (part, _CHANGED)
            self.ids |= {name: value for name, value in part.items() if name.endswith("Id")}


def test_every_step_of_the_page_works_on_an_empty_database(
    empty: DatabaseUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imports").symlink_to(PROJECT / "imports")
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        reader = Reader(empty, stack)
        for language, who, text in BLOCKS:
            if language == "sh":
                reader.run(text)
            elif language == "graphql":
                reader.ask(who, text)
            else:
                assert reader.answer == json.loads(text), _CHANGED
        printed = reader.printed
    assert printed["billing clinic list"] == "There is no clinic: `billing clinic create` makes one.\n"
    assert printed["billing clinic check newclinic --step first-invoice"] == "First invoice: ready\n"
    assert "laws hold: 3 invoices" in printed["billing verify"]
    [(status, billed, submitted)] = rows(
        empty, "select status, billed_amount::text, submitted_on from invoices where encounter_id is not null"
    )
    assert (status, billed) == ("pending_invoice", "144.75")
    assert submitted == date.fromisoformat(reader.ids["today"])


def test_the_page_names_every_step_of_readiness_by_the_command_that_shows_it() -> None:
    assert "billing clinic check newclinic" in PAGE
    assert {language for language, _, _ in BLOCKS} == {"sh", "graphql", "json"}
    assert {who for language, who, _ in BLOCKS if language == "graphql"} == USERS.keys()
