"""Envelopes are counted and compared: a set that may have lost a segment is not read, and a file that may have lost a set says so."""

import pytest

from imports.x12.child import read_in_process, read_remittances
from imports.x12.remittance_file import RemittanceFile
from tests.imports.x12.test_reader import OTHER, SET
from tests.support.x12.raw_files import raw_file

FILE = raw_file(SET, OTHER)
COUNTED = "are counted, which is not what the file has: some were lost or repeated"
OTHER_NUMBER = "The control number is not that of {}: segments were lost, or stand in another order"


def read(*changes: tuple[bytes, bytes], data: bytes = FILE) -> RemittanceFile:
    for old, new in changes:
        assert old in data
        data = data.replace(old, new, 1)
    return read_in_process(data)


def said(found: RemittanceFile) -> list[tuple[str, int | None]]:
    return [(str(problem), problem.payment) for problem in found.problems]


def places(found: RemittanceFile) -> list[int]:
    return [payment.place for payment in found.payments]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((b"SE*17*0001", b"SE*18*0001"), f"segment 19, SE01: Segments {COUNTED}"),
        ((b"SE*17*0001", b"SE**0001"), "segment 19, SE01: This element is missing"),
        ((b"SE*17*0001", b"SE*-17*0001"), "segment 19, SE01: A whole number is expected"),
        ((b"SE*17*0001", b"SE*17*0007"), f"segment 19, SE02: {OTHER_NUMBER.format('ST02')}"),
        ((b"CAS*CO*45*20~", b""), f"segment 18, SE01: Segments {COUNTED}"),
        ((b"SE*17*0001~", b""), "segment 19: SE is missing: the file is cut off, or segments were lost"),
    ],
)
def test_a_set_with_a_wrong_end_is_not_read_and_the_other_is(change: tuple[bytes, bytes], problem: str) -> None:
    found = read(change)
    assert said(found)[0] == (problem, 1)
    assert places(found) == [2]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((b"GE*2*1~", b"GE*3*1~"), f"segment 37, GE01: Transaction sets {COUNTED}"),
        ((b"GE*2*1~", b"GE*2*7~"), f"segment 37, GE02: {OTHER_NUMBER.format('GS06')}"),
        ((b"GE*2*1~", b""), "segment 37: GE is missing: the file is cut off, or segments were lost"),
        ((b"IEA*1*", b"IEA*2*"), f"segment 38, IEA01: Groups {COUNTED}"),
        ((b"IEA*1*000000001", b"IEA*1*000000009"), f"segment 38, IEA02: {OTHER_NUMBER.format('ISA13')}"),
        ((b"IEA*1*000000001~", b""), "segment 37: IEA is missing: the file is cut off, or segments were lost"),
    ],
)
def test_a_wrong_end_of_a_group_is_said_and_its_sets_are_read(change: tuple[bytes, bytes], problem: str) -> None:
    found = read(change)
    assert said(found) == [(problem, None)]
    assert places(found) == [1, 2]


def test_a_set_that_is_repeated_is_read_once() -> None:
    found = read_in_process(raw_file(SET, SET))
    assert places(found) == [1]
    [problem] = found.problems
    assert (problem.element, problem.payment) == ("ST02", 2)


def test_another_version_is_not_read() -> None:
    found = read((b"005010X221A1", b"004010X091A1"))
    assert said(found) == [("segment 2, GS08: The version 005010X221A1 is expected", place) for place in (1, 2)]
    assert found.payments == ()


def test_a_file_that_is_cut_off_has_the_sets_before() -> None:
    last = FILE.rindex(b"SE*17*0002")
    for end in range(FILE.index(b"SE*17*0001~") + 11, last + 10):
        found = read_in_process(FILE[:end])
        assert places(found) == [1]
        assert found.problems


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "This is not an X12 file: it must begin with ISA"),
        (b" \r\n\0", "This is not an X12 file: it must begin with ISA"),
        (b"%PDF-1.7", "This is not an X12 file: it must begin with ISA"),
        (b"ISA", "An ISA with 16 elements is expected, in which each ends with the same separator"),
        (FILE[:105], "An ISA with 16 elements is expected, in which each ends with the same separator"),
        (FILE.replace(b"*", b"A"), "An ISA with 16 elements is expected, in which each ends with the same separator"),
        (FILE.replace(b":", b"*", 1), "The characters that separate elements, components and segments must be special"),
        (FILE.replace(b"^", b"~", 1), "The characters that separate elements, components and segments must be special"),
        (FILE.decode().encode("utf-16"), "The file is in UTF-16: it must be plain text, as the payer sends it"),
        (FILE[:106] + b"IEA*0*000000001~", "The file has no remittance (ST*835)"),
    ],
)
def test_what_is_no_remittance_is_said(data: bytes, reason: str) -> None:
    for found in (read_in_process(data), read_remittances(data)):
        assert found.payments == ()
        [problem] = found.problems
        assert problem.reason.startswith(reason)
        assert problem.payment is None


def test_what_follows_the_end_of_a_file_is_said() -> None:
    found = read_in_process(FILE + b"More of it~")
    assert places(found) == [1, 2]
    [problem] = found.problems
    assert problem.reason.startswith("After the end of the interchange (IEA)")


def test_segments_between_the_envelopes_are_said_once() -> None:
    found = read((b"SE*17*0001~", b"SE*17*0001~CAS*CO*1*1~CAS*CO*1*1~"))
    assert places(found) == [1, 2]
    assert said(found) == [("segment 20: This segment is part of no transaction set (ST to SE)", None)]
