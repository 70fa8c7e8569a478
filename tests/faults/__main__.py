"""Fault injection (`make faults`): causes every fault of the table, one after another, and reports which promises were kept."""

import signal
import sys
import traceback

import click

from tests.faults import concurrent_mutations, database, killed_server, killed_worker, limits, mail_and_store_outages
from tests.faults.outcomes import Fault, Outcome
from tests.faults.page import PAGE, page, row

_TAKEN_OVER = "taken over by another worker within 60 s; no partial file is visible; no message is lost, or sent twice once recorded"
_RETRIED = "retried with backoff; visible as action items; other requests are not affected"
FAULTS = {
    "killed": Fault(
        "API process killed (-9) in the middle of transitions",
        "each transition is committed whole or not at all; a retry with the same idempotency key is safe",
        killed_server.server_killed,
    ),
    "export": Fault("worker killed in an export", _TAKEN_OVER, killed_worker.export_killed),
    "delivery": Fault("worker killed in a delivery", _TAKEN_OVER, killed_worker.delivery_killed),
    "database": Fault(
        "PostgreSQL restarted or unreachable",
        "requests fail fast with 503 and `Retry-After`; the service recovers by itself when it is back; `/readyz` reports it",
        database.database_lost,
    ),
    "smtp": Fault("SMTP down", _RETRIED, mail_and_store_outages.smtp_down),
    "storage": Fault("storage down", _RETRIED, mail_and_store_outages.storage_down),
    "concurrent": Fault(
        "200 clients send the same mutation at the same time",
        "one succeeds, the rest get `StaleVersion`/`IllegalTransition` or the idempotent answer; no deadlock",
        concurrent_mutations.concurrent_mutations,
    ),
    "overload": Fault(
        "overload: more requests than the machine can answer",
        "bounded queue, then load shedding: 503 with `Retry-After`; accepted requests keep their latency; memory stays bounded",
        limits.overloaded,
    ),
    "long": Fault(
        "an operation that exceeds its timeout",
        "timeout of 15 s (statement and operation), cancelled in PostgreSQL too",
        limits.timed_out,
    ),
    "sigterm": Fault(
        "SIGTERM", "no new requests are accepted, running ones finish (30 s), then exit 0", limits.terminated
    ),
}


def _caused(fault: Fault) -> Outcome:
    """Cause a fault; returns its outcome, also when it could not be caused as intended."""
    try:
        return fault.cause()
    except Exception as failure:  # noqa: BLE001 (a fault whose test failed is a promise that was not kept)
        traceback.print_exc()
        return Outcome([f"the test failed: {type(failure).__name__}"], ["the test failed"])


@click.command(
    help="Cause every fault and write the outcomes into docs/faults.md; when faults are named, their outcomes are only printed."
)
@click.argument("names", nargs=-1, type=click.Choice(list(FAULTS)))
def main(names: tuple[str, ...]) -> None:
    """Cause the faults, and exit with 1 when a promise was not kept."""
    # SIGTERM must also end the servers, which are processes of their own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    found: dict[Fault, Outcome] = {}
    for name in names or FAULTS:
        fault = FAULTS[name]
        found[fault] = _caused(fault)
        print(row(fault, found[fault]), flush=True)
    if not names:
        PAGE.write_text(page(found), encoding="utf-8")
    sys.exit(1 if any(outcome.broken for outcome in found.values()) else 0)


if __name__ == "__main__":
    main()
