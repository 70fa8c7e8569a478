"""Events of lists: an invoice enters, changes in or leaves a list, by what it was before and after one transaction, in the reader's reach."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest

from db.global_ids import make_id
from db.notifications import invoice_changed
from db.pools import Database
from domain.access.people import Role
from jobs.invoice_images import erase_invoice_images
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.api.http.test_subscriptions import ADD_ATTORNEY, ASSIGN, INVISIBLE, OTHER_ATTORNEY
from tests.permissions.own_rows import viewer_of
from tests.support.api.records import today
from tests.support.databases import rows
from tests.support.logins import add_login
from tests.support.subscriber import HINTS, Subscriber, announce, connected, listening
from tests.support.subscriptions import InvoicePool, Listen, sign_in, step

EVENT = "subscription ($filter: InvoiceFilter) { invoiceEvents(filter: $filter) { invoice { number status } invoiceId leaves } }"
ROLES = ["admin", "billing", "physician", "attorney", "analyst"]
Event = tuple[UUID, str | None, bool]
Events = Callable[..., list[list[Event]]]
Follow = Callable[..., Subscriber]


# How many events about an invoice the audit log says that users have heard, by their roles.
_AUDITED = """select role, count(*) from audit_events where operation = 'invoiceEvents'
    and position(uuid_send($1) in entities) > 0 group by role order by role"""


@pytest.fixture
def follow(listen: Listen) -> Iterator[Follow]:
    """Subscribes a user to the events of a list until the test ends."""
    with ExitStack() as stack:
        yield lambda who, **chosen: stack.enter_context(listen(who, EVENT, filter=chosen))


@pytest.fixture
def events(address: DatabaseUrls, last: UUID) -> Events:
    """The events that each subscriber has received by now: the invoice, its status if it can be read, and whether it leaves."""

    def until_the_last(*subscribers: Subscriber) -> list[list[Event]]:
        announce(address, last)
        return [list(_before(subscriber, make_id("Invoice", last))) for subscriber in subscribers]

    return until_the_last


def _before(subscriber: Subscriber, last: str) -> Iterator[Event]:
    while (event := subscriber.next_result())["invoiceId"] != last:
        yield event["invoiceId"], event["invoice"] and event["invoice"]["status"], event["leaves"]


def event(invoice: UUID, status: str | None, *, leaves: bool = False) -> Any:
    return make_id("Invoice", invoice), status, leaves


@pytest.mark.parametrize("role", ROLES)
def test_each_list_hears_what_a_step_is_to_it(
    follow: Follow, writing_url: str, invoice_pool: InvoicePool, events: Events, role: str
) -> None:
    invoice = invoice_pool.invoice("pending_invoice", submitted=True)
    lists = [["PENDING_INVOICE"], ["PENDING_REDUCTION"], ["PENDING_INVOICE", "PENDING_REDUCTION"], ["WRITTEN_OFF"]]
    followed = [follow(role, status=["PENDING_CHEQUE", *statuses]) for statuses in lists]
    step(writing_url, "requestReduction", invoice, amount="10.00")
    changed = event(invoice, "PENDING_REDUCTION")
    left = event(invoice, "PENDING_REDUCTION", leaves=True)
    assert events(*followed) == [[left], [changed], [changed], []]


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_change_that_a_role_cannot_see_makes_no_event(
    follow: Follow, writing_url: str, invoice_pool: InvoicePool, events: Events, name: str
) -> None:
    status, submitted, inputs = INVISIBLE[name]
    invoice = invoice_pool.invoice(status, submitted=submitted)
    staff, *others = (follow(role) for role in ("billing", "attorney", "physician", "analyst"))
    step(writing_url, name, invoice, **inputs)
    assert events(staff, *others) == [[event(invoice, status.upper())], [], [], []]


def test_a_void_invoice_leaves_the_attorney_and_shows_nothing_of_itself(
    address: DatabaseUrls, follow: Follow, writing_url: str, invoice_pool: InvoicePool, events: Events
) -> None:
    invoice = invoice_pool.invoice("pending_invoice")
    attorney, searched, physician = follow("attorney"), follow("attorney", search="INV"), follow("physician")
    step(writing_url, "voidInvoice", invoice, reason="Issued twice.")
    left = [event(invoice, None, leaves=True)]
    assert events(attorney, searched, physician) == [left, left, [event(invoice, "VOID")]]
    deadline = time.monotonic() + 10
    while (found := [tuple(row) for row in rows(address, _AUDITED, invoice)]) != [("attorney", 2), ("physician", 1)]:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


@pytest.mark.parametrize("role", ["attorney", "physician"])
def test_invoices_out_of_reach_make_no_event(
    address: DatabaseUrls, follow: Follow, writing_url: str, invoice_pool: InvoicePool, events: Events, role: str
) -> None:
    invoice = invoice_pool.invoice("pending_invoice", whose="neither", submitted=True)
    reader, staff = follow(role), follow("billing")
    step(writing_url, "acceptInFull", invoice)
    step(writing_url, "voidInvoice", other := invoice_pool.invoice("pending_invoice", whose="neither"), reason="Twice")
    seen = [event(invoice, "PENDING_CHEQUE"), event(other, "VOID")]
    assert events(staff, reader) == [seen, []]
    # The second lock, without any condition in the statement.
    images = asyncio.run(_images(address, Role.BILLING)), asyncio.run(_images(address, Role(role)))
    assert [{invoice, other} & found for found in images] == [{invoice, other}, set()]


async def _images(address: DatabaseUrls, role: Role) -> set[UUID]:
    """The invoices of which the database shows a role images."""
    async with Database(address.login) as database:
        found = await database.read(viewer_of(address, role), "select array_agg(id) from invoice_images", [])
    return set(found[0] or ()) if found else set()


def test_a_case_that_changes_its_attorney_leaves_the_one_and_enters_the_other(
    address: DatabaseUrls,
    listening_url: str,
    writing_url: str,
    follow: Follow,
    invoice_pool: InvoicePool,
    events: Events,
) -> None:
    invoice = invoice_pool.invoice("pending_invoice", whose="attorney", submitted=True)
    [case] = rows(address, "select case_id from invoices where id = $1", invoice)
    [other] = rows(address, OTHER_ATTORNEY)
    ids = {row["id"] for row in rows(address, "select id from invoices where case_id = $1", case["case_id"])}
    [added] = rows(address, ADD_ATTORNEY, other["attorney_id"], "other.events")
    add_login(address, added["id"])
    before = follow("attorney")
    assigned = {"caseId": make_id("Case", case["case_id"]), "attorneyId": make_id("Attorney", other["attorney_id"])}
    with (
        sign_in(listening_url, "other.events") as client,
        listening(address, listening_url, client.token, other["id"], EVENT) as after,
        sign_in(writing_url, "admin") as admin,
    ):
        assert admin.read(ASSIGN, input=assigned)["assignAttorney"]["errors"] == []
        assert {one[1:] for one in events(before)[0]} == {(None, True)}
        step(writing_url, "acceptInFull", invoice)
        heard = []
        while (one := after.next_result())["invoice"]["status"] != "PENDING_CHEQUE" or one["invoiceId"] != make_id(
            "Invoice", invoice
        ):
            heard.append(one)
        assert not any(one["leaves"] for one in heard)
        assert {one["invoiceId"] for one in heard} <= {make_id("Invoice", identity) for identity in ids}
        assert events(before) == [[]]


# Steps that change what a filter asks of the tables beside an invoice, with the filter in which it was before.
BESIDE: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "a reminder": (
        {"hasDueReminder": False},
        "scheduleReminder",
        {"targetDate": today().isoformat(), "subject": "Call"},
    ),
    "a hold": ({"onHold": False}, "placeHold", {"untilOn": today().isoformat(), "reason": "They asked"}),
    "a denial": ({"denied": False}, "recordDenial", {"deniedOn": today().isoformat(), "reasonCode": "X1"}),
}


@pytest.mark.parametrize("name", BESIDE)
def test_what_a_filter_asks_of_other_tables_is_that_before_the_transaction(
    address: DatabaseUrls, follow: Follow, writing_url: str, invoice_pool: InvoicePool, events: Events, name: str
) -> None:
    chosen, mutation, inputs = BESIDE[name]
    rows(address, "update reminders set status = 'cancelled', closed_at = now() where status = 'scheduled'")
    rows(address, "update holds set released_at = now() where released_at is null")
    invoice = invoice_pool.invoice("pending_invoice", submitted=True)
    inside, whole = follow("billing", **chosen), follow("billing")
    step(writing_url, mutation, invoice, **inputs)
    left, changed = event(invoice, "PENDING_INVOICE", leaves=True), event(invoice, "PENDING_INVOICE")
    assert events(inside, whole) == [[left], [changed]]
    step(writing_url, "addInternalNote", invoice, body="They called.")
    assert events(inside, whole) == [[], [changed]]


def test_what_is_decided_late_is_decided_by_the_states_around_its_own_transaction(
    address: DatabaseUrls, follow: Follow, writing_url: str, invoice_pool: InvoicePool, events: Events
) -> None:
    invoice = invoice_pool.invoice("pending_invoice", submitted=True)
    step(writing_url, "requestReduction", invoice, amount="10.00")
    step(writing_url, "agreeReduction", invoice)
    images = rows(address, "select clinic_id, change_id from invoice_images where id = $1 order by position", invoice)
    followed = follow("attorney", status=["PENDING_INVOICE", "PENDING_CHEQUE"])
    for clinic, change in images:
        payload = invoice_changed(HINTS, clinic, invoice, ["status"], change)
        rows(address, "select pg_notify('invoice_changed', $1)", payload)
    now = "PENDING_CHEQUE"
    assert events(followed) == [[event(invoice, now, leaves=True), event(invoice, now)]]


def test_images_are_erased_when_nobody_decides_by_them_any_more(
    address: DatabaseUrls, writing_url: str, invoice_pool: InvoicePool
) -> None:
    old, new = (invoice_pool.invoice("pending_invoice", submitted=True) for _ in range(2))
    for invoice in (old, new):
        step(writing_url, "acceptInFull", invoice)
    rows(address, "update invoice_images set recorded_at = now() - interval '11 minutes' where id = $1", old)

    async def erase() -> int:
        async with Database(address.login) as database:
            return await erase_invoice_images(database)

    assert asyncio.run(erase()) == 1
    assert len(rows(address, "select 1 from invoice_images where id = any($1)", [old, new])) == 1


EVERY_FILTER: dict[str, Any] = {
    **dict.fromkeys(("createdFrom", "serviceFrom"), "2020-01-01"),
    **dict.fromkeys(("createdTo", "serviceTo"), "2030-01-01"),
    **{
        f"{name}Id": [make_id(name.capitalize(), UUID(int=1))]
        for name in ("payer", "physician", "facility", "attorney")
    },
    **{f"{name}Id": [make_id(name.capitalize(), UUID(int=1))] for name in ("firm", "case", "patient")},
    "status": ["PAID"],
    "agingBucket": ["DAYS_0_30"],
    "denialStatus": ["OPEN"],
    "search": "INV",
    "billedMin": "1.00",
    "billedMax": "2.00",
    "hasDueReminder": True,
    "denied": True,
    "onHold": True,
}


@pytest.mark.parametrize("role", ROLES)
def test_every_filter_of_a_role_can_be_followed(listening_url: str, invoice_pool: InvoicePool, role: str) -> None:
    of_role: Any = role_schemas()[Role(role)].type_map["InvoiceFilter"]
    followed = [name for name in of_role.fields if name != "worklist"]
    assert set(followed) <= set(EVERY_FILTER)
    with sign_in(listening_url, role) as client:
        for name in followed:
            with connected(listening_url, client.token) as subscriber:
                chosen = {name: EVERY_FILTER[name]}
                subscriber.send(id="1", type="subscribe", payload={"query": EVENT, "variables": {"filter": chosen}})
                assert subscriber.is_silent(0.5), f"{name} is refused"


@pytest.mark.parametrize(
    "chosen", [{"payerId": ["no id"]}, {"search": "\x00"}, {"billedMin": "NaN"}, {"worklist": "STALE"}], ids=str
)
def test_an_invalid_filter_is_refused_at_once(listening_url: str, chosen: Any) -> None:
    with sign_in(listening_url, "billing") as client, connected(listening_url, client.token) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": EVENT, "variables": {"filter": chosen}})
        message = subscriber.next()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0].get("extensions", {}).get("code") != "INTERNAL_ERROR"


LISTED = "query ($filter: InvoiceFilter) { invoices(filter: $filter, first: 500) { nodes { id } } }"
# What a random step may be, by the status in which it is possible.
STEPS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "pending_invoice": [
        ("acceptInFull", {}),
        ("requestReduction", {"amount": "10.00"}),
        ("voidInvoice", {"reason": "Twice."}),
        ("recordDenial", {"deniedOn": today().isoformat(), "reasonCode": "X1"}),
    ],
    "pending_reduction": [
        ("agreeReduction", {}),
        ("counterReduction", {"party": "CLINIC", "amount": "9.00"}),
        ("writeOffInvoice", {"reason": "Nothing to get."}),
    ],
    "pending_cheque": [("addInternalNote", {"body": "Called."}), ("writeOffInvoice", {"reason": "Nothing to get."})],
}
LISTS: list[dict[str, Any]] = [
    {"status": ["PENDING_CHEQUE"]},
    {"status": ["PENDING_CHEQUE", "PENDING_INVOICE"]},
    {},
]


def test_a_list_that_follows_its_events_is_the_list_after_random_steps(
    address: DatabaseUrls,
    listening_url: str,
    writing_url: str,
    follow: Follow,
    invoice_pool: InvoicePool,
    events: Events,
) -> None:
    chance = random.Random(25)  # noqa: S311 (a seeded choice of steps)
    invoices = [invoice_pool.invoice("pending_invoice", submitted=True) for _ in range(4)]
    readers = [(role, chosen) for role in ("billing", "attorney", "physician", "analyst") for chosen in LISTS]
    followed = [follow(role, **chosen) for role, chosen in readers]
    shown = [_listed(listening_url, *reader) for reader in readers]
    for _ in range(12):
        invoice = chance.choice(invoices)
        [[status]] = rows(address, "select status from invoices where id = $1", invoice)
        if status in STEPS:
            name, inputs = chance.choice(STEPS[status])
            step(writing_url, name, invoice, **inputs)
    for ids, heard in zip(shown, events(*followed), strict=True):
        for identity, _, leaves in heard:
            (ids.discard if leaves else ids.add)(str(identity))
    assert shown == [_listed(listening_url, *reader) for reader in readers]


def _listed(url: str, who: str, chosen: dict[str, Any]) -> set[str]:
    with sign_in(url, who) as client:
        return {node["id"] for node in client.read(LISTED, filter=chosen)["invoices"]["nodes"]}
