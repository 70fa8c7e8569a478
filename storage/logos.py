"""Reads an uploaded logo, and writes it anew as a PNG of nothing but its pixels."""

import struct
from io import BytesIO

from PIL import Image

from domain.errors import InvalidInput
from domain.records.logos import LARGEST_LOGO, LARGEST_SIDE

LOGOS = frozenset({"image/png"})
_PATH = ("logo_id",)
# What Pillow's decoder of PNG raises for a file that is cut or made up; chunks after the pixels are read outside of its own checks.
_UNREADABLE = (OSError, SyntaxError, ValueError, IndexError, TypeError, struct.error, Image.DecompressionBombError)


def written_anew(data: bytes) -> bytes:
    """The pixels of a PNG as another PNG, without comments, profiles and bytes after the image; InvalidInput for any other file."""
    if len(data) > LARGEST_LOGO:
        raise InvalidInput(f"A logo has at most {LARGEST_LOGO:,} bytes", _PATH)
    try:
        with Image.open(BytesIO(data), formats=("PNG",)) as image:
            # The size stands in the header: nothing is decoded before it is known.
            is_large = max(image.size) > LARGEST_SIDE
            pixels = None if is_large else image.convert("RGBA")
    except _UNREADABLE as error:
        raise InvalidInput("The file is not a PNG that can be read", _PATH) from error
    if pixels is None:
        raise InvalidInput(f"A logo is at most {LARGEST_SIDE:,} pixels wide and high", _PATH)
    # Encoded again it can be larger; its text chunks are left out.
    written = BytesIO()
    pixels.info.clear()
    pixels.save(written, "PNG", optimize=True)
    if written.tell() > LARGEST_LOGO:
        raise InvalidInput(
            f"Decoded and encoded again, this logo has more than {LARGEST_LOGO:,} bytes: make it smaller", _PATH
        )
    return written.getvalue()
