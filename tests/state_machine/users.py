"""The users of the state machine: each reads an invoice, chooses a step and sends it with an idempotency key until it is answered."""

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import httpx

from tests.state_machine.other_steps import OTHER_NAMES, Chance
from tests.state_machine.steps import ADMIN_ONLY, AUTOMATIC, Step, announced_scan, remittance_upload, weighted
from tests.state_machine.transitions import Moment
from tests.state_machine.world import LIVE_INVOICES, World
from tests.support.api.scenarios import SCAN

_STATE = """query ($id: ID!) { invoice(id: $id) { id number status version balance billedAmount agreedAmount receivedAmount payer { id }
    case { id } negotiation { openOffer { amount } } denials { id } availableTransitions { name allowed } } }"""
_UPLOAD = "mutation ($input: CreateUploadInput!) { createUpload(input: $input) { upload { id uploadUrl } } }"
_IMPORT = "mutation ($input: ImportRemittanceInput!) { importRemittance(input: $input) { remittance { id } errors { message } } }"
_PATIENCE_SECONDS, _REQUEST_SECONDS, _AVOIDED_SECONDS = 90.0, 30.0, 1.0


class WrongAnswer(Exception):  # noqa: N818 (it is no error of this program)
    """A server answered what no client may be answered."""


@dataclass
class User:
    """A user with a session, who knows the addresses of all servers and asks another one when one does not answer."""

    urls: list[str]
    token: str
    http: httpx.Client = field(init=False)
    cuts: int = 0
    busy: int = 0
    avoided: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        headers = {"accept": "application/graphql-response+json", "authorization": f"Bearer {self.token}"}
        self.http = httpx.Client(headers=headers, timeout=_REQUEST_SECONDS)

    def ask(self, random: Random, query: str, **variables: Any) -> tuple[Any, int]:
        """The data, and how many attempts it took; an attempt that was cut off is made again, at any of the servers."""
        deadline, attempts = time.monotonic() + _PATIENCE_SECONDS, 0
        while True:
            attempts += 1
            url = self._reachable(random)
            try:
                response = self.http.post(url, json={"query": query, "variables": variables})
            except httpx.TransportError:
                self.cuts += 1
                self.avoided[url] = time.monotonic() + _AVOIDED_SECONDS
            else:
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return _data(response), attempts
                self.busy += 1
                time.sleep(0.2)
            if time.monotonic() > deadline:
                raise WrongAnswer(f"no answer within {_PATIENCE_SECONDS} s: {query[:60]}")

    def _reachable(self, random: Random) -> str:
        """One of the servers, those last that did not answer a moment ago."""
        now = time.monotonic()
        if not (answering := [url for url in self.urls if self.avoided.get(url, 0.0) < now]):
            time.sleep(0.2)
        return random.choice(answering or self.urls)

    def send(self, random: Random, step: Step) -> None:
        """Send a step; its outcome is stored in it."""
        began = time.perf_counter()
        data, attempts = self.ask(random, step.document, input={**step.inputs, "idempotencyKey": step.key})
        payload = data[step.mutation]
        step.attempts, step.seconds = step.attempts + attempts, time.perf_counter() - began
        if payload["errors"]:
            step.refusal = payload["errors"][0]["code"]
            step.refusals.append(payload["errors"][0]["message"])
            return
        identity = payload[step.returned]["id"]
        step.posted = payload[step.returned].get("postedCount", 0)
        if step.record not in (None, identity):
            raise WrongAnswer(f"{step.name}: the same key gave {step.record}, and then {identity}")
        step.record = identity

    def remit(self, random: Random, data: bytes, payer: str) -> str | None:
        """The id of a remittance that is imported; None if it was, and the answer was lost."""
        upload = self._uploaded(random, remittance_upload(data), data)
        read, _ = self.ask(random, _IMPORT, input={"uploadId": upload, "payerId": payer})
        remittance = read["importRemittance"]["remittance"]
        return remittance and str(remittance["id"])

    def upload(self, random: Random, world: World) -> str:
        """The id of an uploaded scan, which another user may use at the same time."""
        if world.documents and random.random() < 0.2:
            return random.choice(world.documents)
        identity = self._uploaded(random, announced_scan(), SCAN)
        with world.lock:
            world.documents = [*world.documents[-3:], identity]
        return identity

    def _uploaded(self, random: Random, announced: dict[str, Any], content: bytes) -> str:
        while True:
            data, _ = self.ask(random, _UPLOAD, input=announced)
            upload = data["createUpload"]["upload"]
            try:
                response = self.http.put(upload["uploadUrl"], content=content)
            except httpx.TransportError:
                time.sleep(0.2)
                continue
            if response.status_code == httpx.codes.CREATED:
                break
        identity: str = upload["id"]
        return identity


