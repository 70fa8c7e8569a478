"""Texts that try to be markup, to turn the direction of others, or to take no end, are shown as texts."""

import random
from io import BytesIO

import pypdfium2
import pytest
from pypdf import PdfReader

from documents.drawing import Drawer
from documents.shown import UNKNOWN, shown
from domain.documents.kinds import DocumentKind
from tests.documents import examples

MARKUP = [
    '#read("/etc/passwd")', "#sys.inputs", '#import "@preview/cetz:0.1.0"', "#panic()", "*bold* _it_ `raw` $x^2$", "= Heading",
    '#include "/etc/hosts"', "<label> @label", "\\u{202e}", '#eval("1")', ']#read("x")[', "}#{while true {}}", "// comment",
    "/* comment", '#image("/x.png")', "{{ patient }}", "{% x %}", "\\ \\\\ ~ -- ---", "http://x.example/#a", "#let data = 1",
    '"; }', "'\"`", "<script>alert(1)</script>", "%PDF-1.7", "(endobj)", "=1+1", "+ item\n- item\n/ term: x", "```typ #x```",
]  # fmt: skip
INVISIBLE = [
    "\u202e",
    "\u202a",
    "\u2066",
    "\u2069",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\x00",
    "\x1b",
    "\x7f",
    "\x85",
    "\u2028",
    "\xad",
    "\u061c",
    "\ufe0f",
]
SCRIPTS = [
    "שלום (א) 12",
    "ไทย",
    "हिन्दी",
    "😀👩‍👩‍👧",
    "Z̸̡͍̗͎̱̘̞̘̄͊a͎͎l",
    "ﷺ",
    "ﬀ㎏",
    "\U0010ffff",
    "\ue000",
    "가각",
    *examples.NAMES.values(),
]
LONG = ["x" * 10_000, "\u8a9e" * 10_000, "\n" * 1_000, "\u0301" * 10_000]
TEXTS = [*MARKUP, *(f"Ann{mark}Lee{mark}" for mark in INVISIBLE), *SCRIPTS]


def random_text(source: random.Random) -> str:
    """A text of pieces of the others, and of letters of all of Unicode."""
    parts = []
    for _ in range(source.randint(1, 8)):
        letter = chr(source.choice((source.randrange(0xD800), source.randrange(0xE000, 0x110000))))
        parts.append(source.choice((source.choice(MARKUP), source.choice(INVISIBLE), source.choice(SCRIPTS), letter)))
    return "".join(parts)


@pytest.mark.parametrize("place", range(len(TEXTS)))
def test_a_hostile_text_is_drawn_as_text(place: int, drawer: Drawer) -> None:
    text = TEXTS[place]
    drawn = drawer.draw(DocumentKind.INVOICE, examples.in_script(text), texts={"closing": text})
    found = " ".join(page.extract_text() for page in PdfReader(BytesIO(drawn.pdf)).pages)
    assert "root:" not in found
    assert not set(INVISIBLE) - {"\u200b"} & set(found)
    if text in MARKUP and "\n" not in text and "{{" not in text:
        assert "".join(shown(text).split()).replace("\u200b", "") in "".join(found.split()).replace("\u200b", "")


@pytest.mark.parametrize("place", range(len(LONG)))
def test_a_long_text_stays_on_the_page(place: int, drawer: Drawer) -> None:
    text = LONG[place]
    drawn = drawer.draw(DocumentKind.INVOICE, examples.in_script(text))
    assert drawn.pages < 200
    document = pypdfium2.PdfDocument(drawn.pdf)
    try:
        for page in list(document)[:3]:
            picture = page.render(scale=0.4).to_pil().convert("L")
            edge = picture.crop((picture.width - 12, 0, picture.width, picture.height))
            assert edge.getextrema() == (255, 255)
    finally:
        document.close()


def test_a_value_is_not_read_as_a_variable(drawer: Drawer) -> None:
    drawn = drawer.draw(
        DocumentKind.INVOICE, examples.in_script("{{ number }}"), texts={"closing": "To {{ recipient }}!"}
    )
    assert "To {{ number }}!" in PdfReader(BytesIO(drawn.pdf)).pages[0].extract_text()


def test_a_letter_that_no_font_has_is_shown_as_unknown() -> None:
    assert shown("\U0010fffe\u0e01") == UNKNOWN * 2


@pytest.mark.parametrize("title", ["\x00", "\u200b\u2069", " "])
def test_a_title_of_which_nothing_is_shown_is_the_default(title: str, drawer: Drawer) -> None:
    drawn = drawer.draw(DocumentKind.INVOICE, examples.invoice(), texts={"title": title})
    assert "Invoice" in PdfReader(BytesIO(drawn.pdf)).pages[0].extract_text()


@pytest.mark.prove
def test_ten_thousand_hostile_texts_are_drawn(drawer: Drawer) -> None:
    source = random.Random(24)  # noqa: S311 (texts, no secrets)
    for _ in range(2_500):
        contents = examples.in_script(random_text(source))
        texts = {"title": random_text(source), "opening": random_text(source), "closing": random_text(source)}
        assert drawer.draw(DocumentKind.INVOICE, contents, texts=texts).pages
