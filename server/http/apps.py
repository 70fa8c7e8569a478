"""The built web apps: their files, the page for the path of each screen, and the demo's accounts for a browser on this machine."""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from server.http.compression import takes_gzip
from server.http.ide import EACH_TIME, FOR_EVER, HEADERS

FOLDER = Path(__file__).with_name("apps")
_MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_NOT_BUILT = "The {name} is not built: `make clients` builds it, and needs npm's registry. The API is at /graphql.\n"
# A proxy on this machine connects from a loopback address, too, and says with one of these for whom.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class DemoAccounts:
    """The e-mails of the demo's users, and their password."""

    emails: tuple[str, ...]
    password: str


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    zipped: bytes
    media_type: str
    is_hashed: bool


def _file_at(path: Path) -> _File:
    body = path.read_bytes()
    return _File(body, gzip.compress(body, mtime=0), _MEDIA_TYPES[path.suffix], path.parent.name == "assets")


def manifest_of(name: str, folder: Path = FOLDER) -> Path | None:
    """The manifest of an app's documents; None if the app is not built."""
    manifest = folder / name / "documents.json"
    return manifest if manifest.is_file() else None


class WebApp:
    """One app, read again whenever it was built anew: a server may start before its apps are built."""

    def __init__(self, name: str, demo: DemoAccounts | None = None, folder: Path = FOLDER) -> None:
        self._name, self._demo = name, demo
        self._folder = folder / name / "files"
        self._read_lock = asyncio.Lock()
        self._built_ns = 0
        self._built: Mapping[str, _File] = {}
        self._former: Mapping[str, _File] = {}

    @property
    def routes(self) -> list[Route]:
        """The routes of the app under its name."""
        return [
            Route(f"/{self._name}", self._without_slash, methods=["GET"]),
            Route(f"/{self._name}/demo-accounts.json", self._accounts, methods=["GET"]),
            Route(f"/{self._name}/{{path:path}}", self._file, methods=["GET"]),
        ]

    async def _without_slash(self, request: Request) -> Response:
        return RedirectResponse(f"/{self._name}/")

    async def _file(self, request: Request) -> Response:
        await self._refresh()
        if "index.html" not in self._built:
            return PlainTextResponse(_NOT_BUILT.format(name=self._name), 503, {**HEADERS, "Cache-Control": "no-store"})
        path = request.path_params["path"]
        found = self._built.get(path) or self._former.get(path)
        if found is None and ("." in path.rpartition("/")[2] or path.startswith("assets/")):
            return PlainTextResponse("There is no such file\n", 404, HEADERS)
        return self._answer(request, found or self._built["index.html"])

    @staticmethod
    def _answer(request: Request, file: _File) -> Response:
        headers = {**HEADERS, "Cache-Control": FOR_EVER if file.is_hashed else EACH_TIME, "Vary": "Accept-Encoding"}
        body = file.body
        if takes_gzip(request.headers.get("accept-encoding", "")):
            body, headers["Content-Encoding"] = file.zipped, "gzip"
        return Response(body, media_type=file.media_type, headers=headers)

    async def _accounts(self, request: Request) -> Response:
        demo = self._demo if _is_on_this_machine(request) else None
        accounts = [{"email": email, "password": demo.password} for email in demo.emails] if demo else []
        return JSONResponse({"accounts": accounts}, headers={**HEADERS, "Cache-Control": "no-store"})

    async def _refresh(self) -> None:
        """Read all files when the app was built: what a request names is looked up in memory, and never on the disk."""
        try:
            built_ns = (self._folder / "index.html").stat().st_mtime_ns
        except OSError:
            return
        async with self._read_lock:
            if built_ns != self._built_ns:
                # Pages that are open go on with the hashed files of the build before.
                self._former = {path: file for path, file in self._built.items() if file.is_hashed}
                self._built, self._built_ns = await asyncio.to_thread(self._read), built_ns

    def _read(self) -> Mapping[str, _File]:
        return {
            path.relative_to(self._folder).as_posix(): _file_at(path)
            for path in self._folder.rglob("*")
            if path.is_file() and path.suffix in _MEDIA_TYPES
        }


def _is_on_this_machine(request: Request) -> bool:
    """Whether a browser on this machine asks under a loopback name, and no page of another origin."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    is_direct = not any(name in request.headers for name in _FORWARDED)
    is_own_page = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    return (
        is_direct and is_own_page and _is_loopback(host) and _is_loopback(request.client.host if request.client else "")
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
