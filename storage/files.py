"""The file storage of one server process: the blob store, the folder for uploads in progress, and the key that signs URLs."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from db.sealed_hints import Hints
from storage.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Files:
    """The blob store, the key of signed URLs, the public URL, and the folder for uploads in progress."""

    store: BlobStore
    link_key: bytes
    public_url: str
    incoming: Path

    def hints(self) -> Hints:
        """What seals the notifications between the processes that have the same key."""
        return Hints(self.link_key)

    def spool(self) -> IO[bytes]:
        """An unnamed temporary file for an upload in progress: gone when it is closed, also after kill -9."""
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.TemporaryFile(dir=self.incoming)
