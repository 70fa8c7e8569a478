"""Byte ranges: parses a Range header (RFC 9110) with a single range; for several ranges the whole file is sent."""

import re

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class UnsatisfiableError(Exception):
    """The range lies outside the file: the answer is 416."""


def part_of(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the byte after the last of a Range header for a file of `size` bytes; None for the whole file.

    UnsatisfiableError when the range begins after the end of the file.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(size - int(last), 0), size
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < begin:
            return None
    if begin >= end:
        raise UnsatisfiableError
    return begin, end
