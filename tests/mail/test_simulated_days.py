"""A simulation of many days with random staff and worker downtimes: exactly the reminders of the oracle are sent, each once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import asyncpg
import pytest

from db.pools import Database
from db.reminders.working_days import federal_holidays
from domain.reminders.working_days import is_working_day
from jobs.message_delivery import send_messages
from jobs.reminder_plan import plan_reminders
from server.database_urls import DatabaseUrls
from tests.mail.reminder_oracle import FACTS, Expected, Oracle
from tests.mail.reminding import LEAD, Reminding, level, numbers, reminding_over
from tests.mail.staff import Staff
from tests.support.databases import rows

_MOVE_TO_FACILITY = """update invoices set facility_id = $1 where id in (select id from invoices where status like 'pending%'
    and facility_id <> $1 order by md5(number)
    limit greatest(0, 60 - (select count(*) from invoices where facility_id = $1 and status like 'pending%')))"""
_FAILED = """select coalesce(p.name, ''), array_agg(l.level || ' ' || i.number) from outbound_messages m
    join message_invoices l on l.message_id = m.id join invoices i on i.id = l.invoice_id join payers p on p.id = i.payer_id
    where m.status = 'failed' and m.due_on = $1 group by m.id, p.name"""
_COUNT = "select count(*) from outbound_messages"
ORDINARY = [
    level(5),
    level(12, recipient="attorney", minimum_balance=Decimal(900)),
    level(20, copy_to="billing_lead", repeat_days=7, repeat_times=2),
    level(3, "pending_reduction"),
    level(4, "pending_cheque", repeat_days=5, repeat_times=3),
    level(15, "pending_cheque", recipient="billing_lead", minimum_balance=Decimal(300)),
]
INSURANCE = [level(2), level(9, copy_to="attorney"), level(6, "pending_cheque", repeat_days=1, repeat_times=1)]


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        rows(own_address, "update users set email = $1 where role = 'admin'", LEAD)
        reminding.policy(*ORDINARY)
        reminding.policy(*INSURANCE, kind="insurance")
        yield reminding


def accepted_messages(clinic: Reminding, since: int) -> Expected:
    """The accepted messages in the form of the oracle; two messages to the same recipients on one day are an error."""
    found: Expected = defaultdict(set)
    for to, text in clinic.mail_server.texts()[since:]:
        addresses = (to[0], to[1] if to[1:] else "")
        assert addresses not in found, "two messages on one day"
        listed = [(int(words.removeprefix("Level ")), number) for words, number in numbers([(to, text)])]
        assert len(listed) == len(set(listed)), "an invoice twice"
        found[addresses] = set(listed)
    return found


async def simulate(clinic: Reminding, days: int, rng: Random) -> Counter[str]:
    """Simulate days with staff, with two workers that are sometimes down, and compare with the oracle after every run of the workers."""
    owner = await asyncpg.connect(clinic.address.owner)
    clinic_moves = await owner.fetchval("select bool_or(moves_to_working_days) from clinics")
    holidays = federal_holidays(2026) | federal_holidays(2027)
    oracle, days_down, runs = Oracle([("insurance", INSURANCE), (None, ORDINARY)], LEAD), 0, 0
    async with Database(clinic.address.login) as one, Database(clinic.address.login) as other:
        staff = Staff(owner, one, clinic.facility, rng)
        for _ in range(days):
            clinic.pass_days()
            await owner.execute(_MOVE_TO_FACILITY, clinic.facility)
            await staff.work(rng.randint(2, 9), clinic.today, clinic.now)
            days_down = days_down - 1 if days_down else rng.randint(1, 20) if rng.random() < 0.05 else 0
            if days_down:
                continue
            if clinic_moves and not is_working_day(clinic.today, holidays):
                await assert_nothing_is_sent(owner, one, clinic)
                continue
            facts = {
                name: await owner.fetch(query, *([clinic.facility] if "$1" in query else []))
                for name, query in FACTS.items()
            }
            since, runs = len(clinic.mail_server.taken), runs + 1
            for job in (plan, send, plan):
                await asyncio.gather(job(one, clinic), job(other, clinic))
            await assert_matches_oracle(owner, clinic, since, oracle.expected(clinic.today, facts))
    await owner.close()
    staff.taken["runs"], staff.taken["sent"] = runs, oracle.count
    return staff.taken


async def assert_nothing_is_sent(owner: Any, database: Database, clinic: Reminding) -> None:
    """Nothing is planned and sent on a weekend or a holiday of a clinic that moves to working days."""
    taken, planned = len(clinic.mail_server.taken), await owner.fetchval(_COUNT)
    await plan(database, clinic)
    await send(database, clinic)
    assert (len(clinic.mail_server.taken), await owner.fetchval(_COUNT)) == (taken, planned), clinic.today


async def plan(database: Database, clinic: Reminding) -> None:
    await plan_reminders(database, lambda: clinic.now)


async def send(database: Database, clinic: Reminding) -> None:
    await send_messages(database, lambda: clinic.now, clinic.mail_server.server)


async def assert_matches_oracle(owner: Any, clinic: Reminding, since: int, expected: Expected) -> None:
    """The sent reminders, and those that failed for want of an address, are the ones that the oracle expects."""
    failed: Expected = defaultdict(set)
    for name, listed in await owner.fetch(_FAILED, clinic.today):
        failed["", name] |= {(int(one.split()[0]), one.split()[1]) for one in listed}
    assert {**accepted_messages(clinic, since), **failed} == expected, clinic.today


def test_a_month_of_reminders_matches_the_oracle(clinic: Reminding) -> None:
    counts = asyncio.run(simulate(clinic, 30, Random(4)))  # noqa: S311 (the same month every time, no secret)
    assert all(
        counts[name] >= least for name, least in {"sent": 60, "runs": 12, "record_cheque": 5, "place_hold": 5}.items()
    ), counts


def test_a_month_of_reminders_in_a_clinic_that_moves_to_working_days_matches_the_oracle(clinic: Reminding) -> None:
    rows(clinic.address, "update clinics set moves_to_working_days = true")
    counts = asyncio.run(simulate(clinic, 30, Random(5)))  # noqa: S311 (the same month every time, no secret)
    assert counts["sent"] >= 60, counts
    assert 8 <= counts["runs"] <= 22, counts


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(3))
def test_a_year_of_reminders_matches_the_oracle(clinic: Reminding, seed: int) -> None:
    counts = asyncio.run(simulate(clinic, 365, Random(seed)))  # noqa: S311 (the same years every time, no secret)
    assert counts["runs"] > 150, counts
