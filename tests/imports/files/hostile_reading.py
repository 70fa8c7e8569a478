"""Reads hostile files, each in a child process, and measures the children (`python -m tests.imports.files.hostile_reading COUNT SEED`)."""

import json
import logging
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from typing import Any

from domain.documents.uploads import CSV
from domain.formulas import unguard
from imports.cells import NumberCell, Unreadable
from imports.files.child import read_in_child
from imports.sheets import FileShape, Line, SheetError, width_problem
from tests.imports.files.hostile_files import HostileFile, hostile_file

# How many files are made ahead, by another process: the peak memory of a child starts at the memory of its parent at the fork.
_AHEAD = 4


def read_hostile_files(count: int, seed: int) -> dict[str, Any]:
    """Read `count` files: how many were read and refused, what was wrong, and the most that a child needed."""
    figures: dict[str, Any] = {"read": 0, "refused": 0, "seconds": 0.0, "CPU seconds": 0.0, "wrong": [], "reasons": {}}
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for name, file in _made(pool, count, seed):
            began, used = time.monotonic(), _cpu()
            wrong, reason = judged(file)
            figures["seconds"] = max(figures["seconds"], round(time.monotonic() - began, 2))
            figures["CPU seconds"] = max(figures["CPU seconds"], round(_cpu() - used, 2))
            figures["refused" if reason else "read"] += 1
            figures["reasons"][reason] = figures["reasons"].get(reason, 0) + 1
            figures["wrong"] += [f"{name}: {wrong}"] if wrong else []
        # The largest of all children that have ended, which are the readers.
        figures["MiB"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return figures


def _made(pool: ProcessPoolExecutor, count: int, seed: int) -> Iterator[tuple[str, HostileFile]]:
    names = iter([f"{seed}:{number}" for number in range(count)])
    ahead = deque[tuple[str, Future[HostileFile]]]()
    for name in names:
        ahead.append((name, pool.submit(hostile_file, name)))
        if len(ahead) == _AHEAD:
            first, made = ahead.popleft()
            yield first, made.result()
    for name, made in ahead:
        yield name, made.result()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def judged(file: HostileFile) -> tuple[str | None, str | None]:
    """What is wrong with how a file was read, and why it was refused; None for nothing."""
    lines = list[Line]()
    try:
        opened = read_in_child(file.data, file.content_type)
        lines.extend(opened)
    except SheetError as error:
        return None, error.reason
    if file.must_be_refused:
        return "it was read", None
    return (_difference(file, opened.shape, lines) if file.seen is not None else None), None


def _difference(file: HostileFile, shape: FileShape, lines: Sequence[Line]) -> str | None:
    assert file.seen is not None
    if len(lines) != len(file.seen) and not (file.may_end_early and len(lines) < len(file.seen)):
        return f"{len(lines)} rows in place of {len(file.seen)}"
    for place, (line, seen) in enumerate(zip(lines, file.seen, strict=False)):
        is_last = file.may_end_early and place == len(lines) - 1
        if is_last or width_problem(shape, lines[0], line):
            continue
        cells = [*line.cells, *[None] * (len(seen) - len(line.cells))]
        for cell, text in zip(cells, seen, strict=False):
            if not isinstance(cell, Unreadable) and _text(cell) != _seen(file, text):
                return f"line {line.number}: {cell!r} in place of {text!r}"
    return None


def _seen(file: HostileFile, text: str | None) -> str | None:
    """What the cell stands for: an apostrophe in a CSV file guards a text against being a formula."""
    if text is None:
        return None
    return (unguard(text) if file.content_type == CSV else text).strip()


def _text(cell: Any) -> str:
    if isinstance(cell, NumberCell):
        return cell.shown
    return "" if cell is None else str(cell) if isinstance(cell, date) else str(cell).strip()


class _Failures(logging.Handler):
    """Counts the failures that the reader of a file logs: an exception that it has not foreseen, or an end without a message."""

    def __init__(self) -> None:
        super().__init__()
        self.found = list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(f"{record.getMessage()} {record.__dict__.get('exception')} {record.__dict__.get('frames')}")


if __name__ == "__main__":
    failures = _Failures()
    logging.getLogger("billing.imports").addHandler(failures)
    read = read_hostile_files(int(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps(read | {"failures": failures.found}))  # noqa: T201 (the figures are the output of this program)
