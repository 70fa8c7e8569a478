"""An invoice on its way from pending to paid, by the buttons and forms of the console alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from tests.browser.console.conftest import DEMO, OpenConsole
from tests.support.api.scans import PDF
from tests.support.client import Client, serving

SCAN = {"name": "check.pdf", "mimeType": "application/pdf", "buffer": PDF}


@pytest.fixture
def console_url(own_address: DatabaseUrls) -> Iterator[str]:
    """A server over a database of its own, because these tests write."""
    with serving(own_address, running=ServerOptions(demo=DEMO)) as url:
        yield url.replace("/graphql", "/console/")


@pytest.fixture
def biller(console_url: str) -> Iterator[Client]:
    with (
        Client(console_url.replace("/console/", "/graphql")) as anonymous,
        anonymous.signed_in("billing@demo.example") as signed_in,
    ):
        yield signed_in


class Form:
    """The dialog of an action on the page of an invoice."""

    def __init__(self, page: Any, name: str) -> None:
        self._page, self._name = page, name
        page.get_by_role("region", name="Actions").get_by_role("button", name=name, exact=True).click()
        self._dialog = page.get_by_role("dialog", name=name)

    def fill(self, **values: str) -> "Form":
        """Fill fields by their labels, with underscores in place of spaces; the amount of an allocation is Allocations."""
        for label, value in values.items():
            if label == "Allocations":
                self._dialog.get_by_role("group", name=label).get_by_label("Amount").fill(value)
            else:
                self._dialog.get_by_label(label.replace("_", " ")).first.fill(value)
        return self

    def choose_found(self, label: str, typed: str) -> "Form":
        """Choose the record that is found by what is typed."""
        self._dialog.get_by_role("combobox", name=label).fill(typed)
        self._page.get_by_role("option", name=typed).first.click()
        return self

    def scan(self) -> "Form":
        """Send a scan."""
        self._dialog.locator("input[type=file]").set_input_files(SCAN)
        self._dialog.get_by_text("check.pdf is sent").wait_for()
        return self

    def press(self) -> None:
        """Press the button that sends the form."""
        self._dialog.get_by_role("button", name=self._name, exact=True).click()

    def send(self) -> None:
        """Send the form; the action is done."""
        self.press()
        done = self._page.get_by_role("status").filter(has_text=f"Done: {self._name}")
        for _ in range(400):
            # What went wrong stands in the dialog, and in the error of the test.
            assert self._dialog.get_by_role("alert").all_inner_texts() == [], self._name
            if done.count():
                break
            self._page.wait_for_timeout(50)
        done.wait_for()
        self._dialog.wait_for(state="detached")


def only_open_invoice_of_its_case(biller: Client) -> Any:
    """An invoice that nobody has submitted, of a case without another open one."""
    document = """{ invoices(filter: {worklist: UNSUBMITTED}, first: 100) { nodes { id billedAmount payer { name }
        case { invoices { nodes { status } } } } } }"""
    ended = {"PAID", "VOID", "WRITTEN_OFF", "CHEQUE_RECEIVED"}
    return next(
        node
        for node in biller.read(document)["invoices"]["nodes"]
        if sum(one["status"] not in ended for one in node["case"]["invoices"]["nodes"]) == 1
    )


def test_an_invoice_goes_from_pending_to_paid_with_a_reduction_two_checks_a_bounce_and_a_transfer(
    open_console: OpenConsole, biller: Client
) -> None:
    invoice = only_open_invoice_of_its_case(biller)

    def now(fields: str) -> Any:
        return biller.read(f"query ($id: ID!) {{ invoice(id: $id) {{ {fields} }} }}", id=invoice["id"])["invoice"]

    def check(number: str, amount: str) -> None:
        Form(page, "Record a check").fill(Check_number=number, Amount=amount, Allocations=amount).scan().send()

    agreed = f"{float(invoice['billedAmount']) - 5:.2f}"
    page = open_console(f"invoices/{invoice['id']}")
    Form(page, "Submit").send()
    Form(page, "Record a reduction request").fill(Amount_offered="$10").send()
    Form(page, "Agree on a reduction").fill(Agreed_amount=agreed).send()
    check("4711", "$20.5")
    assert now("receivedAmount") == {"receivedAmount": "20.50"}
    Form(page, "Record a returned check").fill(Reason="Not sufficient funds").send()
    check("4712", "20.00")
    other = next(name for name in ("Harbor Light Mutual", "Fictional Fidelity") if name != invoice["payer"]["name"])
    Form(page, "Transfer the balance").choose_found("Payer", other).send()
    assert now("status payer { name }") == {"status": "PENDING_INVOICE", "payer": {"name": other}}
    Form(page, "Submit").send()
    Form(page, "Accept in full").send()
    Form(page, "Record a check").fill(Check_number="4713").scan().send()
    assert now("status balance") == {"status": "CHEQUE_RECEIVED", "balance": "0.00"}
    Form(page, "Settle the case").send()
    page.locator("[aria-current=step]").filter(has_text="Paid").wait_for()
    assert now("status") == {"status": "PAID"}


def test_what_is_wrong_stands_beside_its_field_and_nothing_that_was_typed_is_lost(
    open_console: OpenConsole, biller: Client
) -> None:
    [invoice] = biller.read("{ invoices(filter: {status: [PENDING_CHEQUE]}, first: 1) { nodes { id balance } } }")[
        "invoices"
    ]["nodes"]
    page = open_console(f"invoices/{invoice['id']}")
    form = Form(page, "Record a check").fill(Check_number="", Allocations="1000000")
    form.press()
    page.get_by_text("This is needed.").first.wait_for()
    page.get_by_text(f"At most ${float(invoice['balance']):,.2f}.").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert page.get_by_role("group", name="Allocations").get_by_label("Amount").input_value() == "1000000"
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_a_form_of_an_invoice_that_somebody_else_has_changed_says_so_and_can_be_sent_again(
    open_console: OpenConsole, biller: Client
) -> None:
    found = "{ invoices(filter: {status: [PENDING_REDUCTION]}, first: 1) { nodes { id } } }"
    [invoice] = biller.read(found)["invoices"]["nodes"]
    page = open_console(f"invoices/{invoice['id']}")
    form = Form(page, "Decline the reduction").fill(Reason="Too little")
    counter = "mutation ($input: CounterReductionInput!) { counterReduction(input: $input) { errors { message } } }"
    given = {"invoiceId": invoice["id"], "party": "CLINIC", "amount": "60.00"}
    assert biller.read(counter, input=given) == {"counterReduction": {"errors": []}}
    # Also where the page has read the change meanwhile: what the person decided upon was the state before.
    page.locator("td", has_text="$60.00").wait_for(state="attached")
    form.press()
    page.get_by_role("alert").filter(has_text="Somebody else has changed this invoice").wait_for()
    form.press()
    page.get_by_role("status").filter(has_text="Done: Decline the reduction").wait_for()
