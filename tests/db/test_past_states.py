"""That what an invoice was at the end of each past day is kept: by stories, by the database, and read from older histories."""

import asyncio
from importlib import import_module

import asyncpg

from server.addresses import Address
from tests.databases import rows

_BACKWARDS = import_module("db.migrations.versions.0010_invoices_as_they_were")
# The history does not tell who represented the case.
_TOLD = ", ".join(name for name in (*_BACKWARDS.CHANGES, *_BACKWARDS.STAYS) if name != "attorney_id")
_AS_OF = f"""create temp table {{}} as select day, s.* from generate_series(date '2025-01-01', date '2026-06-30', interval '11 days') day
    cross join lateral (select id, {_TOLD} from invoices where known_from <= day
        union all select invoice_id, {_TOLD} from invoice_states where known_from <= day and known_until > day) s"""
_FORGET = """delete from invoice_states; update invoices set first_submitted_on = null, known_from = created_on"""


def test_states_of_an_invoice_follow_each_other_up_to_what_it_is_now(address: Address) -> None:
    states = rows(address, "select count(*), count(distinct invoice_id) from invoice_states")[0]
    assert states[0] > states[1] > 100
    gaps = """select 1 from (select clinic_id, invoice_id, known_until, lead(known_from) over w as next from invoice_states
        window w as (partition by clinic_id, invoice_id order by known_from)) s
        join invoices i on (i.clinic_id, i.id) = (s.clinic_id, s.invoice_id) where coalesce(next, i.known_from) <> known_until"""
    assert not rows(address, gaps)
    assert not rows(address, "select 1 from invoices where known_from < created_on")


async def _told_backwards(address: Address) -> tuple[int, int, int]:
    """How many invoices there were on some days, and on how many of them either kind tells something else."""
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_AS_OF.format("kept") + ";" + _FORGET)
        for statement in (_BACKWARDS.FIRST_SUBMITTED, _BACKWARDS.TELL, _BACKWARDS.SINCE, _AS_OF.format("told")):
            await connection.execute(statement)
        missing, more = [
            await connection.fetchval(f"select count(*) from (table {one} except table {other}) d")
            for one, other in (("kept", "told"), ("told", "kept"))
        ]
        return await connection.fetchval("select count(*) from kept"), missing, more
    finally:
        await connection.close()


def test_what_older_histories_tell_is_what_was_kept_at_the_time(own_address: Address) -> None:
    found, missing, more = asyncio.run(_told_backwards(own_address))
    assert found > 5_000
    assert (missing, more) == (0, 0)
