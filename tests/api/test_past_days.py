"""Decides that a day's figures stay what they were at its end, whatever is entered or undone afterwards, also for that very day."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from db.pools import Database
from domain.clinics import clinic_day
from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.api.assembled import assembled, served
from tests.api.clinic_clock import NEW_YORK, ClinicClock
from tests.api.figures import figures
from tests.api.lives import Clinic, broken_laws
from tests.api.records import find_records
from tests.api.steps import done
from tests.api.test_machine import World, _drawn, breaches
from tests.client import Client
from tests.databases import copied

PERIOD = ("2024-01-01", "2030-12-31")
_START = datetime.now(UTC)


class Days:
    """A clinic whose days pass when a test says so. What its people enter says the first day throughout, later on back-dated."""

    def __init__(self, world: World, clock: ClinicClock) -> None:
        self.world, self.clock, self.dice = world, clock, Random(7)  # noqa: S311 (no secret)
        self.kept: dict[date, dict[str, Any]] = {}

    @property
    def today(self) -> date:
        """The day it is now in the clinic."""
        return clinic_day(self.clock.moment, NEW_YORK)

    def work(self, steps: int) -> None:
        """So many steps of billing staff, half of them such as the invoices allow."""
        for _ in range(steps):
            step = _drawn(self.dice)
            self.world.take(self.world.likely(step) if self.dice.random() < 0.5 else step)

    def end(self) -> None:
        """Keep the figures of the day, and go on to the next but one."""
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
        address: Address = stack.enter_context(copied(postgres_server, template_database))
        clock = ClinicClock()
        clock.moment = _START
        nobody = Client(stack.enter_context(served(assembled(Database(address.login), clock=clock))))
        billing, admin = (nobody.signed_in(f"{role.value}@demo.clinic") for role in (Role.BILLING, Role.ADMIN))
        clinic = Clinic(billing, admin, find_records(address), address)
        other = done(billing, "createPayer", "payer { id }", name="Some other payer", kind="INSURANCE")["id"]
        world = World(clinic, known=breaches(address), other_payer=other)
        world.begin()
        yield Days(world, clock)


def _live(days: Days, steps: int, stays: int) -> None:
    for _ in range(stays):
        days.work(steps // stays)
        assert days.figures() == days.figures(days.today)
        days.end()
    for day, kept in days.kept.items():
        assert days.figures(day) == kept, day
    assert days.world.outcomes.total() > steps / 2
    assert {breach.law.words for breach in broken_laws(days.world.clinic.address)} <= {
        words for words, _ in days.world.known
    }


def test_the_figures_of_a_day_stay_what_they_were_whatever_comes_later(days: Days) -> None:
    _live(days, steps=60, stays=3)


@pytest.mark.prove
def test_five_hundred_steps_later_the_figures_of_a_day_are_what_they_were(days: Days) -> None:
    _live(days, steps=600, stays=12)
