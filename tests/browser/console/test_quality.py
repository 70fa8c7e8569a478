"""What holds for every screen of the console: accessible in both themes, at 390 pixels, small, and with trusted documents alone."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from server.http.apps import FOLDER
from tests.browser.console.conftest import DEMO, OpenConsole
from tests.support.client import serving

_PROJECT = Path(__file__).parents[3]
AXE = _PROJECT / "clients" / "node_modules" / "axe-core" / "axe.min.js"
LARGEST_KB = 250
TELEPHONE = {"width": 390, "height": 844}


def findings(page: Any) -> list[str]:
    """What axe finds on the page: rule and place of each violation."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {node['html'][:150]}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_screen(open_console: OpenConsole, theme: str) -> None:
    page = open_console(account="", color_scheme=theme)
    page.get_by_role("button", name="billing").wait_for()
    found = findings(page)
    page.get_by_role("button", name="billing").click()
    page.get_by_role("heading", name="To do").wait_for()
    found += findings(page)
    page.get_by_role("button", name="Bill Ingfield").click()
    page.get_by_role("menuitem", name="Sign out").wait_for()
    found += findings(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Invoices").first.click()
    page.locator(".row-link").first.wait_for()
    found += findings(page)
    for status, form in (("In negotiation", "Record a check"), ("Awaiting payment", "Transfer the balance")):
        page.get_by_role("button", name=status).click()
        page.locator(".table-body .status").first.filter(has_text=status).wait_for()
        page.locator(".row-link").first.click()
        page.get_by_role("heading", name="Money").wait_for()
        found += findings(page)
        page.get_by_role("button", name=form, exact=True).click()
        page.get_by_role("dialog", name=form).wait_for()
        found += findings(page)
        page.keyboard.press("Escape")
        page.go_back()
        page.get_by_role("button", name=status).click()
    assert found == []


def test_no_screen_is_wider_than_a_telephone(open_console: OpenConsole) -> None:
    page = open_console(viewport=TELEPHONE)
    page.get_by_role("heading", name="To do").wait_for()
    widths = [page.evaluate("document.documentElement.scrollWidth")]
    page.get_by_role("link", name="Invoices").first.click()
    page.locator(".row-link").first.click()
    page.get_by_role("heading", name="Money").wait_for()
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    assert widths == [TELEPHONE["width"]] * 2


def test_an_invoice_is_reached_by_the_keyboard_alone(open_console: OpenConsole) -> None:
    page = open_console(account="")
    page.get_by_role("button", name="billing").wait_for()
    _tab_to(page, "Billing")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="To do").wait_for()
    _tab_to(page, "Invoices")
    page.keyboard.press("Enter")
    page.locator(".row-link").first.wait_for()
    _tab_to(page, "INV-")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Money").wait_for()


def _tab_to(page: Any, name: str) -> None:
    """Press Tab until the element whose text begins so has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText ?? ''").startswith(name):
            return
    pytest.fail(f"Tab does not lead to {name}")


def test_the_first_screen_needs_little() -> None:
    assets = FOLDER / "console" / "files" / "assets"
    page = (FOLDER / "console" / "files" / "index.html").read_text(encoding="utf-8")
    first = set(re.findall(r"assets/([\w.-]+)", page))
    first |= {path.name for path in assets.iterdir() if not re.match(r"(worklist|invoice)-", path.name)}
    size_kb = sum(len(gzip.compress((assets / name).read_bytes())) for name in first) / 1000
    assert size_kb <= LARGEST_KB


def test_the_console_works_where_only_trusted_documents_run(
    browser: Any, address: DatabaseUrls, tmp_path: Path
) -> None:
    (tmp_path / "other.graphql").write_text("query other { viewer { name } }")
    options = ServerOptions(demo=DEMO, trusted_documents=str(tmp_path))
    with serving(address, running=options) as url:
        context = browser.new_context()
        page = context.new_page()
        page.goto(url.replace("/graphql", "/console/"))
        page.get_by_role("button", name="billing").click()
        page.get_by_role("heading", name="To do").wait_for()
        page.get_by_role("link", name="Invoices").first.click()
        page.locator(".row-link").first.click()
        page.get_by_role("heading", name="Money").wait_for()
        context.close()
