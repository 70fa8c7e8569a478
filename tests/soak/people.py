"""Decides who works in the clinic, at which pace, and what each of them does for as long as it lasts."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from domain.people import Role
from server.addresses import Address
from tests.api.files import EXPORT, LOOK
from tests.api.lives import Clinic
from tests.databases import PASSWORD
from tests.soak.ledger import Ledger, Watched
from tests.soak.living import LIVES, exams, parties, send_again
from tests.soak.reading import read, seen_by
from tests.subscriber import INVOICE, Subscriber, connected

_CHANGED = INVOICE.replace("subscription", "subscription Changed", 1)
_DUE = "subscription Due { actionItemsChanged }"
_OWN_CASE = "query OwnCase { invoices(first: 50) { nodes { case { id } facility { id } } } }"
_VISIT = "mutation Visit($input: RecordEncounterInput!) { recordEncounter(input: $input) { encounter { id } errors { message code } } }"
_EXPORT = f"mutation Export($input: ExportInvoicesInput!) {{ exportInvoices(input: $input) {{ {EXPORT} }} }}"
_LISTENED_SECONDS, _BUILT_SECONDS, _ARRIVING_SECONDS = 15.0, 120.0, 20.0


@dataclass
class Work:
    """What everybody needs: the server, the database behind it, what is written down, and until when."""

    url: str
    address: Address
    ledger: Ledger
    ended: threading.Event = field(default_factory=threading.Event)

    def signed_in(self, role: Role) -> Watched:
        """Somebody of a role, signed in anew."""
        with Watched(self.url, None, "nobody", self.ledger) as nobody:
            token = nobody.signed_in(f"{role.value}@demo.clinic", PASSWORD).token
        return Watched(self.url, token, role.value, self.ledger)

    def rests(self, dice: Random, seconds: float) -> bool:
        """Whether there is more to do after a pause of so many seconds on average."""
        return not self.ended.wait(dice.uniform(0.5, 1.5) * seconds)


Person = Callable[[Work, Random], None]


def reader(role: Role) -> Person:
    """Somebody who reads."""

    def act(work: Work, dice: Random) -> None:
        with work.signed_in(role) as client:
            seen = seen_by(client)
            while work.rests(dice, 1.0):
                read(client, role, seen, dice)

    return act


def clerk(work: Work, dice: Random) -> None:
    """Somebody of billing staff who takes invoices through their lives, with an administrator beside."""
    with work.signed_in(Role.BILLING) as billing, work.signed_in(Role.ADMIN) as admin:
        clinic = Clinic(billing, admin, parties(billing), work.address)
        while work.rests(dice, 1.0):
            dice.choice(LIVES)(clinic, dice)


def physician(work: Work, dice: Random) -> None:
    """Somebody who treats, and writes down what was done."""
    with work.signed_in(Role.PHYSICIAN) as client:
        nodes = client.read(_OWN_CASE)["invoices"]["nodes"]
        where = next(node for node in nodes if node["facility"])
        given = {"caseId": where["case"]["id"], "facilityId": where["facility"]["id"], "serviceDate": "2026-03-02"}
        while work.rests(dice, 5.0):
            visit = client.read(_VISIT, input={**given, "exams": exams(client)})["recordEncounter"]
            assert visit["encounter"], visit


def sender(work: Work, dice: Random) -> None:
    """Somebody who sends messages again that have failed."""
    with work.signed_in(Role.ADMIN) as client:
        while work.rests(dice, 10.0):
            send_again(client)


def filer(work: Work, dice: Random) -> None:
    """Somebody of any role who asks for a file and fetches it."""
    with ExitStack() as stack:
        clients = [stack.enter_context(work.signed_in(role)) for role in Role]
        while work.rests(dice, 4.0):
            client, asked = dice.choice(clients), {"format": dice.choice(("CSV", "XLSX"))}
            _fetch(client, client.read(_EXPORT, input=asked)["exportInvoices"]["export"])


def _fetch(client: Watched, export: Any) -> None:
    deadline = time.monotonic() + _BUILT_SECONDS
    while export["status"] in ("QUEUED", "RUNNING"):
        assert time.monotonic() < deadline, export
        time.sleep(0.2)
        export = client.read(LOOK, id=export["id"])["export"]
    began = time.perf_counter()
    response = httpx.get(export["downloadUrl"], timeout=30)
    assert response.status_code == 200, (export, response.status_code)
    client.ledger.note("download", client.role, time.perf_counter() - began)


def visitor(work: Work, dice: Random) -> None:
    """Somebody who signs in, looks, and signs out."""
    while work.rests(dice, 5.0):
        with work.signed_in(dice.choice(list(Role))) as client:
            client.read("query Viewer { viewer { role sessions { id } } }")
            client.read("mutation SignOut { signOut { signedOut } }")


def listener(role: Role, document: str, seconds: float = _LISTENED_SECONDS) -> Person:
    """Somebody who listens for a while, and then anew."""

    def act(work: Work, dice: Random) -> None:
        with work.signed_in(role) as client:
            while work.rests(dice, 1.0):
                with connected(work.url, client.token) as subscriber:
                    subscriber.send(id="1", type="subscribe", payload={"query": document})
                    _listen(work, role, subscriber, time.monotonic() + seconds)
                    subscriber.send(id="1", type="complete")
                work.ledger.note("subscription", role.value, 0.0)

    return act


def _listen(work: Work, role: Role, subscriber: Subscriber, until: float) -> None:
    while time.monotonic() < until and not work.ended.is_set():
        with suppress(TimeoutError):
            message = subscriber.next(1.0)
            if message["type"] == "ping":
                subscriber.send(type="pong")
                continue
            assert (message["type"], message["payload"].get("errors")) == ("next", None), message
            work.ledger.note("event", role.value, 0.0)


_FOR_EVER = 1e9
PEOPLE: tuple[Person, ...] = (
    *(reader(role) for role in Role),
    clerk,
    clerk,
    physician,
    sender,
    filer,
    visitor,
    *(listener(role, _CHANGED) for role in Role),
    listener(Role.BILLING, _DUE),
    listener(Role.ADMIN, _CHANGED, _FOR_EVER),
)


@contextmanager
def at_work(work: Work) -> Iterator[None]:
    """Everybody works, each in a thread of its own; what breaks off is an error, and begun anew."""

    def live(person: Person, dice: Random) -> None:
        # They do not come through the door all at once.
        work.ended.wait(dice.uniform(0.0, _ARRIVING_SECONDS))
        while not work.ended.is_set():
            try:
                person(work, dice)
            except Exception as failure:  # noqa: BLE001 (whatever it is, it is told at the end)
                work.ledger.fail(f"{getattr(person, '__qualname__', person)}: {failure!r}"[:500])
                work.ended.wait(1.0)

    threads = [
        threading.Thread(target=live, args=(person, Random(number)))  # noqa: S311 (no secret)
        for number, person in enumerate(PEOPLE)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        work.ended.set()
        for thread in threads:
            thread.join(60)
