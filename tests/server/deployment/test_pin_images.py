"""The command `make pin-images` writes the digest of each image, or nothing at all."""

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.server.deployment.compose import PROJECT

_MANIFEST = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
_DIGEST = f"sha256:{hashlib.sha256(_MANIFEST).hexdigest()}"


class Registry(BaseHTTPRequestHandler):
    """A registry of images that gives everyone a token and asks for it, as public ones do."""

    def do_GET(self) -> None:
        host = self.headers["host"]
        if self.path == "/token?service=registry&scope=pull":
            self._answer(200, json.dumps({"token": "for everyone"}).encode())
        elif self.headers.get("authorization") != "Bearer for everyone":
            self._answer(
                401, b"", **{"www-authenticate": f'Bearer realm="http://{host}/token",service="registry",scope="pull"'}
            )
        elif self.path.startswith("/v2/team/known/manifests/1."):
            self._answer(200, _MANIFEST, **{"docker-content-digest": _DIGEST})
        elif self.path.startswith("/v2/team/forged/manifests/"):
            self._answer(200, _MANIFEST, **{"docker-content-digest": f"sha256:{'0' * 64}"})
        else:
            self._answer(404, b"")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def pin(*files: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", str(PROJECT / "tools" / "pin_images.py"), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_digests_are_written_beside_the_tags_and_old_ones_replaced(registry: str, tmp_path: Path) -> None:
    compose, dockerfile = tmp_path / "compose.yml", tmp_path / "Dockerfile"
    compose.write_text(
        f"services:\n  one:\n    image: {registry}/team/known:1.0\n  own:\n    image: clinic-billing\n    build: .\n"
        f"  two:\n    image: {registry}/team/known:1.1@sha256:{'1' * 64}\n"
    )
    dockerfile.write_text(f"FROM {registry}/team/known:1.2 AS build\nRUN true\n")
    done = pin(compose, dockerfile)
    assert done.returncode == 0, done.stderr
    assert compose.read_text() == (
        f"services:\n  one:\n    image: {registry}/team/known:1.0@{_DIGEST}\n  own:\n    image: clinic-billing\n    build: .\n"
        f"  two:\n    image: {registry}/team/known:1.1@{_DIGEST}\n"
    )
    assert dockerfile.read_text() == f"FROM {registry}/team/known:1.2@{_DIGEST} AS build\nRUN true\n"
    again = compose.read_text()
    assert pin(compose).returncode == 0
    assert compose.read_text() == again


@pytest.mark.parametrize(
    "image",
    ["team/unknown:1.0", "team/forged:1.0", "127.0.0.1:1/nobody/listens:1.0"],
    ids=["unknown", "forged", "away"],
)
def test_nothing_is_written_when_one_digest_cannot_be_had(image: str, registry: str, tmp_path: Path) -> None:
    named = image if image[0].isdigit() else f"{registry}/{image}"
    file = tmp_path / "compose.yml"
    file.write_text(f"services:\n  one:\n    image: {registry}/team/known:1.0\n  two:\n    image: {named}\n")
    before = file.read_text()
    done = pin(file)
    assert done.returncode == 1
    assert done.stderr.startswith("No image was pinned, and no file was changed: the registry ")
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text() == before


def test_every_image_of_the_project_is_found(tmp_path: Path) -> None:
    for name in ("Dockerfile", "docker-compose.yml", "docker-compose.s3.yml"):
        copy = tmp_path / name
        text = (PROJECT / name).read_text(encoding="utf-8")
        copy.write_text(text.replace("FROM ", "FROM 127.0.0.1:1/").replace("image: ", "image: 127.0.0.1:1/"))
        assert "No image was pinned" in pin(copy).stderr, name
