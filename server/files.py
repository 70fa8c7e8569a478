"""Decides what a server process needs for files: a store, a place for what is coming in, and the key that signs links."""

import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from starlette.datastructures import Headers
from starlette.types import Scope

from server.settings import Settings
from server.storage import BlobStore, open_store

_KEY_BYTES = 32
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SCHEMES = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one server process."""

    store: BlobStore
    link_key: bytes
    public_url: str
    incoming: Path

    def spool(self) -> IO[bytes]:
        """A nameless file for what is coming in: gone when it is closed, also by kill -9."""
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.TemporaryFile(dir=self.incoming)

    def base_url(self, scope: Scope) -> str:
        """Where clients reach the server: what the operator says, else what the request says; empty when it says nonsense."""
        host = Headers(scope=scope).get("host", "")
        if self.public_url or not _HOST.fullmatch(host):
            return self.public_url
        return f"{_SCHEMES.get(scope['scheme'], scope['scheme'])}://{host}"


def open_files(settings: Settings) -> Files:
    """The files that the settings name."""
    return Files(open_store(settings), _link_key(settings), settings.public_url, settings.home / "incoming")


def _link_key(settings: Settings) -> bytes:
    if settings.secret_key:
        return settings.secret_key.encode()
    kept = settings.home / "secret-key"
    if not kept.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        _write_once(kept, secrets.token_hex(_KEY_BYTES))
    return kept.read_bytes()


def _write_once(path: Path, text: str) -> None:
    """Write a file that only its owner reads; of several processes that try, one succeeds, whole."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
