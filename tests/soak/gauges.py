"""The gauges of the soak test: memory, files, connections and caches over time, and how far each may grow."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from server.database_urls import DatabaseUrls
from tests.bench.servers.processor import anonymous_mebibytes, resident_mebibytes
from tests.soak.watched_caches import sizes_file
from tests.support.databases import rows

_CONNECTIONS = (
    "select pid, backend_type from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
)
_ANSWERED_SECONDS = 5.0


@dataclass(frozen=True)
class Reading:
    """All gauges at one moment, `at` seconds after the beginning."""

    at: float
    figures: dict[str, float]


@dataclass(frozen=True)
class Gauges:
    """Reads the gauges of `processes` (process ids by name); in `folder` they write the sizes of their caches."""

    address: DatabaseUrls
    processes: dict[str, int]
    folder: Path

    def read(self, began: float) -> Reading:
        """Read all gauges now."""
        figures: dict[str, float] = {}
        for name, process in self.processes.items():
            figures[f"{name}: memory, MiB"] = resident_mebibytes(process)
            figures[f"{name}: open files and sockets"] = len(os.listdir(f"/proc/{process}/fd"))
            figures |= {f"{name}: {cache}": size for cache, size in self._caches(process).items()}
        pids = [row["pid"] for row in rows(self.address, _CONNECTIONS)]
        figures["PostgreSQL: connections"] = len(pids)
        figures["PostgreSQL: private memory of all connections, MiB"] = sum(map(anonymous_mebibytes, pids))
        figures["PostgreSQL: memory of all connections, shared included, MiB"] = sum(map(resident_mebibytes, pids))
        return Reading(time.monotonic() - began, figures)

    def _caches(self, process: int) -> dict[str, float]:
        path = sizes_file(self.folder, process)
        path.unlink(missing_ok=True)
        os.kill(process, signal.SIGUSR1)
        deadline = time.monotonic() + _ANSWERED_SECONDS
        while time.monotonic() < deadline:
            with suppress(FileNotFoundError):
                found: dict[str, float] = orjson.loads(path.read_bytes())
                return found
            time.sleep(0.05)
        return {}


# The end of the warm-up, as a share of the time: until then caches fill, connections open and statements are planned.
WARM = 0.2
_AROUND = 0.1


@dataclass(frozen=True)
class Growth:
    """One gauge after the warm-up and at the end, each over a tenth of the time, and how far it may have grown."""

    name: str
    warm: float
    end: float
    most: float | None

    @property
    def holds(self) -> bool:
        """Whether the gauge is within its limit."""
        return self.most is None or self.end <= self.most


def growths(readings: list[Reading], seconds: float) -> list[Growth]:
    """The growth of every gauge."""
    warm = [reading for reading in readings if WARM <= reading.at / seconds <= WARM + _AROUND] or readings[:1]
    end = [reading for reading in readings if reading.at / seconds >= 1 - _AROUND] or readings[-1:]
    found = [_growth(name, _level(warm, name), _level(end, name)) for name in readings[-1].figures]
    return [growth for growth in found if growth.warm or growth.end]


def _level(readings: list[Reading], name: str) -> float:
    """The minimum of memory, because hashing a password takes 64 MiB for a moment and a leak is never freed; else the median."""
    found = [reading.figures.get(name, 0.0) for reading in readings]
    return min(found) if "memory" in name or "objects" in name else median(found)


# Part of a name → the share by which the gauge may grow, and by how many. The first match counts.
# The pages of shared memory that a connection has touched count for each connection, and end where shared memory ends. Each
# connection of PostgreSQL plans every statement once, and seldom used connections do so late. A leak of one object for each of
# tens of thousands of operations would be tens of MiB, far beyond a tenth. The number of users who are connected at the moment
# of a reading varies.
_TOLERANCES: tuple[tuple[str, float | None, float], ...] = (
    ("shared included", None, 0.0),
    ("PostgreSQL: private memory", 0.25, 0.0),
    ("memory", 0.10, 0.0),
    ("objects", 0.10, 0.0),
    ("open files", 0.0, 20.0),
    ("PostgreSQL: connections", 0.0, 8.0),
    # Each cache has its own bound, which is tested elsewhere; it is expected to fill.
    ("", None, 0.0),
)


def _growth(name: str, warm: float, end: float) -> Growth:
    share, more = next((share, more) for part, share, more in _TOLERANCES if part in name)
    return Growth(name, warm, end, None if share is None else warm * (1 + share) + more)
