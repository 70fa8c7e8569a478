"""The program pyx12, which has the implementation guide as data, accepts the files that the tests write, refuses broken ones, and reads the same."""

import io
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal

import pytest
from pyx12.error_handler import err_handler  # type: ignore[import-untyped]
from pyx12.errors import X12Error  # type: ignore[import-untyped]
from pyx12.params import params  # type: ignore[import-untyped]
from pyx12.x12file import X12Reader  # type: ignore[import-untyped]
from pyx12.x12n_document import x12n_document  # type: ignore[import-untyped]

from imports.x12.child import read_in_process
from tests.house.source import PROJECT
from tests.imports.x12.test_worked_examples import LIMIT_USED_UP, NEGATIVE
from tests.support.x12.mutators import cut_between_segments, doubled, dropped, moved, wrong_count
from tests.support.x12.random_payments import random_payments, seeded
from tests.support.x12.raw_files import raw_file
from tests.support.x12.writer import PLAIN, Style, file_of, written

# Lists of codes that others publish are not compared: those of pyx12 are old.
_LISTS = "states,adjustment_reason,remark_code,currency,country"


def is_accepted(data: bytes) -> bool:
    """Whether pyx12 finds the file valid by the implementation guide 005010X221A1."""
    given = params()
    given.set("exclude_external_codes", _LISTS)
    # Some envelopes that are broken make it fail.
    with suppress(X12Error, AttributeError, LookupError, TypeError, ValueError):
        return bool(x12n_document(given, io.StringIO(data.decode()), None, None))
    return False


def random_file(seed: int) -> bytes:
    """A file of one to three payments."""
    random = seeded(seed)
    return written(*random_payments(random, random.randint(1, 3)))


@pytest.mark.parametrize("count", [30, pytest.param(500, marks=pytest.mark.prove)])
def test_the_files_that_the_tests_write_are_accepted(count: int) -> None:
    refused = [seed for seed in range(count) if not is_accepted(random_file(seed))]
    assert refused == []


@pytest.mark.parametrize("text", [LIMIT_USED_UP, NEGATIVE.format(paid="467.69")])
def test_the_worked_examples_are_accepted(text: str) -> None:
    assert is_accepted(raw_file(text))


@pytest.mark.parametrize(
    "style", [PLAIN, Style(line_break="\n"), Style(element="|", component=">", repetition="!", segment="'")]
)
def test_several_interchanges_and_other_separators_are_accepted(style: Style) -> None:
    made = random_payments(seeded(5), 4)
    assert is_accepted(file_of([[made[:2], made[2:3]], [made[3:]]], style))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"SE*21*", b"SE*20*"),
        (b"TRN*1*EFT20260915*1512345678~", b""),
        (b"CLP*INV-2026-000042*", b"CLP**"),
        (b"CAS*PR*2*542.46", b"CAS*XX*2*542.46"),
        (b"CAS*PR*2*542.46", b"CAS*PR*2*5x2.46"),
        (b"*20260915~", b"*20260231~"),
        (b"N1*PE*Harbor Injury Clinic*XX*1234567893~", b""),
        (b"IEA*1*000000001", b"IEA*1*000000002"),
    ],
)
def test_a_broken_file_is_refused(old: bytes, new: bytes) -> None:
    data = raw_file(LIMIT_USED_UP)
    assert old in data
    assert not is_accepted(data.replace(old, new, 1))


def segments(data: bytes) -> Iterator[tuple[str, ...]]:
    """The segments as pyx12 splits them: their name and their elements."""
    errors = err_handler()
    reader = X12Reader(io.StringIO(data.decode()))
    for segment in reader:
        errors.handle_errors(reader.pop_errors())
        count = len(segment)
        yield (segment.get_seg_id(), *((segment.get_value(f"{place:02d}") or "") for place in range(1, count + 1)))


@pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.prove)])
def test_it_reads_the_same_segments_and_amounts(count: int) -> None:
    """Both split a file alike, and find as many payments, claims, lines, adjustments and remarks with the same sums."""
    for seed in range(count):
        data = random_file(seed)
        theirs, ours = list(segments(data)), read_in_process(data)
        assert ours.problems == ()
        claims = [claim for payment in ours.payments for claim in payment.claims]
        lines = [line for claim in claims for line in claim.lines]
        assert named(theirs, "BPR", 2) == [payment.amount for payment in ours.payments]
        assert texts(theirs, "TRN", 2) == [payment.trace for payment in ours.payments]
        assert texts(theirs, "CLP", 1) == [claim.number for claim in claims]
        assert named(theirs, "CLP", 3) == [claim.charge for claim in claims]
        assert named(theirs, "CLP", 4) == [claim.paid for claim in claims]
        assert named(theirs, "SVC", 2) == [line.charge for line in lines]
        assert named(theirs, "SVC", 3) == [line.paid for line in lines]
        assert texts(theirs, "LQ", 2) == [code for line in lines for code in line.remark_codes]
        adjusted = sum((one.amount for claim in claims for one in claim.all_adjustments), Decimal(0))
        assert sum(amounts(theirs, "CAS", 3, 3), Decimal(0)) == adjusted
        taken = sum((one.amount for payment in ours.payments for one in payment.provider_adjustments), Decimal(0))
        assert sum(amounts(theirs, "PLB", 4, 2), Decimal(0)) == taken


def texts(found: list[tuple[str, ...]], name: str, place: int) -> list[str]:
    return [segment[place] for segment in found if segment[0] == name]


def named(found: list[tuple[str, ...]], name: str, place: int) -> list[Decimal]:
    return [Decimal(text) for text in texts(found, name, place)]


def amounts(found: list[tuple[str, ...]], name: str, first: int, step: int) -> Iterator[Decimal]:
    for segment in found:
        if segment[0] == name:
            yield from (Decimal(segment[place]) for place in range(first, len(segment), step) if segment[place])


@pytest.mark.parametrize("count", [40, pytest.param(400, marks=pytest.mark.prove)])
def test_what_the_reader_refuses_of_damaged_files_is_refused_by_pyx12(count: int) -> None:
    """Files with lost, repeated and moved segments; pyx12 knows more rules than the reader needs, and not the other way round."""
    refused = 0
    for seed in range(count):
        random = seeded(seed)
        change = random.choice([cut_between_segments, doubled, dropped, moved, wrong_count])
        data = change(random, random_file(seed))
        if read_in_process(data).problems:
            refused += 1
            assert not is_accepted(data), (seed, change.__name__)
    assert refused > count // 2


def test_the_maps_of_pyx12_are_not_shipped() -> None:
    """It is a dependency of the tests alone."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert any(one.startswith("pyx12") for one in project["dependency-groups"]["dev"])
    assert not any(one.startswith("pyx12") for one in project["project"]["dependencies"])
