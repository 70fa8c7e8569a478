"""What the values of a file tell about the order of month and day in a column."""

from dataclasses import dataclass
from datetime import date

from domain.errors import InvalidInput
from domain.imports import OTHER_ORDER, CellFormat
from imports.mapping.formats import SHORT_YEARS, day_in


@dataclass(slots=True)
class DayEvidence:
    """Whether the values of a column prove its format of days, seen value by value.

    A value proves it if the other order of month and day is no day; `example` is the first value that would be another day.
    The century of a year of two digits is never proved.
    """

    form: CellFormat
    is_proved: bool = False
    example: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether some value would be another day in another format, and none proves this one."""
        return self.example is not None and not self.is_proved

    def see(self, text: str, found: date) -> None:
        """Take a value into account that was read as a day."""
        if self.is_proved:
            return
        if self.form in SHORT_YEARS:
            self.example = self.example or text
            return
        try:
            other = day_in(OTHER_ORDER[self.form])(text)
        except InvalidInput:
            self.is_proved = True
        else:
            if other != found:
                self.example = self.example or text


@dataclass(frozen=True, slots=True)
class OpenDay:
    """A column whose days the file does not tell: its name in the template, an example, and the formats to choose from."""

    column: str
    example: str
    choices: tuple[CellFormat, ...]
