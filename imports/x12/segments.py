"""Splits a file into the segments of its interchanges, chunk by chunk, each interchange by its own separators."""

import re
from collections.abc import Iterator
from typing import IO

from imports.sheets import SheetError
from imports.x12.elements import Segment
from imports.x12.separators import LONGEST_ISA, Separators, separators_of

_CHUNK = 64 * 1024
LONGEST_SEGMENT = 10_000
MOST_SEGMENTS = 1_000_000
_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SPACE = re.compile(rb"[ \t\r\n]*")
# What some programs and transfers leave at the end of a file, too.
_FILLING = re.compile(rb"[ \t\r\n\0\x1a]*")
_LAST_BLANK = 0x20
_NO_FILE = "This is not an X12 file: it must begin with ISA"
_UTF_16 = "The file is in UTF-16: it must be plain text, as the payer sends it"
_NO_ISA = (
    "After the end of the interchange (IEA) stands neither another one nor the end of the file: the rest is not read"
)
_TOO_LONG = (
    f"A segment has at most {LONGEST_SEGMENT:,} characters: the file is damaged, or another terminator follows than that of the ISA; "
    "the rest is not read"
)
_TOO_MANY = f"A file has at most {MOST_SEGMENTS:,} segments: ask the payer for several files; the rest is not read"
_CUT_OFF = "The file is cut off within this segment"


class Segments:
    """The segments of a file that is open for reading; SheetError, with the number of the segment, from where it cannot be split."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._bytes, self._place, self._number = file, b"", 0, 0
        self._is_read = False

    def __iter__(self) -> Iterator[Segment]:
        self._skip_mark()
        while self._skip(_FILLING):
            if not self._begins_as(b"ISA"):
                raise SheetError(_NO_ISA if self._number else _NO_FILE, self._number + 1)
            yield from self._interchange()
        if not self._number:
            raise SheetError(_NO_FILE)

    def _skip_mark(self) -> None:
        self._read(_CHUNK)
        if self._bytes.startswith(_UTF_16_MARKS):
            raise SheetError(_UTF_16)
        if self._bytes.startswith(_UTF_8_MARK):
            self._place = len(_UTF_8_MARK)

    def _interchange(self) -> Iterator[Segment]:
        """The segments up to IEA, or up to the end of the file."""
        separators, isa = self._isa()
        component = separators.component.decode()
        yield isa
        while self._skip(_SPACE):
            if self._bytes[self._place] in b"Ii" and self._begins_as(b"ISA" + separators.element):
                # The interchange before is not closed; whoever counts them says so.
                return
            self._count()
            segment = Segment(self._number, self._next(separators), component)
            yield segment
            if segment.name == "IEA":
                return

    def _isa(self) -> tuple[Separators, Segment]:
        self._count()
        self._read(LONGEST_ISA)
        found = separators_of(self._bytes[self._place : self._place + LONGEST_ISA])
        if isinstance(found, str):
            raise SheetError(found, self._number)
        separators, length = found
        head = self._bytes[self._place : self._place + length - 1].translate(None, b"\r\n")
        self._place += length
        return separators, Segment(self._number, _texts(head, separators), separators.component.decode())

    def _next(self, separators: Separators) -> list[str]:
        end = self._bytes.find(separators.segment, self._place, self._place + LONGEST_SEGMENT)
        if end < 0:
            self._read(LONGEST_SEGMENT)
            end = self._bytes.find(separators.segment, self._place, self._place + LONGEST_SEGMENT)
        if end < 0:
            end = self._end_without_terminator()
        segment = self._bytes[self._place : end]
        self._place = min(end + 1, len(self._bytes))
        if b"\n" in segment or b"\r" in segment:
            segment = segment.translate(None, b"\r\n")
        return _texts(segment, separators)

    def _end_without_terminator(self) -> int:
        """The end of the file, where its last segment is IEA; SheetError otherwise."""
        rest = len(self._bytes) - self._place
        if rest >= LONGEST_SEGMENT:
            raise SheetError(_TOO_LONG, self._number)
        if not self._begins_as(b"IEA"):
            raise SheetError(_CUT_OFF, self._number)
        return len(self._bytes)

    def _begins_as(self, name: bytes) -> bool:
        self._read(len(name))
        return self._bytes[self._place : self._place + len(name)].upper() == name.upper()

    def _count(self) -> None:
        self._number += 1
        if self._number > MOST_SEGMENTS:
            raise SheetError(_TOO_MANY, self._number)

    def _skip(self, skipped: re.Pattern[bytes]) -> bool:
        """Skip such bytes; False at the end of the file."""
        if self._place < len(self._bytes) and self._bytes[self._place] > _LAST_BLANK:
            return True
        while self._read(1):
            found = skipped.match(self._bytes, self._place)
            assert found
            self._place = found.end()
            if self._place < len(self._bytes):
                return True
        return False

    def _read(self, wanted: int) -> bool:
        """Have so many bytes from the present place on, where the file has them; whether there is any."""
        while len(self._bytes) - self._place < wanted and not self._is_read:
            chunk = self._file.read(_CHUNK)
            self._is_read = not chunk
            self._bytes, self._place = self._bytes[self._place :] + chunk, 0
        return self._place < len(self._bytes)


def _texts(segment: bytes, separators: Separators) -> list[str]:
    """The elements of a segment, in UTF-8, or else in Latin-1."""
    try:
        text = segment.decode()
    except UnicodeDecodeError:
        text = segment.decode("latin-1")
    return text.split(separators.element.decode())
