"""Writes the digest of each image into the files that name it, as name:tag@sha256:…, so that a tag that moves changes nothing here.

`make pin-images` runs it on the Dockerfile and the compose files. It asks each image's registry; when one does not answer, it
changes nothing and says so.
"""

import hashlib
import re
import sys
from pathlib import Path

import httpx

_NAMED = re.compile(
    r"^(?P<before>\s*image:\s+|FROM\s+)(?P<name>[^\s@]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?(?=\s|$)", re.MULTILINE
)
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_DOCKER_HUB = "registry-1.docker.io"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT_SECONDS = 20


class PinError(Exception):
    """An image whose digest could not be found, and why."""


def pin(files: list[Path]) -> dict[str, str]:
    """Write the digests into the files; returns the digest of each image. PinError: nothing was written."""
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    names = sorted({found["name"] for text in texts.values() for found in _NAMED.finditer(text)})
    with httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=True) as client:
        digests = {name: _digest_of(client, name) for name in names}
    for file, text in texts.items():
        pinned = _NAMED.sub(lambda found: f"{found['before']}{found['name']}@{digests[found['name']]}", text)
        file.write_text(pinned, encoding="utf-8")
    return digests


def _digest_of(client: httpx.Client, name: str) -> str:
    image, _, tag = name.rpartition(":")
    host, _, repository = image.partition("/")
    if not repository or not ("." in host or ":" in host or host == "localhost"):
        host, repository = _DOCKER_HUB, image if "/" in image else f"library/{image}"
    scheme = "http" if host.partition(":")[0] in ("localhost", "127.0.0.1") else "https"
    url = f"{scheme}://{host}/v2/{repository}/manifests/{tag}"
    try:
        answer = client.get(url, headers={"accept": _MANIFESTS})
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            token = _token(client, answer.headers.get("www-authenticate", ""))
            answer = client.get(url, headers={"accept": _MANIFESTS, "authorization": f"Bearer {token}"})
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError) as error:
        raise PinError(f"the registry {host} does not tell the digest of {name}: {error}") from error
    digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    if answer.headers.get("docker-content-digest", digest) != digest:
        raise PinError(f"the registry {host} names another digest of {name} than that of the manifest that it sent")
    return digest


def _token(client: httpx.Client, challenge: str) -> str:
    """The token for anonymous reading that a registry asks for; KeyError when it names no place for it."""
    words = dict(_CHALLENGE.findall(challenge))
    answer = client.get(words.pop("realm"), params=words)
    answer.raise_for_status()
    found = answer.json()
    return str(found.get("token") or found["access_token"])


if __name__ == "__main__":
    try:
        for name, digest in pin([Path(name) for name in sys.argv[1:]]).items():
            print(f"{name}@{digest}")
    except PinError as error:
        sys.exit(f"No image was pinned, and no file was changed: {error}.")
