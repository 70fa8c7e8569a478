"""Import files are read in a child process with bounded memory and time; if the child crashes, the file is reported as bad."""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

import imports
from domain.documents.uploads import CSV, XLSX
from domain.imports import ImportKind
from imports.files import child
from imports.files.child import read_in_child, read_in_process
from imports.sheets import SheetError
from tests.house.source import PROJECT

TEMPLATES = Path(imports.__path__[0]) / "templates"
ROW = b"L9001,Collar,42.75,DOUBLE,2026-01-01,\n"


@pytest.mark.parametrize("kind", list(ImportKind))
def test_the_child_process_reads_the_same_rows_as_the_readers(kind: ImportKind) -> None:
    for ending, content_type in (("csv", CSV), ("xlsx", XLSX)):
        data = (TEMPLATES / f"{kind.value.replace('_', '-')}.{ending}").read_bytes()
        assert list(read_in_child(data, content_type)) == list(read_in_process(data, content_type)) != []


def test_the_child_reports_an_error_with_its_line_after_the_rows_before_it() -> None:
    lines = iter(read_in_child(b'code\nA\n"x"y\n', CSV))
    assert [next(lines).cells, next(lines).cells] == [["code"], ["A"]]
    with pytest.raises(SheetError, match="This is not CSV") as refused:
        next(lines)
    assert refused.value.line == 3


def test_the_child_ends_when_its_rows_are_no_longer_read() -> None:
    before = children()
    lines = read_in_child(b"code\n" + ROW * 200_000, CSV)
    next(iter(lines))
    assert len(children() - before) == 1
    lines.close()
    assert children() == before


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.abort()", "The file cannot be read"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "The file cannot be read"),
        ("raise SystemExit(1)", "The file cannot be read"),
        ("import sys; sys.stdout.buffer.write(b'\\xff' * 100)", "The file cannot be read"),
        ("import time; time.sleep(60)", "The file takes too long to read"),
    ],
)
def test_a_child_that_fails_or_takes_too_long_makes_the_file_bad(program: str, reason: str) -> None:
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        with pytest.raises(SheetError, match=reason):
            list(child.received(process, 2))
        process.kill()
    assert time.monotonic() - began < 10


def test_an_exception_in_a_reader_is_logged_with_its_location_and_without_cell_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A content type without a reader is the only known way to make the child raise an exception.
    with caplog.at_level(logging.ERROR), pytest.raises(SheetError, match="The file cannot be read"):
        list(read_in_child(b"secret,patient\n", "text/plain"))
    [record] = caplog.records
    assert (record.name, record.__dict__["exception"]) == ("billing.imports", "KeyError")
    assert record.__dict__["frames"][-1].startswith("open_file:")
    assert "patient" not in str(record.__dict__)


def test_the_child_imports_the_readers_and_no_module_of_the_server() -> None:
    program = "import sys, imports.files.reading; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, env={})
    modules = set(found.stdout.split())
    assert "imports.files.reading" in modules
    assert not modules & {"asyncpg", "sqlalchemy", "strawberry", "asyncio", "db", "server", "resolvers", "openpyxl"}


def test_forty_hostile_files_are_read_as_they_are_seen_or_refused_within_the_limits() -> None:
    assert_bounded(40, 2026)


@pytest.mark.prove
def test_five_thousand_hostile_files_are_read_as_they_are_seen_or_refused_within_the_limits() -> None:
    assert_bounded(5_000, 2027)


def assert_bounded(count: int, seed: int) -> None:
    """Read files in a new process whose only children are readers, so that its peak child memory is that of a reader."""
    program = [sys.executable, "-m", "tests.imports.files.hostile_reading", str(count), str(seed)]
    found = subprocess.run(program, capture_output=True, text=True, cwd=PROJECT, check=True)
    figures = json.loads(found.stdout)
    print(figures)  # noqa: T201 (the figures are the output of this test)
    assert (figures["wrong"], figures["failures"]) == ([], [])
    assert figures["read"] + figures["refused"] == count
    assert min(figures["read"], figures["refused"]) > count // 5
    assert figures["MiB"] <= 256
    # Of processor time: on a busy machine a child waits for the cores.
    assert figures["CPU seconds"] <= 20


def children() -> set[int]:
    """The children of this process that have not ended."""
    listed = (Path("/proc/self/task") / task.name / "children" for task in Path("/proc/self/task").iterdir())
    return {int(process) for path in listed for process in path.read_text().split()}
