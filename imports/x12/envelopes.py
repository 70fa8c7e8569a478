"""The envelopes of a file: interchanges (ISA, IEA), their groups (GS, GE) and transaction sets (ST, SE), with their counts and control numbers."""

from collections.abc import Callable, Iterator
from typing import IO, ClassVar

from domain.remittances.remittance import RemittedPayment
from imports.sheets import SheetError
from imports.x12.elements import Segment, SegmentError
from imports.x12.quota import Quota
from imports.x12.remittance_file import RemittanceProblem
from imports.x12.segments import Segments
from imports.x12.transaction_set import TransactionSet

# The implementation guide, and its first edition.
_VERSIONS = ("005010X221A1", "005010X221")
_CONTROL_NUMBER = 15
_MOST_PROBLEMS = 10_000
_TOO_MANY = f"The file has more than {_MOST_PROBLEMS:,} problems: the rest is not read"
_NOT_CLOSED = "{0} is missing: the file is cut off, or segments were lost"
_NO_SETS = "The file has no remittance (ST*835)"
_TEST = "The interchange is marked as a test (T): its payments are no money"
_OUTSIDE = "This segment is part of no transaction set (ST to SE)"
_TWICE = "The control number stands in an earlier set of the group: a set was repeated, or its number is wrong"
_OTHER_NUMBER = "The control number is not that of {0}: segments were lost, or stand in another order"
_OTHER_COUNT = "{0} are counted, which is not what the file has: some were lost or repeated"

# What is read of a file, one after the other.
Part = RemittedPayment | RemittanceProblem


def read_parts(file: IO[bytes]) -> Iterator[Part]:
    """The payments and problems of a file, in its order; SheetError, with a segment, from where it cannot be read."""
    problems = 0
    for part in _Envelopes().read(Segments(file)):
        yield part
        problems += isinstance(part, RemittanceProblem)
        if problems == _MOST_PROBLEMS and isinstance(part, RemittanceProblem):
            raise SheetError(_TOO_MANY, part.segment)


class _Envelopes:
    """Which envelopes are open, and what they have had so far."""

    def __init__(self) -> None:
        self._quota, self._place, self._last = Quota(), 0, 0
        self._interchange: Segment | None = None
        self._group: Segment | None = None
        self._set: TransactionSet | None = None
        self._groups, self._sets, self._segments = 0, 0, 0
        self._control_numbers = set[str]()
        self._said_outside = False

    def read(self, segments: Segments) -> Iterator[Part]:
        for segment in segments:
            self._last = segment.number
            self._segments += 1
            opened = self._HANDLERS.get(segment.name)
            if opened is None and self._set:
                self._set.read(segment)
            else:
                self._said_outside = self._said_outside and opened is None
                yield from (opened or _Envelopes._outside)(self, segment)
        yield from self._close_interchange(self._last)
        if not self._place:
            yield RemittanceProblem(self._last, None, _NO_SETS)

    def _outside(self, segment: Segment) -> Iterator[Part]:
        # An acknowledgement of an earlier interchange may stand before the groups.
        if segment.name != "TA1" and not self._said_outside:
            self._said_outside = True
            yield _problem(segment.error(_OUTSIDE))

    def _open_interchange(self, isa: Segment) -> Iterator[Part]:
        yield from self._close_interchange(isa.number)
        self._interchange, self._groups = isa, 0

    def _open_group(self, gs: Segment) -> Iterator[Part]:
        yield from self._close_group(gs.number)
        self._group, self._sets = gs, 0
        self._groups += 1
        self._control_numbers = set()

    def _open_set(self, st: Segment) -> Iterator[Part]:
        yield from self._close_set(st.number)
        self._place += 1
        self._sets += 1
        self._segments = 1
        self._quota.use("transaction sets", st.number)
        opened = TransactionSet(self._place, st.number, st.at(2), self._quota)
        try:
            self._check_set(st)
        except SegmentError as error:
            opened.refuse(error)
        self._set = opened

    def _check_set(self, st: Segment) -> None:
        if st.at(1) != "835":
            raise st.error("A remittance is a transaction set 835", 1)
        if not self._group or not self._interchange:
            raise st.error("The set must stand in a group (GS) of an interchange (ISA)")
        if self._group.at(8).upper() not in _VERSIONS:
            raise self._group.error(f"The version {_VERSIONS[0]} is expected", 8)
        if self._interchange.at(15).upper() == "T":
            raise self._interchange.error(_TEST, 15)
        number = st.needed(2, _CONTROL_NUMBER)
        if number in self._control_numbers:
            raise st.error(_TWICE, 2)
        self._control_numbers.add(number)

    def _end_set(self, se: Segment) -> Iterator[Part]:
        ended, self._set = self._set, None
        if ended is None:
            yield _problem(se.error(_NOT_CLOSED.format("ST")))
            return
        try:
            if se.count(1) != self._segments:
                raise se.error(_OTHER_COUNT.format("Segments"), 1)
            if se.at(2) != ended.control_number:
                raise se.error(_OTHER_NUMBER.format("ST02"), 2)
        except SegmentError as error:
            ended.refuse(error)
        payment = ended.made(se)
        yield from [payment] if payment else ended.problems

    def _end_group(self, ge: Segment) -> Iterator[Part]:
        yield from self._close_set(ge.number)
        yield from _checked(ge, self._group, "Transaction sets", self._sets, 6)
        self._group = None

    def _end_interchange(self, iea: Segment) -> Iterator[Part]:
        yield from self._close_group(iea.number)
        yield from _checked(iea, self._interchange, "Groups", self._groups, 13)
        self._interchange = None

    def _close_set(self, segment: int) -> Iterator[Part]:
        if self._set:
            self._set.refuse(SegmentError(segment, None, _NOT_CLOSED.format("SE")))
            yield from self._set.problems
        self._set = None

    def _close_group(self, segment: int) -> Iterator[Part]:
        yield from self._close_set(segment)
        if self._group:
            yield RemittanceProblem(segment, None, _NOT_CLOSED.format("GE"))
        self._group = None

    def _close_interchange(self, segment: int) -> Iterator[Part]:
        yield from self._close_group(segment)
        if self._interchange:
            yield RemittanceProblem(segment, None, _NOT_CLOSED.format("IEA"))
        self._interchange = None

    # What each segment of an envelope does.
    _HANDLERS: ClassVar[dict[str, Callable[["_Envelopes", Segment], Iterator[Part]]]] = {
        "ISA": _open_interchange,
        "GS": _open_group,
        "ST": _open_set,
        "SE": _end_set,
        "GE": _end_group,
        "IEA": _end_interchange,
    }


def _checked(end: Segment, begin: Segment | None, what: str, count: int, number: int) -> Iterator[Part]:
    """What is wrong with the end of an envelope: its count, and its control number, an element of its beginning."""
    if begin is None:
        yield _problem(end.error(_NOT_CLOSED.format("GS" if end.name == "GE" else "ISA")))
        return
    try:
        if end.count(1) != count:
            yield _problem(end.error(_OTHER_COUNT.format(what), 1))
        if end.at(2).lstrip("0") != begin.at(number).lstrip("0"):
            yield _problem(end.error(_OTHER_NUMBER.format(f"{begin.name}{number:02d}"), 2))
    except SegmentError as error:
        yield _problem(error)


def _problem(error: SegmentError) -> RemittanceProblem:
    return RemittanceProblem(error.segment, error.element, error.reason)
