"""A folder with everything of a clinic: files that are hashed while they are written, their list SHA256SUMS, and its check.

SHA256SUMS has the form of sha256sum, one line a file in the order of the paths, so that `sha256sum -c SHA256SUMS` checks it without
this program. It is written last: a folder without it is not complete.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

SUMS, MANIFEST = "SHA256SUMS", "manifest.json"
_UNFINISHED = f"{SUMS}.unfinished"
_PART = 1024 * 1024


class FolderError(Exception):
    """A folder that cannot be written or checked; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of the folder."""

    path: str
    size: int
    sha256: str


class HashedFile:
    """A file that is being written, readable by its owner alone, and hashed on the way."""

    def __init__(self, folder: Path, path: str) -> None:
        target = folder / path
        target.parent.mkdir(mode=0o700, exist_ok=True)
        self._path, self._size, self._hash = path, 0, hashlib.sha256()
        self._file = os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def write(self, chunk: bytes) -> None:
        """Write the next bytes."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self._size += len(chunk)

    def written(self) -> WrittenFile:
        """The file, once it is written."""
        return WrittenFile(self._path, self._size, self._hash.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class Sums:
    """The list SHA256SUMS while it is written, file by file in the order of their paths."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.files, self.size = folder, 0, 0
        self._file = (folder / _UNFINISHED).open("x", encoding="utf-8")

    def add(self, file: WrittenFile) -> None:
        """Add a file."""
        self._file.write(f"{file.sha256}  {file.path}\n")
        self.files, self.size = self.files + 1, self.size + file.size

    def finish(self) -> str:
        """Give the list its name; the hash of the list itself."""
        self._file.close()
        (self._folder / _UNFINISHED).rename(self._folder / SUMS)
        return _hash_of(self._folder / SUMS)


def new_folder(folder: Path) -> None:
    """Make the folder; FolderError when it has something in it already, or cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FolderError(f"{folder} is not empty: name a new folder")
    except OSError as error:
        raise FolderError(f"{folder} cannot be written: {error.strerror}") from error


def differences(folder: Path) -> Iterator[str]:
    """What is not as it was written, a sentence for each file; FolderError for a folder that was never completed."""
    if not (folder / SUMS).is_file():
        raise FolderError(f"{folder} is not complete: it has no file {SUMS}")
    listed, before = 0, ""
    with (folder / SUMS).open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            sha256, _, path = line.rstrip("\n").partition("  ")
            if path <= before or not _is_inside(path):
                yield f"{SUMS}, line {number}: this line was changed"
                continue
            listed, before = listed + 1, path
            if not (folder / path).is_file():
                listed -= 1
                yield f"{path}: this file is missing"
            elif _hash_of(folder / path) != sha256:
                yield f"{path}: this file was changed"
    more = sum(1 for path in folder.rglob("*") if path.is_file()) - 1 - listed
    if more > 0:
        yield f"{more:,} files were added, which {SUMS} does not list"


def _is_inside(path: str) -> bool:
    return bool(path) and not path.startswith("/") and ".." not in path.split("/")


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        found = hashlib.sha256()
        while chunk := file.read(_PART):
            found.update(chunk)
        return found.hexdigest()
