"""No patient's name and no number of a policy leaks: planted texts are searched in logs, metrics, traces, errors, URLs, e-mails and job records."""

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

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.server.test_serve import BILLING, serving
from tests.support.api.mutations import CASE, LINE, NEW, document
from tests.support.api.records import find_records
from tests.support.client import Client
from tests.support.databases import PASSWORD, rows
from tests.support.otel_collector import Collector, collecting

# A name in the records, and a name that clients send in requests; an error may repeat the latter to the client that sent it.
PLANTED, SENT = "Zxqvbnomen", "Wjkhtnomen"
TOKEN = "a token that opens the figures of a server"
# Changes the names of all patients, also as payers, and adds a constraint that a row with such a name violates.
PLANT_NAMES = f"""do $$ begin
    set local session_replication_role = replica;
    update patients set first_name = '{PLANTED}' || first_name, last_name = '{PLANTED}' || last_name;
    update payers set name = '{PLANTED}' || name where kind = 'patient';
    update internal_notes set body = '{PLANTED}' || body;
    update coverages set policy_number = '{PLANTED}', claim_number = '{PLANTED}', insured_name = '{PLANTED}';
    alter table patients add constraint no_sent_name check (last_name not like '{SENT}%') not valid;
end $$"""


# The databases of other tests are on the same server.
END_CONNECTIONS = """select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename like 'clinic%'"""


@dataclass
class RecordingClient:
    """A client that sends a patient's name in every input of its requests, and records the errors and URLs of the answers."""

    client: Client
    errors: list[Any] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    seen: int = 0

    def ask(self, query: str, **variables: Any) -> Any:
        """Send a request, record its errors and return its data."""
        answer = self.client.post(query, **variables)
        body = answer.json()
        self.errors += [*body.get("errors", []), dict(answer.headers)]
        self.seen += json.dumps(body.get("data")).count(PLANTED)
        return body.get("data")


def as_role(client: RecordingClient, found: Any) -> None:
    """Send the requests that any role can try."""
    client.ask("{ invoices(first: 50) { nodes { number patient { name } payer { name } } } }")
    client.ask(f'query {SENT} {{ invoices(first: 2, filter: {{search: "{PLANTED}"}}) {{ nodes {{ id }} }} }}')
    client.ask(f"{{ {SENT}: invoices(first: 1) {{ nodes {{ {SENT} }} }} }}")
    for wrong in (
        f'{{ invoice(id: "{SENT}") {{ id }} }}',
        f'{{ invoices(first: 1, after: "{SENT}") {{ nodes {{ id }} }} }}',
        f"{{ invoices(first: 1, filter: {{status: [{SENT}]}}) {{ nodes {{ id }} }} }}",
        f'{{ invoices(first: 1, filter: {{createdFrom: "{SENT}"}}) {{ nodes {{ id }} }} }}',
        f'{{ aging(asOf: "{SENT}") {{ outstanding }} }}',
        f'{{ invoices(first: "{SENT}") {{ nodes {{ id }} }} }}',
        f"{{ viewer {{ id }} }} {SENT}",
        f'mutation {{ signIn(input: {{email: "{SENT}", password: "{SENT}"}}) {{ token errors {{ code }} }} }}',
    ):
        client.ask(wrong)
    client.ask("query ($id: ID!) { invoice(id: $id) { id } }", id=SENT, more=SENT)
    client.ask("query ($a: InvoiceFilter) { invoices(first: 1, filter: $a) { nodes { id } } }", a={SENT: SENT})
    client.ask("query ($id: ID!) { invoice(id: $id) { patient { name } } }", id=found.own["Invoice"])


