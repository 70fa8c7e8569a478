"""The messages with which a child process sends the rows of a file: JSON with a length prefix."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson

from imports.cells import Unreadable
from imports.sheets import Line, SheetError

LENGTH_BYTES = 4
# A row of a hundred cells of the maximum length is shorter.
LONGEST_MESSAGE = 32 * 1024 * 1024
_MOST_ROWS, _MOST_CELLS = 200, 2_000
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS

END = {"end": True}


def framed(message: dict[str, Any]) -> bytes:
    """A message with its length prefix."""
    body = orjson.dumps(message, _tagged, _OPTIONS)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def batches(lines: Iterable[Line]) -> Iterator[dict[str, Any]]:
    """Messages of a few hundred rows each."""
    rows, cells = list[tuple[int, Any]](), 0
    try:
        for line in lines:
            rows.append((line.number, line.cells))
            cells += len(line.cells)
            if len(rows) >= _MOST_ROWS or cells >= _MOST_CELLS:
                yield {"rows": rows}
                rows, cells = [], 0
    except SheetError:
        # The rows before an error are reported with it.
        yield {"rows": rows}
        raise
    yield {"rows": rows}


def rows_of(message: dict[str, Any]) -> Iterator[Line]:
    """The rows of a message."""
    for number, cells in message.get("rows", ()):
        yield Line(number, [_untagged(cell) if cell.__class__ is dict else cell for cell in cells])


def _tagged(cell: Any) -> dict[str, Any]:
    if isinstance(cell, Unreadable):
        return {"unreadable": cell.reason}
    if isinstance(cell, timedelta):
        return {"duration": cell.total_seconds()}
    if isinstance(cell, datetime):
        return {"datetime": cell.isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    if isinstance(cell, time):
        return {"time": cell.isoformat()}
    raise TypeError(type(cell).__name__)


_UNTAG: dict[str, Callable[[Any], Any]] = {
    "unreadable": Unreadable,
    "duration": lambda seconds: timedelta(seconds=seconds),
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def _untagged(cell: dict[str, Any]) -> Any:
    [(tag, value)] = cell.items()
    return _UNTAG[tag](value)
