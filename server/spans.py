"""Decides what OpenTelemetry is told: a span for each operation and each statement in it, and no value of either."""

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

from domain.people import Role
from resolvers.context import RequestContext

# Strings, numbers and ids that stand in a statement's text itself, instead of being bound.
_VALUES = re.compile(r"'(?:[^']|'')*'|(?<![\w$])\d[\d.]*")
_LONGEST = 2_000
_NAME = re.compile(r"\s*(\w+)")


class Spans:
    """What a process tells of its operations, in batches and aside."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "clinic-billing"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("billing")

    @contextmanager
    def operation(self, label: str, role: Role | None, context: RequestContext) -> Iterator[None]:
        """The span of an operation, below that of the client who says that it has one."""
        name = role.name if role else "NOBODY"
        attributes = {"graphql.operation": label, "user.role": name, "request.id": context.request_id}
        parent = _parent(context.trace_parent)
        with self._tracer.start_as_current_span(label, parent, SpanKind.SERVER, attributes, record_exception=False):
            yield

    def statement(self, query: LoggedQuery) -> None:
        """The span of a statement that is over, where it belongs to an operation."""
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
        """Send what was not sent yet."""
        await asyncio.to_thread(self._provider.shutdown)


def exporting_to(endpoint: str) -> Spans:
    """Spans that go to a collector by OTLP over HTTP."""
    return Spans(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=5))


def without_values(sql: str) -> str:
    """A statement with a question mark for every value in it.

    >>> without_values("set local app.user_id = '0190-…'; select 'O''Hara' from t2 where a = $1 limit 50")
    'set local app.user_id = ?; select ? from t2 where a = $1 limit ?'
    """
    return _VALUES.sub("?", sql)


def _parent(said: str | None) -> Context | None:
    return TraceContextTextMapPropagator().extract({"traceparent": said}) if said else None
