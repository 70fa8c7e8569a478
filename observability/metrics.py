"""The Prometheus counters and histograms of a process; no label holds text that a client sent."""

import platform
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Info, ProcessCollector

from domain.access.people import Role

# Histogram buckets in seconds, from a read of one record to the timeout of an operation.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class Metrics:
    """The metrics of one server process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        # process_cpu_seconds_total, process_resident_memory_bytes and the like, and python_gc_…, by the library.
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self.made(Info, "build", "The version of this process").info(
            {"version": version("clinic-billing"), "python": platform.python_version()}
        )
        self._seconds = self.made(
            Histogram, "operation_seconds", "How long operations took", "operation", "role", buckets=_BUCKETS
        )
        self._errors = self.made(Counter, "errors", "GraphQL errors returned to clients", "code", "role")
        self._responses = self.made(Counter, "responses", "HTTP responses of the API", "status")

    @property
    def registry(self) -> CollectorRegistry:
        """The registry of all metrics."""
        return self._registry

    def made(self, kind: Callable[..., Any], name: str, words: str, *labels: str, **more: Any) -> Any:
        """Register a further metric."""
        return kind(f"billing_{name}", words, labels, registry=self._registry, **more)

    def done(self, label: str, role: Role | None, seconds: float, codes: Iterable[str]) -> None:
        """Count an executed operation: its duration and the codes of its errors."""
        name = role.name if role else "NOBODY"
        self._seconds.labels(label, name).observe(seconds)
        self.count_errors(codes, name)

    def count_errors(self, codes: Iterable[str], name: str) -> None:
        """Count errors by code that were returned to a role of this name."""
        for code in codes:
            self._errors.labels(code, name).inc()

    def answered(self, status: int) -> None:
        """Count an HTTP response by status."""
        self._responses.labels(status).inc()
