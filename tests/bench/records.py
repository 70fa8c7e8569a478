"""Decides what is kept of a run: the latest result of each part, with the machine, the day and the versions it was measured with."""

import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import orjson

from tests.bench.clinics import HOME, ROOT
from tests.bench.contests import Contest
from tests.bench.memory import Memory
from tests.bench.processor import machine
from tests.bench.rounds import Figures, Pace

KEPT = HOME / "results.json"
_PACKAGES = ("strawberry-graphql", "graphql-core", "asyncpg", "orjson", "uvicorn", "uvloop")


@dataclass(frozen=True)
class Part:
    """One part of the benchmark, as it was last measured."""

    facts: dict[str, str]
    contests: list[Contest]
    memory: Memory | None = None
    failure: str = ""
    table: str = ""


def facts(postgres: str, pace: Pace | None, **more: str) -> dict[str, str]:
    """Where, when and with what something was measured."""
    found = {"day": datetime.now(UTC).date().isoformat(), "commit": _commit(), **machine()}
    if pace:
        found["rounds"] = f"{pace.rounds} of {pace.seconds:g} s per server, in turn"
    versions = {
        "Python": python_version(),
        "PostgreSQL": postgres,
        **{name: version(name) for name in _PACKAGES},
        **more,
    }
    return found | {"versions": ", ".join(f"{name} {number}" for name, number in versions.items())}


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    layers = ("server", "schema", "resolvers", "permissions", "domain", "db")
    changed = " with changes that were not committed" if git("status", "--porcelain", "--", *layers) else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed


def keep(name: str, part: Part, path: Path = KEPT) -> dict[str, Part]:
    """Keep a part, and return all that are known."""
    parts = known(path) | {name: part}
    path.write_bytes(orjson.dumps({key: asdict(one) for key, one in parts.items()}, option=orjson.OPT_INDENT_2))
    return parts


def known(path: Path = KEPT) -> dict[str, Part]:
    """The parts that have been measured so far."""
    return {name: _part(said) for name, said in orjson.loads(path.read_bytes()).items()} if path.exists() else {}


def _part(said: dict[str, Any]) -> Part:
    contests = [
        Contest(one["case"], one["connections"], {name: Figures(**each) for name, each in one["figures"].items()})
        for one in said["contests"]
    ]
    memory = Memory(**said["memory"]) if said["memory"] else None
    return Part(said["facts"], contests, memory, said["failure"], said.get("table", ""))
