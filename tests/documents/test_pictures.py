"""Pages of documents look as the committed pictures do."""

import pytest
from PIL import Image, ImageChops, ImageStat

from documents.drawing import Drawer
from tests.documents.pictures import FOLDER, PICTURES, picture

# Of 255 shades: what another version of the library that draws pictures may change at the edges of letters.
_MOST_IN_THE_MEAN = 0.6


def difference(drawn: Image.Image, name: str) -> float:
    """How much a picture differs from the committed one, in the mean of its pixels."""
    with Image.open(FOLDER / f"{name}.png") as known:
        assert drawn.size == known.size
        return float(ImageStat.Stat(ImageChops.difference(drawn, known.convert("L"))).mean[0])


@pytest.mark.parametrize("name", [name for name in PICTURES if not name.startswith("long")])
def test_a_page_looks_as_its_picture_does(name: str, drawer: Drawer) -> None:
    draw, page = PICTURES[name]
    found = difference(picture(draw(drawer), page), name)
    assert found < _MOST_IN_THE_MEAN, f"{name} differs by {found:.2f}: look at it after `make pictures`"


def test_forty_pages_look_as_their_pictures_do(drawer: Drawer) -> None:
    draw, _ = PICTURES["long_first"]
    pdf = draw(drawer)
    for name in ("long_first", "long_last"):
        assert difference(picture(pdf, PICTURES[name][1]), name) < _MOST_IN_THE_MEAN


def test_a_missing_line_is_seen(drawer: Drawer) -> None:
    draw, page = PICTURES["payoff_letter"]
    drawn = picture(draw(drawer), page)
    drawn.paste(255, (0, 300, drawn.width, 330))
    assert difference(drawn, "payoff_letter") > _MOST_IN_THE_MEAN
