"""The command `billing audit` verifies the chains and lists who saw the records of a patient; a killed server loses at most one second of reads."""

import csv
import io
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.global_ids import make_id
from exports.disclosures import Disclosure, write_disclosures
from server.database_urls import DatabaseUrls
from tests.db.audit.test_audit_chain import run
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.processes import billing

_TIMEOUT_SECONDS = 120


def command(address: DatabaseUrls, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `billing audit` and return its result."""
    environment = {**os.environ, "DATABASE_URL": address.owner}
    run_it = [sys.executable, "-c", "from server.cli import main; main()", "audit", *arguments]
    return subprocess.run(
        run_it,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def read_negotiation(address: DatabaseUrls) -> str:
    """Read the negotiation of an invoice as billing staff, and return the id of the patient."""
    [[invoice, patient]] = rows(address, "select id, patient_id from invoices order by id limit 1")
    with serving(address) as url, Client(url) as anonymous:
        client = anonymous.signed_in("billing@demo.example")
        query = "query ($id: ID!) { invoice(id: $id) { negotiation { offers { amount } } } }"
        client.read(query, id=make_id("Invoice", invoice))
    return make_id("Patient", patient)


def wait_until_chained(address: DatabaseUrls) -> None:
    # A worker on a busy host may need a while to start.
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while rows(address, "select 1 from audit_pending limit 1"):
        assert time.monotonic() < deadline, "no event was chained in time"
        time.sleep(0.2)


def test_a_worker_chains_events_within_seconds_and_the_commands_report_them(
    own_address: DatabaseUrls, tmp_path: Path
) -> None:
    patient = read_negotiation(own_address)
    with billing(own_address, "worker"):
        wait_until_chained(own_address)
    found = command(own_address, "verify")
    assert (found.returncode, found.stderr) == (0, "")
    head = found.stdout.split()[-1]
    assert command(own_address, "verify", "--clinic", "demo", "--head", head).returncode == 0
    out = tmp_path / "report.csv"
    assert command(own_address, "disclosures", patient, "--out", str(out)).returncode == 0
    [line] = list(csv.DictReader(out.open(encoding="utf-8-sig", newline="")))
    assert (line["role"], line["operation"], line["records"]) == ("billing", "invoice", "1")
    assert line["who"].endswith("<billing@demo.example>")
    assert line["fields"] == "Invoice.negotiation Negotiation.offers ReductionOffer.amount"
    tamper = "alter table audit_events disable trigger user; update audit_events set operation = 'cases' where operation = 'invoice'"
    run(own_address, lambda connection: connection.execute(tamper))
    broken = command(own_address, "verify")
    assert broken.returncode == 1
    assert "changed: event, order or hash" in broken.stdout


@pytest.mark.parametrize("arguments", [("verify", "--clinic", "nowhere"), ("disclosures", "nobody", "--out", "x.csv")])
def test_an_unknown_clinic_or_patient_is_refused_with_a_message(
    own_address: DatabaseUrls, arguments: tuple[str, ...]
) -> None:
    found = command(own_address, *arguments)
    assert found.returncode == 1
    assert found.stderr.startswith("Error: ")


def test_no_cell_of_the_report_is_a_formula_for_a_spreadsheet() -> None:
    moment = datetime(2026, 6, 30, tzinfo=UTC)
    report = io.StringIO(newline="")
    write_disclosures([Disclosure(moment, "=1+1", " \u200b@x", "-1", 1, ("O'Brien",), "'=1")], report)
    _, [_, *found] = csv.reader(io.StringIO(report.getvalue(), newline=""))
    assert found == ["'=1+1", "' \u200b@x", "'-1", "1", "O'Brien", "''=1"]


def test_a_killed_server_loses_at_most_one_second_of_reads_and_no_write(
    own_address: DatabaseUrls, tmp_path: Path
) -> None:
    with billing(own_address, "serve", at_home=str(tmp_path)) as process, Client(process.url) as anonymous:
        client = anonymous.signed_in("billing@demo.example")
        early = [client.post("{ cases(first: 1) { nodes { id } } }").headers["x-request-id"] for _ in range(5)]
        time.sleep(1.5)
        [[invoice]] = rows(own_address, "select id from invoices order by id limit 1")
        note = "mutation ($i: AddInternalNoteInput!) { addInternalNote(input: $i) { errors { message } } }"
        variables = {"invoiceId": make_id("Invoice", invoice), "body": "x"}
        written = client.post(note, i=variables).headers["x-request-id"]
        process.popen.kill()
    kept = {row[0] for row in rows(own_address, "select request_id from audit_events")}
    assert {*early, written} <= kept
