"""The GraphiQL page at the API's address: it works offline, under a content security policy that allows its own origin only."""

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http import ide

TOOL = Path(__file__).parents[2] / "tools" / "graphiql"

# Addresses that the bundle contains as text: XML namespaces, and links that a user may click. None is loaded.
TEXT_ADDRESSES = (
    "http://www.w3.org/",
    "https://codemirror.net/5/doc/manual.html",
    "https://commonmark.org/",
    "https://en.wikipedia.org/wiki/IEEE_floating_point",
    "https://github.com/graphql/graphiql",
    "https://react.dev/errors/",
    "https://yarnpkg.com/en/docs/selective-version-resolutions",
)


async def answer_with_page(request: Request) -> Response:
    return ide.page()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    app = Starlette(routes=[Route("/graphql", answer_with_page), *ide.ROUTES])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as connected:
        yield connected
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def html(client: httpx.Client) -> str:
    return client.get("/graphql").text


def directives(response: httpx.Response) -> dict[str, list[str]]:
    parts = (part.split() for part in response.headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in parts}


def references(html: str) -> list[str]:
    return re.findall(r"""(?:src|href|action|content=.\d+;\s*url)\s*=\s*["']?([^"'\s>]+)""", html)


def sources_of_the_page() -> list[str]:
    return ["build.mjs", "package-lock.json", *sorted(f"src/{path.name}" for path in (TOOL / "src").iterdir())]


def test_the_page_is_html_that_is_revalidated_each_time(client: httpx.Client) -> None:
    response = client.get("/graphql")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["vary"] == "Accept"


def test_the_content_security_policy_denies_by_default_and_allows_the_own_origin_only(client: httpx.Client) -> None:
    assert directives(client.get("/graphql")) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def test_page_and_assets_forbid_type_sniffing_framing_and_referrers(client: httpx.Client) -> None:
    for path in ("/graphql", *(f"/ide/{name}" for name in ide.ASSETS)):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["content-security-policy"] == ide.CONTENT_SECURITY_POLICY, path


def test_the_page_loads_one_script_one_style_sheet_and_one_icon_by_relative_address(html: str) -> None:
    found = references(html)
    assert sorted(Path(address).suffix for address in found) == [".css", ".js", ".svg"]
    assert all(re.fullmatch(r"ide/[a-z]+-[A-Z0-9]{8}\.(css|js|svg)", address) for address in found), found


def test_the_page_has_no_inline_script_style_or_handler(html: str) -> None:
    assert re.findall(r"<script\b[^>]*>([^<]*)</script>", html) == [""]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)


def test_every_asset_of_the_page_is_served_with_its_type_and_cached_permanently(
    client: httpx.Client, html: str
) -> None:
    for address in references(html):
        response = client.get(f"/{address}")
        assert response.status_code == 200, address
        assert response.headers["content-type"].split(";")[0] == ide.MEDIA_TYPES[Path(address).suffix]
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.content == (ide.FOLDER / "assets" / Path(address).name).read_bytes()


def test_every_asset_is_referenced_by_the_page(html: str) -> None:
    kept = {path.name for path in (ide.FOLDER / "assets").iterdir()}
    assert kept == {Path(address).name for address in references(html)} == set(ide.ASSETS)


@pytest.mark.parametrize("name", ["none.js", "..%2findex.html", "%2e%2e/LICENSE", "LICENSE", "", "graphiql-%00.js"])
def test_an_unknown_asset_is_not_found(client: httpx.Client, name: str) -> None:
    assert client.get(f"/ide/{name}").status_code == 404


def test_the_assets_contain_no_foreign_address_but_the_listed_ones() -> None:
    for name, content in ide.ASSETS.items():
        addresses = re.findall(r"(?:https?|wss?):?\\?/\\?/[a-zA-Z0-9][^\"'`\s)<>\\]*", content.decode())
        foreign = [address for address in addresses if not address.startswith(TEXT_ADDRESSES)]
        assert not foreign, f"{name} mentions {foreign}"


def test_the_style_sheet_loads_nothing_but_data_urls() -> None:
    (sheet,) = (content.decode() for name, content in ide.ASSETS.items() if name.endswith(".css"))
    assert re.findall(r"url\(([^)]{0,11})", sheet), "the pattern must find the URLs that it checks"
    assert set(re.findall(r"""url\(["']?([^)"']{0,11})""", sheet)) == {"data:image/"}
    assert "@import" not in sheet
    assert "@font-face" not in sheet


def test_the_script_evaluates_no_text_and_points_to_no_source_map() -> None:
    (script,) = (content.decode() for name, content in ide.ASSETS.items() if name.endswith(".js"))
    assert not re.search(r"\beval\(|\bnew Function\(|\bimportScripts\(|sourceMappingURL", script)


def test_the_script_stores_no_data_beyond_the_tab() -> None:
    session = (TOOL / "src" / "session.js").read_text()
    assert "sessionStorage" in session
    for source in (TOOL / "src").iterdir():
        assert not re.search(r"localStorage|document\.cookie|indexedDB", source.read_text()), source.name


def test_every_bundled_package_is_in_the_licence_file_under_a_permissive_licence() -> None:
    text = (ide.FOLDER / "LICENSE").read_text()
    packages = dict(re.findall(r"^(@?[a-z0-9][\w./@-]*) \d\S* \(([^)]+)\)\n-{72}$", text, re.MULTILINE))
    assert {"graphiql", "@graphiql/react", "graphql", "graphql-ws", "react", "react-dom", "codemirror"} <= set(packages)
    assert packages["graphiql"] == "MIT"
    assert set(packages.values()) <= {"MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}


def test_the_committed_page_was_built_from_the_committed_sources() -> None:
    digest = hashlib.sha256()
    for name in sources_of_the_page():
        digest.update(f"{name}\n".encode() + (TOOL / name).read_bytes())
    assert (ide.FOLDER / "sources.sha256").read_text().strip() == digest.hexdigest(), (
        "run `npm ci && npm run build` in tools/graphiql and commit server/http/ide"
    )


def test_the_lock_file_names_no_registry() -> None:
    lock = (TOOL / "package-lock.json").read_text()
    assert '"integrity"' in lock
    assert '"resolved"' not in lock
