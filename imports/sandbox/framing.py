"""The messages of a child process that reads a file: JSON with a length prefix."""

from collections.abc import Callable
from typing import Any

import orjson

LENGTH_BYTES = 4
# A row of a hundred cells of the maximum length is shorter.
LONGEST_MESSAGE = 32 * 1024 * 1024
# How the messages of a reader become JSON: what orjson does not know, or is told to pass on, goes to a function of the reader.
Encode = Callable[[Any], Any]

END = {"end": True}


def framed(message: dict[str, Any], encode: Encode | None = None, options: int = 0) -> bytes:
    """A message with its length prefix; `options` are those of orjson."""
    body = orjson.dumps(message, encode, options)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body
