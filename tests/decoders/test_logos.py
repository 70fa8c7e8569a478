"""Any bytes as a logo are written anew or refused at the input, with nothing raised and nothing in the log."""

import zlib
from io import BytesIO

from hypothesis import strategies as st
from PIL import Image

from domain.errors import InvalidInput
from storage.logos import written_anew
from tests.decoders.fuzzing import fuzz, fuzzed
from tests.documents.examples import logo

_LOGO = logo()
_CHUNKS = (
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"tRNS",
    b"iCCP",
    b"pHYs",
    b"tEXt",
    b"zTXt",
    b"iTXt",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"eXIf",
    b"IEND",
)


def check(data: bytes) -> None:
    """Write a logo anew: what is kept is a PNG that can be read, and is the same when it is written once more."""
    try:
        found = written_anew(data)
    except InvalidInput:
        return
    with Image.open(BytesIO(found), formats=("PNG",)) as image:
        image.load()
    assert written_anew(found) == found


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


@fuzzed
def test_any_damaged_logo_is_written_anew_or_refused(examples: int) -> None:
    def damaged(given: tuple[int, int, bytes]) -> bytes:
        first, last, part = given
        return _LOGO[: first % len(_LOGO)] + part + _LOGO[last % len(_LOGO) :]

    places = st.integers(0, len(_LOGO))
    inputs = st.one_of(st.binary(max_size=200), st.tuples(places, places, st.binary(max_size=40)).map(damaged))
    fuzz(examples, inputs, check)


@fuzzed
def test_any_chunk_with_a_true_checksum_is_read_or_refused(examples: int) -> None:
    # After the head, or before the end.
    places = st.sampled_from([33, len(_LOGO) - 12])
    contents = st.one_of(
        st.binary(max_size=60),
        st.binary(max_size=20).map(lambda name: name + b"\0\0" + zlib.compress(b"a" * 1_000_000)),
        st.tuples(st.integers(0, 2**31), st.integers(0, 2**31), st.binary(min_size=5, max_size=5)).map(
            lambda head: head[0].to_bytes(4, "big") + head[1].to_bytes(4, "big") + head[2]
        ),
    )
    inputs = st.tuples(places, st.sampled_from(_CHUNKS), contents)
    fuzz(examples, inputs, lambda one: check(_LOGO[: one[0]] + _chunk(one[1], one[2]) + _LOGO[one[0] :]))


@fuzzed
def test_any_head_of_a_logo_is_read_or_refused(examples: int) -> None:
    """Sides, depth, kind of colour, interlacing: also a size that would take a gigabyte."""
    sides = st.one_of(st.integers(0, 4_000), st.sampled_from([65_535, 2**31 - 1, 2**32 - 1]))
    small = st.integers(0, 17)

    def headed(given: tuple[int, int, int, int, int]) -> bytes:
        width, height, depth, colour, interlaced = given
        head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((depth, colour, 0, 0, interlaced))
        return _LOGO[:8] + _chunk(b"IHDR", head) + _LOGO[33:]

    fuzz(examples, st.tuples(sides, sides, small, small, st.integers(0, 2)).map(headed), check)
