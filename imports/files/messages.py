"""The messages with which a child process sends the rows of a file."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from imports.cells import NumberCell, Unreadable
from imports.sheets import FileShape, Line, ReadOptions, SheetError

_MOST_ROWS, _MOST_CELLS = 200, 2_000
OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def options_argument(options: ReadOptions) -> str:
    """The options as an argument of the child."""
    return orjson.dumps([options.encoding, options.delimiter, options.sheet]).decode()


def options_of(argument: str) -> ReadOptions:
    """The options from the argument of the child."""
    return ReadOptions(*orjson.loads(argument))


def shape_message(shape: FileShape) -> dict[str, Any]:
    """The first message: how the file is read."""
    return {"shape": [shape.encoding, shape.delimiter, shape.sheets, shape.sheet]}


def shape_of(message: dict[str, Any]) -> FileShape:
    """The shape of the file, from the first message."""
    encoding, delimiter, sheets, sheet = message["shape"]
    return FileShape(encoding, delimiter, tuple(sheets), sheet)


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
        yield Line(number, [cell if cell is None or cell.__class__ is str else _decoded(cell) for cell in cells])


def encoded(cell: Any) -> Any:
    """A cell that JSON does not know, as its parts."""
    if isinstance(cell, NumberCell):
        value = str(cell.value)
        return (value,) if value == cell.shown else (value, cell.shown)
    if isinstance(cell, Unreadable):
        return {"unreadable": cell.reason}
    if isinstance(cell, datetime):
        return {"datetime": cell.isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    raise TypeError(type(cell).__name__)


_DECODE: dict[str, Callable[[Any], Any]] = {
    "unreadable": Unreadable,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def _decoded(cell: Any) -> Any:
    """A cell as its reader gave it: a number is sent as a list of its value and, where it differs, what it shows."""
    if cell.__class__ is list:
        return NumberCell(Decimal(cell[0]), cell[-1])
    if cell.__class__ is dict:
        [(tag, value)] = cell.items()
        return _DECODE[tag](value)
    return cell
