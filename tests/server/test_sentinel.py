"""Decides that no patient's name leaves by a side door: planted names are looked for in everything that a server says of itself."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.people import Role
from server.addresses import Address
from tests.api.records import find_records
from tests.api.steps import CASE, LINE, NEW, document
from tests.client import Client
from tests.collector import Collector, collecting
from tests.databases import PASSWORD, rows
from tests.server.test_serve import BILLING, serving

# What stands in the records, and what somebody writes into requests: an error may say a client its own word again.
PLANTED, TYPED = "Zxqvbnomen", "Wjkhtnomen"
TOKEN = "a token that opens the figures of a server"
# Every name of every patient, also where it stands as the name of who pays; and a rule that a row with such a name breaks.
PLANT = f"""do $$ begin
    set local session_replication_role = replica;
    update patients set first_name = '{PLANTED}' || first_name, last_name = '{PLANTED}' || last_name;
    update payers set name = '{PLANTED}' || name where kind = 'patient';
    update internal_notes set body = '{PLANTED}' || body;
    alter table patients add constraint nobody_new check (last_name not like '{TYPED}%') not valid;
end $$"""


@dataclass
class Asked:
    """Everything that was asked of a server by somebody who writes a patient's name wherever something can be written."""

    client: Client
    errors: list[Any] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    seen: int = 0

    def ask(self, query: str, **variables: Any) -> Any:
        """The answer, of which the errors are kept."""
        answer = self.client.post(query, **variables)
        said = answer.json()
        self.errors += [*said.get("errors", []), dict(answer.headers)]
        self.seen += json.dumps(said.get("data")).count(PLANTED)
        return said.get("data")


def as_role(asked: Asked, found: Any) -> None:
    """What anybody may try."""
    asked.ask("{ invoices(first: 50) { nodes { number patient { name } payer { name } } } }")
    asked.ask(f'query {TYPED} {{ invoices(first: 2, filter: {{search: "{PLANTED}"}}) {{ nodes {{ id }} }} }}')
    asked.ask(f"{{ {TYPED}: invoices(first: 1) {{ nodes {{ {TYPED} }} }} }}")
    for wrong in (
        f'{{ invoice(id: "{TYPED}") {{ id }} }}',
        f'{{ invoices(first: 1, after: "{TYPED}") {{ nodes {{ id }} }} }}',
        f"{{ invoices(first: 1, filter: {{status: [{TYPED}]}}) {{ nodes {{ id }} }} }}",
        f'{{ invoices(first: 1, filter: {{createdFrom: "{TYPED}"}}) {{ nodes {{ id }} }} }}',
        f'{{ aging(asOf: "{TYPED}") {{ outstanding }} }}',
        f'{{ invoices(first: "{TYPED}") {{ nodes {{ id }} }} }}',
        f"{{ viewer {{ id }} }} {TYPED}",
        f'mutation {{ signIn(input: {{email: "{TYPED}", password: "{TYPED}"}}) {{ token errors {{ code }} }} }}',
    ):
        asked.ask(wrong)
    asked.ask("query ($id: ID!) { invoice(id: $id) { id } }", id=TYPED, more=TYPED)
    asked.ask("query ($a: InvoiceFilter) { invoices(first: 1, filter: $a) { nodes { id } } }", a={TYPED: TYPED})
    asked.ask("query ($id: ID!) { invoice(id: $id) { patient { name } } }", id=found.own["Invoice"])


