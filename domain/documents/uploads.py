"""Checks uploaded files: the content types that are accepted, their size limit, and their signatures (magic bytes)."""

from datetime import timedelta

from domain.errors import InvalidInput

LARGEST_BYTES = 20 * 1024 * 1024
LONGEST_NAME = 255
# Content type → the signatures (magic bytes) with which a file of that type may begin.
BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
}
# Files to import. A text file has no signature: it must not begin with that of another type.
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTS: dict[str, tuple[bytes, ...]] = {CSV: (), XLSX: (b"PK\x03\x04",)}
# An electronic remittance (X12 835): a text file, like CSV.
X12 = "application/edi-x12"
REMITTANCES: dict[str, tuple[bytes, ...]] = {X12: ()}
SCANS = frozenset(BEGINNINGS)
_BEGINNINGS = BEGINNINGS | LISTS | REMITTANCES
LONGEST_BEGINNING = max(len(beginning) for beginnings in _BEGINNINGS.values() for beginning in beginnings)
# An upload that no record refers to within this time is deleted.
UNUSED_FOR = timedelta(hours=24)


def check_announced(file_name: str, content_type: str, byte_size: int) -> None:
    """Refuse an upload request for a file that would not be accepted."""
    if not 0 < len(file_name.strip()) <= len(file_name) <= LONGEST_NAME:
        raise InvalidInput(f"A file name must have 1 to {LONGEST_NAME} characters", ("file_name",))
    if content_type not in _BEGINNINGS:
        raise InvalidInput(f"A file is one of {', '.join(_BEGINNINGS)}", ("content_type",))
    if not 0 < byte_size <= LARGEST_BYTES:
        raise InvalidInput("A file must have 1 byte to 20 MiB", ("byte_size",))


def begins_as(content_type: str, beginning: bytes) -> bool:
    """Whether a file's signature matches its content type, given its first LONGEST_BEGINNING bytes, or all of a shorter one."""
    if content_type in (CSV, X12):
        return not any(map(beginning.startswith, _BEGINNINGS.values()))
    return beginning.startswith(_BEGINNINGS[content_type])
