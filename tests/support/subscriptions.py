"""Fixtures for tests of subscriptions: two server processes on one database, invoices for transitions, and subscribers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import pytest

from db.global_ids import make_id
from server.database_urls import DatabaseUrls
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.processes import billing
from tests.support.subscriber import INVOICE, Subscriber, announce, listening

Listen = Callable[..., AbstractContextManager[Subscriber]]
Received = Callable[..., list[list[str]]]
_STEP = "mutation ($input: {0}Input!) {{ {1}(input: $input) {{ errors {{ message }} }} }}"


@pytest.fixture(scope="module")
def servers(address: DatabaseUrls) -> Iterator[tuple[str, str]]:
    """Two servers on one database: the first in this process, for subscriptions; the second a process of its own, for mutations."""
    with serving(address) as first, billing(address, "serve", "--no-worker") as second:
        yield first, second.url


@pytest.fixture
def listening_url(servers: tuple[str, str]) -> str:
    return servers[0]


@pytest.fixture
def writing_url(servers: tuple[str, str]) -> str:
    return servers[1]


def sign_in(url: str, who: str) -> Client:
    with Client(url) as anonymous:
        return anonymous.signed_in(f"{who}@demo.example")


def step(url: str, name: str, invoice: UUID, /, **values: Any) -> None:
    """One transition of an invoice by an administrator."""
    query = _STEP.format(name[0].upper() + name[1:], name)
    with sign_in(url, "admin") as admin:
        answer = admin.read(query, input={"invoiceId": make_id("Invoice", invoice), **values})
    assert answer[name]["errors"] == []


class InvoicePool:
    """Unused invoices of the demo clinic by status, and by the users who can reach them."""

    def __init__(self, address: DatabaseUrls) -> None:
        self.address = address
        self.used: set[UUID] = set()

    def invoice(self, status: str, *, whose: str = "both", submitted: bool | None = None) -> UUID:
        """An invoice of a case that no test has used yet, in reach of the attorney, of both or of neither (attorney and physician).

        A test may give the case to another attorney, and with it all of its invoices.
        """
        wanted = {
            "both": "i.attorney_id = a.attorney_id and i.physician_id = p.physician_id",
            "attorney": "i.attorney_id = a.attorney_id",
            "neither": "i.attorney_id is distinct from a.attorney_id and i.physician_id is distinct from p.physician_id",
        }[whose]
        condition = "" if submitted is None else f"and i.submitted_on is {'not' if submitted else ''} null"
        query = f"""select i.id from invoices i, users a, users p where a.email = 'attorney@demo.example'
            and p.email = 'physician@demo.example' and i.status = $1 and {wanted} {condition} and i.received_amount = 0
            and i.clinic_id = a.clinic_id and i.clinic_id = p.clinic_id
            and i.case_id not in (select case_id from invoices where id = any($2)) order by i.id limit 1"""
        (row,) = rows(self.address, query, status, list(self.used))
        self.used.add(row["id"])
        return UUID(str(row["id"]))

    def number(self, invoice: UUID) -> str:
        return str(rows(self.address, "select number from invoices where id = $1", invoice)[0]["number"])


@pytest.fixture(scope="module")
def invoice_pool(address: DatabaseUrls) -> InvoicePool:
    # The attorney and the physician of the demo have few invoices in common; these updates give them enough.
    rows(
        address,
        """update cases set attorney_id = (select attorney_id from users where email = 'attorney@demo.example')
        where clinic_id = (select clinic_id from users where email = 'attorney@demo.example')
        and number < (select percentile_disc(0.7) within group (order by number) from cases)""",
    )
    rows(
        address,
        """update invoices i set physician_id = u.physician_id from users u, users a where u.email = 'physician@demo.example'
        and a.email = 'attorney@demo.example' and i.attorney_id = a.attorney_id""",
    )
    rows(
        address,
        """update restated_states r set physician_id = i.physician_id from invoices i
        where (r.clinic_id, r.invoice_id) = (i.clinic_id, i.id)""",
    )
    return InvoicePool(address)


@pytest.fixture(scope="module")
def sync_invoice(invoice_pool: InvoicePool) -> UUID:
    """An invoice that all roles reach and no test changes: a client that receives its event has an active subscription."""
    return invoice_pool.invoice("pending_cheque")


@pytest.fixture(scope="module")
def last(invoice_pool: InvoicePool) -> UUID:
    """Another such invoice: the events before its own are all events that a subscriber receives."""
    return invoice_pool.invoice("pending_cheque")


@pytest.fixture
def listen(address: DatabaseUrls, listening_url: str, sync_invoice: UUID) -> Listen:
    def as_role(who: str, query: str = INVOICE, **variables: Any) -> AbstractContextManager[Subscriber]:
        with sign_in(listening_url, who) as client:
            return listening(address, listening_url, client.token, sync_invoice, query, **variables)

    return as_role


@pytest.fixture
def received(address: DatabaseUrls, invoice_pool: InvoicePool, last: UUID) -> Received:
    """The events that each subscriber has received by now; all subscribers must be passed together."""

    def until_the_last(*subscribers: Subscriber) -> list[list[str]]:
        announce(address, last)
        return [_numbers(subscriber, invoice_pool.number(last)) for subscriber in subscribers]

    return until_the_last


def _numbers(subscriber: Subscriber, last: str) -> list[str]:
    numbers: list[str] = []
    while (number := subscriber.next_result()["number"]) != last:
        numbers.append(number)
    return numbers
