"""A reminder policy that is saved at the same time as one of its templates uses the template's new version, in either order."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import asyncpg

from server.database_urls import DatabaseUrls
from tests.api.reminders.test_reminder_policies import GOOD, POLICY, TEMPLATE, level, policy
from tests.support.api.mutations import done
from tests.support.api.records import Found
from tests.support.client import Client
from tests.support.databases import rows

_LOOKS = 200
_WAITING = "select 1 from pg_locks where locktype = 'advisory' and not granted"
# The statements that save a template, in a transaction that stays open for a while.
_SAVED_SLOWLY = (
    "select pg_advisory_xact_lock(hashtextextended(clinic_id::text || name, 0)) from reminder_templates where name = 'At once'",
    """insert into reminder_templates (clinic_id, id, name, version, subject, body)
        select clinic_id, gen_random_uuid(), name, 2, subject, body from reminder_templates where name = 'At once'""",
    """update reminder_levels set template_id = (select id from reminder_templates where name = 'At once' and version = 2)
        where template_id in (select id from reminder_templates where name = 'At once')""",
)


def _save_both(address: DatabaseUrls, saving: Any) -> Any:
    """The result of saving a policy that begins before a template's transaction ends and could commit first."""

    async def hold() -> None:
        connection = await asyncpg.connect(address.owner)
        try:
            async with connection.transaction():
                for statement in _SAVED_SLOWLY:
                    await connection.execute(statement)
                begun.append(pool.submit(saving))
                # Until it waits for the open transaction, or has committed.
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


def test_no_level_keeps_an_older_version(address: DatabaseUrls, billing: Client, found: Found) -> None:
    first = done(billing, "saveReminderTemplate", TEMPLATE, **{**GOOD, "name": "At once"})
    named = policy(found, level(found, reminderTemplateId=first["id"]), name="At once")
    made = _save_both(address, lambda: done(billing, "saveReminderPolicy", POLICY, **named))
    assert made["levels"][0]["template"]["version"] == 2
    kept = rows(
        address,
        "select t.version from reminder_levels l join reminder_templates t on t.id = l.template_id where t.name = 'At once'",
    )
    assert [row["version"] for row in kept] == [2]
