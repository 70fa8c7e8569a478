"""Profiles a column of a foreign file: which formats read its values, and whether the values tell one of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from domain.errors import InvalidInput
from domain.imports import OTHER_ORDER, CellFormat
from imports.cells import Reader, Unreadable, is_blank
from imports.mapping.columns import Form, Known
from imports.mapping.formats import EXAMPLES, SHORT_YEARS, converter
from imports.mapping.headers import cell_text, header_key
from imports.mapping.mappings import LONGEST_TEXT, MOST_VALUES, ValueMapping

# Further values than these are profiled without regard to whether they were seen before.
_MOST_SEEN = 50_000


@dataclass(frozen=True, slots=True)
class Question:
    """What a person has to answer about a column: its formats to choose from, or the values of the file that have no meaning yet."""

    column: str
    reason: str
    example: str | None = None
    formats: tuple[CellFormat, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(slots=True)
class FormatProfile:
    """The formats of a column of days, amounts or names that read its values, and the pairs of them that read one value differently."""

    column: str
    form: Form
    read: Reader
    fits: Counter[CellFormat] = field(default_factory=Counter)
    differ: dict[frozenset[CellFormat], str] = field(default_factory=dict)
    has_comma: bool = False
    has_point: bool = False
    _seen: dict[str, None] = field(default_factory=dict)

    def see(self, cell: Any) -> None:
        """Take a cell into account; dates and numbers of a spreadsheet are the same in every format."""
        if not isinstance(cell, str) or is_blank(cell):
            return
        text = cell.strip()
        if text in self._seen:
            return
        if len(self._seen) < _MOST_SEEN:
            self._seen[text] = None
        self.has_comma, self.has_point = self.has_comma or "," in text, self.has_point or "." in text
        found = dict(self._readings(text))
        self.fits.update(found.keys())
        for pair in combinations(found, 2):
            if found[pair[0]] != found[pair[1]]:
                self.differ.setdefault(frozenset(pair), text)

    def _readings(self, text: str) -> Iterable[tuple[CellFormat, Any]]:
        for form in (CellFormat.AS_IS, *self.form.formats):
            convert = converter(form, self.column)
            try:
                yield form, self.read(convert(text) if convert else text)
            except InvalidInput:
                continue

    def decide(self) -> tuple[CellFormat, Question | None]:
        """The format of the column; where the values do not tell it, a question."""
        most = max(self.fits.values(), default=0)
        best = [form for form in (CellFormat.AS_IS, *self.form.formats) if most and self.fits[form] == most]
        if not best:
            return CellFormat.AS_IS, None
        choices, example = self._choices(best)
        if len(choices) > 1:
            said = " or ".join(EXAMPLES[form] for form in choices)
            return CellFormat.UNDECIDED, self._ask(f"The values can be read as {said}", example, choices)
        return self._decide_alone(choices[0], next(iter(self._seen)))

    def _decide_alone(self, form: CellFormat, example: str) -> tuple[CellFormat, Question | None]:
        """One format remains: it is proposed if the values prove it, and asked about if they only allow it."""
        other = OTHER_ORDER.get(form)
        if form in SHORT_YEARS:
            return self._undecided("The years have two digits, and are read as 1930 to 2029", example, (form,))
        if other and self.fits[other] and self._has_both_orders(form, other):
            return self._undecided("The column has days of both orders of month and day", example, (form, other))
        if form is CellFormat.IMPLIED_DECIMAL:
            return self._undecided("The amounts have no decimal point", example, (form,))
        is_grouped = (self.has_comma, self.has_point) in ((True, False), (False, True))
        if form is CellFormat.EUROPEAN_AMOUNT and is_grouped and not self._has_places(","):
            return self._undecided("The points can be decimal points or thousands separators", example, (form,))
        if form is CellFormat.US_AMOUNT and is_grouped and self.has_comma:
            return self._undecided("The commas can be decimal commas or thousands separators", example, (form,))
        return form, None

    def _has_both_orders(self, form: CellFormat, other: CellFormat) -> bool:
        return any(not _reads(form, text) and _reads(other, text) for text in self._seen)

    def _has_places(self, sign: str) -> bool:
        return any(len(text.rstrip(")- ").rpartition(sign)[2]) in (1, 2) and sign in text for text in self._seen)

    def _choices(self, best: list[CellFormat]) -> tuple[tuple[CellFormat, ...], str | None]:
        """Of formats that read every value alike, the first."""
        choices, example = list[CellFormat](), None
        for form in best:
            examples = [self.differ.get(frozenset((form, chosen))) for chosen in choices]
            if all(examples):
                choices.append(form)
                example = example or next(iter(examples), None)
        return tuple(choices), example

    def _ask(self, reason: str, example: str | None, formats: tuple[CellFormat, ...]) -> Question:
        return Question(self.column, reason, example, formats)

    def _undecided(
        self, reason: str, example: str, formats: tuple[CellFormat, ...]
    ) -> tuple[CellFormat, Question | None]:
        return CellFormat.UNDECIDED, self._ask(reason, example, formats)


def _reads(form: CellFormat, text: str) -> bool:
    convert: Callable[[Any], Any] | None = converter(form, "")
    try:
        return convert is not None and convert(text) is not None
    except InvalidInput:
        return False


@dataclass(slots=True)
class ValueProfile:
    """The values of a column with a choice, and what they mean."""

    column: str
    read: Reader
    known: Known
    meanings: dict[str, ValueMapping] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)

    def see(self, cell: Any) -> None:
        """Take a cell into account."""
        if is_blank(cell) or isinstance(cell, Unreadable) or len(self.meanings) + len(self.unknown) >= MOST_VALUES:
            return
        text = cell_text(cell)[:LONGEST_TEXT]
        if text in self.meanings or text in self.unknown:
            return
        meant = (self.known.values or {}).get(header_key(text))
        if meant:
            self.meanings[text] = ValueMapping(text, meant)
        else:
            try:
                self.read(cell)
            except InvalidInput:
                self.unknown[text] = None

    def ask(self) -> Question | None:
        """A question about the values that have no meaning yet."""
        if not self.unknown:
            return None
        return Question(self.column, "These values are not known: say what each means", values=tuple(self.unknown))