def _data(response: httpx.Response) -> Any:
    answer = response.json()
    if response.status_code != httpx.codes.OK or "errors" in answer:
        raise WrongAnswer(f"{response.status_code}: {answer}")
    return answer["data"]


@dataclass
class Users:
    """All users of a run, the steps that they made, and what went wrong."""

    world: World
    urls: list[str]
    billing_token: str
    admin_token: str
    seed: int
    steps: list[Step] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    cuts: int = 0
    busy: int = 0
    _numbers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, name: str, until: int) -> None:
        """Make steps until so many are made in all; of one user, in a thread of its own."""
        random = Random(f"{self.seed} {name} {until}")  # noqa: S311 (no secret)
        clients = User(self.urls, self.billing_token), User(self.urls, self.admin_token)
        try:
            while len(self.steps) < until and not self.wrong:
                self._step(random, *clients)
        except Exception as failure:  # noqa: BLE001 (every failure is reported at the end)
            self.wrong.append(f"{failure!r}"[:2000])
        with self._lock:
            self.cuts += sum(client.cuts for client in clients)
            self.busy += sum(client.busy for client in clients)

    def _step(self, random: Random, billing: User, admin: User) -> None:
        is_admin = random.random() < 0.4
        client = admin if is_admin else billing
        step = self._chosen(random, client)
        if step is None:
            return
        if step.name in ADMIN_ONLY:
            client = admin
        self.make(random, client, step)
        if random.random() < 0.03 and step.record is not None:
            client.send(random, step)

    def make(self, random: Random, client: User, step: Step) -> None:
        """Send a step under a new key, and let all users know of its record."""
        step.key = step.key or f"{self.seed}-{self.number()}"
        step.is_admin = client.token == self.admin_token
        if random.random() < 0.04:
            self._send_twice(random, client, step)
        else:
            client.send(random, step)
        with self._lock:
            self.steps.append(step)
            if step.record is not None:
                self.world.done[step.name] += 1
        if step.record is not None:
            step.known(step.record)

    def number(self) -> int:
        """A number that no other step has."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def _send_twice(self, random: Random, client: User, step: Step) -> None:
        """Send a step twice at the same moment with the same key, as a double click does."""
        again = Step(step.name, step.inputs, key=step.key)
        other = User(self.urls, client.token)
        failures: list[Exception] = []

        def send_again() -> None:
            try:
                other.send(Random(step.key), again)  # noqa: S311 (no secret)
            except Exception as failure:  # noqa: BLE001 (raised below)
                failures.append(failure)

        thread = threading.Thread(target=send_again)
        thread.start()
        client.send(random, step)
        thread.join()
        if failures:
            raise failures[0]
        if None not in (step.record, again.record) and step.record != again.record:
            raise WrongAnswer(f"{step.name}: two requests with one key made {step.record} and {again.record}")
        step.record, step.posted = step.record or again.record, step.posted or again.posted
        if step.record is not None:
            step.refusal = None

    def _chosen(self, random: Random, client: User) -> Step | None:
        world, number = self.world, self.number()
        chance = Chance(world, random, number, lambda: client.upload(random, world))
        if len(world.cases) < 3 or (len(world.cases) < 9 and random.random() < 0.02):
            return chance.step("create_case")
        if len(world.invoices) < LIVE_INVOICES // 2 or random.random() < 0.02:
            return chance.step("create_invoice")
        if random.random() < 0.3:
            return chance.step(weighted(random, list(OTHER_NAMES), world))
        return self._transition(random, client, number, chance)

    def _transition(self, random: Random, client: User, number: int, chance: Chance) -> Step | None:
        world = self.world
        is_late = world.days_back == 0 and bool(world.conditional) and random.random() < 0.2
        invoice = random.choice(world.conditional if is_late else world.invoices)
        found, _ = client.ask(random, _STATE, id=invoice)
        if is_late and found["invoice"]["status"] == "PENDING_CHEQUE" and random.random() < 0.8:
            # Most money comes after the worker has let the agreement lapse.
            return None
        world.know_denials(one["id"] for one in found["invoice"]["denials"])
        now = Moment(world, random, found["invoice"], number, chance.upload, partial(client.remit, random))
        names = [row["name"] for row in found["invoice"]["availableTransitions"]]
        allowed = [row["name"] for row in found["invoice"]["availableTransitions"] if row["allowed"]]
        names = [name for name in (allowed if random.random() < 0.92 else names) if name not in AUTOMATIC]
        if not names:
            # Nothing more happens to it, or it is in a closed case.
            if random.random() < 0.3:
                world.forget_invoice(invoice)
            return None
        name = "record_cheque" if is_late and "record_cheque" in names else weighted(random, names, world)
        # Steps that end an invoice are made seldom, or none would live.
        if name in ("void_invoice", "write_off_invoice") and random.random() < 0.6:
            name = random.choice(names)
        return now.step(name)
