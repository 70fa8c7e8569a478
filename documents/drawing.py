"""Draws the contents of a document as PDF: prepares what its template shows, and has a child process draw it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

from documents.child import Child, DrawingError
from documents.shown import isolated, plain, shown
from domain.documents.bills import GoodFaithEstimate
from domain.documents.contents import Contents, kind_of
from domain.documents.kinds import DocumentKind
from domain.documents.texts import DEFAULTS, QUOTE_TITLE, Texts, filled_in, texts_of

__all__ = ["Drawer", "DrawingError", "Drawn"]
# A number in the margin of a page takes one line.
_LONGEST_NUMBER = 40
# Kinds that ask for money say where it is sent.
_PAID = frozenset(DocumentKind) - {
    DocumentKind.LIEN_NOTICE,
    DocumentKind.LIEN_RELEASE,
    DocumentKind.BILLING_AFFIDAVIT,
    DocumentKind.GOOD_FAITH_ESTIMATE,
}
# What stands beside the number and the day of a document.
_FACTS = {"Invoice": "invoice", "As of": "as_of", "Good through": "good_through", "Due": "due_on"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn document: its bytes, the count of its pages, and the SHA-256 of the bytes in hexadecimal digits."""

    pdf: bytes
    pages: int
    sha256: str


class Drawer:
    """Draws documents, one after the other, in a child process that starts with the first; threads may share a drawer."""

    def __init__(self) -> None:
        self._child = Child()

    def draw(
        self,
        kind: DocumentKind,
        contents: Contents,
        *,
        texts: Mapping[str, str] | None = None,
        is_preview: bool = False,
        logo: bytes | None = None,
    ) -> Drawn:
        """The document as PDF; the same arguments give the same bytes. Blocks: call it in a thread.

        `texts` are the clinic's own, `logo` is a PNG. DrawingError for what cannot be drawn within the limits.
        """
        if kind_of(contents) is not kind:
            raise ValueError(f"the contents are not those of {kind}")
        pdf = self._child.drawn(_request(kind, contents, texts, is_preview, logo))
        return Drawn(pdf, _count_of_pages(pdf), hashlib.sha256(pdf).hexdigest())

    def close(self) -> None:
        """End the child process."""
        self._child.end()


def _request(
    kind: DocumentKind, contents: Contents, texts: Mapping[str, str] | None, is_preview: bool, logo: bytes | None
) -> dict[str, Any]:
    day, found = contents.issued_on, plain(contents)
    found["number"] = shown(contents.number[:_LONGEST_NUMBER])
    data = {
        "contents": found,
        "texts": asdict(_texts(kind, contents, texts)),
        "facts": [[label, found[name]] for label, name in _FACTS.items() if found.get(name)],
        "day": [day.year, day.month, day.day],
        "pays": kind in _PAID,
        "is_preview": is_preview,
        "logo": None if logo is None else list(logo),
    }
    moment = datetime.combine(day, time(), UTC)
    return {"template": kind.lower(), "moment": int(moment.timestamp()), "data": data}


def _texts(kind: DocumentKind, contents: Contents, own: Mapping[str, str] | None) -> Texts:
    texts = texts_of(kind, own)
    if isinstance(contents, GoodFaithEstimate) and contents.is_quote:
        texts = replace(texts, title=QUOTE_TITLE)
    # What is filled in has lost its own marks of direction before it gets those that isolate it.
    cleaned = Texts(**{name: shown(text) for name, text in asdict(texts).items()})
    if not cleaned.title.strip():
        # Of a title of invisible characters nothing is left, and a tagged PDF needs one.
        cleaned = replace(cleaned, title=DEFAULTS[kind].title)
    return filled_in(kind, cleaned, contents, lambda value: isolated(shown(value)))


def _count_of_pages(pdf: bytes) -> int:
    """The count of the root of the page tree, which is the largest."""
    return max(int(count) for count in re.findall(rb"/Count (\d+)", pdf))
