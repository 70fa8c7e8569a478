"""Clinics that are older than the setting keep calendar days, and no reminder that was scheduled moves."""

import asyncio

from db.migrate import migrate
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.support.databases import rows

_BEFORE = "0035"
_ADD = "insert into clinics (clinic_id, short_name, name) values (gen_random_uuid(), $1, $1)"
_DAYS = "select id, target_date from reminders order by id"
_SETTINGS = "select short_name, moves_to_working_days from clinics order by short_name"
# A Saturday.
_ON_SATURDAY = "update reminders set target_date = '2026-07-04' where id = (select min(id::text)::uuid from reminders) returning id"


def test_nothing_moves_silently(own_address: DatabaseUrls) -> None:
    asyncio.run(migrate(own_address.owner, revision=_BEFORE))
    rows(own_address, _ADD, "earlier")
    rows(own_address, _ON_SATURDAY)
    before = rows(own_address, _DAYS)
    asyncio.run(bring_up_to_date(own_address))
    rows(own_address, _ADD, "later")
    assert [tuple(row) for row in rows(own_address, _SETTINGS)] == [
        ("demo", False),
        ("earlier", False),
        ("later", True),
    ]
    assert rows(own_address, _DAYS) == before
    assert rows(own_address, "select from reminders where moved_to is not null") == []


def test_a_downgrade_keeps_the_day_on_which_an_open_reminder_is_due(own_address: DatabaseUrls) -> None:
    [[moved]] = rows(own_address, _ON_SATURDAY)
    rows(own_address, "update reminders set moved_to = '2026-07-06', status = 'scheduled' where id = $1", moved)
    asyncio.run(migrate(own_address.owner, revision=_BEFORE))
    [[day]] = rows(own_address, "select target_date from reminders where id = $1", moved)
    assert day.isoformat() == "2026-07-06"
