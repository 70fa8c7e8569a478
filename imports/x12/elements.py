"""A segment of a file, and the values of its elements: texts, amounts, quantities and days, each within its limits."""

import re
from datetime import date
from decimal import Decimal

# At most 12 digits, two of them after the point.
_AMOUNT = re.compile(r"-?(?:[0-9]{1,10}(?:\.[0-9]{0,2})?|\.[0-9]{1,2})")
_QUANTITY = re.compile(r"-?(?:[0-9]{1,8}(?:\.[0-9]{0,4})?|\.[0-9]{1,4})")
_DAY = re.compile("[0-9]{8}")
_COUNT = re.compile("[0-9]{1,10}")
_CENT, _ZERO = Decimal("0.01"), Decimal("0.00")
_NO_AMOUNT = "An amount such as 1234.56 is expected, with at most 10 digits before the point and 2 after it"
_NO_QUANTITY = "A quantity such as 1.5 is expected, with at most 8 digits before the point and 4 after it"
_NO_DAY = "A day such as 20260131 is expected"
_NO_COUNT = "A whole number is expected"
_MISSING = "This element is missing"
_NO_TEXT = "This element has characters that no text has"


class SegmentError(Exception):
    """Why a segment, or one of its elements, cannot be read; `element` is such as CLP03."""

    def __init__(self, segment: int, element: str | None, reason: str) -> None:
        super().__init__(reason)
        self.segment, self.element, self.reason = segment, element, reason


class Segment:
    """A segment: its number in the file from 1, its name in capitals, and its elements, of which the first is the name."""

    __slots__ = ("component", "elements", "name", "number")

    def __init__(self, number: int, elements: list[str], component: str) -> None:
        self.number, self.elements, self.component = number, elements, component
        self.name = elements[0].strip().upper()

    def error(self, reason: str, index: int | None = None) -> SegmentError:
        """An error at an element, or about the segment as a whole."""
        return SegmentError(self.number, f"{self.name}{index:02d}" if index else None, reason)

    def at(self, index: int) -> str:
        """The element at an index from 1, without spaces around it; empty where there is none."""
        return self.elements[index].strip() if index < len(self.elements) else ""

    def text(self, index: int, longest: int) -> str | None:
        """A text; None where there is none. SegmentError for one that is too long or has control characters."""
        return self._checked(self.at(index), index, longest) or None

    def needed(self, index: int, longest: int) -> str:
        """A text; SegmentError where there is none."""
        found = self.text(index, longest)
        if found is None:
            raise self.error(_MISSING, index)
        return found

    def code(self, index: int, longest: int = 3) -> str:
        """A code in capitals; SegmentError where there is none."""
        found = self.needed(index, longest)
        if not found.isascii():
            raise self.error(_NO_TEXT, index)
        return found.upper()

    def components(self, index: int, longest: int) -> list[str]:
        """The components of an element, each without spaces around it."""
        parts = self.at(index).split(self.component)
        return [self._checked(part.strip(), index, longest) for part in parts]

    def amount(self, index: int) -> Decimal:
        """An amount in US dollars, exact to the cent; SegmentError where there is none."""
        found = self.at(index)
        if not _AMOUNT.fullmatch(found):
            raise self.error(_NO_AMOUNT if found else _MISSING, index)
        # A zero has no sign.
        return Decimal(found).quantize(_CENT) or _ZERO

    def quantity(self, index: int) -> Decimal | None:
        """A quantity; None where there is none."""
        found = self.at(index)
        if not found:
            return None
        if not _QUANTITY.fullmatch(found):
            raise self.error(_NO_QUANTITY, index)
        return Decimal(found) or _ZERO

    def day(self, index: int) -> date:
        """A day; SegmentError where there is none."""
        found = self.at(index)
        if not _DAY.fullmatch(found):
            raise self.error(_NO_DAY if found else _MISSING, index)
        try:
            return date(int(found[:4]), int(found[4:6]), int(found[6:]))
        except ValueError:
            raise self.error(_NO_DAY, index) from None

    def count(self, index: int) -> int:
        """A whole number; SegmentError where there is none."""
        found = self.at(index)
        if not _COUNT.fullmatch(found):
            raise self.error(_NO_COUNT if found else _MISSING, index)
        return int(found)

    def _checked(self, found: str, index: int, longest: int) -> str:
        if len(found) > longest:
            raise self.error(f"At most {longest} characters are expected", index)
        if not found.isprintable():
            raise self.error(_NO_TEXT, index)
        return found
