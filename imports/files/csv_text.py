"""Finds out how a text file is written: its encoding, and the delimiter of its columns."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import IO

from imports.sheets import SheetError

UTF8, UTF16, WINDOWS = "UTF-8", "UTF-16", "Windows-1252"
# Encoding → its codec, after the byte order mark.
_CODECS = {UTF8: "utf-8", UTF16: "utf-16-le", WINDOWS: "cp1252"}
_MARKS = ((codecs.BOM_UTF8, UTF8), (codecs.BOM_UTF16_LE, UTF16), (codecs.BOM_UTF16_BE, UTF16))
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_SAVE_AS = 'save it as "CSV UTF-8"'
_CUT_OFF = "The file ends in the middle of a character: it is cut off"
_CHUNK = 256 * 1024
# The beginning from which the delimiter is found out.
_MOST_LINES, _MOST_CHARACTERS = 100, 256 * 1024
# A first line by which Excel names the delimiter.
_NAMED = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)


def encoding_of(file: IO[bytes], wanted: str | None) -> tuple[str, str]:
    """The encoding of a file, and its codec; the file is left at its first character. SheetError if it is not text in that encoding.

    Without a byte order mark a file is UTF-8 if all of it can be, else Windows-1252.
    """
    if wanted is not None and wanted not in _CODECS:
        raise SheetError(f"The encoding must be one of {', '.join(_CODECS)}")
    beginning = file.read(max(len(mark) for mark, _ in _MARKS))
    for mark, encoding in _MARKS:
        if beginning.startswith(mark):
            if wanted not in (None, encoding):
                raise SheetError(f"The file is {encoding}, as its first bytes say, and not {wanted}")
            codec = "utf-16-be" if mark == codecs.BOM_UTF16_BE else _CODECS[encoding]
            _check(file, len(mark), encoding, codec)
            return encoding, codec
    if wanted == UTF16:
        raise SheetError("The file is not UTF-16: its first bytes would say so")
    found = wanted or UTF8
    try:
        _check(file, 0, found, _CODECS[found])
    except _NotInCodecError:
        if wanted:
            raise
        found = WINDOWS
        _check(file, 0, found, _CODECS[found])
    return found, _CODECS[found]


class _NotInCodecError(SheetError):
    """A line that is not text in an encoding."""


def _check(file: IO[bytes], start: int, encoding: str, codec: str) -> None:
    """SheetError with the first line that is not text in an encoding; the file is left at its first character."""
    decoder, number = codecs.getincrementaldecoder(codec)(), 1
    file.seek(start)
    while chunk := file.read(_CHUNK):
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(codec, "replace")
            raise _NotInCodecError(f"This line is not {encoding}: {_SAVE_AS}", number + _ends(before)) from None
        if "\0" in text:
            raise SheetError(f"This line is not text: {_SAVE_AS}", number + _ends(text[: text.index("\0")]))
        number += _ends(text)
    if decoder.getstate()[0]:
        raise SheetError(_CUT_OFF, number)
    file.seek(start)


def _ends(text: str) -> int:
    return text.count("\n") or text.count("\r")


def text_of(file: IO[bytes], codec: str) -> io.TextIOWrapper:
    """The text of a file. A line ends with CR, LF or both."""
    return io.TextIOWrapper(file, codec, newline="")


def first_lines(file: IO[bytes], codec: str) -> list[str]:
    """The lines at the beginning of a file, which is left where it was; the last of them may be cut off."""
    start, text = file.tell(), text_of(file, codec)
    lines, left = list[str](), _MOST_CHARACTERS
    while left > 0 and len(lines) < _MOST_LINES and (line := text.readline(left)):
        lines.append(line)
        left -= len(line)
    text.detach()
    file.seek(start)
    return lines


def named_delimiter(line: str) -> str | None:
    """The delimiter that a first line such as `sep=;` names; None for any other line."""
    found = _NAMED.fullmatch(line)
    return found[1] if found else None


def delimiters_of(lines: Sequence[str]) -> list[str]:
    """The delimiters with which most lines have the same number of cells; several, if they fit equally well."""
    fits = {delimiter: _fit(lines, delimiter) for delimiter in DELIMITERS}
    best = max(fits.values())
    # A file of a single column has no delimiter.
    return [delimiter for delimiter, fit in fits.items() if fit == best] if best else [next(iter(DELIMITERS))]


def _fit(lines: Sequence[str], delimiter: str) -> float:
    """The share of rows that have the same number of cells, and more than one."""
    try:
        widths = [len(row) for row in islice(csv.reader(lines, delimiter=delimiter), _MOST_LINES) if any(row)]
    except csv.Error:
        return 0
    return max(Counter(width for width in widths if width > 1).values(), default=0) / max(len(widths), 1)
