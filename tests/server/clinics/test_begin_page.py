"""Every step of docs/begin.md runs on an empty database, in its order, with the answers that the page shows."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from pypdf import PdfReader

from db.pools import Database
from jobs.message_delivery import send_messages
from resolvers.commands.issued.files import Press, draw_file
from resolvers.commands.issuing.issue import DRAWER
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.settings import read_settings
from server.stores import open_files
from storage.mail import SmtpServer
from tests.house.source import PROJECT
from tests.mail.smtp_server import recording_smtp_server
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

    def __init__(self, address: DatabaseUrls, stack: ExitStack, home: Path) -> None:
        self.address, self._stack = address, stack
        self.files = open_files(read_settings({"BILLING_HOME": str(home), "BILLING_SECRET_KEY": "k" * 40}))
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
                self._url = self._stack.enter_context(serving(self.address, files=self.files, passwords=None))
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
            self.ids |= {name: value for name, value in part.items() if name.endswith(("Id", "Url"))}

    async def work(self, mail: SmtpServer) -> None:
        """What a worker does: draw the files of documents, and send messages, at noon of a working day."""
        async with Database(self.address.login) as database:
            for document in await database.clinics():
                clinic_id = document[0]
                for one in rows(self.address, "select id from issued_documents where file_status = 'queued'"):
                    await draw_file(Press(database, self.files.store, DRAWER), clinic_id, one["id"])
            later = datetime.now(UTC).replace(hour=17) + timedelta(days=(7 - datetime.now(UTC).weekday()) % 7 + 8)
            await send_messages(database, lambda: later, mail, self.files)

    def read_pdf(self, url: str) -> str:
        """The text of a document, by its address."""
        body = httpx.get(self.ids[url]).raise_for_status().content
        return "\n".join(page.extract_text() for page in PdfReader(BytesIO(body)).pages)


def test_every_step_of_the_page_works_on_an_empty_database(
    empty: DatabaseUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imports").symlink_to(PROJECT / "imports")
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        reader, mailbox = Reader(empty, stack, tmp_path / ".billing"), stack.enter_context(recording_smtp_server())
        for language, who, text in BLOCKS:
            if language == "sh":
                reader.run(text)
            elif language == "graphql":
                reader.ask(who, text)
            else:
                assert reader.answer == json.loads(text), _CHANGED
        printed = reader.printed
        payoff, release = reader.read_pdf("payoffUrl"), reader.read_pdf("releaseUrl")
        asyncio.run(reader.work(mailbox.server))
    assert "$1,594.75" in payoff
    assert "New Injury Clinic, PLLC" in release
    [((recipient,), message)] = mailbox.taken
    [attached] = message.iter_attachments()
    invoice = "\n".join(page.extract_text() for page in PdfReader(BytesIO(attached.get_content())).pages)
    assert (recipient, message["Reply-To"]) == ("claims@example.com", "replies@new.example")
    assert all(
        words in invoice
        for words in ("New Injury Clinic, PLLC", "TIN 12-3456789", "Payments to", "Chicago, IL 60601", "$144.75")
    )
    assert printed["billing clinic list"] == "There is no clinic: `billing clinic create` makes one.\n"
    assert printed["billing clinic check newclinic --step first-invoice"] == "First invoice: ready\n"
    preview = printed["billing import preview invoices imports/templates/invoices.csv --clinic newclinic"]
    assert "not read, because it follows from the other columns: aging_bucket\n" in preview
    assert "aging_bucket ?" not in preview
    assert "1 messages about 1 of 2 open invoices" in printed["billing reminders dry-run newclinic"]
    assert "laws hold: 3 invoices" in printed["billing verify"]
    [(status, billed, submitted)] = rows(
        empty, "select status, billed_amount::text, submitted_on from invoices where encounter_id is not null"
    )
    assert (status, billed) == ("cheque_received", "144.75")
    assert submitted == date.fromisoformat(reader.ids["today"])


def test_the_page_names_every_step_of_readiness_by_the_command_that_shows_it() -> None:
    assert "billing clinic check newclinic" in PAGE
    assert {language for language, _, _ in BLOCKS} == {"sh", "graphql", "json"}
    assert {who for language, who, _ in BLOCKS if language == "graphql"} == USERS.keys()
