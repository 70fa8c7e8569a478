"""Drawn documents, read back with another library: pages, sums, metadata, and the same bytes for the same data."""

import re
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from documents.drawing import Drawer
from domain.documents.kinds import DocumentKind
from domain.documents.texts import dollars
from tests.documents import examples

HASHES = Path(__file__).parent / "hashes.txt"


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def _amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


@pytest.mark.parametrize("kind", DocumentKind)
def test_the_same_data_give_the_same_bytes_on_every_machine(kind: DocumentKind, drawer: Drawer) -> None:
    known = dict(line.split() for line in HASHES.read_text("ascii").splitlines())
    drawn = drawer.draw(kind, examples.EXAMPLES[kind])
    assert drawn.sha256 == known.get(kind), (
        "a template, a font or typst has changed: look at `make pictures`, which writes the hashes, too"
    )


@pytest.mark.parametrize("kind", DocumentKind)
def test_a_document_is_tagged_and_its_metadata_hold_number_and_day_alone(kind: DocumentKind, drawer: Drawer) -> None:
    contents = examples.EXAMPLES[kind]
    drawn = drawer.draw(kind, contents)
    reader = PdfReader(BytesIO(drawn.pdf))
    assert drawn.pages == len(reader.pages)
    told = {name: str(value) for name, value in (reader.metadata or {}).items()}
    assert told.pop("/Title") == contents.number
    assert {told.pop("/CreationDate")[:10], told.pop("/ModDate")[:10]} == {f"D:{contents.issued_on:%Y%m%d}"}
    assert set(told) == {"/Creator"}
    assert told["/Creator"].startswith("Typst")
    assert "/MarkInfo" in reader.root_object
    assert "/StructTreeRoot" in reader.root_object
    xmp = reader.xmp_metadata
    assert xmp is not None
    assert b"pdfuaid" in xmp.stream.get_data()
    assert b"Morgan" not in xmp.stream.get_data()


def test_a_preview_says_so_on_every_page(drawer: Drawer) -> None:
    contents = examples.statement()
    drawn = drawer.draw(DocumentKind.ITEMISED_STATEMENT, contents, is_preview=True)
    pages = pages_of(drawn.pdf)
    assert len(pages) > 1
    assert all("PREVIEW: not issued" in page for page in pages)
    assert all("PREVIEW" not in page for page in pages_of(drawer.draw(DocumentKind.ITEMISED_STATEMENT, contents).pdf))


def test_every_page_of_a_table_ends_with_its_sum_and_the_sums_are_the_total(drawer: Drawer) -> None:
    contents = examples.invoice(150)
    pages = pages_of(drawer.draw(DocumentKind.INVOICE, contents).pdf)
    assert len(pages) > 2
    found = []
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        rows = re.findall(r"^\d\d/\d\d/\d{4}.*?\$([\d,]+\.\d\d)$", page, re.MULTILINE)
        stated = re.search(r"Subtotal of this page\s*\$([\d,]+\.\d\d)", page)
        assert stated, page
        assert sum(map(_amount, rows)) == _amount(stated[1])
        found.append(_amount(stated[1]))
    assert sum(found) == contents.charged
    assert dollars(contents.charged) in pages[-1]


def test_a_payoff_letter_states_the_sum_of_the_balances_and_leaves_unapplied_money_beside_it(drawer: Drawer) -> None:
    text = " ".join(pages_of(drawer.draw(DocumentKind.PAYOFF_LETTER, examples.PAYOFF).pdf))
    for words in (
        "$1,451.04",
        "$1,275.00",
        "$2,726.04",
        "December 28, 2026",
        "$100.00 is held, and is not deducted",
        "(2)",
    ):
        assert words in text


def test_an_estimate_without_a_diagnosis_is_called_a_quote_whatever_its_title(drawer: Drawer) -> None:
    own = {"title": "Good Faith Estimate of ours"}
    quote = replace(examples.ESTIMATE, diagnoses=())
    words = pages_of(drawer.draw(DocumentKind.GOOD_FAITH_ESTIMATE, quote, texts=own).pdf)[0]
    assert "Price quote" in words
    assert "Good Faith" not in words
    assert "Good Faith" in pages_of(drawer.draw(DocumentKind.GOOD_FAITH_ESTIMATE, examples.ESTIMATE, texts=own).pdf)[0]


def test_contents_of_another_kind_are_refused(drawer: Drawer) -> None:
    with pytest.raises(ValueError, match="not those of"):
        drawer.draw(DocumentKind.LIEN_NOTICE, examples.PAYOFF)
