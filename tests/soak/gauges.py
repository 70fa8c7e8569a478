"""Decides what is looked at while the clinic works, and what of it may not grow."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from server.addresses import Address
from tests.bench.processor import anonymous_mebibytes, resident_mebibytes
from tests.databases import rows
from tests.soak.watched_caches import kept_in

_CONNECTIONS = (
    "select pid, backend_type from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
)
_ANSWERED_SECONDS = 5.0


@dataclass(frozen=True)
class Look:
    """How everything stood at one moment, so many seconds after the beginning."""

    at: float
    figures: dict[str, float]


@dataclass(frozen=True)
class Watching:
    """The processes that are looked at, by name, and where they say what their caches hold."""

    address: Address
    processes: dict[str, int]
    folder: Path

    def look(self, began: float) -> Look:
        """How everything stands now."""
        figures: dict[str, float] = {}
        for name, process in self.processes.items():
            figures[f"{name}: memory, MiB"] = resident_mebibytes(process)
            figures[f"{name}: open files and sockets"] = len(os.listdir(f"/proc/{process}/fd"))
            figures |= {f"{name}: {cache}": size for cache, size in self._caches(process).items()}
        pids = [row["pid"] for row in rows(self.address, _CONNECTIONS)]
        figures["PostgreSQL: connections"] = len(pids)
        figures["PostgreSQL: memory of its own of all connections, MiB"] = sum(map(anonymous_mebibytes, pids))
        figures["PostgreSQL: memory of all connections, shared included, MiB"] = sum(map(resident_mebibytes, pids))
        return Look(time.monotonic() - began, figures)

    def _caches(self, process: int) -> dict[str, float]:
        path = kept_in(self.folder, process)
        path.unlink(missing_ok=True)
        os.kill(process, signal.SIGUSR1)
        deadline = time.monotonic() + _ANSWERED_SECONDS
        while time.monotonic() < deadline:
            with suppress(FileNotFoundError):
                found: dict[str, float] = orjson.loads(path.read_bytes())
                return found
            time.sleep(0.05)
        return {}


# From when on everything is warm: until then caches fill, connections open and plans are made.
WARM = 0.2
_AROUND = 0.1


@dataclass(frozen=True)
class Growth:
    """One figure when all was warm and at the end, each over a tenth of the time, and how far it may have grown."""

    name: str
    warm: float
    end: float
    most: float | None

    @property
    def holds(self) -> bool:
        """Whether it has grown no further than it may."""
        return self.most is None or self.end <= self.most


def growths(looks: list[Look], seconds: float) -> list[Growth]:
    """Every figure that was looked at."""
    warm = [look for look in looks if WARM <= look.at / seconds <= WARM + _AROUND] or looks[:1]
    end = [look for look in looks if look.at / seconds >= 1 - _AROUND] or looks[-1:]
    found = [_growth(name, _held(warm, name), _held(end, name)) for name in looks[-1].figures]
    return [growth for growth in found if growth.warm or growth.end]


def _held(looks: list[Look], name: str) -> float:
    """Of memory the least: hashing a password takes 64 MiB for a moment, and a leak is what is never given back."""
    found = [look.figures.get(name, 0.0) for look in looks]
    return min(found) if "memory" in name or "objects" in name else median(found)


# Part of a name → the share by which it may grow, and by how many. What is named first counts.
# What a connection has touched of the memory that all share counts for each of them, and ends where that memory ends. Of
# PostgreSQL's connections each plans every statement once, and those that are needed seldom come to it late. A leak of one object
# for each of tens of thousands of operations would be tens of MiB, far beyond a tenth. Who happens to be connected at the moment
# of a look is some people more or less.
_TOLERANCES: tuple[tuple[str, float | None, float], ...] = (
    ("shared included", None, 0.0),
    ("PostgreSQL: memory", 0.25, 0.0),
    ("memory", 0.10, 0.0),
    ("objects", 0.10, 0.0),
    ("open files", 0.0, 20.0),
    ("PostgreSQL: connections", 0.0, 8.0),
    # Each cache has its own bound, which is tested elsewhere; that it fills is what it is for.
    ("", None, 0.0),
)


def _growth(name: str, warm: float, end: float) -> Growth:
    share, more = next((share, more) for part, share, more in _TOLERANCES if part in name)
    return Growth(name, warm, end, None if share is None else warm * (1 + share) + more)
