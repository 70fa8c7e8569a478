"""Subscribers hear of changes through every server process: of what they see, have in reach and asked for, and of nothing else."""

import time
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.identity import make_id
from domain.people import Role
from resolvers.changes import names_seen
from schema.whole import role_schemas
from server.addresses import Address
from tests.databases import rows
from tests.hearing import Hears, Listen, Stock, sign_in, step
from tests.subscriber import INVOICE, announce, connected, listening

STAFF = [Role.ADMIN, Role.BILLING]
SIGNED_IN = list(Role)


@pytest.mark.parametrize("role", SIGNED_IN)
def test_a_change_through_one_process_is_heard_at_the_other(
    role: Role, listen: Listen, hands: str, stock: Stock, hears: Hears
) -> None:
    invoice = stock.invoice("pending_invoice", submitted=True)
    with listen(role.value) as subscriber:
        step(hands, "acceptInFull", invoice)
        assert subscriber.heard() == {"number": stock.number(invoice), "status": "PENDING_CHEQUE"}
        assert hears(subscriber) == [[]]


def test_an_event_is_read_by_its_selection_as_any_other_answer(
    listen: Listen, hands: str, ears: str, stock: Stock
) -> None:
    selection = (
        "id number status patient { name } payer { ... on Payer { name } } lines { code: cptCode amount } __typename"
    )
    invoice = stock.invoice("pending_invoice", submitted=True)
    with listen("attorney", f"subscription {{ invoiceChanged {{ {selection} }} }}") as subscriber:
        step(hands, "acceptInFull", invoice)
        heard = subscriber.heard()
    with sign_in(ears, "attorney") as attorney:
        read = attorney.read(
            f"query ($id: ID!) {{ invoice(id: $id) {{ {selection} }} }}", id=make_id("Invoice", invoice)
        )
    assert heard == read["invoice"]


