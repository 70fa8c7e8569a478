"""Decides what `make faults` does: every fault of the table is caused, one after another, and it is told what was kept."""

import signal
import sys
import traceback

import click

from tests.faults import crowd, database, killed_server, killed_worker, limits, neighbours
from tests.faults.outcomes import Fault, Outcome
from tests.faults.page import PAGE, page, row

_TAKEN_UP = "taken up by another within 60 s; no file half-visible, no message lost or doubled once recorded"
_TRIED_AGAIN = "retried with growing pauses; visible as action items; nothing else suffers"
FAULTS = {
    "killed": Fault(
        "API process killed (-9) in the middle of transitions",
        "each transition happened whole or not at all; a retry with the same idempotency key is safe",
        killed_server.killed,
    ),
    "export": Fault("worker killed in an export", _TAKEN_UP, killed_worker.export_killed),
    "delivery": Fault("worker killed in a delivery", _TAKEN_UP, killed_worker.delivery_killed),
    "database": Fault(
        "PostgreSQL restarted or unreachable",
        "requests fail fast with 503 and `Retry-After`; the service heals by itself when it is back; `/readyz` tells",
        database.lost,
    ),
    "smtp": Fault("SMTP down", _TRIED_AGAIN, neighbours.smtp_down),
    "storage": Fault("storage down", _TRIED_AGAIN, neighbours.storage_down),
    "crowd": Fault(
        "two hundred people press the same button",
        "one wins, the rest get `StaleVersion`/`IllegalTransition` or the idempotent answer; no deadlock",
        crowd.pressed,
    ),
    "flood": Fault(
        "more requests than the machine can do",
        "bounded queue, then 503 with `Retry-After`; those accepted keep their latency; memory stays bounded",
        limits.flooded,
    ),
    "long": Fault(
        "an operation that takes too long",
        "15 s limit (statement and operation), cancelled in PostgreSQL too",
        limits.too_long,
    ),
    "sigterm": Fault("SIGTERM", "no new requests, those running finish (30 s), then exit 0", limits.told_to_end),
}


def _caused(fault: Fault) -> Outcome:
    """What comes of a fault, even when it is not even possible to cause it as it was meant."""
    try:
        return fault.cause()
    except Exception as failure:  # noqa: BLE001 (a row that broke off is a row that was not kept)
        traceback.print_exc()
        return Outcome([f"broke off: {type(failure).__name__}"], ["it broke off"])


@click.command(help="Cause every fault and write what happened into docs/faults.md; some alone are shown, not kept.")
@click.argument("names", nargs=-1, type=click.Choice(list(FAULTS)))
def main(names: tuple[str, ...]) -> None:
    """Cause them, and end with 1 when a promise was not kept."""
    # Being told to stop must end the servers as well, which are processes of their own.
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
