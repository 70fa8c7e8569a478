"""The Prometheus endpoint /metrics: checks its bearer token, and collects gauges of the process and the database."""

import hmac
from contextlib import suppress

from prometheus_client import Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from db.audit.log_writer import AuditLogWriter
from db.connections import OUTAGES
from db.pools import Database
from server.execution.operation_monitor import OperationMonitor

_JOBS = "select entrypoint, status::text, count(*) from jobs.pgqueuer group by entrypoint, status"
_EXPORTED = "select kind, coalesce(sum(row_count), 0) from exports where clinic_id = $1 group by kind"
_MESSAGES = "select status, count(*) from outbound_messages where clinic_id = $1 group by status"


class MetricsPage:
    """The metrics in the format of Prometheus, for clients with the bearer token; 404 when no token is configured."""

    def __init__(self, watch: OperationMonitor, token: str, database: Database, audit: AuditLogWriter) -> None:
        self._watch, self._token, self._database, self._trail = watch, token, database, audit
        made = watch.metrics.made
        self._seats = made(
            Gauge, "seats_taken", "Slots in use: requests being received or answered, and open WebSockets", "kind"
        )
        self._connections = made(
            Gauge,
            "connections",
            "Connections of the pools to PostgreSQL, and requests waiting for one",
            "pool",
            "state",
        )
        self._unwritten = made(Gauge, "audit_events_waiting", "Events of the audit log that are not written yet")
        self._jobs = made(Gauge, "jobs", "Jobs in the queue", "job", "status")
        self._exported = made(Gauge, "export_rows", "Rows of all export files", "kind")
        self._messages = made(Gauge, "messages", "Messages to payers", "status")

    async def metrics(self, request: Request) -> Response:
        """The response to /metrics; during an outage of the database, only the metrics of the process."""
        if not self._token:
            return Response(status_code=404)
        header, expected = request.headers.get("authorization", ""), f"Bearer {self._token}"
        if not hmac.compare_digest(header.encode(), expected.encode()):
            return Response(status_code=401, headers={"www-authenticate": "Bearer"})
        self._look_around()
        with suppress(*OUTAGES):
            await self._look_up()
        shown = generate_latest(self._watch.metrics.registry)
        return Response(shown, headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"})

    def _look_around(self) -> None:
        for kind, taken in self._watch.admission.in_use.items():
            self._seats.labels(kind).set(taken)
        for pool, loads in self._database.loads().items():
            for state, count in loads.items():
                self._connections.labels(pool, state).set(count)
        self._unwritten.set(len(self._trail))

    async def _look_up(self) -> None:
        for gauge in (self._jobs, self._exported, self._messages):
            gauge.clear()
        async with self._database.working() as connection:
            for job, status, count in await connection.fetch(_JOBS):
                self._jobs.labels(job, status).set(count)
        for clinic in await self._database.clinics():
            async with self._database.working(clinic["clinic_id"]) as connection:
                for gauge, sql in ((self._exported, _EXPORTED), (self._messages, _MESSAGES)):
                    for label, count in await connection.fetch(sql, clinic["clinic_id"]):
                        gauge.labels(label).inc(int(count))
