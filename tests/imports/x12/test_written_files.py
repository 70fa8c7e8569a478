"""What an independent program writes, with whatever separators, envelopes and encodings, is what the reader reads."""

from dataclasses import replace

import pytest

from domain.remittances.remittance import RemittedPayment, broken_laws
from imports.x12.child import read_in_process, read_remittances
from imports.x12.remittance_file import RemittanceFile
from tests.support.x12.random_payments import random_payments, seeded
from tests.support.x12.writer import PLAIN, Style, file_of, written

STYLES = {
    "as X12 has it": PLAIN,
    "a segment on each line": Style(line_break="\n"),
    "a segment on each line of Windows": Style(line_break="\r\n"),
    "lines without a terminator": Style(segment="\n"),
    "lines of Windows without a terminator": Style(segment="\r", line_break="\n"),
    "other separators": Style(element="|", component=">", repetition="!", segment="'"),
    "the separators of ASCII": Style(element="\x1d", component="\x1f", repetition="\x1e", segment="\x1c"),
    "no repetition": Style(repetition="U"),
    "both places of cents": Style(both_places=True),
    "Latin-1": Style(encoding="latin-1"),
    "UTF-8 with its mark": Style(encoding="utf-8-sig"),
}


def payments(seed: int, count: int = 3) -> list[RemittedPayment]:
    """Random payments; the first has a name beyond ASCII."""
    found = random_payments(seeded(seed), count)
    return [replace(found[0], payer_name="Compañía Médica"), *found[1:]]


def whole(*expected: RemittedPayment) -> RemittanceFile:
    """A file of which everything was read."""
    return RemittanceFile(tuple(expected))


@pytest.mark.parametrize("count", [150, pytest.param(3_000, marks=pytest.mark.prove)])
def test_what_is_written_is_what_is_read(count: int) -> None:
    read = 0
    for seed in range(count):
        made = payments(seed, seeded(seed).randint(1, 3))
        style = list(STYLES.values())[seed % len(STYLES)]
        assert read_in_process(written(*made, style=style)) == whole(*made), seed
        assert [broken_laws(payment) for payment in made] == [[]] * len(made)
        read += sum(len(payment.claims) for payment in made)
    assert read > count


@pytest.mark.parametrize("style", STYLES)
def test_the_separators_are_those_that_the_file_declares(style: str) -> None:
    made = payments(7)
    data = written(*made, style=STYLES[style])
    assert read_in_process(data) == read_remittances(data) == whole(*made)


@pytest.mark.parametrize("width", [7, 79, 80, 105, 106, 107, 132])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_lines_that_a_transfer_has_broken_anywhere_are_put_together(width: int, ending: bytes) -> None:
    made = payments(8)
    data = written(*made)
    broken = ending.join(data[place : place + width] for place in range(0, len(data), width))
    assert read_in_process(broken) == whole(*made)


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\r\n \n", b""), (b"", b"\r\n\r\n"), (b"", b"\0" * 500), (b"", b"\x1a"), (b"\xef\xbb\xbf\n", b" \n")],
)
def test_blank_space_around_a_file_is_skipped(before: bytes, after: bytes) -> None:
    made = payments(9)
    assert read_in_process(before + written(*made) + after) == whole(*made)


def test_the_last_segment_needs_no_terminator() -> None:
    made = payments(10)
    assert read_in_process(written(*made)[:-1]) == whole(*made)


def test_a_file_may_have_several_interchanges_groups_and_sets() -> None:
    made = payments(11, 7)
    interchanges = [[made[:2], made[2:3]], [made[3:4]], [made[4:6], [], made[6:]]]
    data = file_of(interchanges)
    assert read_in_process(data) == whole(*made)


def test_each_interchange_has_its_own_separators() -> None:
    made, styles = payments(12, 3), list(STYLES.values())
    data = b"".join(
        file_of([[[replace(payment, place=1)]]], style).removeprefix(b"\xef\xbb\xbf")
        for payment, style in zip(made, styles[3:6], strict=True)
    )
    found = read_in_process(data)
    assert (found.payments, found.problems) == (tuple(made), ())


def test_small_letters_are_read_like_capitals() -> None:
    made = payments(13)
    found = read_in_process(written(*made).lower())
    assert found.problems == ()
    for payment, small in zip(made, found.payments, strict=True):
        assert broken_laws(small) == []
        assert small.trace == payment.trace.lower()
        assert [claim.number for claim in small.claims] == [claim.number.lower() for claim in payment.claims]
        # Codes have no small letters.
        lines = [line for claim in payment.claims for line in claim.lines]
        for line, found_line in zip(lines, [line for claim in small.claims for line in claim.lines], strict=True):
            assert (found_line.code, found_line.modifiers) == (line.code, line.modifiers)
            assert (found_line.adjustments, found_line.remark_codes) == (line.adjustments, line.remark_codes)
