"""Decides which part of a file a request asks for, as RFC 9110 says it; of several parts at once, the whole is answered."""

import re

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class UnsatisfiableError(Exception):
    """The file has no such part."""


def part_of(said: str | None, size: int) -> tuple[int, int] | None:
    """From where until before where, of a header that asks for one part of so many bytes; None where the whole is to be answered.

    UnsatisfiableError when the file does not reach to where the part begins.
    """
    found = _RANGE.fullmatch(said.strip()) if said else None
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
