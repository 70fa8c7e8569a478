"""Decides what tests of subscriptions can ask for: two server processes on one database, invoices to move, somebody who listens."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import pytest

from db.identity import make_id
from server.addresses import Address
from tests.client import Client, serving
from tests.databases import rows
from tests.processes import billing
from tests.subscriber import INVOICE, Subscriber, announce, listening

Listen = Callable[..., AbstractContextManager[Subscriber]]
Hears = Callable[..., list[list[str]]]
_STEP = "mutation ($input: {0}Input!) {{ {1}(input: $input) {{ errors {{ message }} }} }}"


@pytest.fixture(scope="module")
def servers(address: Address) -> Iterator[tuple[str, str]]:
    """Two server processes on one database, of which this one is the first; what is written through the second is listened to here."""
    with serving(address) as first, billing(address, "serve", "--no-worker") as second:
        yield first, second.url


@pytest.fixture
def ears(servers: tuple[str, str]) -> str:
    return servers[0]


@pytest.fixture
def hands(servers: tuple[str, str]) -> str:
    return servers[1]


def sign_in(url: str, who: str) -> Client:
    with Client(url) as nobody:
        return nobody.signed_in(f"{who}@demo.clinic")


def step(url: str, name: str, invoice: UUID, /, **given: Any) -> None:
    """One step of an invoice, taken by an administrator."""
    query = _STEP.format(name[0].upper() + name[1:], name)
    with sign_in(url, "admin") as admin:
        answer = admin.read(query, input={"invoiceId": make_id("Invoice", invoice), **given})
    assert answer[name]["errors"] == []


class Stock:
    """Invoices of the demo clinic that the tests move, by how they are reached and where they stand."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.used: set[UUID] = set()

    def invoice(self, status: str, *, whose: str = "both", submitted: bool | None = None) -> UUID:
        """An invoice that nobody has used yet, in reach of the attorney, the physician, both or neither."""
        wanted = {
            "both": "i.attorney_id = a.attorney_id and i.physician_id = p.physician_id",
            "attorney": "i.attorney_id = a.attorney_id",
            "neither": "i.attorney_id is distinct from a.attorney_id and i.physician_id is distinct from p.physician_id",
        }[whose]
        said = "" if submitted is None else f"and i.submitted_on is {'not' if submitted else ''} null"
        query = f"""select i.id from invoices i, users a, users p where a.email = 'attorney@demo.clinic'
            and p.email = 'physician@demo.clinic' and i.status = $1 and {wanted} {said} and i.received_amount = 0
            and i.clinic_id = a.clinic_id and i.clinic_id = p.clinic_id and i.id <> all($2) order by i.id limit 1"""
        (row,) = rows(self.address, query, status, list(self.used))
        self.used.add(row["id"])
        return UUID(str(row["id"]))

    def number(self, invoice: UUID) -> str:
        return str(rows(self.address, "select number from invoices where id = $1", invoice)[0]["number"])


@pytest.fixture(scope="module")
def stock(address: Address) -> Stock:
    # Enough to choose from: as the demo has it, its attorney and its physician have few invoices in common.
    rows(
        address,
        """update cases set attorney_id = (select attorney_id from users where email = 'attorney@demo.clinic')
        where number < (select percentile_disc(0.7) within group (order by number) from cases)""",
    )
    rows(
        address,
        """update invoices i set physician_id = u.physician_id from users u, users a where u.email = 'physician@demo.clinic'
        and a.email = 'attorney@demo.clinic' and i.attorney_id = a.attorney_id""",
    )
    return Stock(address)


@pytest.fixture(scope="module")
def sentinel(stock: Stock) -> UUID:
    """An invoice that everybody has in reach and nobody changes: whoever hears of it is listening."""
    return stock.invoice("pending_cheque")


@pytest.fixture(scope="module")
def last(stock: Stock) -> UUID:
    """Another such invoice: what comes before it is all that was to be heard."""
    return stock.invoice("pending_cheque")


@pytest.fixture
def listen(address: Address, ears: str, sentinel: UUID) -> Listen:
    def as_role(who: str, query: str = INVOICE, **variables: Any) -> AbstractContextManager[Subscriber]:
        with sign_in(ears, who) as client:
            return listening(address, ears, client.token, sentinel, query, **variables)

    return as_role


@pytest.fixture
def hears(address: Address, stock: Stock, last: UUID) -> Hears:
    """What each of the subscribers has heard by now; all who listen are to be asked together."""

    def until_the_last(*subscribers: Subscriber) -> list[list[str]]:
        announce(address, last)
        return [_numbers(subscriber, stock.number(last)) for subscriber in subscribers]

    return until_the_last


def _numbers(subscriber: Subscriber, last: str) -> list[str]:
    numbers: list[str] = []
    while (number := subscriber.heard()["number"]) != last:
        numbers.append(number)
    return numbers
