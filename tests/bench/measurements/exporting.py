"""Measures exports of a million invoices: their time against a bare COPY, their memory, and the throughput of other reads meanwhile."""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import uvloop

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.bench.cases import CASES
from tests.bench.comparisons import OURS, Serve, tokens_of
from tests.bench.load import Order
from tests.bench.measurements.million import INVOICES
from tests.bench.rounds import LoadClient, Pace
from tests.bench.servers.processor import peak_mebibytes
from tests.bench.servers.start import Server, started, together

CSV_AT_MOST, XLSX_AT_LEAST, MEMORY_AT_MOST, READS_AT_LEAST = 1.5, 100_000, 150, 0.7
_ROLE = Role.BILLING
_ASK = """mutation ($form: ExportFormat!) { exportInvoices(input: {format: $form}) { export { id status } errors { message } } }"""
_LOOK = "query ($id: ID!) { export(id: $id) { status failure } }"
# The columns of the file as plain SQL, without protection against spreadsheet formulas.
_BARE = """select i.number as invoice_number, c.number, p.first_name || ' ' || p.last_name, i.billed_amount, i.status, y.name, h.name,
        f.name, i.created_on, i.service_date, i.submitted_on, i.agreed_amount, i.received_amount, i.written_off_amount, i.balance,
        i.version, i.paid_on
    from invoices i join cases c using (clinic_id) join patients p using (clinic_id) join payers y using (clinic_id)
        left join physicians h on h.clinic_id = i.clinic_id and h.id = i.physician_id
        left join facilities f on f.clinic_id = i.clinic_id and f.id = i.facility_id
    where i.clinic_id = $1 and c.id = i.case_id and p.id = i.patient_id and y.id = i.payer_id"""
_IN_ORDER = f"{_BARE} order by 1"
_CONNECTIONS = 4
# As docs/operations.md advises for a worker beside a busy server.
NICE = 10


@contextmanager
def _worker(environment: dict[str, str], nice: int) -> Iterator[Server]:
    """A worker as an operator of a busy server starts it; it has no port."""
    command = ["nice", "-n", str(nice), str(Path(sys.executable).with_name("billing")), "worker"]
    with subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield Server("worker", 0, process.pid)
        finally:
            process.terminate()


