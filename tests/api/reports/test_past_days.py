"""The figures of a past day stay what they were at its end, also when records of that day are entered or undone afterwards."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from db.pools import Database
from domain.access.people import Role
from domain.clinics import clinic_day
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.api.billing.test_machine import World, breaches, random_command
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import NEW_YORK, ClinicClock
from tests.support.api.mutations import done
from tests.support.api.records import find_records
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.client import Client
from tests.support.databases import copied
from tests.support.oracle.figures import figures

PERIOD = ("2024-01-01", "2030-12-31")
_START = datetime.now(UTC)


class Days:
    """A clinic whose days pass when a test says so; its users enter records under the first day, later on back-dated."""

    def __init__(self, world: World, clock: ClinicClock) -> None:
        self.world, self.clock, self.random = world, clock, Random(7)  # noqa: S311 (no secret)
        self.kept: dict[date, dict[str, Any]] = {}

    @property
    def today(self) -> date:
        """The present day of the clinic."""
        return clinic_day(self.clock.moment, NEW_YORK)

    def work(self, commands: int) -> None:
        """So many commands of billing staff, half of them such as the invoices allow."""
        for _ in range(commands):
            command = random_command(self.random)
            self.world.send(self.world.possible_command(command) if self.random.random() < 0.5 else command)

    def end(self) -> None:
        """Record the figures of the day, and move the clock two days on."""
        self.kept[self.today] = self.figures(self.today)
        self.clock.moment += timedelta(days=2)

    def figures(self, day: date | None = None) -> dict[str, Any]:
        """Every figure, as of a day."""
        found = figures(self.world.clinic.billing, PERIOD, day.isoformat() if day else None)
        found["analytics"].pop("physicianProductivity")
        return found


@pytest.fixture
def days(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Days]:
    with ExitStack() as stack:
        address: DatabaseUrls = stack.enter_context(copied(postgres_server, template_database))
        clock = ClinicClock()
        clock.moment = _START
        anonymous = Client(stack.enter_context(served(assembled(Database(address.login), clock=clock))))
        billing, admin = (anonymous.signed_in(f"{role.value}@demo.example") for role in (Role.BILLING, Role.ADMIN))
        clinic = Clinic(billing, admin, find_records(address), address)
        other = done(billing, "createPayer", "payer { id }", name="Some other payer", kind="INSURANCE")["id"]
        world = World(clinic, known_breaches=breaches(address), other_payer=other)
        world.begin()
        yield Days(world, clock)


def _pass_days(days: Days, commands: int, stays: int) -> None:
    for _ in range(stays):
        days.work(commands // stays)
        assert days.figures() == days.figures(days.today)
        days.end()
    for day, kept in days.kept.items():
        assert days.figures(day) == kept, day
    assert days.world.outcomes.total() > commands / 2
    assert {breach.law.words for breach in broken_laws(days.world.clinic.address)} <= {
        words for words, _ in days.world.known_breaches
    }


def test_later_commands_do_not_change_the_figures_of_a_day(days: Days) -> None:
    _pass_days(days, commands=60, stays=3)


@pytest.mark.prove
def test_five_hundred_later_commands_do_not_change_the_figures_of_a_day(days: Days) -> None:
    _pass_days(days, commands=600, stays=12)
