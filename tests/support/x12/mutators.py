"""Changes to remittance files such as damaged transfers, careless programs and attackers make; each from a seed, to a file in the plain style."""

import re
from collections.abc import Callable
from random import Random

# What is put where an amount or a text is expected.
_NONSENSE = [
    *(
        "",
        " ",
        "NaN",
        "Infinity",
        "-",
        "--1",
        "+5",
        "1e999999",
        "1E5",
        "1,000.00",
        "0x10",
        "12.345",
        ".",
        "-.5",
        "007.10",
    ),
    *("999999999999.99", "9999999999.99", "-9999999999.99", "9" * 400, "\u0661\u0662", "\u0000", "1\u00002", "\u200b1"),
    *("CR", "1:2:3", "~", "*", "Person", "20260231", "00000000", "99991231", "é", "\u202e", "0.001", "-0", "1 000"),
]
_SEPARATORS = "|^>!+;,#%&@\x1c\x1d\x1e\x1f\t :-.A1"


def _segments(data: bytes) -> list[str]:
    return data.decode().split("~")[:-1]


def _joined(segments: list[str]) -> bytes:
    return "".join(f"{segment}~" for segment in segments).encode()


def cut(random: Random, data: bytes) -> bytes:
    """The end is missing."""
    return data[: random.randrange(len(data))]


def cut_between_segments(random: Random, data: bytes) -> bytes:
    """The end is missing, after a whole segment."""
    segments = _segments(data)
    return _joined(segments[: random.randrange(len(segments))])


def gap(random: Random, data: bytes) -> bytes:
    """A part in the middle is missing."""
    first, last = sorted(random.randrange(len(data)) for _ in range(2))
    return data[:first] + data[last:]


def dropped(random: Random, data: bytes) -> bytes:
    """Segments are missing."""
    segments = _segments(data)
    for _ in range(random.randint(1, 3)):
        segments.pop(random.randrange(len(segments)))
    return _joined(segments)


def dropped_and_counted(random: Random, data: bytes) -> bytes:
    """A segment is missing, and the count of its set is that of the segments that are left."""
    return recounted(dropped(random, data))


def doubled(random: Random, data: bytes) -> bytes:
    """A segment stands twice."""
    segments = _segments(data)
    place = random.randrange(len(segments))
    return _joined([*segments[:place], segments[place], *segments[place:]])


def doubled_and_counted(random: Random, data: bytes) -> bytes:
    """A segment stands twice, and the counts are right."""
    return recounted(doubled(random, data))


def moved(random: Random, data: bytes) -> bytes:
    """A segment stands elsewhere; counts stay right within a set."""
    segments = _segments(data)
    segment = segments.pop(random.randrange(len(segments)))
    segments.insert(random.randrange(len(segments) + 1), segment)
    return _joined(segments)


def shuffled(random: Random, data: bytes) -> bytes:
    """The segments between the envelopes stand in any order."""
    segments = _segments(data)
    first, last = sorted(random.randrange(len(segments)) for _ in range(2))
    middle = segments[first:last]
    random.shuffle(middle)
    return _joined([*segments[:first], *middle, *segments[last:]])


def other_separators(random: Random, data: bytes) -> bytes:
    """Every place of a separator has another one, also such as cannot separate."""
    old, new = random.choice("*:~^"), random.choice(_SEPARATORS)
    return data.replace(old.encode(), new.encode())


def half_of_the_separators(random: Random, data: bytes) -> bytes:
    """From some place on the separators are others than those that the file declares."""
    place = random.randrange(len(data))
    return data[:place] + other_separators(random, data[place:])


