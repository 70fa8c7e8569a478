"""Draws the contents of a document as PDF."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.documents.contents import Contents
from domain.documents.kinds import DocumentKind


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn document: its bytes, the count of its pages, and the SHA-256 of the bytes in hexadecimal digits."""

    pdf: bytes
    pages: int
    sha256: str


class DrawingError(Exception):
    """A document could not be drawn within its limits."""


class Drawer:
    """Draws documents in a child process of its own."""

    def draw(
        self,
        kind: DocumentKind,
        contents: Contents,
        *,
        texts: Mapping[str, str] | None = None,
        is_preview: bool = False,
        logo: bytes | None = None,
    ) -> Drawn:
        """The document as PDF; `texts` are the clinic's own, `logo` is a PNG. Blocks: call it in a thread."""
        raise NotImplementedError

    def close(self) -> None:
        """End the child process."""
