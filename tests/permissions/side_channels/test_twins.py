"""Two clinics that are equal but for hidden steps of their staff are one to the attorney: events, lists, files and answers to ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.permissions.side_channels.hidden_steps import HIDDEN_STEPS, Scene, finish
from tests.storage.stores import Folder
from tests.support.api.records import Found, find_records
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.client import Client
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, at_work, bureau_over, wait_for_lapses
from tests.support.merges import answers
from tests.support.owner_connection import leave
from tests.support.subscriber import INVOICE, Subscriber, announce, listening

_ATTORNEY = "select attorney_id from users where email = 'attorney@demo.example'"
_SYNC = """select i.id from invoices i join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id
    where c.attorney_id = ($1) order by i.id limit 2"""
_NUMBERS = (
    "{ invoices(first: 500, orderBy: {field: NUMBER, direction: ASC}) { edges { cursor node { number status } } } }"
)
_NODE = "query ($id: ID!) { node(id: $id) { id } }"
# What hidden steps leave behind, by the kind of its id.
_LEFT = {
    "Cheque": "cheques",
    "Denial": "denials",
    "Remittance": "remittances",
    "RecoupmentRequest": "recoupment_requests",
    "Merge": "merges",
}


@dataclass
class Twin:
    """One of the two clinics, with a server, its staff and the attorney."""

    clinic: Clinic
    attorney: Client
    bureau: Bureau
    scenes: dict[str, Scene]

    def events(self, work: Any) -> list[str]:
        """The attorney's events while some work is done, by number: each has the status of the moment at which it is read."""
        address = self.clinic.address
        first, last = (row["id"] for row in rows(address, _SYNC, rows(address, _ATTORNEY)[0][0]))
        with listening(address, self.bureau.url, self.attorney.token, first, INVOICE) as subscriber:
            work()
            announce(address, last)
            return list(_until(subscriber, _number(address, last)))

    def told(self) -> Any:
        """Everything that the attorney reads: all lists with all of their fields, in the order of their cursors, and a file."""
        # The worker of a clinic lets agreements lapse.
        with at_work(self.clinic.address, self.bureau.files):
            wait_for_lapses(self.clinic.address)
            rows_of_file = self.bureau.rows(Role.ATTORNEY)
        read = answers(self.attorney, Role.ATTORNEY)
        lists = [(name, _without_urls(answer)) for name, answer in read if name != "exports"]
        return lists, self.attorney.read(_NUMBERS), rows_of_file


def _without_urls(value: Any) -> Any:
    """An answer without signed URLs, which are those of a session, and there only once the worker has drawn the file."""
    if isinstance(value, list):
        return [_without_urls(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_urls(one) for name, one in value.items() if name != "downloadUrl"}
    return value


def _number(address: DatabaseUrls, invoice: UUID) -> str:
    return str(rows(address, "select number from invoices where id = $1", invoice)[0][0])


def _until(subscriber: Subscriber, last: str) -> Iterator[str]:
    while (number := subscriber.next_result()["number"]) != last:
        yield str(number)


@contextmanager
def _served(address: DatabaseUrls, found: Found, scenes: dict[str, Scene]) -> Iterator[Twin]:
    with TemporaryDirectory() as home, bureau_over(address, Folder(Path(home)), is_working=False) as bureau:
        people = [bureau.people[role] for role in (Role.BILLING, Role.ADMIN, Role.ATTORNEY)]
        clinic = Clinic(people[0], people[1], found, address)
        mine = {name: replace(scene, clinic=_like(clinic, scene)) for name, scene in scenes.items()}
        yield Twin(clinic, people[2], bureau, mine)


def _like(clinic: Clinic, scene: Scene) -> Clinic:
    """The staff of one clinic with the payer of a scene."""
    own = replace(clinic)
    own.payer = scene.clinic.payer
    return own


@pytest.fixture(scope="module")
def twins(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[tuple[Twin, Twin]]:
    """The clinic in which hidden steps happen, and the one in which they do not; both have what comes before them."""
    with copied(postgres_server, template_database) as first:
        found = find_records(first)
        with _served(first, found, {}) as before:
            attorney = make_id("Attorney", rows(first, _ATTORNEY)[0][0])
            scenes = {name: Scene.new(before.clinic, attorney) for name in HIDDEN_STEPS}
            for name, (begin, _) in HIDDEN_STEPS.items():
                begin(scenes[name])
        name = rows(first, "select current_database()")[0][0]
        # A database is copied while nobody is connected to it.
        leave(first.owner)
        with (
            copied(postgres_server, name) as second,
            _served(first, found, scenes) as busy,
            _served(second, found, scenes) as quiet,
        ):
            yield busy, quiet


@pytest.fixture(scope="module")
def heard(twins: tuple[Twin, Twin]) -> dict[str, list[str]]:
    """The events of the attorney during each hidden step in the first clinic."""
    busy, _ = twins
    return {name: busy.events(partial(step, busy.scenes[name])) for name, (_, step) in HIDDEN_STEPS.items()}


@pytest.mark.parametrize("name", sorted(HIDDEN_STEPS))
def test_a_hidden_step_makes_no_event(heard: dict[str, list[str]], name: str) -> None:
    assert heard[name] == []


def test_everything_that_the_attorney_reads_is_the_same_in_both(
    twins: tuple[Twin, Twin], heard: dict[str, list[str]]
) -> None:
    assert heard
    busy, quiet = twins
    assert busy.told() == quiet.told()


def test_ids_that_hidden_steps_have_left_are_answered_like_those_that_do_not_exist(
    twins: tuple[Twin, Twin], heard: dict[str, list[str]]
) -> None:
    assert heard
    busy, quiet = twins
    for kind, table in _LEFT.items():
        [(left,)] = rows(busy.clinic.address, f"select id from {table} order by recorded_at desc, id desc limit 1")
        found = [twin.attorney.post(_NODE, id=make_id(kind, left)).text for twin in (busy, quiet)]
        assert found == ['{"data":{"node":null}}'] * 2, kind


def test_what_is_visible_afterwards_makes_the_same_events_and_answers_in_both(
    twins: tuple[Twin, Twin], heard: dict[str, list[str]]
) -> None:
    assert heard
    events = [twin.events(partial(_finish_all, twin)) for twin in twins]
    assert events[0] == events[1]
    assert len(events[0]) > 3 * len(HIDDEN_STEPS)
    busy, quiet = twins
    assert busy.told() == quiet.told()
    assert broken_laws(busy.clinic.address) == broken_laws(quiet.clinic.address) == ()


def _finish_all(twin: Twin) -> None:
    for name in sorted(twin.scenes):
        finish(twin.scenes[name])
