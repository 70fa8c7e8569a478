"""A change of the code, made in a copy of the product, whose own Python then shows the effects."""

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
# The schema of each role, and the grants of its PostgreSQL role.
_ASKED = """
import json
from db.security.policies import columns_granted
from domain.access.people import Role
from permissions.roles import marks_of
from schema.whole import role_schemas
served = {role: frozenset(marks_of(role_schemas()[role])) for role in Role}
columns = {role: columns_granted(role, served[role]) for role in Role}
print(json.dumps({role: [sorted(served[role]), {t: sorted(c) for t, c in columns[role].items()}] for role in Role}))
"""


@dataclass(frozen=True)
class Copy:
    """A copy of the product's code in its own folder."""

    folder: Path

    @classmethod
    def into(cls, folder: Path) -> "Copy":
        """A new copy."""
        for layer in LAYERS:
            # With its bytecode, which is current because the copy keeps the times of files: to compile everything takes seconds.
            shutil.copytree(PROJECT / layer, folder / layer)
        return cls(folder)

    def change(self, path: str, before: str, after: str) -> None:
        """Replace one line of one file."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.count(f"{before}\n") == 1, (
            f"{path} does not have the line {before!r} exactly once: a test or an example in CONTRIBUTING.md changes it there"
        )
        file.write_text(text.replace(f"{before}\n", f"{after}\n"), encoding="utf-8")

    def run(self, program: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """The result of a Python program run in this copy."""
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
        """Role → its schema, and the columns that it may read."""
        ran = self.run(_ASKED)
        assert ran.returncode == 0, ran.stderr
        found: Mapping[str, Any] = json.loads(ran.stdout)
        return found


def worked_example() -> tuple[str, str, str]:
    """The file, the line and its replacement that CONTRIBUTING.md shows."""
    found = _DIFF.search((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert found, "CONTRIBUTING.md no longer has its example: In `path`, …: and a diff of one line"
    return found["path"], found["before"], found["after"]
