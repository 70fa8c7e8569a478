"""A subscription by the id of a merged record hears of all invoices of the one that stays, whenever it was opened, until the merge is undone."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest

from db.global_ids import make_id
from server.database_urls import DatabaseUrls
from tests.api.merges.test_merging import a_patient, a_payer, owed_by
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import Clinic
from tests.support.databases import rows
from tests.support.merges import merge, part
from tests.support.subscriber import Subscriber, announce
from tests.support.subscriptions import Listen, Received

ROLES = ("billing", "attorney")
_OF = "select payer_id, patient_id from invoices where id = any($1)"


@dataclass(frozen=True)
class Pair:
    """Two records with an invoice each, in cases of the demo's attorney, and the numbers of these invoices."""

    kind: str
    old: str
    new: str
    invoices: tuple[str, str]
    numbers: tuple[str, str]

    @property
    def field(self) -> str:
        """The condition of the filter."""
        return f"{self.kind.lower()}Id"


@pytest.fixture(params=["Payer", "Patient"])
def pair(request: pytest.FixtureRequest, clinic: Clinic, own_attorney: str) -> Pair:
    kind: str = request.param
    make = a_payer if kind == "Payer" else a_patient
    ids = [make(clinic.billing) for _ in range(2)]
    patients = [a_patient(clinic.billing) for _ in range(2)] if kind == "Payer" else ids
    payers = ids if kind == "Payer" else [a_payer(clinic.billing) for _ in range(2)]
    made = [
        owed_by(clinic, payer, case=clinic.case(patientId=patient, attorneyId=own_attorney))
        for payer, patient in zip(payers, patients, strict=True)
    ]
    numbers = [str(clinic.look(one)["number"]) for one in made]
    return Pair(kind, ids[0], ids[1], (made[0], made[1]), (numbers[0], numbers[1]))


@pytest.fixture
def opened(listen: Listen, clinic: Clinic, sync_invoice: UUID, last: UUID) -> Iterator["Opened"]:
    with ExitStack() as stack:
        yield Opened(stack, listen, clinic, [sync_invoice, last])


@dataclass
class Opened:
    """Opens subscriptions that last until the test ends."""

    stack: ExitStack
    listen: Listen
    clinic: Clinic
    # The invoices by which the tests know that a subscription is active, and that nothing more comes.
    beside: list[UUID]

    def by(self, pair: Pair, *ids: str) -> list[Subscriber]:
        """A subscription of each role by the ids of records of a pair."""
        column = f"{pair.kind.lower()}_id"
        more = {make_id(pair.kind, row[column]) for row in rows(self.clinic.address, _OF, self.beside)}
        chosen = {pair.field: [*ids, *sorted(more)]}
        return [self.stack.enter_context(self.listen(role, filter=chosen)) for role in ROLES]


def heard(address: DatabaseUrls, received: Received, pair: Pair, *subscribers: Subscriber) -> list[list[str]]:
    """What each subscriber hears when both invoices change."""
    for invoice in pair.invoices:
        announce(address, uuid_of(invoice))
    return received(*subscribers)


def test_a_subscription_follows_a_merge_and_its_undoing(
    clinic: Clinic, address: DatabaseUrls, opened: Opened, received: Received, pair: Pair
) -> None:
    before = [*opened.by(pair, pair.old), *opened.by(pair, pair.new)]
    first, second = pair.numbers
    assert heard(address, received, pair, *before) == [[first], [first], [second], [second]]
    made = merge(clinic.admin, pair.old, pair.new)
    assert heard(address, received, pair, *before) == [[first, second]] * 4
    later = [*opened.by(pair, pair.old), *opened.by(pair, pair.new)]
    assert heard(address, received, pair, *before, *later) == [[first, second]] * 8
    part(clinic.admin, made["id"])
    assert heard(address, received, pair, *before, *later) == [[first], [first], [second], [second]] * 2


def test_a_merge_and_its_undoing_make_no_event(clinic: Clinic, opened: Opened, received: Received, pair: Pair) -> None:
    both = opened.by(pair, pair.old, pair.new)
    part(clinic.admin, merge(clinic.admin, pair.old, pair.new)["id"])
    assert received(*both) == [[], []]


def test_the_event_names_the_record_that_stays(
    clinic: Clinic, address: DatabaseUrls, opened: Opened, listen: Listen, pair: Pair
) -> None:
    inner = "payer { id }" if pair.kind == "Payer" else "patient { id }"
    query = f"subscription {{ invoiceChanged {{ number {inner} }} }}"
    subscribers = [opened.stack.enter_context(listen(role, query)) for role in ROLES]
    merge(clinic.admin, pair.old, pair.new)
    announce(address, uuid_of(pair.invoices[0]))
    for one in subscribers:
        assert one.next_result() == {"number": pair.numbers[0], pair.kind.lower(): {"id": pair.new}}
