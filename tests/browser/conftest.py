"""A real browser for the tests: Chromium as `make test` sets it up, or the one that CHROMIUM names."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright

from tests.browser.waiting import BrowserThread

_PROJECT = Path(__file__).parents[2]
# Nothing of the browser's own reaches the network, and nothing weakens what a page may do.
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update"),
    *("--disable-background-networking", "--disable-sync"),
)


def _chromium() -> str | None:
    """The path of the browser, None where there is none."""
    unpacked = sorted(_PROJECT.glob(".tools/chromium-*/chromium"))
    return os.environ.get("CHROMIUM") or (str(unpacked[-1]) if unpacked else None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Playwright's Browser, started once for all tests of a process; its calls wait for their results."""
    path = _chromium()
    if path is None:
        pytest.skip("there is no browser: make test sets one up from npm's registry, and CHROMIUM names another one")
    with BrowserThread() as thread:
        playwright = thread.call(lambda: async_playwright().start())
        started = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield started
        started.close()
        playwright.stop()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Playwright's Page, in a browser profile of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()
