"""Writes a number as a section of a format shows it: its digits, separators and literal text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal

from imports.files.number_formats.tokens import Part, Token

# A section's text of a number that is not negative.
Show = Callable[[Decimal], str]
# A spreadsheet shows at most 15 digits of a number, and rounds halves away from zero.
MOST_DIGITS = 15
ROUNDED = Context(prec=MOST_DIGITS, rounding=ROUND_HALF_UP)
# Wide enough for the largest number with all of its places.
_WIDE = Context(prec=700, rounding=ROUND_HALF_UP)
# In the format General, a number with its decimal point takes up to 11 characters.
_GENERAL_WIDTH, _GENERAL_DIGITS, _MANTISSA = 11, 10, 6
# The smallest number that General shows without an exponent has its first digit here.
_LAST_PLACE = -4


def plain(number: Decimal) -> str:
    """All digits of a number, without an exponent and without zeros at the end of its decimal places."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def general(number: Decimal) -> str:
    """A number that is not negative in the format General: rounded or with an exponent where it is too long."""
    text = plain(number)
    if len(text) <= _GENERAL_WIDTH:
        return text
    place = number.adjusted()
    if place == _GENERAL_DIGITS:
        return plain(_WIDE.quantize(number, Decimal(1)))
    if _LAST_PLACE <= place < _GENERAL_DIGITS:
        places = min(_GENERAL_DIGITS - 1, _GENERAL_DIGITS - 1 - place)
        rounded = plain(_WIDE.quantize(number, Decimal(1).scaleb(-places)))
        if len(rounded) <= _GENERAL_WIDTH:
            return rounded
    return _with_exponent(number)


def _with_exponent(number: Decimal) -> str:
    rounded = Context(prec=_MANTISSA, rounding=ROUND_HALF_UP).plus(number)
    place = rounded.adjusted()
    return f"{plain(rounded.scaleb(-place))}E{'-' if place < 0 else '+'}{abs(place):02}"


class _UncertainError(Exception):
    """An order of placeholders that has no certain meaning."""


@dataclass(slots=True)
class _Digits:
    """The placeholders of a section, and what stands before, between and after them."""

    parts: list[Part] = field(default_factory=list)
    whole: str = ""
    fraction: str = ""
    has_point: bool = False
    is_grouped: bool = False
    scale: int = 0
    percents: int = 0
    _commas: int = 0

    def take(self, part: Part) -> None:
        """Take the next part; a comma means what it stands beside."""
        if part.token is Token.COMMA:
            self._require(bool(self.parts) and self.parts[-1].token is Token.DIGIT)
            self._commas += 1
            return
        if part.token is Token.DIGIT:
            self._take_digit(part.text)
        else:
            self.end_commas()
        if part.token is Token.POINT:
            self._take_point()
        elif part.token is Token.PERCENT:
            self.percents += 1
            self._require(self.percents == 1)
        else:
            self._require(part.token in (Token.DIGIT, Token.LITERAL))
        self.parts.append(part)

    def end_commas(self) -> None:
        """Commas that no placeholder follows divide the number by a thousand each."""
        self.scale, self._commas = self.scale + self._commas, 0

    def _take_digit(self, placeholder: str) -> None:
        if self._commas:
            # Commas between placeholders separate thousands, but have no certain meaning in decimal places.
            self._require(not self.has_point)
            self.is_grouped, self._commas = True, 0
        if self.has_point:
            self.fraction += placeholder
        else:
            self._require(not self.scale)
            self.whole += placeholder

    def _take_point(self) -> None:
        self._require(not self.has_point)
        self.has_point = True
        if not self.whole:
            # Without a placeholder, the digits before the point are shown all the same.
            self.parts.append(Part(Token.DIGIT, "#"))
            self.whole = "#"

    def _require(self, is_certain: bool) -> None:
        if not is_certain:
            raise _UncertainError


