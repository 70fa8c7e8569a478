"""The file storage of one server process: the blob store, the folder for uploads in progress, and the keys that sign URLs."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from db.sealed_hints import Hints
from domain.access.secret_keys import SecretKeys
from storage.blobs import BlobStore

_SIGNED_URLS = "signed URLs"


@dataclass(frozen=True, slots=True)
class Files:
    """The blob store, the secret keys, the public URL, and the folder for uploads in progress."""

    store: BlobStore
    keys: SecretKeys
    public_url: str
    incoming: Path

    def hints(self) -> Hints:
        """What seals the notifications between the processes that have the same key."""
        return Hints(self.keys.current, *self.keys.old)

    @property
    def link_key(self) -> bytes:
        """The key that signs URLs."""
        return self.keys.newest(_SIGNED_URLS)

    @property
    def link_keys(self) -> tuple[bytes, ...]:
        """The keys that verify signed URLs."""
        return self.keys.every(_SIGNED_URLS)

    def spool(self) -> IO[bytes]:
        """An unnamed temporary file for an upload in progress: gone when it is closed, also after kill -9."""
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.TemporaryFile(dir=self.incoming)
