"""Metrics, log lines and spans of a running server: what an operator reads in them, and that they contain no record's data."""

import json
import logging
import platform
from dataclasses import dataclass
from importlib.metadata import version
from io import StringIO
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from observability.logs import JsonLines
from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.otel_collector import Collector, collecting

TOKEN = "a token that opens the figures of a server"
SECRET_WORD = "Zxqvbnomen"
PAGE = "query Zxqvbnomen { invoices(first: 2) { nodes { number patient { name } } } }"


@dataclass
class ObservedServer:
    """A server that has answered requests, and all its metrics, log lines and spans."""

    metrics: dict[tuple[str, frozenset[tuple[str, str]]], float]
    page: str
    spans: Collector
    log: list[dict[str, Any]]

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.get((f"billing_{name}", frozenset(labels.items())), 0.0)


@pytest.fixture(scope="module")
def observed(address: DatabaseUrls) -> ObservedServer:
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("billing")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    with collecting() as collector:
        running = ServerOptions(metrics_token=TOKEN, otlp_endpoint=collector.url)
        with serving(address, running=running) as url, Client(url) as anonymous:
            _ask(anonymous)
            page = _metrics(url, TOKEN).text
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    found = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    return ObservedServer(found, page, collector, [json.loads(line) for line in written.getvalue().splitlines()])


def _ask(anonymous: Client) -> None:
    with anonymous.signed_in("billing@demo.example") as billing:
        billing.http.headers["traceparent"] = f"00-{'7' * 32}-{'5' * 16}-01"
        assert billing.post(PAGE).status_code == 200
        billing.post(
            f'{{ invoices(first: 2, filter: {{search: "{SECRET_WORD}"}}) {{ nodes {{ id }} }} cases(first: 1) {{ totalCount }} }}'
        )
        billing.post(f"{{ {SECRET_WORD} }}")
        billing.post('{ invoice(id: "nonsense") { id } }')


def _metrics(url: str, token: str | None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.get(url.replace("/graphql", "/metrics"), headers=headers)


def test_operations_are_counted_by_field_and_role_and_timed(observed: ObservedServer) -> None:
    labels = {"operation": "invoices", "role": "BILLING"}
    assert observed.metric("operation_seconds_count", **labels) == 1
    assert 0 < observed.metric("operation_seconds_sum", **labels) < 15
    assert observed.metric("operation_seconds_bucket", **labels, le="15.0") == 1
    assert observed.metric("operation_seconds_count", operation="several", role="BILLING") == 1
    assert observed.metric("operation_seconds_count", operation="signIn", role="NOBODY") == 1


def test_errors_are_counted_by_code_and_responses_by_status(observed: ObservedServer) -> None:
    assert observed.metric("errors_total", code="GRAPHQL_VALIDATION_FAILED", role="BILLING") >= 1
    assert observed.metric("responses_total", status="400") >= 1
    assert observed.metric("responses_total", status="200") >= 3


def test_the_load_of_a_process_and_its_queues_are_shown(observed: ObservedServer, address: DatabaseUrls) -> None:
    assert observed.metric("connections", pool="BILLING", state="size") == 8
    assert observed.metric("connections", pool="WORKER", state="used") == 0
    assert observed.metric("seats_taken", kind="answering") == 0
    assert ("billing_audit_events_waiting", frozenset()) in observed.metrics
    (built,) = rows(address, "select sum(row_count) as rows from exports where kind = 'invoices'")
    assert observed.metric("export_rows", kind="invoices") == built["rows"]


def test_metrics_are_shown_only_with_the_token(address: DatabaseUrls, server_url: str) -> None:
    assert _metrics(server_url, None).status_code == 404
    assert _metrics(server_url, "").status_code == 404
    with serving(address, running=ServerOptions(metrics_token=TOKEN)) as url:
        assert [_metrics(url, token).status_code for token in (None, "", TOKEN[:-1], TOKEN)] == [401, 401, 401, 200]


def test_the_span_of_an_operation_is_below_the_client_s_and_has_its_statements_below_it(
    observed: ObservedServer,
) -> None:
    [operation] = observed.spans.named("invoices")
    assert (operation.trace_id.hex(), operation.parent_span_id.hex()) == ("7" * 32, "5" * 16)
    attributes = {one.key: one.value.string_value for one in operation.attributes}
    assert (attributes["graphql.operation"], attributes["user.role"]) == ("invoices", "BILLING")
    below = [span for span in observed.spans.spans if span.parent_span_id == operation.span_id]
    assert [span.name for span in below] == ["begin", "select", "commit"]
    assert all(operation.start_time_unix_nano <= span.start_time_unix_nano for span in below)
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in below)


def test_every_log_line_is_json_and_names_its_request(observed: ObservedServer) -> None:
    lines = [line for line in observed.log if line["logger"] == "billing.operations"]
    assert any(line["message"].startswith("invoices as BILLING took ") for line in lines)
    assert all(len(line["request"]) == 32 and line["time"] for line in lines)


def test_metrics_log_and_spans_contain_nothing_that_a_client_wrote_or_read(
    observed: ObservedServer, address: DatabaseUrls
) -> None:
    written = observed.page + json.dumps(observed.log) + "".join(map(str, observed.spans.spans))
    assert observed.spans.spans
    assert SECRET_WORD not in written
    for patient in rows(address, "select first_name, last_name from patients"):
        assert patient["last_name"] not in written
    # Ids are in the text of the statement that sets a transaction's context: they are values, too.
    for user in rows(address, "select id from users"):
        assert str(user["id"]) not in written


class _RowError(Exception):
    """An error of a library that quotes a row."""


def _fail() -> None:
    raise _RowError(f"Key (last_name)=({SECRET_WORD}) exists")


def test_the_log_omits_the_messages_of_libraries_and_shows_only_the_place_of_an_exception() -> None:
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    library = logging.getLogger("another.library")
    library.addHandler(handler)
    try:
        _fail()
    except _RowError as row:
        library.exception("a row: %s", row, extra={"row": SECRET_WORD}, stack_info=True)
    finally:
        library.removeHandler(handler)
    line = json.loads(written.getvalue())
    assert line["message"].startswith("logged in test_observability, line ")
    assert line["failure"].startswith("_RowError at test_observability.py:")
    assert SECRET_WORD not in written.getvalue()


def test_the_metrics_have_the_families_of_the_process_and_of_the_build(observed: ObservedServer) -> None:
    families = {family.name for family in text_string_to_metric_families(observed.page)}
    assert families >= {
        "process_cpu_seconds",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    }
    assert "python_gc_collections" in families
    (labels,) = (dict(labels) for name, labels in observed.metrics if name == "billing_build_info")
    assert labels == {"version": version("clinic-billing"), "python": platform.python_version()}
