"""Distributed tracing with OpenTelemetry: a span for each operation and for each SQL statement in it, without any values."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import time_ns
from typing import Self

from asyncpg.connection import LoggedQuery
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from domain.access.people import Role

# Strings, numbers and ids that are literals in a statement's text, instead of bound parameters.
_VALUES = re.compile(r"'(?:[^']|'')*'|(?<![\w$])\d[\d.]*")
_LONGEST = 2_000
_NAME = re.compile(r"\s*(\w+)")


class Spans:
    """The spans of a process, exported in batches in the background."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "clinic-billing"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("billing")

    @contextmanager
    def operation(self, label: str, role: Role | None, request_id: str, trace_parent: str | None) -> Iterator[None]:
        """The span of an operation, a child of the client's span if the client sent a traceparent."""
        name = role.name if role else "NOBODY"
        attributes = {"graphql.operation": label, "user.role": name, "request.id": request_id}
        parent = _parent(trace_parent)
        with self._tracer.start_as_current_span(label, parent, SpanKind.SERVER, attributes, record_exception=False):
            yield

    def statement(self, query: LoggedQuery) -> None:
        """Record the span of a finished statement, if it belongs to an operation."""
        if not get_current_span().get_span_context().is_valid:
            return
        ended = time_ns()
        text = without_values(query.query)
        begun = _NAME.match(text)
        span = self._tracer.start_span(
            begun[1].lower() if begun else "statement",
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql", "db.query.text": text[:_LONGEST]},
            start_time=ended - int(query.elapsed * 1e9),
        )
        if query.exception is not None:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(query.exception).__name__)
        span.end(ended)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Export the spans that are still buffered."""
        await asyncio.to_thread(self._provider.shutdown)


def exporting_to(endpoint: str) -> Spans:
    """Spans exported to a collector by OTLP over HTTP."""
    return Spans(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=5))


def without_values(sql: str) -> str:
    """A statement with a question mark in place of every literal.

    >>> without_values("set local app.user_id = '0190-…'; select 'O''Hara' from t2 where a = $1 limit 50")
    'set local app.user_id = ?; select ? from t2 where a = $1 limit ?'
    """
    return _VALUES.sub("?", sql)


def _parent(header: str | None) -> Context | None:
    return TraceContextTextMapPropagator().extract({"traceparent": header}) if header else None
