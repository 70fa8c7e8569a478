"""The styles of a workbook: the number format of each, by the published numbers of the formats that every spreadsheet has."""

from collections.abc import Iterator
from typing import IO

from imports.files.number_formats.formats import NumberFormat
from imports.files.xml_parts import NO_WORKBOOK, Attributes, visit_elements
from imports.sheets import SheetError

_MOST_STYLES = 65_536
GENERAL = "General"
# ECMA-376, 18.8.30, as a spreadsheet in the United States shows them.
BUILT_IN = {
    0: GENERAL,
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: '"$"#,##0_);\\("$"#,##0\\)',
    6: '"$"#,##0_);[Red]\\("$"#,##0\\)',
    7: '"$"#,##0.00_);\\("$"#,##0.00\\)',
    8: '"$"#,##0.00_);[Red]\\("$"#,##0.00\\)',
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "m/d/yyyy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yyyy h:mm",
    37: "#,##0_);(#,##0)",
    38: "#,##0_);[Red](#,##0)",
    39: "#,##0.00_);(#,##0.00)",
    40: "#,##0.00_);[Red](#,##0.00)",
    41: '_(* #,##0_);_(* \\(#,##0\\);_(* "-"_);_(@_)',
    42: '_("$"* #,##0_);_("$"* \\(#,##0\\);_("$"* "-"_);_(@_)',
    43: '_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)',
    44: '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)',
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    49: "@",
}


class Styles:
    """The number format of each style, read when a cell first has it."""

    def __init__(self) -> None:
        self.formats, self._codes = [GENERAL], dict[str, NumberFormat | None]()

    def find(self, index: int) -> NumberFormat | None:
        """The format of a style; None for General."""
        code = self.formats[index]
        if code not in self._codes:
            self._codes[code] = None if code.lower() == GENERAL.lower() else NumberFormat(code)
        return self._codes[code]

    def __len__(self) -> int:
        return len(self.formats)


def read_styles(part: IO[bytes]) -> tuple[Styles, frozenset[str]]:
    """The styles, and the numbers of those for conditional formatting that have a number format of their own."""
    codes: dict[str, str] = {}
    numbers: list[str] = []
    differential: list[bool] = []

    def visit(path: list[str], attributes: Attributes) -> None:
        if path == ["styleSheet", "numFmts", "numFmt"]:
            identity, code = attributes.get("numFmtId", ""), attributes.get("formatCode", "")
            # Of two formats with one number, a program shows either: neither is certain.
            codes[identity] = "" if codes.get(identity, code) != code else code
        elif path == ["styleSheet", "cellXfs", "xf"]:
            numbers.append(attributes.get("numFmtId", "0"))
        elif path == ["styleSheet", "dxfs", "dxf"]:
            differential.append(False)
        elif path == ["styleSheet", "dxfs", "dxf", "numFmt"]:
            differential[-1] = True
        if len(codes) > _MOST_STYLES or len(numbers) > _MOST_STYLES or len(differential) > _MOST_STYLES:
            raise SheetError(NO_WORKBOOK)

    visit_elements(part, visit)
    styles = Styles()
    if numbers:
        styles.formats = list(_codes(numbers, codes))
    return styles, frozenset(str(number) for number, has_format in enumerate(differential) if has_format)


def _codes(numbers: list[str], codes: dict[str, str]) -> Iterator[str]:
    """The code of each style; an empty one, which is not rendered, for a number without a format."""
    built_in = {str(number): code for number, code in BUILT_IN.items()}
    for number in numbers:
        yield codes[number] if number in codes else built_in.get(number, "")
