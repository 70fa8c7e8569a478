"""Runs third-party attack tools against a server; they come from PyPI into an environment of their own."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from domain.access.people import Role
from tests.attacks.target import Target
from tests.bench.clinics import ROOT

_PROGRAMS, _FOLDER = ROOT / ".tools" / "attacks" / "bin", ROOT / ".tools" / "attacks" / "found"
_LONGEST_SECONDS, _GUESSING_SECONDS = 1_200, 180
_NAME = re.compile(r"^ +(\w+)[(:]", re.MULTILINE)
# These would end the session of the tool, or change its user's password.
_LEFT_OUT = "signOut changePassword revokeSession updateUser signIn".split()


def clairvoyance(target: Target, role: Role | None) -> str:
    """Run clairvoyance, which finds fields without introspection, with every name of the administrator's schema as its word list."""
    found, words = _FOLDER / "clairvoyance.json", _FOLDER / "words.txt"
    _FOLDER.mkdir(exist_ok=True)
    found.unlink(missing_ok=True)
    guesses = sorted(set(_NAME.findall((ROOT / "schemas" / "admin.graphql").read_text())))
    words.write_text("\n".join(guesses))
    command: list[str | Path] = [
        "clairvoyance",
        *_headers(target, role, ": "),
        "-w",
        words,
        "-o",
        found,
        "-m",
        "1",
        target.url,
    ]
    ending = _run(command, seconds=_GUESSING_SECONDS)
    types = json.loads(found.read_text())["data"]["__schema"]["types"] if found.exists() else []
    fields = sum(len(one.get("fields") or ()) for one in types)
    return (
        f"{ending}; it counted {fields} of {len(guesses)} words as fields, because it counts a refusal as a field, too"
    )


def inql(target: Target) -> str:
    """Run inql, which generates documents from introspection, for operations that the role may run anyway."""
    key, own = target.headers(Role.ATTORNEY)["authorization"], _FOLDER / "inql"
    shutil.rmtree(own, ignore_errors=True)
    ending = _run(["inql", "-t", target.url, "--header", "authorization", key, "-o", own])
    written = "".join(path.read_text(errors="replace") for path in own.rglob("*") if path.is_file())
    return f"{ending}; negotiation in its output: {'yes' if 'negotiation' in written else 'no'}"


def schemathesis(target: Target, role: Role | None, examples: int, ids: Sequence[str]) -> str:
    """Run schemathesis with `examples` documents for each field of a role's schema; some of them use ids that exist."""
    report = _FOLDER / "schemathesis.json"
    report.unlink(missing_ok=True)
    schema = ROOT / "schemas" / f"{role or 'nobody'}.graphql"
    command: list[str | Path] = ["st", "--no-color", "run", schema, "-u", target.url, *_headers(target, role, ":")]
    command += ["-c", "not_a_server_error", "-n", str(examples), "--no-shrink", "--continue-on-failure", "-w", "2"]
    command += ["--suppress-health-check", "all", "--phases", "fuzzing", "--generation-database", "none"]
    command += ["--report-json-path", report, *(f"--exclude-name=Mutation.{name}" for name in _LEFT_OUT)]
    hooks = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(Path(__file__).parent)}
    ending = _run(command, {**hooks, "ATTACKS_IDS": json.dumps(list(ids))})
    if not report.exists():
        return f"{ending}; it wrote no report"
    found = json.loads(report.read_text())
    cases = found["test_cases"]
    return f"{cases['generated']:,} cases of {found['operations']['tested']} fields, {cases['with_failures']} failures"


def _headers(target: Target, role: Role | None, between: str) -> list[str]:
    return [part for name, value in target.headers(role).items() for part in ("-H", f"{name}{between}{value}")]


def _run(
    command: Sequence[str | Path], environment: dict[str, str] | None = None, seconds: float = _LONGEST_SECONDS
) -> str:
    """Run a tool; returns its exit code and the last line of its output, in words."""
    program, *arguments = command
    if not (_PROGRAMS / program).exists():
        return "it is not installed"
    _FOLDER.mkdir(exist_ok=True)
    try:
        done = subprocess.run(
            [_PROGRAMS / program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=_FOLDER,
            env={**os.environ, **(environment or {})},
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return f"ended after {seconds:g} s"
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return f"exit {done.returncode}: {lines[-1][:100] if lines else 'no output'}"
