"""Day after day, whatever staff do and however long workers are away, every message that is asked for goes out once, and no other."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import asyncpg
import pytest

from db.pools import Database
from resolvers.message_delivery import send_messages
from resolvers.reminder_plan import plan_reminders
from server.addresses import Address
from tests.databases import rows
from tests.mail.reminder_oracle import FACTS, Expected, Oracle
from tests.mail.reminding import LEAD, Reminding, level, numbers, reminding_over
from tests.mail.staff import Staff

_TAKE = """update invoices set facility_id = $1 where id in (select id from invoices where status like 'pending%'
    and facility_id <> $1 order by md5(number)
    limit greatest(0, 60 - (select count(*) from invoices where facility_id = $1 and status like 'pending%')))"""
_FAILED = """select coalesce(p.name, ''), array_agg(l.level || ' ' || i.number) from outbound_messages m
    join message_invoices l on l.message_id = m.id join invoices i on i.id = l.invoice_id join payers p on p.id = i.payer_id
    where m.status = 'failed' and m.due_on = $1 group by m.id, p.name"""
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
def clinic(own_address: Address) -> Iterator[Reminding]:
    with reminding_over(own_address) as reminding:
        rows(own_address, "update users set email = $1 where role = 'admin'", LEAD)
        reminding.policy(*ORDINARY)
        reminding.policy(*INSURANCE, kind="insurance")
        yield reminding


def letters(clinic: Reminding, since: int) -> Expected:
    """What the mail server has taken, as the oracle says it; two letters to the same people on one day would be two times the same."""
    found: Expected = defaultdict(set)
    for to, text in clinic.office.texts()[since:]:
        addresses = (to[0], to[1] if to[1:] else "")
        assert addresses not in found, "two messages on one day"
        listed = [(int(words.removeprefix("Level ")), number) for words, number in numbers([(to, text)])]
        assert len(listed) == len(set(listed)), "an invoice twice"
        found[addresses] = set(listed)
    return found


async def live(clinic: Reminding, days: int, dice: Random) -> Counter[str]:
    """So many days with staff, two workers who are away now and then, and an oracle that is asked each time they come."""
    owner = await asyncpg.connect(clinic.address.owner)
    oracle, away, runs = Oracle([("insurance", INSURANCE), (None, ORDINARY)], LEAD), 0, 0
    async with Database(clinic.address.login) as one, Database(clinic.address.login) as other:
        staff = Staff(owner, one, clinic.facility, dice)
        for _ in range(days):
            clinic.pass_days()
            await owner.execute(_TAKE, clinic.facility)
            await staff.work(dice.randint(2, 9), clinic.today, clinic.now)
            away = away - 1 if away else dice.randint(1, 20) if dice.random() < 0.05 else 0
            if away:
                continue
            facts = {
                name: await owner.fetch(query, *([clinic.facility] if "$1" in query else []))
                for name, query in FACTS.items()
            }
            since, runs = len(clinic.office.taken), runs + 1
            for job in (plan, send, plan):
                await asyncio.gather(job(one, clinic), job(other, clinic))
            await agree(owner, clinic, since, oracle.expected(clinic.today, facts))
    await owner.close()
    staff.taken["runs"], staff.taken["sent"] = runs, len(oracle.sent)
    return staff.taken


async def plan(database: Database, clinic: Reminding) -> None:
    await plan_reminders(database, lambda: clinic.now)


async def send(database: Database, clinic: Reminding) -> None:
    await send_messages(database, lambda: clinic.now, clinic.office.server)


async def agree(owner: Any, clinic: Reminding, since: int, expected: Expected) -> None:
    """That what went out, and what could not for want of an address, is what the oracle expects."""
    failed: Expected = defaultdict(set)
    for name, listed in await owner.fetch(_FAILED, clinic.today):
        failed["", name] |= {(int(one.split()[0]), one.split()[1]) for one in listed}
    assert {**letters(clinic, since), **failed} == expected, clinic.today


def test_a_month(clinic: Reminding) -> None:
    done = asyncio.run(live(clinic, 30, Random(4)))  # noqa: S311 (the same month every time, no secret)
    assert all(
        done[what] >= least for what, least in {"sent": 60, "runs": 12, "record_cheque": 5, "place_hold": 5}.items()
    ), done


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(3))
def test_a_year(clinic: Reminding, seed: int) -> None:
    done = asyncio.run(live(clinic, 365, Random(seed)))  # noqa: S311 (the same years every time, no secret)
    assert done["runs"] > 150, done
