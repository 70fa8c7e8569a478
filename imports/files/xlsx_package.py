"""The parts of a workbook's zip archive: found by their relationships, within limits of number and size."""

import posixpath
import zipfile
from typing import IO

from domain.imports import LARGEST_UNPACKED
from imports.files.xml_parts import NO_WORKBOOK, Attributes, visit_elements
from imports.sheets import SheetError

_MOST_PARTS = 1_000
_ENCRYPTED = 0x1
# Workbooks do not use the other compression methods of zip, and zipfile unpacks them without a limit.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class Package:
    """The parts of a workbook; SheetError for an archive that is not one."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        parts = archive.infolist()
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
            raise SheetError(f"The workbook is larger than {LARGEST_UNPACKED // 1024**2} MiB when it is unpacked")
        self._parts = {part.filename.lower(): part for part in parts}
        if len(self._parts) < len(parts):
            raise SheetError(NO_WORKBOOK)

    def open(self, name: str) -> IO[bytes]:
        """A part as a stream of its unpacked bytes."""
        part = self._parts.get(name.lower())
        if part is None or part.compress_type not in _METHODS:
            raise SheetError(NO_WORKBOOK)
        if part.flag_bits & _ENCRYPTED:
            raise SheetError(f"{NO_WORKBOOK}: save it without a password")
        try:
            return self._archive.open(part)
        except ValueError as error:
            # The archive says that the part begins before the start of the file.
            raise SheetError(NO_WORKBOOK) from error

    def related(self, name: str = "") -> dict[str, tuple[str, str]]:
        """The relationships of a part, or of the package: id → last word of the type, and name of the other part."""
        folder, base = posixpath.split(name)
        found: dict[str, tuple[str, str]] = {}

        def visit(path: list[str], attributes: Attributes) -> None:
            if path != ["Relationships", "Relationship"] or attributes.get("TargetMode") == "External":
                return
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            identity = attributes.get("Id", "")
            if identity in found:
                raise SheetError(NO_WORKBOOK)
            found[identity] = kind, target.lstrip("/")

        relations = posixpath.join(folder, "_rels", f"{base}.rels")
        if relations.lower() in self._parts:
            with self.open(relations) as part:
                visit_elements(part, visit)
        return found


def only(related: dict[str, tuple[str, str]], kind: str) -> str | None:
    """The name of the only related part of a kind; None if there is none, SheetError if there are several."""
    names = {name for found, name in related.values() if found == kind}
    if len(names) > 1:
        raise SheetError(NO_WORKBOOK)
    return next(iter(names), None)
