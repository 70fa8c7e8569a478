"""The types and sizes of files that can be uploaded, and their detection by the first bytes."""

import pytest

from domain.documents.uploads import BEGINNINGS, LARGEST_BYTES, begins_as, check_announced
from domain.errors import InvalidInput

# The first bytes of real files of each type.
FIRST_BYTES = {
    "application/pdf": b"%PDF-1.7",
    "image/png": bytes.fromhex("89504e470d0a1a0a"),
    "image/jpeg": bytes.fromhex("ffd8ffe000104a46"),
    "image/tiff": bytes.fromhex("49492a0008000000"),
}


@pytest.mark.parametrize("kind", FIRST_BYTES)
@pytest.mark.parametrize("found", FIRST_BYTES)
def test_a_file_is_recognised_as_its_own_type_and_no_other(kind: str, found: str) -> None:
    assert begins_as(kind, FIRST_BYTES[found]) == (kind == found)


def test_a_tiff_file_is_recognised_in_either_byte_order() -> None:
    assert begins_as("image/tiff", bytes.fromhex("4d4d002a00000008"))


@pytest.mark.parametrize(
    "beginning", [b"", b"%PD", b" %PDF-1", b"%pdf-1.7", b"MZ\x90\x00\x03\x00\x00\x00", b"<html>%P"]
)
@pytest.mark.parametrize("kind", BEGINNINGS)
def test_other_content_is_not_recognised_as_a_scan(kind: str, beginning: bytes) -> None:
    assert not begins_as(kind, beginning)


@pytest.mark.parametrize("kind", BEGINNINGS)
@pytest.mark.parametrize("size", [1, LARGEST_BYTES])
def test_a_scan_of_up_to_20_mib_can_be_announced(kind: str, size: int) -> None:
    check_announced("scan.pdf", kind, size)


@pytest.mark.parametrize(
    ("announced", "path"),
    [
        (("scan.pdf", "application/pdf", LARGEST_BYTES + 1), "byte_size"),
        (("scan.pdf", "application/pdf", 0), "byte_size"),
        (("scan.pdf", "application/pdf", -1), "byte_size"),
        (("scan.exe", "application/octet-stream", 1), "content_type"),
        (("scan.svg", "image/svg+xml", 1), "content_type"),
        (("scan.pdf", "application/pdf; charset=x", 1), "content_type"),
        (("", "application/pdf", 1), "file_name"),
        (("  ", "application/pdf", 1), "file_name"),
        (("x" * 256, "application/pdf", 1), "file_name"),
    ],
)
def test_any_other_announcement_is_refused_with_the_path_of_the_wrong_field(
    announced: tuple[str, str, int], path: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_announced(*announced)
    assert refusal.value.path == (path,)
