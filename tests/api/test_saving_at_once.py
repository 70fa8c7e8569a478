"""A policy that is saved while one of its templates gets another version uses that version, whoever is done first."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import asyncpg

from server.addresses import Address
from tests.api.records import Found
from tests.api.steps import done
from tests.api.test_reminder_policies import GOOD, POLICY, TEMPLATE, level, policy
from tests.client import Client
from tests.databases import rows

_LOOKS = 200
_WAITING = "select 1 from pg_locks where locktype = 'advisory' and not granted"
# What saving a template does, by somebody who takes a while to be done with it.
_SAVED_SLOWLY = (
    "select pg_advisory_xact_lock(hashtextextended(clinic_id::text || name, 0)) from reminder_templates where name = 'At once'",
    """insert into reminder_templates (clinic_id, id, name, version, subject, body)
        select clinic_id, gen_random_uuid(), name, 2, subject, body from reminder_templates where name = 'At once'""",
    """update reminder_levels set template_id = (select id from reminder_templates where name = 'At once' and version = 2)
        where template_id in (select id from reminder_templates where name = 'At once')""",
)


def _save_both(address: Address, saving: Any) -> Any:
    """What comes of saving a policy that begins before a template is saved and could be done first."""

    async def hold() -> None:
        connection = await asyncpg.connect(address.owner)
        try:
            async with connection.transaction():
                for statement in _SAVED_SLOWLY:
                    await connection.execute(statement)
                begun.append(pool.submit(saving))
                # Until it waits for what is not done yet, or is done itself.
                for _ in range(_LOOKS):
                    if begun[0].done() or await connection.fetchval(_WAITING):
                        break
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()

    begun: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as pool:
        asyncio.run(hold())
        return begun[0].result(20)


def test_no_level_is_left_with_an_older_version(address: Address, billing: Client, found: Found) -> None:
    first = done(billing, "saveReminderTemplate", TEMPLATE, **{**GOOD, "name": "At once"})
    named = policy(found, level(found, reminderTemplateId=first["id"]), name="At once")
    made = _save_both(address, lambda: done(billing, "saveReminderPolicy", POLICY, **named))
    assert made["levels"][0]["template"]["version"] == 2
    kept = rows(
        address,
        "select t.version from reminder_levels l join reminder_templates t on t.id = l.template_id where t.name = 'At once'",
    )
    assert [row["version"] for row in kept] == [2]
