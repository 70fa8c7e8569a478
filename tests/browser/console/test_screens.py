"""The screens of the console in a real browser: sign-in, today, the list of invoices, one invoice."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.api.access.test_memberships import in_both, protect
from tests.browser.console.conftest import OpenConsole
from tests.support.client import Client
from tests.support.databases import PASSWORD, copied
from tests.support.other_clinic import OTHER, add_other_clinic

MOST_ROWS = 150


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture
def biller(console_url: str) -> Iterator[Client]:
    url = console_url.replace("/console/", "/graphql")
    with Client(url) as anonymous, anonymous.signed_in("billing@demo.example") as signed_in:
        yield signed_in


def fill_in(page: Any, **values: str) -> None:
    """Fill the fields of the form by their labels, and send it."""
    for label, value in values.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Sign in").click()


def dollars(amount: str) -> str:
    """An amount of the API as the console shows it."""
    return f"${float(amount):,.2f}"


def test_a_click_on_a_demo_account_leads_to_today_which_shows_the_figures_of_the_api(
    open_console: OpenConsole, biller: Client
) -> None:
    page = open_console()
    told = biller.read("{ aging { buckets { outstanding } } actionItems { totalCount } }")
    page.get_by_role("heading", name=f"To do {told['actionItems']['totalCount']}").wait_for()
    shown = page.locator(".aging-amount").all_inner_texts()
    assert shown == [dollars(bucket["outstanding"]) for bucket in told["aging"]["buckets"]]
    assert page.locator(".aging .risk").all_inner_texts() == ["Low", "Moderate", "High", "Very high", "Critical"]
    # A new tab shows the same session, a reload too, and nobody sees it after signing out.
    page.reload()
    page.get_by_role("heading", name="To do").wait_for()
    page.get_by_role("button", name="Bill Ingfield").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    assert page.evaluate("sessionStorage.length") == 0


def test_the_form_says_what_is_wrong_and_asks_for_the_second_factor_and_then_for_the_clinic(
    open_console: OpenConsole, console_url: str, address: DatabaseUrls
) -> None:
    with Client(console_url.replace("/console/", "/graphql")) as anonymous:
        email = in_both(anonymous, address)
        secret = protect(anonymous, email)
    page = open_console(account="")
    fill_in(page, Email=email, Password=PASSWORD[:-1])
    page.get_by_role("alert").filter(has_text="password is wrong").wait_for()
    fill_in(page, Password=PASSWORD)
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(datetime.now(UTC)))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Clinic", exact=True).select_option(OTHER)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".person").click()
    page.get_by_text(email).wait_for()


def test_a_bar_of_today_opens_its_invoices_and_back_leads_back(open_console: OpenConsole, biller: Client) -> None:
    page = open_console()
    page.get_by_role("link", name=re.compile("Over 120 days")).click()
    told = biller.read("{ invoices(filter: {agingBucket: [DAYS_121_PLUS]}) { totalCount sums { balance } } }")
    count, balance = told["invoices"]["totalCount"], told["invoices"]["sums"]["balance"]
    page.get_by_role("status").filter(has_text=f"{count} invoices").filter(has_text=dollars(balance)).wait_for()
    assert page.get_by_role("button", name="Over 120 days").get_attribute("aria-pressed") == "true"
    page.go_back()
    page.get_by_role("heading", name="To do").wait_for()


def test_the_list_scrolls_to_its_last_invoice_with_few_rows_in_the_document(
    open_console: OpenConsole, biller: Client
) -> None:
    last = "{ invoices(orderBy: {field: CREATED_ON, direction: DESC}, last: 1) { totalCount nodes { number } } }"
    told = biller.read(last)["invoices"]
    page = open_console("invoices")
    page.get_by_role("status").filter(has_text=f"{told['totalCount']} invoices").wait_for()
    page.locator(".row-link").first.wait_for()
    counts = []
    while not page.get_by_role("link", name=told["nodes"][0]["number"]).count():
        page.locator(".table-scroll").evaluate("element => element.scrollBy(0, 1500)")
        page.wait_for_timeout(40)
        counts.append(page.get_by_role("row").count())
        assert len(counts) < 200
    assert max(counts) <= MOST_ROWS


def test_search_status_and_order_are_in_the_address(open_console: OpenConsole, biller: Client) -> None:
    found = biller.read("{ invoices(filter: {status: [PAID]}, first: 1) { nodes { number patient { name } } } }")
    number = found["invoices"]["nodes"][0]["number"]
    page = open_console("invoices")
    page.locator(".row-link").first.wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type(number)
    page.get_by_role("status").filter(has_text="1 invoice").wait_for()
    page.get_by_role("button", name="Paid").click()
    page.get_by_role("button", name="Balance").click()
    page.wait_for_url(f"**/invoices?search={number}&status=PAID&order=BALANCE.DESC")
    page.reload()
    assert page.get_by_role("columnheader", name="Balance").get_attribute("aria-sort") == "descending"
    page.get_by_role("link", name=number).click()
    page.get_by_role("heading", name=number).wait_for()


def test_an_invoice_shows_its_money_its_negotiation_and_its_history(open_console: OpenConsole, biller: Client) -> None:
    document = """{ invoices(filter: {status: [PENDING_REDUCTION]}, first: 1) { nodes {
        number billedAmount balance negotiation { offers { amount } } } } }"""
    [invoice] = biller.read(document)["invoices"]["nodes"]
    page = open_console("invoices?status=PENDING_REDUCTION")
    page.get_by_role("link", name=invoice["number"]).click()
    page.get_by_role("heading", name=invoice["number"]).wait_for()
    amounts = page.locator(".amounts dd").all_inner_texts()
    assert [amounts[0], amounts[3]] == [dollars(invoice["billedAmount"]), dollars(invoice["balance"])]
    rounds = page.get_by_role("group", name="Negotiation").get_by_role("row")
    assert rounds.count() == 1 + len(invoice["negotiation"]["offers"])
    assert page.locator("[aria-current=step] .way-name").inner_text() == "In negotiation"
    page.get_by_role("region", name="History").get_by_text("Create invoice").wait_for()


def test_a_note_of_somebody_else_appears_in_an_open_invoice(open_console: OpenConsole, biller: Client) -> None:
    [invoice] = biller.read("{ invoices(first: 1) { nodes { id number } } }")["invoices"]["nodes"]
    page = open_console("invoices")
    page.get_by_role("link", name=invoice["number"]).click()
    page.get_by_role("heading", name=invoice["number"]).wait_for()
    note = "mutation ($input: AddInternalNoteInput!) { addInternalNote(input: $input) { errors { message } } }"
    said = "The adjuster is on vacation"
    for _ in range(5):
        # The socket may still be connecting when the first one is written.
        biller.ask(note, input={"invoiceId": invoice["id"], "body": said})
        page.wait_for_timeout(300)
        if page.get_by_text(said).count():
            break
    page.get_by_text(said).first.wait_for()


def test_a_role_without_screens_is_told_so(open_console: OpenConsole) -> None:
    page = open_console(account="physician")
    page.get_by_text("The console has screens for billing staff and administrators.").wait_for()


def test_a_session_that_ended_leads_to_sign_in_and_says_why(open_console: OpenConsole, console_url: str) -> None:
    # The browser itself reports each answer with this status.
    page = open_console(expected="401 (Unauthorized)")
    page.get_by_role("heading", name="To do").wait_for()
    token = page.evaluate("sessionStorage.getItem('clinic-billing-token')")
    with Client(console_url.replace("/console/", "/graphql"), token) as same:
        same.ask("mutation { signOut { signedOut } }")
    # The open subscription tells it at once, without a click.
    page.get_by_text("Your session has ended.").wait_for()
