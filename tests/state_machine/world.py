"""The records on which the state machine works: few cases, invoices, payers and cheques, so that the steps of its users collide."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from domain.clinics import clinic_day
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import done
from tests.support.api.records import Found
from tests.support.client import Client
from tests.support.databases import rows

INJURED_ON = date(2026, 1, 5)
LIVE_INVOICES, LIVE_CASES = 24, 9
_DAY = """do $$ begin execute format('alter database %I set app.moment = %L', current_database(), now() - interval '{days} day'); end $$"""
_TREE = "{ examTypes { id name code subExams { id name code } } }"
_PHYSICIANS = "{ physicians(first: 3) { nodes { id } } facilities(first: 1) { nodes { id } } }"


@dataclass
class Payment:
    """What is known of a cheque: its payer, whether it is held, and whether it was returned."""

    id: str
    payer: str
    is_held: bool = False
    is_returned: bool = False


@dataclass
class World:
    """All that the users share. Lists are only appended to and replaced, so that threads may read them without a lock."""

    address: DatabaseUrls
    found: Found
    # How many days ago it is at the servers.
    days_back: int = 1
    payers: list[str] = field(default_factory=list)
    attorneys: list[str] = field(default_factory=list)
    physicians: list[str] = field(default_factory=list)
    facility: str = ""
    exams: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    invoices: list[str] = field(default_factory=list)
    # Invoices with an agreement that lapses as the clinic's day ends.
    conditional: list[str] = field(default_factory=list)
    cheques: list[Payment] = field(default_factory=list)
    paid_by: dict[str, list[Payment]] = field(default_factory=lambda: defaultdict(list))
    case_of: dict[str, str] = field(default_factory=dict)
    coverages: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    encounters: list[str] = field(default_factory=list)
    deposits: list[str] = field(default_factory=list)
    reminders: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    denials: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def today(self) -> date:
        """The day in the clinic."""
        return clinic_day(datetime.now(UTC) - timedelta(days=self.days_back), "America/New_York")

    def some_day(self, random: Random, days: int = 40) -> str:
        """Today, or one of so many days before: most facts are recorded on their day, some late."""
        early = 0 if random.random() < 0.4 else random.randrange(days)
        return (self.today - timedelta(days=early)).isoformat()

    def live(self, days_back: int) -> None:
        """Begin a day: the database, too, dates by it what no server dates. Connections that are open stay on the day before."""
        self.days_back = days_back
        rows(self.address, _DAY.format(days=days_back))

    def know_denials(self, denials: Iterable[str]) -> None:
        """Remember the latest denials that were read."""
        with self.lock:
            self.denials = [*self.denials, *(one for one in denials if one not in self.denials)][-20:]

    def forget_invoice(self, invoice: str) -> None:
        """Take an invoice out that nothing more happens to."""
        with self.lock:
            self.invoices = [one for one in self.invoices if one != invoice]


def build(world: World, billing: Client) -> None:
    """Create the payers, attorneys and cases with which a run begins."""
    own = world.found.own
    insurers = [
        done(billing, "createPayer", "payer { id }", name=f"Insurer {n}", kind="INSURANCE")["id"] for n in (1, 2)
    ]
    firms = [done(billing, "createFirm", "firm { id }", name=f"Firm {n} of the machine")["id"] for n in (1, 2)]
    world.attorneys = [
        done(billing, "createAttorney", "attorney { id }", name=f"Attorney {n}", firmId=firm)["id"]
        for n, firm in enumerate(firms)
    ]
    of_firms = [
        done(billing, "createPayer", "payer { id }", name=f"Payer of firm {n}", kind="ATTORNEY", firmId=firm)["id"]
        for n, firm in enumerate(firms)
    ]
    of_patient = {"name": "The patient", "kind": "PATIENT", "patientId": own["Patient"]}
    patient = done(billing, "createPayer", "payer { id }", **of_patient)["id"]
    world.payers = [*insurers, *of_firms, patient]
    mains = billing.read(_TREE)["examTypes"]
    by_code = {exam["code"] or exam["name"]: exam["id"] for main in mains for exam in (main, *main["subExams"])}
    world.exams = [by_code["X-ray"], by_code["RAY-RIBS"]]
    parties: Any = billing.read(_PHYSICIANS)
    world.physicians = [node["id"] for node in parties["physicians"]["nodes"]]
    world.facility = parties["facilities"]["nodes"][0]["id"]