def show_of(parts: Sequence[Part]) -> Show | None:
    """What writes a number by the parts of a section; None if the section is not one that can be written exactly."""
    digits = _Digits()
    try:
        for part in parts:
            digits.take(part)
    except _UncertainError:
        return None
    digits.end_commas()
    if digits.is_grouped and ("?" in digits.whole or _is_split(digits)):
        return None
    return _show_simple(digits) or (lambda number: _show(digits, number))


def _is_split(digits: _Digits) -> bool:
    """Whether other text stands between the placeholders before the decimal point."""
    tokens = [part.token for part in digits.parts]
    first = tokens.index(Token.DIGIT)
    return any(token is not Token.DIGIT for token in tokens[first : first + len(digits.whole)])


def _show_simple(digits: _Digits) -> Show | None:
    """The same for a section such as `$#,##0.00`, which Python's own formatting writes faster; None for any other."""
    before, found, after = _split(digits.parts)
    if digits.scale or digits.percents or not found or any(part.token is Token.LITERAL for part in found):
        return None
    minimum, places = digits.whole.count("0"), len(digits.fraction)
    is_plain = digits.whole == "#" * (len(digits.whole) - minimum) + "0" * minimum and set(digits.fraction) <= {"0"}
    if not is_plain or not minimum or (digits.is_grouped and minimum > 1) or (digits.has_point and not places):
        return None
    unit, form = Decimal(1).scaleb(-places), f"{',' if digits.is_grouped else ''}.{places}f"
    width = minimum + (places + 1 if places else 0)
    return lambda number: f"{before}{format(_WIDE.quantize(number, unit), form).zfill(width)}{after}"


def _split(parts: Sequence[Part]) -> tuple[str, Sequence[Part], str]:
    """The literal text before the placeholders, the placeholders with what is between them, and the text after them."""
    places = [place for place, part in enumerate(parts) if part.token is not Token.LITERAL]
    if not places:
        return "", (), ""
    first, last = places[0], places[-1] + 1
    return _text(parts[:first]), parts[first:last], _text(parts[last:])


def _text(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts)


def _show(digits: _Digits, number: Decimal) -> str:
    number = _WIDE.scaleb(number, 2 * digits.percents - 3 * digits.scale)
    rounded = format(_WIDE.quantize(number, Decimal(1).scaleb(-len(digits.fraction))), "f")
    whole, _, fraction = rounded.partition(".")
    wholes = iter(_whole(digits, "" if whole == "0" else whole))
    fractions, is_fraction, shown = iter(_fraction(digits.fraction, fraction)), False, list[str]()
    for part in digits.parts:
        if part.token is Token.DIGIT:
            shown.append(next(fractions if is_fraction else wholes))
        else:
            is_fraction = is_fraction or part.token is Token.POINT
            shown.append(part.text)
    return "".join(shown)


_BLANKS = {"0": "0", "?": " ", "#": ""}


def _whole(digits: _Digits, number: str) -> list[str]:
    """What each placeholder before the decimal point shows; the first one shows all digits that the others leave."""
    count = len(digits.whole)
    if not count:
        return []
    shown = [_BLANKS[placeholder] for placeholder in digits.whole]
    for place in range(1, min(count, len(number)) + 1):
        shown[-place] = number[-place]
    if len(number) > count:
        shown[0] = number[: len(number) - count + 1]
    if not digits.is_grouped:
        return shown
    return [*[""] * (count - 1), _grouped("".join(shown))]


def _grouped(number: str) -> str:
    """A number with commas between its thousands, its zeros at the front included."""
    first = len(number) % 3
    groups = [number[:first], *(number[place : place + 3] for place in range(first, len(number), 3))]
    return ",".join(filter(None, groups))


def _fraction(placeholders: str, number: str) -> list[str]:
    """What each placeholder behind the decimal point shows: only a 0 shows zeros at the end."""
    shown, is_end = list(number), True
    for place in reversed(range(len(shown))):
        is_end = is_end and shown[place] == "0" and placeholders[place] != "0"
        if is_end:
            shown[place] = _BLANKS[placeholders[place]]
    return shown
