"""A server with the built console, and a browser page that reports everything that goes wrong in it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from server.http.apps import FOLDER, DemoAccounts
from tests.support.client import serving
from tests.support.databases import PASSWORD

DEMO = DemoAccounts(("admin@demo.example", "billing@demo.example", "physician@demo.example"), PASSWORD)
OpenConsole = Callable[..., Any]


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    """Skip where the console is not built: `make test` builds it, unless npm's registry cannot be reached."""
    if not (FOLDER / "built").is_file():
        pytest.skip("the console is not built: make clients says why")


@pytest.fixture(scope="module")
def console_url(address: DatabaseUrls) -> Iterator[str]:
    """The address of the console of a server with the demo."""
    with serving(address, running=ServerOptions(demo=DEMO)) as url:
        yield url.replace("/graphql", "/console/")


@pytest.fixture
def open_console(browser: Any, console_url: str) -> Iterator[OpenConsole]:
    """Opens the console in a browser profile of its own, signed in by a click on an account of the demo.

    At the end of the test nothing but what was expected may have been reported: no error, no warning, no violation of the policy;
    and nothing may have been stored beyond the tab.
    """
    contexts, said, pages = list[Any](), list[str](), list[Any]()

    def opened(path: str = "", *, account: str = "billing", expected: str = "", **options: Any) -> Any:
        def listen(text: str) -> None:
            if not expected or expected not in text:
                said.append(text)

        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.on("console", lambda told: listen(told.text) if told.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: listen(str(error)))
        page.goto(console_url + path)
        if account:
            page.get_by_role("button", name=account).click()
            page.locator(".shell").wait_for()
        return page

    yield opened
    stored = [page.evaluate("[localStorage.length, document.cookie]") for page in pages]
    for context in contexts:
        context.close()
    assert said == []
    assert stored == [[0, ""]] * len(pages)
