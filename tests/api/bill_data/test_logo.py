"""The clinic's logo is written anew: nothing but its pixels stays, and whatever is no small PNG is refused."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from server.database_urls import DatabaseUrls
from tests.storage.stores import Folder
from tests.support.api.mutations import done, refused
from tests.support.api.scans import House, house_over, sent
from tests.support.databases import rows

LOGO = "clinic { hasLogo }"


@pytest.fixture(scope="module")
def house(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_over(address, Folder(tmp_path_factory.mktemp("home")))


def png(width: int = 40, height: int = 20, note: str = "") -> bytes:
    """A PNG with a comment, which an image program would show."""
    written, info = BytesIO(), PngInfo()
    info.add_text("Comment", note)
    Image.new("RGB", (width, height), "navy").save(written, "PNG", pnginfo=info)
    return written.getvalue()


def test_a_logo_is_written_anew_and_nothing_but_its_pixels_stays(house: House) -> None:
    identity = sent(house.admin, png(note="who made it"), contentType="image/png")
    assert done(house.admin, "updateClinic", LOGO, logoId=identity) == {"hasLogo": True}
    [(logo,)] = rows(house.address, "select logo from clinics where short_name = 'demo'")
    with Image.open(BytesIO(logo)) as image:
        assert (image.size, image.info, image.convert("RGB").getpixel((0, 0))) == ((40, 20), {}, (0, 0, 128))
    assert done(house.admin, "updateClinic", LOGO, logoId=None) == {"hasLogo": False}


@pytest.mark.parametrize(
    "data",
    [
        png()[:60],
        png()[:8] + b"\0" * 300,
        png(2_001, 1),
        png(1_000, 1_000)[:33] + png()[33:],
        png() + b"\0" * 200_000,
        # A profile without a byte, in the place of the last chunk.
        png()[:-12] + b"\0\0\0\0iCCP\xa5\x89\x19\x3e",
    ],
    ids=["cut", "zeros", "wide", "other header", "large", "no profile"],
)
def test_a_hostile_logo_is_refused_and_the_clinic_keeps_what_it_has(house: House, data: bytes) -> None:
    identity = sent(house.admin, data, contentType="image/png")
    assert refused(house.admin, "updateClinic", LOGO, logoId=identity)["path"] == ["input", "logoId"]
    assert house.admin.read(f"{{ {LOGO} }}")["clinic"] == {"hasLogo": False}
