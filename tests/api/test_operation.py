"""Decides what an operator learns of a server while it runs: figures, lines of the log and spans, with not a word of anybody's records."""

import json
import logging
from dataclasses import dataclass
from io import StringIO
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.addresses import Address
from server.app import Running
from server.logs import JsonLines
from tests.client import Client, serving
from tests.collector import Collector, collecting
from tests.databases import rows

TOKEN = "a token that opens the figures of a server"
SECRET_WORD = "Zxqvbnomen"
PAGE = "query Zxqvbnomen { invoices(first: 2) { nodes { number patient { name } } } }"


@dataclass
class Watched:
    """A server that was asked things, and everything that it told its operator meanwhile."""

    figures: dict[tuple[str, frozenset[tuple[str, str]]], float]
    page: str
    spans: Collector
    log: list[dict[str, Any]]

    def figure(self, name: str, **labels: str) -> float:
        return self.figures.get((f"billing_{name}", frozenset(labels.items())), 0.0)


@pytest.fixture(scope="module")
def watched(address: Address) -> Watched:
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("billing")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    with collecting() as collector:
        running = Running(metrics_token=TOKEN, otlp_endpoint=collector.url)
        with serving(address, running=running) as url, Client(url) as nobody:
            _ask(nobody)
            page = _metrics(url, TOKEN).text
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    found = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    return Watched(found, page, collector, [json.loads(line) for line in written.getvalue().splitlines()])


def _ask(nobody: Client) -> None:
    with nobody.signed_in("billing@demo.clinic") as billing:
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


def test_operations_are_counted_by_field_and_role_and_timed(watched: Watched) -> None:
    asked = {"operation": "invoices", "role": "BILLING"}
    assert watched.figure("operation_seconds_count", **asked) == 1
    assert 0 < watched.figure("operation_seconds_sum", **asked) < 15
    assert watched.figure("operation_seconds_bucket", **asked, le="15.0") == 1
    assert watched.figure("operation_seconds_count", operation="several", role="BILLING") == 1
    assert watched.figure("operation_seconds_count", operation="signIn", role="NOBODY") == 1


def test_errors_are_counted_by_code_and_responses_by_status(watched: Watched) -> None:
    assert watched.figure("errors_total", code="INVALID", role="BILLING") >= 1
    assert watched.figure("responses_total", status="400") >= 1
    assert watched.figure("responses_total", status="200") >= 3


def test_how_full_a_process_is_and_what_waits_is_shown(watched: Watched, address: Address) -> None:
    assert watched.figure("connections", pool="BILLING", state="size") == 8
    assert watched.figure("connections", pool="WORKER", state="used") == 0
    assert watched.figure("seats_taken", kind="answering") == 0
    assert ("billing_audit_events_waiting", frozenset()) in watched.figures
    (built,) = rows(address, "select sum(row_count) as rows from exports where kind = 'invoices'")
    assert watched.figure("export_rows", kind="invoices") == built["rows"]


def test_figures_are_shown_to_whoever_has_the_token_alone(address: Address, server_url: str) -> None:
    assert _metrics(server_url, None).status_code == 404
    assert _metrics(server_url, "").status_code == 404
    with serving(address, running=Running(metrics_token=TOKEN)) as url:
        assert [_metrics(url, token).status_code for token in (None, "", TOKEN[:-1], TOKEN)] == [401, 401, 401, 200]


def test_a_span_is_that_of_the_operation_below_the_client_s_with_its_statements_below(watched: Watched) -> None:
    [operation] = watched.spans.named("invoices")
    assert (operation.trace_id.hex(), operation.parent_span_id.hex()) == ("7" * 32, "5" * 16)
    attributes = {one.key: one.value.string_value for one in operation.attributes}
    assert (attributes["graphql.operation"], attributes["user.role"]) == ("invoices", "BILLING")
    below = [span for span in watched.spans.spans if span.parent_span_id == operation.span_id]
    assert [span.name for span in below] == ["begin", "select", "commit"]
    assert all(operation.start_time_unix_nano <= span.start_time_unix_nano for span in below)
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in below)


def test_every_line_of_the_log_is_json_and_says_which_request_it_is_of(watched: Watched) -> None:
    lines = [line for line in watched.log if line["logger"] == "billing.operations"]
    assert any(line["message"].startswith("invoices as BILLING took ") for line in lines)
    assert all(len(line["request"]) == 32 and line["time"] for line in lines)


def test_nothing_that_a_client_wrote_or_read_is_in_any_of_them(watched: Watched, address: Address) -> None:
    told = watched.page + json.dumps(watched.log) + "".join(map(str, watched.spans.spans))
    assert watched.spans.spans
    assert SECRET_WORD not in told
    for patient in rows(address, "select first_name, last_name from patients"):
        assert patient["last_name"] not in told
    # Ids stand in the text of the statement that enters a transaction: they are values, too.
    for user in rows(address, "select id from users"):
        assert str(user["id"]) not in told


class _RowError(Exception):
    """What a library raises that quotes a row."""


def _fail() -> None:
    raise _RowError(f"Key (last_name)=({SECRET_WORD}) exists")


def test_of_a_library_no_word_is_written_down_and_of_an_exception_only_where_it_was() -> None:
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    library = logging.getLogger("somebody.else")
    library.addHandler(handler)
    try:
        _fail()
    except _RowError as row:
        library.exception("a row: %s", row, extra={"row": SECRET_WORD}, stack_info=True)
    finally:
        library.removeHandler(handler)
    line = json.loads(written.getvalue())
    assert line["message"].startswith("said in test_operation, line ")
    assert line["failure"].startswith("_RowError at test_operation.py:")
    assert SECRET_WORD not in written.getvalue()
