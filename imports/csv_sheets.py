"""Decides how a CSV file becomes lines: UTF-8 with or without a mark, separated by commas, semicolons or tabs."""

import codecs
import csv
from collections.abc import Iterator

from imports.sheets import Line, Lines, SheetError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE_AS = 'save it as "CSV UTF-8"'


def csv_lines(data: bytes) -> Lines:
    """The lines of a file, its header first; SheetError where it is not CSV."""
    if data.startswith(_UTF16):
        raise SheetError(f"The file is UTF-16: {_SAVE_AS}")
    texts = _texts(data)
    first = next(texts, None)
    if first is None:
        raise SheetError("The file is empty")
    reader = csv.reader(_again(first, texts), delimiter=_separator(first), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SheetError(f"This is not CSV: {error}", number) from None
        yield Line(number, cells)


def _texts(data: bytes) -> Iterator[str]:
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True), 1):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise SheetError(f"This line is not UTF-8: {_SAVE_AS}", number) from None
        if "\0" in text:
            raise SheetError(f"This line is not text: {_SAVE_AS}", number)
        yield text


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _separator(header: str) -> str:
    """What separates the names of the header; no name has any of these in it."""
    return max(",;\t", key=header.count)