def as_staff(client: RecordingClient, found: Any) -> None:
    """Send valid and invalid mutations of billing staff about patients."""
    named = {"firstName": SENT, "lastName": SENT}
    # The database refuses the row with an error that quotes it.
    client.ask(document("createPatient", "patient { id }"), input={"mrn": f"{SENT}-1", **named})
    client.ask(
        document("updatePatient", "patient { id }"), input={"patientId": found.own["Patient"], "firstName": SENT}
    )
    case = client.ask(
        document("createCase", CASE), input={"patientId": found.own["Patient"], "dateOfInjury": "2026-01-05"}
    )
    identity = case["createCase"]["case"]["id"]
    draft = {"caseId": identity, "payerId": found.own["Payer"], "serviceDate": "2026-03-02", "lines": [LINE]}
    client.ask(document("createInvoice", NEW), input=draft)
    client.ask(document("createInvoice", NEW), input={**draft, "serviceDate": SENT})
    client.ask("{ cases(first: 50) { nodes { coverages { policyNumber claimNumber insuredName } } } }")
    numbers = {"policyNumber": SENT, "claimNumber": f"{SENT}\n", "insuredName": SENT}
    coverage = {"caseId": identity, "payerId": found.own["Payer"], "kind": "LIABILITY", **numbers}
    client.ask(document("addCoverage", "coverage { id policyNumber }"), input=coverage)
    client.ask(document("addCoverage", "coverage { id policyNumber }"), input={**coverage, "claimNumber": SENT})
    client.ask(document("addInternalNote", "invoice { id }"), input={"invoiceId": found.own["Invoice"], "body": SENT})
    exported = client.ask(
        document("exportInvoices", "export { id downloadUrl fileName }"),
        input={"format": "CSV", "filter": {"search": SENT}},
    )
    if exported and exported["exportInvoices"]["export"]:
        client.urls.append(str(exported["exportInvoices"]["export"]))
    upload = client.ask(
        document("createUpload", "upload { uploadUrl }"),
        input={"fileName": f"{SENT}.csv", "contentType": "text/csv", "byteSize": 3},
    )
    client.urls.append(str(upload))


@dataclass
class ServerOutput:
    """The output of a server by channel."""

    channels: dict[str, str]
    seen: int


@pytest.fixture(scope="module")
def output(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerOutput]:
    home = tmp_path_factory.mktemp("sentinel")
    found = find_records(address)
    rows(address, PLANT_NAMES)
    with collecting() as collector:
        settings = {"DATABASE_URL": address.owner, "BILLING_LOG_LEVEL": "debug", "BILLING_METRICS_TOKEN": TOKEN}
        with serving(home, BILLING_OTLP_ENDPOINT=collector.url, **settings) as server:
            clients = _send_requests_of_all_roles(server.url(), found, address)
            figures = httpx.get(
                server.url().replace("/graphql", "/metrics"), headers={"authorization": f"Bearer {TOKEN}"}
            )
            _remind(address, home / "data")
            assert server.ends(signal.SIGTERM) == 0
            yield ServerOutput(
                _channels(server.text(), figures, collector, clients, home, address),
                sum(client.seen for client in clients),
            )


def _remind(address: DatabaseUrls, home: Path) -> None:
    settings = {"DATABASE_URL": address.owner, "BILLING_HOME": str(home)}
    subprocess.run([BILLING, "remind"], env={**os.environ, **settings}, check=True, capture_output=True)


def _send_requests_of_all_roles(url: str, found: Any, address: DatabaseUrls) -> list[RecordingClient]:
    clients = []
    with Client(url) as anonymous:
        for role in Role:
            with anonymous.signed_in(f"{role}@demo.example", PASSWORD) as client:
                clients.append(RecordingClient(client))
                as_role(clients[-1], found)
                if role is Role.BILLING:
                    as_staff(clients[-1], found)
                    rows(address, END_CONNECTIONS)
                    as_role(clients[-1], found)
        clients.append(RecordingClient(anonymous))
        as_role(clients[-1], found)
    time.sleep(1)
    return clients


def _channels(
    text: str,
    figures: httpx.Response,
    collector: Collector,
    clients: list[RecordingClient],
    home: Path,
    address: DatabaseUrls,
) -> dict[str, str]:
    mails = [path.read_text() for path in (home / "data" / "outbox").glob("*.eml")]
    jobs = rows(address, "select to_json(j) as job from jobs.pgqueuer_log j")
    return {
        "log": text,
        "figures": figures.text,
        "spans": "".join(map(str, collector.spans)),
        "errors": json.dumps([client.errors for client in clients]),
        "URLs": json.dumps([client.urls for client in clients]),
        "mail": "".join(mails),
        "jobs": "".join(str(job["job"]) for job in jobs),
    }


@pytest.mark.parametrize("channel", ["log", "figures", "spans", "errors", "URLs", "mail", "jobs"])
def test_no_planted_name_is_in_the_output(output: ServerOutput, channel: str) -> None:
    # The planted names were in the answers, and the channel has output.
    assert output.seen > 100
    assert len(output.channels[channel]) > 100
    text = output.channels[channel].lower()
    assert PLANTED.lower() not in text
    assert SENT.lower() not in text or channel == "errors"


def test_the_output_contains_the_expected_errors(output: ServerOutput) -> None:
    assert "CheckViolationError" in output.channels["log"]
    assert "INTERNAL_ERROR" in output.channels["errors"]