def flipped(random: Random, data: bytes) -> bytes:
    """Some bits are wrong."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, 8)):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def overwritten(random: Random, data: bytes) -> bytes:
    """Some bytes are replaced by any others."""
    place, count = random.randrange(len(data)), random.randint(1, 40)
    return data[:place] + random.randbytes(count) + data[place + count :]


def wrong_count(random: Random, data: bytes) -> bytes:
    """The end of an envelope has another count, or another control number."""
    segments = _segments(data)
    ends = [place for place, segment in enumerate(segments) if segment[:2] in ("SE", "GE", "IE")]
    place = random.choice(ends)
    name, count, number = segments[place].split("*")
    wrong = random.choice(["0", "-1", str(int(count) + 1), "9" * 30, "", "x"])
    segments[place] = "*".join([name, wrong, number] if random.random() < 0.5 else [name, count, wrong])
    return _joined(segments)


def other_element(random: Random, data: bytes) -> bytes:
    """An element has a value that is no amount, no day and no text, or one too many."""
    segments = _segments(data)
    place = random.randrange(1, len(segments))
    elements = segments[place].split("*")
    elements[random.randrange(len(elements))] = random.choice(_NONSENSE)
    segments[place] = "*".join(elements)
    return _joined(segments)


def other_amount(random: Random, data: bytes) -> bytes:
    """An amount is another one, by a cent or more."""
    amounts = list(re.finditer(rb"(?<=\*)-?[0-9]+\.[0-9]+(?=[*~])", data))
    if not amounts:
        return data
    found = random.choice(amounts)
    return data[: found.start()] + str(random.randint(-(10**6), 10**6) / 100).encode() + data[found.end() :]


def other_sign(random: Random, data: bytes) -> bytes:
    """An amount has the other sign."""
    found = random.choice(list(re.finditer(rb"(?<=\*)-?[0-9]+(?:\.[0-9]+)?(?=[*~])", data)))
    value = found[0][1:] if found[0].startswith(b"-") else b"-" + found[0]
    return data[: found.start()] + value + data[found.end() :]


def huge_element(random: Random, data: bytes) -> bytes:
    """An element, or a segment of many elements, is far too long."""
    place = random.randrange(len(data))
    filling = random.choice([b"A", b"9", b"*", b":", b"*1", b" ", b"\0", b"\n"])
    return data[:place] + filling * random.choice([200, 9_990, 70_000, 1_000_000]) + data[place:]


def many_segments(random: Random, data: bytes) -> bytes:
    """A segment is repeated thousands of times."""
    segments = _segments(data)
    place = random.randrange(len(segments))
    return _joined(segments[:place] + segments[place : place + 1] * random.choice([100, 5_000]) + segments[place:])


def repeated_set(random: Random, data: bytes) -> bytes:
    """A transaction set stands twice in its group."""
    found = re.search(rb"~(ST\*.*?~SE\*[^~]*~)", data, re.DOTALL)
    return data[: found.end()] + found[1] + data[found.end() :] if found else data


def lower_case(random: Random, data: bytes) -> bytes:
    """All letters are small."""
    return data.lower()


def line_breaks(random: Random, data: bytes) -> bytes:
    """Line breaks stand anywhere, as after so many characters."""
    width = random.randint(1, 120)
    ending = random.choice([b"\n", b"\r\n"])
    return ending.join(data[place : place + width] for place in range(0, len(data), width))


def other_encoding(random: Random, data: bytes) -> bytes:
    """Another encoding, or a byte order mark."""
    text = data.decode().replace("Sample", "Müller")
    return text.encode(random.choice(["latin-1", "utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037"]))


def surrounded(random: Random, data: bytes) -> bytes:
    """Something stands before or after the file."""
    more = random.choice([b"\0" * 100, b"\x1a", b"\r\n \r\n", b"garbage", b"ISA", b"ISA*", b"<html>", data, data[:120]])
    return data + more if random.random() < 0.7 else more + data


def nothing_left(random: Random, data: bytes) -> bytes:
    """Not a remittance at all."""
    return random.choice([b"", b" ", b"ISA", b"\0" * 10_000, b"~" * 10_000, b"ISA" * 10_000, random.randbytes(5_000)])


MUTATORS: list[Callable[[Random, bytes], bytes]] = [
    *(cut, cut_between_segments, gap, dropped, dropped_and_counted, doubled, doubled_and_counted, moved, shuffled),
    *(other_separators, half_of_the_separators, flipped, overwritten, wrong_count, other_element, other_amount),
    *(other_sign, huge_element, many_segments, repeated_set, lower_case, line_breaks, other_encoding, surrounded),
    nothing_left,
]


def mutated(random: Random, data: bytes) -> tuple[str, bytes]:
    """A file with a change, or with two; with the names of the changes."""
    first, second = random.choice(MUTATORS), random.choice(MUTATORS)
    changed = first(random, data)
    if random.random() < 0.75:
        return first.__name__, changed
    try:
        return f"{first.__name__}, {second.__name__}", second(random, changed)
    except (UnicodeDecodeError, ValueError, IndexError):
        # The second needs what the first has destroyed.
        return first.__name__, changed


def recounted(data: bytes) -> bytes:
    """The file with right counts of segments in each SE."""
    segments, began = _segments(data), 0
    for place, segment in enumerate(segments):
        name, *elements = segment.split("*")
        if name == "ST":
            began = place
        elif name == "SE" and elements:
            segments[place] = "*".join([name, str(place - began + 1), *elements[1:]])
    return _joined(segments)
