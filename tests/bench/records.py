"""The kept results of the benchmark: the latest of each part, with the machine, the day and the versions of the measurement."""

import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import orjson

from tests.bench.clinics import ROOT
from tests.bench.comparisons import Comparison
from tests.bench.measurements.memory import Memory
from tests.bench.rounds import Figures, Pace
from tests.bench.servers.processor import machine
from tests.house.source import LAYERS

# Under version control: a run that measures one part keeps the results of the others.
KEPT = ROOT / "tests" / "bench" / "results.json"
_FORM = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_PACKAGES = ("strawberry-graphql", "graphql-core", "asyncpg", "orjson", "uvicorn", "uvloop")


@dataclass(frozen=True)
class Part:
    """One part of the benchmark, as it was last measured."""

    facts: dict[str, str]
    comparisons: list[Comparison]
    memory: Memory | None = None
    failure: str = ""
    table: str = ""


def facts(postgres: str, pace: Pace | None, **more: str) -> dict[str, str]:
    """The machine, the day and the versions of a measurement."""
    found = {"day": datetime.now(UTC).date().isoformat(), "commit": commit(), **machine()}
    if pace:
        found["rounds"] = f"{pace.rounds} of {pace.seconds:g} s per server, in turn"
    versions = {
        "Python": python_version(),
        "PostgreSQL": postgres,
        **{name: version(name) for name in _PACKAGES},
        **more,
    }
    return found | {"versions": ", ".join(f"{name} {number}" for name, number in versions.items())}


def commit() -> str:
    """The current commit, and whether the layers have uncommitted changes."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = " with changes that were not committed" if git("status", "--porcelain", "--", *LAYERS) else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed


def keep(name: str, part: Part, path: Path = KEPT) -> dict[str, Part]:
    """Keep a part; returns all kept parts."""
    parts = kept_parts(path) | {name: part}
    path.write_bytes(orjson.dumps({key: asdict(one) for key, one in parts.items()}, option=_FORM))
    return parts


def kept_parts(path: Path = KEPT) -> dict[str, Part]:
    """The parts that have been measured so far."""
    return {name: _part(stored) for name, stored in orjson.loads(path.read_bytes()).items()} if path.exists() else {}


def _part(stored: dict[str, Any]) -> Part:
    comparisons = [
        Comparison(one["case"], one["connections"], {name: Figures(**each) for name, each in one["figures"].items()})
        for one in stored["comparisons"]
    ]
    memory = Memory(**stored["memory"]) if stored["memory"] else None
    return Part(stored["facts"], comparisons, memory, stored["failure"], stored.get("table", ""))
