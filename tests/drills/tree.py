"""A copy of the whole tree, in which the changes of CONTRIBUTING's table are tried."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from server.database_urls import DatabaseUrls
from tests.house.source import PROJECT
from tests.support.processes import Process, billing

_TABLE = re.compile(r"^\| (?P<change>[^|]+) \| (?P<files>\d): (?P<places>.+) \|$", re.MULTILINE)
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".tools", "__pycache__", ".*_cache", "results.json", "*.egg-info")
_BILLING = "import os, sys; os.chdir(sys.argv.pop(1)); from server.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Edit:
    """A change by hand: lines of a file, wherever they stand, and what stands there afterwards."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Tree:
    """A copy of the tree in its own folder."""

    folder: Path

    @classmethod
    def into(cls, folder: Path) -> "Tree":
        """A new copy."""
        shutil.copytree(PROJECT, folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
        return cls(folder)

    def edit(self, edits: Sequence[Edit]) -> None:
        """Make changes by hand."""
        for edit in edits:
            file = self.folder / edit.path
            text = file.read_text(encoding="utf-8")
            assert edit.before in text, f"{edit.path} no longer has the lines that the drill changes: {edit.before!r}"
            file.write_text(text.replace(edit.before, edit.after), encoding="utf-8")

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The result of Python in this copy, with its errors in the output."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": "", "PYTEST_ADDOPTS": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def billing(self, address: DatabaseUrls, command: str) -> "subprocess.CompletedProcess[str]":
        """A command of `billing` of this copy, on a database."""
        with TemporaryDirectory() as home:
            return subprocess.run(
                [sys.executable, "-c", _BILLING, str(self.folder), command],
                env={**os.environ, "DATABASE_URL": address.owner, "BILLING_HOME": home},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )

    @contextmanager
    def serve(self, address: DatabaseUrls) -> Iterator[Process]:
        """`billing serve` of this copy."""
        with billing(address, str(self.folder), "serve", program=_BILLING, BILLING_PORT="0") as process:
            yield process


def files_by_hand(change: str) -> int:
    """How many files CONTRIBUTING says that a change touches."""
    rows = _TABLE.finditer((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    found = {row["change"]: int(row["files"]) for row in rows}
    assert change in found, f"CONTRIBUTING.md has no row for {change!r}; its rows are {', '.join(found)}"
    return found[change]