class _ExportClient:
    """A client that requests exports and waits for them."""

    def __init__(self, server: Server, token: str) -> None:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60)

    def seconds(self, form: str) -> float:
        """The seconds from the request of an export until it can be downloaded."""
        began = time.perf_counter()
        export = self._ask(_ASK, form=form)["exportInvoices"]["export"]
        while export["status"] in ("QUEUED", "RUNNING"):
            time.sleep(0.02)
            export |= self._ask(_LOOK, id=export["id"])["export"]
        assert export["status"] == "READY", export
        return time.perf_counter() - began

    def _ask(self, query: str, **variables: str) -> Any:
        answer = self._client.post("/graphql", content=orjson.dumps({"query": query, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]


def _copied(address: DatabaseUrls, query: str) -> float:
    """The seconds of a bare COPY whose bytes are dropped."""

    async def copy() -> float:
        connection = await asyncpg.connect(address.owner, server_settings={"jit": "off", "work_mem": "64MB"})

        async def drop(chunk: bytes) -> None:
            pass

        try:
            clinic = await connection.fetchval("select clinic_id from clinics where short_name = 'demo'")
            began = time.perf_counter()
            await connection.copy_from_query(query, clinic, output=drop, format="csv", header=True)
            return time.perf_counter() - began
        finally:
            await connection.close()

    return uvloop.run(copy())


def _reads(client: LoadClient, server: Server, token: str, seconds: float) -> float:
    """Pages of 50 per second."""
    body = orjson.dumps({"query": CASES["a"].query}).decode()
    return client.put(Order(server.port, "/graphql", token, [body], _CONNECTIONS, seconds)).per_second


def _reads_during_exports(
    client: LoadClient, server: Server, token: str, export_client: _ExportClient, form: str, seconds: float
) -> float:
    """The same, while exports are built one after another."""
    stop = threading.Event()

    def export_repeatedly() -> None:
        while not stop.is_set():
            export_client.seconds(form)

    working = threading.Thread(target=export_repeatedly)
    working.start()
    time.sleep(0.5)
    try:
        return _reads(client, server, token, seconds)
    finally:
        stop.set()
        working.join()


@contextmanager
def without_worker(address: DatabaseUrls, name: str = OURS) -> Iterator[Server]:
    """Our server without a worker of its own, so that a separate worker runs all jobs."""
    settings = {"DATABASE_URL": address.owner, "BILLING_PORT": "0", "MALLOC_ARENA_MAX": "1"}
    with tempfile.TemporaryDirectory() as home:
        command: list[str | Path] = [Path(sys.executable).with_name("billing"), "serve", "--no-worker"]
        with started(name, command, {**settings, "BILLING_HOME": home}) as server:
            yield server


def run_exporting(
    client: LoadClient,
    address: DatabaseUrls,
    pace: Pace,
    invoices: int = INVOICES,
    serve: Serve = without_worker,
    nice: int = NICE,
) -> str:
    """A table of the exports and their comparisons: medians of the rounds, in which all take turns."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"DATABASE_URL": address.owner, "BILLING_HOME": home, "MALLOC_ARENA_MAX": "1"}
        with together(serve(address), _worker(environment, nice)) as (server, worker):
            token = tokens_of(server)[_ROLE]
            export_client = _ExportClient(server, token)
            found: dict[str, list[float]] = {name: [] for name in _NAMES}
            for turn in range(pace.rounds + 1):
                took = [
                    _copied(address, _BARE),
                    _copied(address, _IN_ORDER),
                    export_client.seconds("CSV"),
                    peak_mebibytes(worker.process),
                    export_client.seconds("XLSX"),
                    peak_mebibytes(worker.process),
                    _reads(client, server, token, pace.seconds),
                    _reads_during_exports(client, server, token, export_client, "CSV", pace.seconds),
                    _reads_during_exports(client, server, token, export_client, "XLSX", pace.seconds),
                ]
                # The first round is a warm-up.
                for name, value in zip(_NAMES, took, strict=True) if turn else ():
                    found[name].append(value)
                _drop_files(address)
    return _table({name: statistics.median(values) for name, values in found.items()}, invoices)


_NAMES = (
    "a bare COPY in no order",
    "a bare COPY in the order of the file",
    "CSV",
    "worker after CSV",
    "XLSX",
    "worker after XLSX",
    "reads alone",
    "reads beside CSV",
    "reads beside XLSX",
)


def _drop_files(address: DatabaseUrls) -> None:
    async def drop() -> None:
        connection = await asyncpg.connect(address.owner)
        await connection.execute("delete from exports")
        await connection.close()

    asyncio.run(drop())


def _table(p50: dict[str, float], invoices: int) -> str:
    csv, xlsx = p50["CSV"], p50["XLSX"]
    plain, ordered = p50["a bare COPY in no order"], p50["a bare COPY in the order of the file"]
    alone = p50["reads alone"]

    def verdict_of(is_reached: bool, words: str) -> str:
        return f"{words}: reached" if is_reached else f"**{words}: falls short**"

    rows = {
        "a bare COPY, in no order": (f"{plain:.2f} s", ""),
        "a bare COPY, in the order of the file": (f"{ordered:.2f} s", ""),
        "CSV, from the request until it can be downloaded": (
            f"{csv:.2f} s",
            verdict_of(
                csv <= CSV_AT_MOST * ordered,
                f"{csv / ordered:.2f} times the COPY in the same order, at most {CSV_AT_MOST}",
            )
            + f"; {csv / plain:.2f} times the one in none",
        ),
        "XLSX": (
            f"{xlsx:.2f} s",
            verdict_of(
                invoices / xlsx >= XLSX_AT_LEAST, f"{invoices / xlsx:,.0f} rows per second, at least {XLSX_AT_LEAST:,}"
            ),
        ),
        "peak memory of the worker, CSV alone": (
            f"{p50['worker after CSV']:.0f} MiB",
            verdict_of(p50["worker after CSV"] <= MEMORY_AT_MOST, f"at most {MEMORY_AT_MOST}"),
        ),
        "peak memory of the worker": (
            f"{p50['worker after XLSX']:.0f} MiB",
            verdict_of(p50["worker after XLSX"] <= MEMORY_AT_MOST, f"at most {MEMORY_AT_MOST}"),
        ),
        f"pages of 50, {_CONNECTIONS} clients, alone": (f"{alone:,.0f} per second", ""),
    }
    for form in ("CSV", "XLSX"):
        beside = p50[f"reads beside {form}"]
        share = verdict_of(beside >= READS_AT_LEAST * alone, f"{beside / alone:.0%}, at least {READS_AT_LEAST:.0%}")
        rows[f"the same while {form} files are built"] = (f"{beside:,.0f} per second", share)
    lines = [f"{invoices:,} invoices in one file.\n", "| what | p50 | |", "|---|--:|---|"]
    return "\n".join([*lines, *(f"| {name} | {shown} | {verdict} |" for name, (shown, verdict) in rows.items())])
