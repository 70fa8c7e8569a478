"""The log of a process: one JSON object a line, with the request id, and never a patient's data."""

import logging
from types import TracebackType
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from observability.outages import WithoutOutages
from observability.request_id import REQUEST_ID

# Loggers whose messages are known. A message of another library may quote a row or a request: only its place in the code is logged.
_KNOWN = ("billing", "uvicorn")


def configure_logs(level: str) -> None:
    """Log records of a level or above to standard error, for the whole process."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    handler.addFilter(WithoutOutages())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries log warnings and errors only.
    root.setLevel(logging.ERROR if level == "error" else logging.WARNING)
    logging.getLogger("billing").setLevel(level.upper())


def trace(error: BaseException) -> str:
    """The stack trace of an error as frames and its type, without its message; innermost frame first."""
    frames, step = [], error.__traceback__
    while step:
        code = step.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{step.tb_lineno} {code.co_name}")
        step = step.tb_next
    return f"{type(error).__name__} at {' < '.join(reversed(frames))}"


class JsonLines(OrjsonFormatter):
    """Formats a record as a JSON line: time, level, logger, message and, if present, request id and where an exception came from."""

    def __init__(self) -> None:
        names = {"levelname": "level", "name": "logger", "exc_info": "failure"}
        super().__init__(["levelname", "name", "message"], rename_fields=names, timestamp="time")

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, built only from the attributes named here: extra attributes may hold personal data."""
        is_known = record.name.partition(".")[0] in _KNOWN
        plain = logging.LogRecord(
            record.name,
            record.levelno,
            record.pathname,
            record.lineno,
            record.msg if is_known else f"logged in {record.module}, line {record.lineno}",
            record.args if is_known else None,
            record.exc_info,
        )
        plain.created, plain.msecs = record.created, record.msecs
        return super().format(plain)

    def formatException(  # noqa: N802 (a name of the standard library)
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Where an exception came from, without its message, which may quote a row."""
        return trace(ei[1]) if ei[1] else ""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Add the id of the request that was being answered."""
        request_id = REQUEST_ID.get()
        return log_data if request_id == "-" else log_data | {"request": request_id}
