"""Adds up the amounts of a transaction set from the raw text of a file, independently of the reader and of the laws of the domain."""

import re
from collections.abc import Iterator
from fractions import Fraction

Segment = list[str]
_ENVELOPES = {"ISA", "GS", "SE", "GE", "IEA"}


def is_balanced(data: bytes, place: int, amount: Fraction) -> bool:
    """Whether the set of a place (from 1) states this amount, and obeys the three laws."""
    segments = transaction_sets(data)[place - 1]
    [payment] = [segment for segment in segments if segment[0] == "BPR"]
    claims = _parts(segments, "CLP", ("PLB",))
    paid = sum((_number(claim[0], 4) for claim in claims), Fraction(0))
    taken = [_number(one, at + 1) for one in segments if one[0] == "PLB" for at in range(3, len(one), 2) if one[at]]
    if not _number(payment, 2) == amount == paid - sum(taken, Fraction(0)):
        return False
    return all(map(_is_claim_balanced, claims))


def transaction_sets(data: bytes) -> list[list[Segment]]:
    """The segments of each transaction set from ST on, in the order of the file, up to the next segment of an envelope."""
    found, is_open = list[list[Segment]](), False
    for segment in raw_segments(data):
        if segment[0] == "ST":
            found.append([])
        is_open = segment[0] not in _ENVELOPES and (is_open or segment[0] == "ST")
        if is_open:
            found[-1].append(segment)
    return found


def raw_segments(data: bytes) -> Iterator[Segment]:
    """The segments of all interchanges."""
    text = data.decode("utf-8", "surrogateescape").lstrip("\ufeff \t\r\n\0\x1a")
    while text[:3].upper() == "ISA":
        element = text[3:4] or "*"
        flat = re.sub(r"[\r\n]", "", text)
        last = (flat.split(element, 16) + [""] * 16)[16]
        if len(last) < 2:
            return
        terminator = last[1]
        if terminator.isalnum():
            # The line break after the separator of components: the first one after so many characters.
            found = re.search(r"[\r\n]", text[sum(map(len, flat.split(element, 16)[:16])) + 16 :])
            assert found
            terminator = found[0]
        else:
            text = flat
        while text:
            segment, _, text = text.partition(terminator)
            elements = [one.strip() for one in segment.strip().replace("\r", "").replace("\n", "").split(element)]
            yield [elements[0].upper(), *elements[1:]]
            text = text.lstrip("\r\n \t")
            if elements[0].upper() == "IEA" or text[:4].upper() == f"ISA{element}":
                break
        text = text.lstrip(" \t\r\n\0\x1a")


def _is_claim_balanced(claim: list[Segment]) -> bool:
    adjusted = sum(map(_adjusted, claim), Fraction(0))
    if _number(claim[0], 3) != _number(claim[0], 4) + adjusted:
        return False
    return all(
        _number(line[0], 2) == _number(line[0], 3) + sum(map(_adjusted, line), Fraction(0))
        for line in _parts(claim, "SVC", ())
    )


def _parts(segments: list[Segment], beginning: str, ends: tuple[str, ...]) -> list[list[Segment]]:
    """The runs of segments that begin with one of a name."""
    parts, is_open = list[list[Segment]](), False
    for segment in segments:
        if segment[0] == beginning:
            parts.append([])
            is_open = True
        elif segment[0] in ends:
            is_open = False
        if is_open:
            parts[-1].append(segment)
    return parts


def _adjusted(segment: Segment) -> Fraction:
    if segment[0] != "CAS":
        return Fraction(0)
    return sum((_number(segment, at) for at in range(3, len(segment), 3) if segment[at]), Fraction(0))


def _number(segment: Segment, at: int) -> Fraction:
    return Fraction(segment[at])
