"""A run of the state machine: phases of steps by several users at once, kills of the servers meanwhile, checks after each phase."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.state_machine.checks import Records
from tests.state_machine.other_steps import OTHER_NAMES, Chance
from tests.state_machine.servers import Killer, Server
from tests.state_machine.steps import AUTOMATIC, TRANSITION_NAMES, Step
from tests.state_machine.users import User, Users
from tests.state_machine.world import World, build
from tests.support.api.records import find_records
from tests.support.api.scenarios import line
from tests.support.client import Client
from tests.support.processes import completed

USERS = 8
_WATCHED_SECONDS = 0.05
_OF_ONE_CASE = 4


@dataclass(frozen=True)
class Plan:
    """How many steps a run has, and how often a server is killed; a phase is checked after so many steps."""

    steps: int
    kills: int
    phase: int
    seed: int
    # How many agreements lapse as the clinic's day ends; without any it does not end.
    lapses: int = 0


@dataclass
class Result:
    """The outcome of a run."""

    plan: Plan
    steps: list[Step]
    kills: int
    seconds: float
    cuts: int
    busy: int
    automatic: dict[str, int]
    faults: list[str] = field(default_factory=list)
    verified: str = ""

    @property
    def done(self) -> Counter[str]:
        """How many steps of each name succeeded."""
        found = Counter(step.name for step in self.steps if step.record is not None)
        return found + Counter(self.automatic)

    def report(self) -> str:
        """The figures of the run, as text."""
        done, sent = self.done, Counter(step.name for step in self.steps)
        refused = Counter(f"{step.refusal}" for step in self.steps if step.record is None)
        times = sorted(step.seconds * 1000 for step in self.steps if step.attempts == 1)
        cut = quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
        names = [*TRANSITION_NAMES, *(name for name in OTHER_NAMES if name != "create_invoice_of_visit")]
        again = sum(step.attempts > 1 for step in self.steps)
        lines = [
            f"seed {self.plan.seed}: {len(self.steps)} steps in {self.seconds:.0f} s by {USERS} users at two servers, {self.kills} kills",
            f"requests cut off: {self.cuts}, answered 503: {self.busy}, steps sent more than once for it: {again}",
            f"p50 {cut[49]:.1f} ms, p90 {cut[89]:.1f} ms, p99 {cut[98]:.1f} ms",
            "refused: " + ", ".join(f"{code} {count}" for code, count in refused.most_common()),
            *(f"  {name}: {done[name]} done of {max(sent[name], done[name])}" for name in names),
            *(f"FAULT {fault}" for fault in self.faults),
        ]
        return "\n".join([*lines, self.verified])


@dataclass
class Run:
    """A run in progress."""

    plan: Plan
    world: World
    users: Users
    killer: Killer
    records: Records
    log: Path
    say: Callable[[str], None] = lambda words: None
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Make all steps; where agreements are to lapse, the day of the clinic ends after three fifths of them."""
        self._phases(self.plan.steps * 3 // 5)
        if self.plan.lapses and not self.faults:
            self._agree_conditionally()
            self._end_the_day()
        self._phases(self.plan.steps)
        # On a busy machine servers start slowly, and more steps are made until enough were killed.
        while self.killer.kills < self.plan.kills and not self.faults:
            self._phases(len(self.users.steps) + self.plan.phase // 4)

    def _end_the_day(self) -> None:
        """Kill all processes; those that are started live on the next day, and with them a worker."""
        self.world.live(0)
        for server in [*self.killer.servers, self.killer.worker]:
            server.kill()
            server.days_back = 0
            server.start()
        self.killer.kills += len(self.killer.servers)
        # Sessions of the day before have expired.
        self.users.billing_token, self.users.admin_token = _sign_in(self.killer.servers[0].url)

    def _phases(self, until: int) -> None:
        while len(self.users.steps) < until and not self.faults:
            self._phase(min(len(self.users.steps) + self.plan.phase, until))
            self.say(f"{len(self.users.steps)} steps, {self.killer.kills} kills")
            self.faults += [*self.users.wrong, *self.records.faults(self.users.steps), *_errors(self.log)]

    def _phase(self, until: int) -> None:
        ended = threading.Event()
        killing = threading.Thread(target=self._kill, args=(ended,))
        killing.start()
        with ThreadPoolExecutor(USERS) as threads:
            list(threads.map(lambda number: self.users.work(f"user {number}", until), range(USERS)))
        ended.set()
        killing.join()

    def _kill(self, ended: threading.Event) -> None:
        """Kill a server each time that enough steps were made, at a random moment."""
        while not ended.wait(_WATCHED_SECONDS):
            wanted = self.plan.kills * len(self.users.steps) / self.plan.steps
            if self.killer.kills < wanted:
                ended.wait(self.killer.random.uniform(0, 0.2))
                self.killer.kill_one()

    def _agree_conditionally(self) -> None:
        """Agreements that lapse as the day ends, unless money that is received today is recorded tomorrow."""
        random = self.killer.random
        client, world = User(self.users.urls, self.users.billing_token), self.world
        for number in range(self.plan.lapses):
            chance = Chance(world, random, self.users.number(), str)
            opened, made = chance.step("create_case"), chance.step("create_invoice")
            assert opened is not None
            assert made is not None
            if number % _OF_ONE_CASE == 0:
                self.users.make(random, client, opened)
            made.inputs |= {"caseId": world.cases[-1], "lines": [line("100.00")]}
            self.users.make(random, client, made)
            if made.record is None:
                continue
            # No other step makes a newer offer before the money comes.
            world.forget_invoice(made.record)
            world.conditional.append(made.record)
            of = {"invoiceId": made.record}
            today = world.today.isoformat()
            for name, values in (
                ("submit_invoice", {"submittedOn": today, "method": "MAIL"}),
                ("request_reduction", {"amount": "60.00"}),
                ("agree_reduction", {"conditionalUntil": today}),
            ):
                self.users.make(random, client, Step(name, {**of, **values}))


def _errors(log: Path) -> list[str]:
    """What the servers reported as errors."""
    found = []
    for text in log.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError):
            record = json.loads(text)
            if record.get("level") in ("ERROR", "CRITICAL"):
                found.append(f"in the log: {text[:2000]}")
            continue
        if "Traceback" in text or "deadlock" in text:
            found.append(f"in the log: {text[:500]}")
    return found[:5]


def _sign_in(url: str) -> tuple[str, str]:
    """The tokens of new sessions of billing staff and of an administrator."""
    tokens = []
    with Client(url) as anonymous:
        for role in (Role.BILLING, Role.ADMIN):
            with anonymous.signed_in(f"{role.value}@demo.example") as client:
                assert client.token is not None
                tokens.append(client.token)
    return tokens[0], tokens[1]


@contextmanager
def _running(address: DatabaseUrls, plan: Plan) -> Iterator[Run]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory()))
        log = home / "log"
        opened = stack.enter_context(log.open("w", encoding="utf-8"))
        servers = [Server(address, home, opened) for _ in range(2)]
        worker = Server(address, home, opened, ("worker",))
        for server in (*servers, worker):
            stack.callback(server.kill)
        world = World(address, find_records(address))
        world.live(1)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(Server.start, servers))
        tokens = _sign_in(servers[0].url)
        with Client(servers[0].url, tokens[0]) as billing:
            build(world, billing)
        users = Users(world, [server.url for server in servers], *tokens, plan.seed)
        killer = Killer(servers, worker, Random(plan.seed), plan.kills)  # noqa: S311 (no secret)
        yield Run(plan, world, users, killer, Records.of(address), log)


def run(address: DatabaseUrls, plan: Plan, say: Callable[[str], None] = lambda words: None) -> Result:
    """Run the state machine over a database with the demo clinic; `say` is told of every phase."""
    began = time.monotonic()
    with _running(address, plan) as running:
        running.say = say
        running.run()
        seconds, users = time.monotonic() - began, running.users
        automatic = {name: running.records.events(name) for name in AUTOMATIC}
        known = (plan, users.steps, running.killer.kills, seconds, users.cuts, users.busy, automatic)
        result = Result(*known, faults=running.faults)
    if plan.steps > 1000:
        result.verified = completed(address, "verify").stdout
    return result
