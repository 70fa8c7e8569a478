"""Subscribers receive changes from every server process: those that they may see, have in reach and asked for, and no others."""

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from jobs.attorney_changes import apply_attorney_changes
from resolvers.changes import names_seen
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.support.api.records import today
from tests.support.databases import rows
from tests.support.logins import add_login
from tests.support.subscriber import HINTS, INVOICE, announce, announce_in, connected, listening
from tests.support.subscriptions import InvoicePool, Listen, Received, sign_in, step

STAFF = [Role.ADMIN, Role.BILLING]
SIGNED_IN = list(Role)


@pytest.mark.parametrize("role", SIGNED_IN)
def test_a_change_through_one_process_reaches_subscribers_of_another(
    role: Role, listen: Listen, writing_url: str, invoice_pool: InvoicePool, received: Received
) -> None:
    invoice = invoice_pool.invoice("pending_invoice", submitted=True)
    with listen(role.value) as subscriber:
        step(writing_url, "acceptInFull", invoice)
        assert subscriber.next_result() == {"number": invoice_pool.number(invoice), "status": "PENDING_CHEQUE"}
        assert received(subscriber) == [[]]


def test_an_event_has_the_subscription_s_selection(
    listen: Listen, writing_url: str, listening_url: str, invoice_pool: InvoicePool
) -> None:
    selection = (
        "id number status patient { name } payer { ... on Payer { name } } lines { code: cptCode amount } __typename"
    )
    invoice = invoice_pool.invoice("pending_invoice", submitted=True)
    with listen("attorney", f"subscription {{ invoiceChanged {{ {selection} }} }}") as subscriber:
        step(writing_url, "acceptInFull", invoice)
        received_event = subscriber.next_result()
    with sign_in(listening_url, "attorney") as attorney:
        read = attorney.read(
            f"query ($id: ID!) {{ invoice(id: $id) {{ {selection} }} }}", id=make_id("Invoice", invoice)
        )
    assert received_event == read["invoice"]


# Commands of which only billing staff may see the effect, with the status in which they run.
INVISIBLE: dict[str, tuple[str, bool | None, dict[str, Any]]] = {
    "submitInvoice": ("pending_invoice", False, {"submittedOn": "2026-06-30", "method": "MAIL"}),
    "counterReduction": ("pending_reduction", None, {"party": "CLINIC", "amount": "10.00"}),
    "setNegotiationLimits": ("pending_reduction", None, {"floorAmount": "5.00"}),
    "addInternalNote": ("pending_cheque", None, {"body": "They called."}),
}


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_change_that_a_role_cannot_see_sends_no_event(
    listen: Listen, writing_url: str, invoice_pool: InvoicePool, received: Received, name: str
) -> None:
    status, submitted, inputs = INVISIBLE[name]
    invoice = invoice_pool.invoice(status, submitted=submitted)
    with ExitStack() as stack:
        deaf = [stack.enter_context(listen(role)) for role in ("attorney", "physician", "analyst")]
        staff = [stack.enter_context(listen(role)) for role in STAFF]
        step(writing_url, name, invoice, **inputs)
        assert received(*staff, *deaf) == [[invoice_pool.number(invoice)]] * len(staff) + [[]] * len(deaf)


def test_a_negotiation_sends_an_event_at_its_beginning_and_at_its_end(
    listen: Listen, writing_url: str, invoice_pool: InvoicePool, received: Received
) -> None:
    invoice = invoice_pool.invoice("pending_invoice", submitted=True)
    with listen("attorney") as attorney, listen("billing") as staff:
        step(writing_url, "requestReduction", invoice, amount="10.00")
        for party, amount in (("CLINIC", "30.00"), ("PAYER", "20.00"), ("CLINIC", "25.00")):
            step(writing_url, "counterReduction", invoice, party=party, amount=amount)
        step(writing_url, "agreeReduction", invoice)
        of_attorney, of_staff = received(attorney, staff)
        assert len(of_staff) == 5
        # An event shows the invoice as it is when it is read: by then it may have gone through two statuses, but the count is right.
        assert len(of_attorney) == 2


