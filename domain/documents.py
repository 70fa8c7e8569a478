"""Decides which files the clinic keeps: scans and lists of a few kinds and of a bounded size, that are what they say they are."""

from datetime import timedelta

from domain.errors import InvalidInput

LARGEST_BYTES = 20 * 1024 * 1024
LONGEST_NAME = 255
# Kind of file → how a file of that kind may begin.
BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
}
# Files to import. A text has no beginning of its own: it does not begin as anything else.
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTS: dict[str, tuple[bytes, ...]] = {CSV: (), XLSX: (b"PK\x03\x04",)}
SCANS = frozenset(BEGINNINGS)
_BEGINNINGS = BEGINNINGS | LISTS
LONGEST_BEGINNING = max(len(beginning) for beginnings in _BEGINNINGS.values() for beginning in beginnings)
# An upload that nothing named within this time is dropped.
UNUSED_FOR = timedelta(hours=24)


def check_announced(file_name: str, content_type: str, byte_size: int) -> None:
    """Refuse the announcement of a file that would not be kept."""
    if not 0 < len(file_name.strip()) <= len(file_name) <= LONGEST_NAME:
        raise InvalidInput(f"A file's name has 1 to {LONGEST_NAME} characters", ("file_name",))
    if content_type not in _BEGINNINGS:
        raise InvalidInput(f"A file is one of {', '.join(_BEGINNINGS)}", ("content_type",))
    if not 0 < byte_size <= LARGEST_BYTES:
        raise InvalidInput("A file has 1 byte to 20 MiB", ("byte_size",))


def begins_as(content_type: str, beginning: bytes) -> bool:
    """Whether a file begins as one of its kind does, given its first LONGEST_BEGINNING bytes, or all of a shorter one."""
    if content_type == CSV:
        return not any(map(beginning.startswith, _BEGINNINGS.values()))
    return beginning.startswith(_BEGINNINGS[content_type])
