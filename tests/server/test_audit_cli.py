"""The command `billing audit` says whether the chains hold, and who saw a patient's records; a killed server has lost a second of reads at most."""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from db.identity import make_id
from exports.disclosures import inert
from server.addresses import Address
from tests.client import Client, serving
from tests.databases import rows
from tests.db.test_audit_chain import run
from tests.processes import billing

_PATIENCE_SECONDS = 120


def command(address: Address, *words: str) -> subprocess.CompletedProcess[str]:
    """What a command of `billing audit` says."""
    environment = {**os.environ, "DATABASE_URL": address.owner}
    run_it = [sys.executable, "-c", "from server.cli import main; main()", "audit", *words]
    return subprocess.run(
        run_it,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def read_something(address: Address) -> str:
    """Have billing staff look at an invoice's negotiation; the id of its patient."""
    [[invoice, patient]] = rows(address, "select id, patient_id from invoices order by id limit 1")
    with serving(address) as url, Client(url) as nobody:
        client = nobody.signed_in("billing@demo.clinic")
        query = "query ($id: ID!) { invoice(id: $id) { negotiation { offers { amount } } } }"
        client.read(query, id=make_id("Invoice", invoice))
    return make_id("Patient", patient)


def wait_until_chained(address: Address) -> None:
    # A worker on a busy machine may need a while before it begins at all.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while rows(address, "select 1 from audit_pending limit 1"):
        assert time.monotonic() < deadline, "nothing is chained"
        time.sleep(0.2)


def test_a_worker_chains_within_seconds_and_the_commands_tell(own_address: Address, tmp_path: Path) -> None:
    patient = read_something(own_address)
    with billing(own_address, "worker"):
        wait_until_chained(own_address)
    found = command(own_address, "verify")
    assert (found.returncode, found.stderr) == (0, "")
    head = found.stdout.split()[-1]
    assert command(own_address, "verify", "--clinic", "demo", "--head", head).returncode == 0
    out = tmp_path / "report.csv"
    assert command(own_address, "disclosures", patient, "--out", str(out)).returncode == 0
    [line] = list(csv.DictReader(out.open(encoding="utf-8", newline="")))
    assert (line["role"], line["operation"], line["records"]) == ("billing", "invoice", "1")
    assert line["who"].endswith("<billing@demo.clinic>")
    assert line["fields"] == "Invoice.negotiation Negotiation.offers ReductionOffer.amount"
    tamper = "alter table audit_events disable trigger user; update audit_events set operation = 'cases' where operation = 'invoice'"
    run(own_address, lambda connection: connection.execute(tamper))
    broken = command(own_address, "verify")
    assert broken.returncode == 1
    assert "changed: event, order or hash" in broken.stdout


@pytest.mark.parametrize("words", [("verify", "--clinic", "nowhere"), ("disclosures", "nobody", "--out", "x.csv")])
def test_what_names_nothing_is_refused_in_a_sentence(own_address: Address, words: tuple[str, ...]) -> None:
    found = command(own_address, *words)
    assert found.returncode == 1
    assert found.stderr.startswith("Error: ")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_spreadsheet_takes_a_line_of_the_report_for_a_formula(text: str) -> None:
    assert inert(text) == f"'{text}"
    assert inert("O'Brien") == "O'Brien"


def test_a_killed_server_has_lost_a_second_of_reads_at_most_and_no_write(own_address: Address, tmp_path: Path) -> None:
    with billing(own_address, "serve", at_home=str(tmp_path)) as process, Client(process.url) as nobody:
        client = nobody.signed_in("billing@demo.clinic")
        early = [client.post("{ cases(first: 1) { nodes { id } } }").headers["x-request-id"] for _ in range(5)]
        time.sleep(1.5)
        [[invoice]] = rows(own_address, "select id from invoices order by id limit 1")
        note = "mutation ($i: AddInternalNoteInput!) { addInternalNote(input: $i) { errors { message } } }"
        said = {"invoiceId": make_id("Invoice", invoice), "body": "x"}
        written = client.post(note, i=said).headers["x-request-id"]
        process.popen.kill()
    kept = {row[0] for row in rows(own_address, "select request_id from audit_events")}
    assert {*early, written} <= kept
