"""Stores the shared texts of a workbook within a memory limit, and decodes the text of a cell."""

import re
from array import array
from typing import IO

from domain.imports import MOST_CELLS
from imports.files.xml_parts import Attributes, check_depth, parsed
from imports.sheets import SheetError

# The maximum length of a spreadsheet cell.
LONGEST_TEXT = 32_767
_MOST_BYTES = 96 * 1024 * 1024
_TOO_MUCH = "The workbook has more text than can be read at once: import it in several files"
_TOO_LONG = f"A cell has at most {LONGEST_TEXT:,} characters"
_SPELT = re.compile("_x([0-9A-Fa-f]{4})_")
# An unpaired surrogate and NUL are not characters of a text: their escape sequence stays as it is.
_NO_CHARACTERS = {0, *range(0xD800, 0xE000)}


class SharedTexts:
    """Texts by their index."""

    def __init__(self) -> None:
        self._bytes, self._ends = bytearray(), array("I", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        return self._bytes[self._ends[index] : self._ends[index + 1]].decode()

    def add(self, text: str) -> None:
        """Add a text; SheetError beyond the limit."""
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))
        if len(self._bytes) > _MOST_BYTES or len(self._ends) > MOST_CELLS:
            raise SheetError(_TOO_MUCH)


def read_texts(part: IO[bytes]) -> SharedTexts:
    """The texts of the part that contains them."""
    texts = SharedTexts()
    for _ in parsed(part, _TextsHandler(texts)):
        pass
    return texts


def unescaped(pieces: list[str]) -> str:
    """The text of a cell from its pieces, with escapes such as `_x000D_` decoded; SheetError if it is too long."""
    text = pieces[0] if len(pieces) == 1 else "".join(pieces)
    if len(text) > LONGEST_TEXT:
        raise SheetError(_TOO_LONG)
    return _SPELT.sub(_character, text) if "_x" in text else text


def _character(spelt: re.Match[str]) -> str:
    code = int(spelt[1], 16)
    return spelt[0] if code in _NO_CHARACTERS else chr(code)


class _TextsHandler:
    """Keeps the text of each `si`: of its own `t`, or of the `t` of its runs; phonetic text is left out."""

    def __init__(self, texts: SharedTexts) -> None:
        self._texts, self._path, self._pieces = texts, list[str](), list[str]()
        self._is_text, self._length = False, 0

    def start(self, name: str, attributes: Attributes) -> None:
        path = self._path
        path.append(name.rpartition(" ")[2])
        check_depth(len(path))
        self._is_text = path in (["sst", "si", "t"], ["sst", "si", "r", "t"])

    def end(self, name: str) -> None:
        self._is_text = False
        if self._path == ["sst", "si"]:
            self._texts.add(unescaped(self._pieces))
            self._pieces, self._length = [], 0
        self._path.pop()

    def text(self, text: str) -> None:
        if self._is_text:
            self._pieces.append(text)
            self._length += len(text)
            if self._length > LONGEST_TEXT:
                raise SheetError(_TOO_LONG)