@pytest.mark.parametrize("role_name", ["attorney", "physician"])
def test_invoices_out_of_reach_send_no_event(
    listen: Listen, writing_url: str, invoice_pool: InvoicePool, received: Received, role_name: str
) -> None:
    invoice = invoice_pool.invoice("pending_invoice", whose="neither", submitted=True)
    with listen(role_name) as subscriber, listen("billing") as staff:
        step(writing_url, "acceptInFull", invoice)
        assert received(staff, subscriber) == [[invoice_pool.number(invoice)], []]


def test_a_notification_of_another_clinic_s_invoice_sends_no_event(
    address: DatabaseUrls, listen: Listen, received: Received
) -> None:
    clinic = uuid4()
    rows(
        address,
        "insert into clinics (clinic_id, short_name, name) values ($1, $2, 'Another')",
        clinic,
        f"c{clinic.hex[:8]}",
    )
    with listen("admin") as subscriber:
        announce_in(address, clinic, uuid4())
        assert received(subscriber) == [[]]


def test_a_void_invoice_sends_the_attorney_no_further_event(
    listen: Listen, writing_url: str, invoice_pool: InvoicePool, received: Received
) -> None:
    invoice = invoice_pool.invoice("pending_invoice")
    with listen("attorney") as attorney, listen("physician") as physician:
        step(writing_url, "voidInvoice", invoice, reason="Issued twice.")
        assert received(physician, attorney) == [[invoice_pool.number(invoice)], []]


# An attorney without a user, with an invoice of a client.
OTHER_ATTORNEY = """select attorney_id, id from invoices where status <> 'void'
    and attorney_id not in (select attorney_id from users where attorney_id is not null) order by id limit 1"""
ADD_ATTORNEY = """insert into users (clinic_id, id, email, name, role, attorney_id)
    select clinic_id, gen_random_uuid(), $2 || '@demo.example', 'Other', 'attorney', $1
    from users where email = 'attorney@demo.example' returning id"""
ASSIGN = "mutation ($input: AssignAttorneyInput!) { assignAttorney(input: $input) { errors { message } } }"


def begin_the_day_after(address: DatabaseUrls) -> None:
    """Let the worker apply the changes of attorney of tomorrow."""

    async def work() -> None:
        async with Database(address.login, hints=HINTS) as database:
            assert await apply_attorney_changes(database, lambda: datetime.now(UTC) + timedelta(days=1)) == 1

    asyncio.run(work())


@pytest.mark.parametrize("in_advance", [False, True])
def test_a_change_of_attorney_moves_the_events_to_the_new_attorney(
    in_advance: bool,
    address: DatabaseUrls,
    listening_url: str,
    writing_url: str,
    listen: Listen,
    invoice_pool: InvoicePool,
    received: Received,
) -> None:
    invoice = invoice_pool.invoice("pending_invoice", whose="attorney", submitted=True)
    (case,) = rows(address, "select case_id from invoices where id = $1", invoice)
    (other,) = rows(address, OTHER_ATTORNEY)
    who = f"other.{'later' if in_advance else 'now'}"
    [added] = rows(address, ADD_ATTORNEY, other["attorney_id"], who)
    add_login(address, added["id"])
    assigned = {"caseId": make_id("Case", case["case_id"]), "attorneyId": make_id("Attorney", other["attorney_id"])}
    if in_advance:
        assigned["effectiveOn"] = (today() + timedelta(days=1)).isoformat()
    with (
        listen("attorney") as before,
        sign_in(listening_url, who) as client,
        listening(address, listening_url, client.token, other["id"]) as now,
        sign_in(writing_url, "admin") as admin,
    ):
        assert admin.read(ASSIGN, input=assigned)["assignAttorney"]["errors"] == []
        if in_advance:
            # Neither attorney hears of it before the day.
            assert received(before) == [[]]
            assert now.is_silent(0.5)
            begin_the_day_after(address)
        step(writing_url, "acceptInFull", invoice)
        # The new attorney's subscription receives the case's invoices and what happens to them.
        while now.next_result() != {"number": invoice_pool.number(invoice), "status": "PENDING_CHEQUE"}:
            pass
        assert received(before) == [[]]


