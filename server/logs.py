"""Decides what a process writes down for its operator: one JSON object a line, with the request, and never a patient's data."""

import logging
from types import TracebackType
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from server.requests import REQUEST_ID

# Whose words are known. Anybody else's may quote a row or a request: of them it is told where in their code they were said.
_KNOWN = ("billing", "uvicorn")


def configure_logs(level: str) -> None:
    """Have the whole process write to standard error what is of a level or graver."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Of what is not ours only what went wrong.
    root.setLevel(logging.ERROR if level == "error" else logging.WARNING)
    logging.getLogger("billing").setLevel(level.upper())


def trace(error: BaseException) -> str:
    """Where something failed, by frames and types alone, the innermost first."""
    frames, step = [], error.__traceback__
    while step:
        code = step.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{step.tb_lineno} {code.co_name}")
        step = step.tb_next
    return f"{type(error).__name__} at {' < '.join(reversed(frames))}"


class JsonLines(OrjsonFormatter):
    """A record as a line: time, level, logger, words, and, where there are such, the request and where an exception came from."""

    def __init__(self) -> None:
        names = {"levelname": "level", "name": "logger", "exc_info": "failure"}
        super().__init__(["levelname", "name", "message"], rename_fields=names, timestamp="time")

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, made of nothing but what is named here: whoever logs may hang anything else on it."""
        is_known = record.name.partition(".")[0] in _KNOWN
        plain = logging.LogRecord(
            record.name,
            record.levelno,
            record.pathname,
            record.lineno,
            record.msg if is_known else f"said in {record.module}, line {record.lineno}",
            record.args if is_known else None,
            record.exc_info,
        )
        plain.created, plain.msecs = record.created, record.msecs
        return super().format(plain)

    def formatException(  # noqa: N802 (a name of the standard library)
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Where an exception came from: its text may quote a row."""
        return trace(ei[1]) if ei[1] else ""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Add which request was being answered."""
        request_id = REQUEST_ID.get()
        return log_data if request_id == "-" else log_data | {"request": request_id}
