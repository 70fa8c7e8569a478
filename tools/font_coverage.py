"""Writes documents/fonts/coverage.txt: the ranges of letters that the packaged fonts have."""

from pathlib import Path

from fontTools.ttLib import TTFont

FONTS = Path(__file__).parent.parent / "documents" / "fonts"


def coverage() -> str:
    """The ranges, one a line, in hexadecimal digits: letters that all weights of a family have."""
    families: dict[str, set[int]] = {}
    for path in FONTS.glob("*.ttf"):
        found, family = set(TTFont(path).getBestCmap()), path.stem.partition("-")[0]
        families[family] = families.get(family, found) & found
    letters = sorted(set[int]().union(*families.values()))
    ranges: list[list[int]] = []
    for letter in letters:
        if ranges and letter == ranges[-1][1] + 1:
            ranges[-1][1] = letter
        else:
            ranges.append([letter, letter])
    return "".join(f"{first:04X}-{last:04X}\n" for first, last in ranges)


if __name__ == "__main__":
    (FONTS / "coverage.txt").write_text(coverage(), "ascii")
