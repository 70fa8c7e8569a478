"""Decides how a change of the code is really made: in a copy of the product, whose own Python then says what follows."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.house.source import LAYERS, PROJECT

_DIFF = re.compile(r"In `(?P<path>[\w/.]+)`[^`]*```diff\n-(?P<before>.*)\n\+(?P<after>.*)\n```")
# What each role is served, and what its PostgreSQL role is granted.
_ASKED = """
import json
from db.security import columns_granted
from domain.people import Role
from permissions.roles import marks_of
from schema.whole import role_schemas
served = {role: frozenset(marks_of(role_schemas()[role])) for role in Role}
columns = {role: columns_granted(role, served[role]) for role in Role}
print(json.dumps({role: [sorted(served[role]), {t: sorted(c) for t, c in columns[role].items()}] for role in Role}))
"""


@dataclass(frozen=True)
class Copy:
    """A copy of the product's code in a folder of its own."""

    folder: Path

    @classmethod
    def into(cls, folder: Path) -> "Copy":
        """A fresh copy."""
        for layer in LAYERS:
            shutil.copytree(PROJECT / layer, folder / layer, ignore=shutil.ignore_patterns("__pycache__"))
        return cls(folder)

    def change(self, path: str, before: str, after: str) -> None:
        """Replace one line of one file."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.count(f"{before}\n") == 1, f"{path} has not got the line {before!r} once"
        file.write_text(text.replace(f"{before}\n", f"{after}\n"), encoding="utf-8")

    def run(self, program: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """A program of Python over this copy."""
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def rights(self) -> Mapping[str, Any]:
        """Role → what it is served, and the columns that it may read."""
        ran = self.run(_ASKED)
        assert ran.returncode == 0, ran.stderr
        found: Mapping[str, Any] = json.loads(ran.stdout)
        return found


def worked_example() -> tuple[str, str, str]:
    """The file, the line and the line in its place that CONTRIBUTING.md shows."""
    found = _DIFF.search((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert found
    return found["path"], found["before"], found["after"]
