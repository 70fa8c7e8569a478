"""What a document says, as plain values: frozen when it is issued, and everything from which its file is drawn."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from domain.documents.kinds import DocumentKind


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The clinic as its documents name it; `remit` is where money is sent."""

    name: str
    lines: tuple[str, ...] = ()
    remit: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A table: its heading, its columns, its rows, and the totals below them. Amounts are right-aligned."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """A document: its number and day, who sends it to whom, and what it says."""

    kind: DocumentKind
    title: str
    number: str
    issued_on: str
    letterhead: Letterhead
    recipient: tuple[str, ...]
    # What stands in the head: labels and values.
    about: tuple[tuple[str, str], ...]
    opening: tuple[str, ...] = ()
    listings: tuple[Listing, ...] = ()
    closing: tuple[str, ...] = ()
    # Lines that are left blank, to be filled in by hand.
    blanks: tuple[str, ...] = ()


def canonical_json(contents: Contents) -> bytes:
    """The contents as JSON with sorted keys and no spaces: the same contents give the same bytes."""
    return json.dumps(asdict(contents), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def contents_of(kind: DocumentKind, data: bytes) -> Contents:
    """The contents of a document from their canonical JSON."""
    values: dict[str, Any] = json.loads(data)
    head = values.pop("letterhead")
    letterhead = Letterhead(head["name"], tuple(head["lines"]), tuple(head["remit"]))
    listings = tuple(
        Listing(one["heading"], tuple(one["columns"]), _rows(one["rows"]), _rows(one["totals"]))
        for one in values.pop("listings")
    )
    texts = {name: tuple(values.pop(name)) for name in ("recipient", "opening", "closing", "blanks")}
    known = {name: values[name] for name in ("title", "number", "issued_on")}
    return Contents(kind=kind, letterhead=letterhead, about=_rows(values["about"]), listings=listings, **texts, **known)


def _rows(rows: list[list[str]]) -> tuple[Any, ...]:
    return tuple(tuple(row) for row in rows)
