"""The separators of an interchange, which its first segment (ISA) declares by using them."""

from dataclasses import dataclass

_ELEMENTS = 16
# An ISA has 106 characters; more only with line breaks within it.
LONGEST_ISA = 256
_BREAKS = b"\r\n"
# The information separators of ASCII, and its special characters; letters and digits are among the latter range, too.
_CONTROLS, _VISIBLE = range(0x1C, 0x20), range(0x21, 0x7F)
# What amounts and texts are written with separates nothing.
_NO_SEPARATORS = b"-.+ "


@dataclass(frozen=True, slots=True)
class Separators:
    """The bytes that end a segment, an element and a component; `repetition` is None where the interchange has none."""

    segment: bytes
    element: bytes
    component: bytes
    repetition: bytes | None


def separators_of(head: bytes) -> tuple[Separators, int] | str:
    """The separators of an ISA with which `head` begins, and its length with its terminator; else what is wrong with it."""
    plain = head.translate(None, _BREAKS)
    element = plain[3:4]
    places = _places(plain, element) if _separates(element) else []
    if len(places) < _ELEMENTS or places[-1] + 2 >= len(plain):
        return "An ISA with 16 elements is expected, in which each ends with the same separator"
    component, segment = plain[places[-1] + 1 : places[-1] + 2], plain[places[-1] + 2 : places[-1] + 3]
    length = _raw_length(head, places[-1] + 2)
    if segment.isalnum():
        # There is no character in between: the line break itself ends the segments.
        segment = head[length : length + 1]
    length += head[length:].index(segment) + 1
    declared = plain[places[10] + 1 : places[11]]
    repetition = declared if _separates(declared) else None
    used = [element, component, segment, *([repetition] if repetition else [])]
    if (
        not _separates(component)
        or not (_separates(segment) or segment in (b"\r", b"\n"))
        or len(set(used)) < len(used)
    ):
        return "The characters that separate elements, components and segments must be special characters, each another one"
    return Separators(segment, element, component, repetition), length


def _places(plain: bytes, element: bytes) -> list[int]:
    """Where the separators of the elements stand; the last one is followed by the separator of components and the terminator."""
    places = list[int]()
    while len(places) < _ELEMENTS:
        place = plain.find(element, places[-1] + 1 if places else 0, LONGEST_ISA)
        if place < 0:
            break
        places.append(place)
    return places


def _raw_length(head: bytes, plain_length: int) -> int:
    """How many bytes of `head` so many bytes without line breaks are."""
    length = 0
    for place, byte in enumerate(head):
        if length == plain_length:
            return place
        length += byte not in _BREAKS
    return len(head)


def _separates(found: bytes) -> bool:
    if len(found) != 1 or found.isalnum() or found in _NO_SEPARATORS:
        return False
    return found[0] in _CONTROLS or found[0] in _VISIBLE