def as_staff(asked: Asked, found: Any) -> None:
    """What billing staff do with patients, well and badly."""
    named = {"firstName": TYPED, "lastName": TYPED}
    # The database refuses the row, and says which.
    asked.ask(document("createPatient", "patient { id }"), input={"mrn": f"{TYPED}-1", **named})
    asked.ask(
        document("updatePatient", "patient { id }"), input={"patientId": found.own["Patient"], "firstName": TYPED}
    )
    case = asked.ask(
        document("createCase", CASE), input={"patientId": found.own["Patient"], "dateOfInjury": "2026-01-05"}
    )
    identity = case["createCase"]["case"]["id"]
    draft = {"caseId": identity, "payerId": found.own["Payer"], "serviceDate": "2026-03-02", "lines": [LINE]}
    asked.ask(document("createInvoice", NEW), input=draft)
    asked.ask(document("createInvoice", NEW), input={**draft, "serviceDate": TYPED})
    asked.ask(document("addInternalNote", "invoice { id }"), input={"invoiceId": found.own["Invoice"], "body": TYPED})
    exported = asked.ask(
        document("exportInvoices", "export { id downloadUrl fileName }"),
        input={"format": "CSV", "filter": {"search": TYPED}},
    )
    if exported and exported["exportInvoices"]["export"]:
        asked.urls.append(str(exported["exportInvoices"]["export"]))
    upload = asked.ask(
        document("createUpload", "upload { uploadUrl }"),
        input={"fileName": f"{TYPED}.csv", "contentType": "text/csv", "byteSize": 3},
    )
    asked.urls.append(str(upload))


@dataclass
class Said:
    """What a server said of itself, by where it said it."""

    places: dict[str, str]
    seen: int


@pytest.fixture(scope="module")
def said(address: Address, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Said]:
    home = tmp_path_factory.mktemp("sentinel")
    found = find_records(address)
    rows(address, PLANT)
    with collecting() as collector:
        settings = {"DATABASE_URL": address.owner, "BILLING_LOG_LEVEL": "debug", "BILLING_METRICS_TOKEN": TOKEN}
        with serving(home, BILLING_OTLP_ENDPOINT=collector.url, **settings) as server:
            asked = _everybody(server.url(), found, address)
            figures = httpx.get(
                server.url().replace("/graphql", "/metrics"), headers={"authorization": f"Bearer {TOKEN}"}
            )
            _remind(address, home / "data")
            assert server.ends(signal.SIGTERM) == 0
            yield Said(_places(server.text(), figures, collector, asked, home, address), sum(one.seen for one in asked))


def _remind(address: Address, home: Path) -> None:
    settings = {"DATABASE_URL": address.owner, "BILLING_HOME": str(home)}
    subprocess.run([BILLING, "remind"], env={**os.environ, **settings}, check=True, capture_output=True)


def _everybody(url: str, found: Any, address: Address) -> list[Asked]:
    asked = []
    with Client(url) as nobody:
        for role in Role:
            with nobody.signed_in(f"{role}@demo.clinic", PASSWORD) as client:
                asked.append(Asked(client))
                as_role(asked[-1], found)
                if role is Role.BILLING:
                    as_staff(asked[-1], found)
                    rows(address, "select pg_terminate_backend(pid) from pg_stat_activity where usename like 'clinic%'")
                    as_role(asked[-1], found)
        asked.append(Asked(nobody))
        as_role(asked[-1], found)
    time.sleep(1)
    return asked


def _places(
    text: str, figures: httpx.Response, collector: Collector, asked: list[Asked], home: Path, address: Address
) -> dict[str, str]:
    letters = [path.read_text() for path in (home / "data" / "outbox").glob("*.eml")]
    jobs = rows(address, "select to_json(j) as job from jobs.pgqueuer_log j")
    return {
        "log": text,
        "figures": figures.text,
        "spans": "".join(map(str, collector.spans)),
        "errors": json.dumps([one.errors for one in asked]),
        "URLs": json.dumps([one.urls for one in asked]),
        "mail": "".join(letters),
        "jobs": "".join(str(job["job"]) for job in jobs),
    }


@pytest.mark.parametrize("place", ["log", "figures", "spans", "errors", "URLs", "mail", "jobs"])
def test_no_planted_name_is_there(said: Said, place: str) -> None:
    # They were there to be seen, and the place was written to.
    assert said.seen > 100
    assert len(said.places[place]) > 100
    told = said.places[place].lower()
    assert PLANTED.lower() not in told
    assert TYPED.lower() not in told or place == "errors"


def test_the_worst_did_happen(said: Said) -> None:
    assert "CheckViolationError" in said.places["log"]
    assert "INTERNAL_ERROR" in said.places["errors"]
