"""Parses the XML parts of a workbook within limits: UTF-8 only, no DOCTYPE, and a maximum nesting depth."""

from collections.abc import Callable, Iterator
from typing import IO, Protocol
from xml.parsers import expat

from imports.sheets import SheetError

NO_WORKBOOK = "This is not a readable XLSX workbook"
_CHUNK = 64 * 1024
_ENCODINGS = {None, "utf-8", "us-ascii"}
_DEEPEST = 64
# An incomplete tag, name or comment is scanned again with each chunk; valid workbooks have none that is so long.
_LONGEST_TOKEN = 256 * 1024
# The maximum size of a part that only describes other parts.
_LARGEST_DESCRIPTION = 32 * 1024 * 1024

Attributes = dict[str, str]
# Called with the local names of the enclosing elements and of the element itself, and with its attributes.
Visit = Callable[[list[str], Attributes], None]


class Handler(Protocol):
    """Handles the elements of a part; names are `namespace name`."""

    def start(self, name: str, attributes: Attributes) -> None:
        """An element starts."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Text of the element that started last."""


def parsed(part: IO[bytes], handler: Handler) -> Iterator[None]:
    """Parse a part chunk by chunk; after each chunk the caller can use what the handler has found."""
    # A given encoding is used whatever the part declares, so that the declaration has to be the same.
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.XmlDeclHandler = _check_declaration
    parser.StartDoctypeDeclHandler = _refuse_doctype
    read = 0
    try:
        while chunk := part.read(_CHUNK):
            parser.Parse(chunk, False)
            read += len(chunk)
            if read - parser.CurrentByteIndex > _LONGEST_TOKEN:
                raise SheetError(NO_WORKBOOK)
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise SheetError(NO_WORKBOOK) from error
    yield


def check_depth(depth: int) -> None:
    """SheetError for elements that are nested deeper than in any valid workbook."""
    if depth > _DEEPEST:
        raise SheetError(NO_WORKBOOK)


def visit_elements(part: IO[bytes], visit: Visit) -> None:
    """Visit every element of a part that describes other parts."""
    for read, _ in enumerate(parsed(part, _Visitor(visit)), 1):
        if read * _CHUNK > _LARGEST_DESCRIPTION:
            raise SheetError(NO_WORKBOOK)


class _Visitor:
    def __init__(self, visit: Visit) -> None:
        self._visit, self._path = visit, list[str]()

    def start(self, name: str, attributes: Attributes) -> None:
        self._path.append(name.rpartition(" ")[2])
        check_depth(len(self._path))
        self._visit(self._path, attributes)

    def end(self, name: str) -> None:
        self._path.pop()

    def text(self, text: str) -> None:
        pass


def _check_declaration(version: str, encoding: str | None, standalone: int) -> None:
    if (encoding and encoding.lower()) not in _ENCODINGS:
        raise SheetError(NO_WORKBOOK)


def _refuse_doctype(*_: object) -> None:
    raise SheetError(NO_WORKBOOK)