def test_only_invoices_of_the_filter_send_events(
    listen: Listen, writing_url: str, invoice_pool: InvoicePool, received: Received
) -> None:
    wanted, unwanted = (
        invoice_pool.invoice("pending_invoice", submitted=True),
        invoice_pool.invoice("pending_invoice", submitted=True),
    )
    with listen("billing", filter={"status": ["PENDING_CHEQUE"]}) as subscriber:
        step(writing_url, "requestReduction", unwanted, amount="10.00")
        step(writing_url, "acceptInFull", wanted)
        assert received(subscriber) == [[invoice_pool.number(wanted)]]


@pytest.mark.parametrize("search", ["%", "_", "'; drop table invoices; --", "\\"])
def test_a_filter_is_taken_literally(
    address: DatabaseUrls, listening_url: str, sync_invoice: UUID, search: str
) -> None:
    with sign_in(listening_url, "billing") as client, connected(listening_url, client.token) as subscriber:
        payload = {"query": INVOICE, "variables": {"filter": {"search": search}}}
        subscriber.send(id="1", type="subscribe", payload=payload)
        time.sleep(0.5)
        announce(address, sync_invoice)
        assert subscriber.is_silent(0.5)


@pytest.mark.parametrize(
    ("role_name", "query", "variables"),
    [
        ("billing", INVOICE, {"filter": {"payerId": ["no id"]}}),
        ("billing", INVOICE, {"filter": {"search": "\x00"}}),
        ("billing", INVOICE, {"filter": {"billedMin": "NaN"}}),
        ("attorney", INVOICE, {"filter": {"denied": True}}),
        ("attorney", "subscription { invoiceChanged(filter: {onHold: true}) { number } }", {}),
        ("attorney", "subscription { invoiceChanged { version } }", {}),
        ("analyst", "subscription { invoiceChanged { patient { name } } }", {}),
        ("billing", "subscription { a: invoiceChanged { number } b: invoiceChanged { number } }", {}),
    ],
)
def test_an_invalid_subscription_is_refused_at_once(
    listening_url: str, role_name: str, query: str, variables: Any
) -> None:
    with sign_in(listening_url, role_name) as client, connected(listening_url, client.token) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": query, "variables": variables})
        message = subscriber.next()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["message"]
        assert errors[0].get("extensions", {}).get("code") != "INTERNAL_ERROR"


def test_anonymous_callers_cannot_subscribe(listening_url: str) -> None:
    with connected(listening_url, None) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": "subscription { invoiceChanged { number } }"})
        assert subscriber.next()["type"] == "error"


HIDDEN = {
    "version",
    "submitted_on",
    "agreed_amount",
    "received_amount",
    "written_off_amount",
    "floor_amount",
    "target_amount",
    "conditional_until",
    "agreed_on",
    "updated_at",
    "internal_notes",
    "reduction_offers",
    "denials",
    "holds",
    "cheque_allocations",
    "coverages",
}


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
def test_roles_without_ledger_and_negotiation_get_no_events_of_them(role: Role) -> None:
    assert not names_seen(role_schemas()[role], role) & HIDDEN


def test_an_analyst_gets_events_of_amounts_and_not_of_the_negotiation() -> None:
    visible = names_seen(role_schemas()[Role.ANALYST], Role.ANALYST)
    assert {"agreed_amount", "received_amount", "status"} <= visible
    assert not visible & (HIDDEN - {"agreed_amount", "received_amount", "written_off_amount"})


@pytest.mark.parametrize("role", STAFF)
def test_billing_staff_get_events_of_everything_that_commands_announce(role: Role) -> None:
    assert names_seen(role_schemas()[role], role) >= HIDDEN - {"agreed_on"}
