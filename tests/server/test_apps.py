"""How the web apps are served: types, caching, the policy, no file beside them, and the demo's accounts on this machine alone."""

import shutil
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from server.http.apps import DemoAccounts, WebApp
from server.settings import SettingError, read_settings

DEMO = DemoAccounts(("billing@demo.example",), "open sesame")
LOOPBACK = ("127.0.0.1", 4321)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "console" / "files"
    (files / "assets").mkdir(parents=True)
    (files / "index.html").write_text("<!doctype html><title>Console</title>")
    (files / "assets" / "index-1234.js").write_text("export {};")
    (tmp_path / "console" / "documents.json").write_text("{}")
    (tmp_path / "secret.html").write_text("secret")
    return tmp_path


async def ask(folder: Path, path: str, client: tuple[str, int] = LOOPBACK, **headers: str) -> httpx.Response:
    """The answer of the app to a request from an address."""
    app = Starlette(routes=WebApp("console", DEMO, folder).routes)
    transport = httpx.ASGITransport(app, client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
        return await asking.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_each_path_of_a_screen_is_answered_with_the_page_which_is_asked_for_each_time(folder: Path) -> None:
    for path in ("/console/", "/console/invoices", "/console/invoices/SW52OjE%3D"):
        answer = await ask(folder, path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.headers["cache-control"] == "no-cache"
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert (await ask(folder, "/console")).headers["location"] == "/console/"


async def test_a_file_with_a_hash_in_its_name_is_kept_for_ever(folder: Path) -> None:
    answer = await ask(folder, "/console/assets/index-1234.js", accept_encoding="gzip")
    assert (answer.text, answer.headers["content-encoding"]) == ("export {};", "gzip")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    ["..%2fdocuments.json", "../documents.json", "%2e%2e/%2e%2e/secret.html", "assets/none.js", "/etc/passwd.txt"],
)
async def test_no_other_file_is_served(folder: Path, path: str) -> None:
    answer = await ask(folder, f"/console/{path}")
    assert answer.status_code == 404


async def test_an_app_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    answer = await ask(tmp_path, "/console/")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert (
        answer.text
        == "The console is not built: `make clients` builds it, and needs npm's registry. The API is at /graphql.\n"
    )


async def test_an_app_that_is_built_anew_is_served_with_the_files_that_open_pages_still_need(folder: Path) -> None:
    app = WebApp("console", None, folder)
    transport = httpx.ASGITransport(Starlette(routes=app.routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/console/") as asking:
        assert (await asking.get("")).status_code == 200
        shutil.rmtree(folder / "console" / "files" / "assets")
        (folder / "console" / "files" / "index.html").write_text("newer")
        assert (await asking.get("")).text == "newer"
        assert (await asking.get("assets/index-1234.js")).status_code == 200


async def test_the_demo_accounts_are_told_to_a_browser_on_this_machine(folder: Path) -> None:
    answer = await ask(folder, "/console/demo-accounts.json", sec_fetch_site="same-origin")
    assert answer.json() == {"accounts": [{"email": "billing@demo.example", "password": "open sesame"}]}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        (("192.0.2.7", 4321), {}),
        (LOOPBACK, {"host": "billing.example.org"}),
        (LOOPBACK, {"host": "localhost.example.org"}),
        (LOOPBACK, {"x_forwarded_for": "192.0.2.7"}),
        (LOOPBACK, {"forwarded": "for=192.0.2.7"}),
        (LOOPBACK, {"sec_fetch_site": "cross-site"}),
    ],
)
async def test_the_demo_accounts_are_told_to_nobody_else(
    folder: Path, client: tuple[str, int], headers: dict[str, str]
) -> None:
    answer = await ask(folder, "/console/demo-accounts.json", client, **headers)
    assert answer.json() == {"accounts": []}


def test_the_operator_chooses_the_apps() -> None:
    assert read_settings({}).apps == {"console"}
    assert read_settings({"BILLING_APPS": "none"}).apps == set()
    with pytest.raises(SettingError, match="BILLING_APPS is wrong"):
        read_settings({"BILLING_APPS": "portals"})
