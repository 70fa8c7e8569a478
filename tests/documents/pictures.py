"""Pictures of pages of documents, which are compared with the committed ones; run it to write them anew."""

from collections.abc import Callable
from pathlib import Path

import pypdfium2
from PIL import Image

from documents.drawing import Drawer
from domain.documents.kinds import DocumentKind
from tests.documents import examples

FOLDER = Path(__file__).parent / "pages"
_SCALE = 0.8
_COLOURS = 32
Draw = Callable[[Drawer], bytes]


def _example(kind: DocumentKind) -> Draw:
    return lambda drawer: drawer.draw(kind, examples.EXAMPLES[kind]).pdf


def _invoice(contents: object, **more: object) -> Draw:
    return lambda drawer: drawer.draw(DocumentKind.INVOICE, contents, **more).pdf  # type: ignore[arg-type]


def _long(drawer: Drawer) -> bytes:
    return drawer.draw(DocumentKind.INVOICE, examples.invoice(examples.FORTY_PAGES)).pdf


# Name of the picture → what is drawn, and which of its pages (-1: the last).
PICTURES: dict[str, tuple[Draw, int]] = {
    **{kind.lower(): (_example(kind), 0) for kind in DocumentKind},
    "with_logo": (lambda drawer: drawer.draw(DocumentKind.INVOICE, examples.invoice(), logo=examples.logo()).pdf, 0),
    "bare": (_invoice(examples.invoice(letterhead=examples.BARE)), 0),
    "preview": (_invoice(examples.invoice(), is_preview=True), 0),
    "long_first": (_long, 0),
    "long_last": (_long, -1),
    **{script: (_invoice(examples.in_script(name)), 0) for script, name in examples.NAMES.items()},
}


def picture(pdf: bytes, page: int) -> Image.Image:
    """A page in shades of grey."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        place = page if page >= 0 else len(document) + page
        return document[place].render(scale=_SCALE).to_pil().convert("L")
    finally:
        document.close()


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    drawer = Drawer()
    for name, (draw, page) in PICTURES.items():
        picture(draw(drawer), page).quantize(_COLOURS).save(FOLDER / f"{name}.png", optimize=True)
    drawer.close()


if __name__ == "__main__":
    main()