# Steps of which only billing staff sees something, with the state in which they are taken.
QUIET: dict[str, tuple[str, bool | None, dict[str, Any]]] = {
    "submitInvoice": ("pending_invoice", False, {"submittedOn": "2026-06-30", "method": "MAIL"}),
    "counterReduction": ("pending_reduction", None, {"party": "CLINIC", "amount": "10.00"}),
    "setNegotiationLimits": ("pending_reduction", None, {"floorAmount": "5.00"}),
    "addInternalNote": ("pending_cheque", None, {"body": "They called."}),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_a_role_does_not_see_makes_no_sound(
    listen: Listen, hands: str, stock: Stock, hears: Hears, name: str
) -> None:
    status, submitted, given = QUIET[name]
    invoice = stock.invoice(status, submitted=submitted)
    with ExitStack() as stack:
        deaf = [stack.enter_context(listen(role)) for role in ("attorney", "physician", "analyst")]
        staff = [stack.enter_context(listen(role)) for role in STAFF]
        step(hands, name, invoice, **given)
        assert hears(*staff, *deaf) == [[stock.number(invoice)]] * len(staff) + [[]] * len(deaf)


def test_the_rhythm_of_a_negotiation_is_its_beginning_and_its_end(
    listen: Listen, hands: str, stock: Stock, hears: Hears
) -> None:
    invoice = stock.invoice("pending_invoice", submitted=True)
    with listen("attorney") as attorney, listen("billing") as staff:
        step(hands, "requestReduction", invoice, amount="10.00")
        for party, amount in (("CLINIC", "30.00"), ("PAYER", "20.00"), ("CLINIC", "25.00")):
            step(hands, "counterReduction", invoice, party=party, amount=amount)
        step(hands, "agreeReduction", invoice)
        of_attorney, of_staff = hears(attorney, staff)
        assert len(of_staff) == 5
        # What is said of the invoice is as it is when it is read: the states may have run together by then, the count has not.
        assert len(of_attorney) == 2


@pytest.mark.parametrize("who", ["attorney", "physician"])
def test_invoices_out_of_reach_are_not_heard_of(
    listen: Listen, hands: str, stock: Stock, hears: Hears, who: str
) -> None:
    invoice = stock.invoice("pending_invoice", whose="neither", submitted=True)
    with listen(who) as subscriber, listen("billing") as staff:
        step(hands, "acceptInFull", invoice)
        assert hears(staff, subscriber) == [[stock.number(invoice)], []]


def test_nothing_of_another_clinic_is_heard_even_if_it_is_said(address: Address, listen: Listen, hears: Hears) -> None:
    clinic = uuid4()
    rows(
        address,
        "insert into clinics (clinic_id, short_name, name) values ($1, $2, 'Another')",
        clinic,
        f"c{clinic.hex[:8]}",
    )
    notice = f'{{"clinic": "{clinic}", "invoice": "{uuid4()}", "columns": ["status"]}}'
    with listen("admin") as subscriber:
        rows(address, "select pg_notify('invoice_changed', $1)", notice)
        assert hears(subscriber) == [[]]


def test_a_void_invoice_has_left_the_attorneys_reach(listen: Listen, hands: str, stock: Stock, hears: Hears) -> None:
    invoice = stock.invoice("pending_invoice")
    with listen("attorney") as attorney, listen("physician") as physician:
        step(hands, "voidInvoice", invoice, reason="Issued twice.")
        assert hears(physician, attorney) == [[stock.number(invoice)], []]


# An attorney whom no user is yet, with an invoice of a client.
OTHER_ATTORNEY = """select attorney_id, id from invoices where status <> 'void'
    and attorney_id not in (select attorney_id from users where attorney_id is not null) order by id limit 1"""
ADD_ATTORNEY = """insert into users (clinic_id, id, email, name, role, password_hash, attorney_id)
    select clinic_id, gen_random_uuid(), 'other.attorney@demo.clinic', 'Other', 'attorney', password_hash, $1
    from users where email = 'attorney@demo.clinic'"""
ASSIGN = "mutation ($input: AssignAttorneyInput!) { assignAttorney(input: $input) { errors { message } } }"


def test_a_change_of_attorney_moves_what_is_heard(
    address: Address, ears: str, hands: str, listen: Listen, stock: Stock, hears: Hears
) -> None:
    invoice = stock.invoice("pending_invoice", whose="attorney", submitted=True)
    (case,) = rows(address, "select case_id from invoices where id = $1", invoice)
    (other,) = rows(address, OTHER_ATTORNEY)
    rows(address, ADD_ATTORNEY, other["attorney_id"])
    assigned = {"caseId": make_id("Case", case["case_id"]), "attorneyId": make_id("Attorney", other["attorney_id"])}
    with (
        listen("attorney") as before,
        sign_in(ears, "other.attorney") as client,
        listening(address, ears, client.token, other["id"]) as now,
        sign_in(hands, "admin") as admin,
    ):
        assert admin.read(ASSIGN, input=assigned)["assignAttorney"]["errors"] == []
        step(hands, "acceptInFull", invoice)
        # Whoever represents the case now hears that its invoices have come, and what happens to them.
        while now.heard() != {"number": stock.number(invoice), "status": "PENDING_CHEQUE"}:
            pass
        assert hears(before) == [[]]


def test_only_what_the_filter_wants_is_heard(listen: Listen, hands: str, stock: Stock, hears: Hears) -> None:
    wanted, unwanted = (
        stock.invoice("pending_invoice", submitted=True),
        stock.invoice("pending_invoice", submitted=True),
    )
    with listen("billing", filter={"status": ["PENDING_CHEQUE"]}) as subscriber:
        step(hands, "requestReduction", unwanted, amount="10.00")
        step(hands, "acceptInFull", wanted)
        assert hears(subscriber) == [[stock.number(wanted)]]


@pytest.mark.parametrize("search", ["%", "_", "'; drop table invoices; --", "\\"])
def test_a_filter_is_taken_literally(address: Address, ears: str, sentinel: UUID, search: str) -> None:
    with sign_in(ears, "billing") as client, connected(ears, client.token) as subscriber:
        payload = {"query": INVOICE, "variables": {"filter": {"search": search}}}
        subscriber.send(id="1", type="subscribe", payload=payload)
        time.sleep(0.5)
        announce(address, sentinel)
        assert subscriber.is_silent(0.5)


@pytest.mark.parametrize(
    ("who", "query", "variables"),
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
def test_a_subscription_that_makes_no_sense_is_refused_at_once(ears: str, who: str, query: str, variables: Any) -> None:
    with sign_in(ears, who) as client, connected(ears, client.token) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": query, "variables": variables})
        message = subscriber.next()
        said = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert said[0]["message"]
        assert said[0].get("extensions", {}).get("code") != "INTERNAL_ERROR"


def test_nobody_without_a_token_hears_anything(ears: str) -> None:
    with connected(ears, None) as subscriber:
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
}


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
def test_who_sees_no_ledger_and_no_negotiation_hears_of_none(role: Role) -> None:
    assert not names_seen(role_schemas()[role], role) & HIDDEN


def test_an_analyst_hears_of_amounts_and_not_of_the_negotiation() -> None:
    heard = names_seen(role_schemas()[Role.ANALYST], Role.ANALYST)
    assert {"agreed_amount", "received_amount", "status"} <= heard
    assert not heard & (HIDDEN - {"agreed_amount", "received_amount", "written_off_amount"})


@pytest.mark.parametrize("role", STAFF)
def test_billing_staff_hear_of_everything_that_steps_announce(role: Role) -> None:
    assert names_seen(role_schemas()[role], role) >= HIDDEN - {"agreed_on"}
