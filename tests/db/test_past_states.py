"""The state of an invoice at the end of each past day is kept by the database, and reconstructed from older histories."""

import asyncio
from importlib import import_module

import asyncpg

from server.database_urls import DatabaseUrls
from tests.support.databases import rows

_BACKWARDS = import_module("db.migrations.versions.0010_invoices_as_they_were")
# The history does not record the attorney of the case.
_RECONSTRUCTED_COLUMNS = ", ".join(name for name in (*_BACKWARDS.CHANGES, *_BACKWARDS.STAYS) if name != "attorney_id")
_AS_OF = f"""create temp table {{}} as select day, s.* from generate_series(date '2025-01-01', date '2026-06-30', interval '11 days') day
    cross join lateral (select id, {_RECONSTRUCTED_COLUMNS} from invoices where known_from <= day
        union all select invoice_id, {_RECONSTRUCTED_COLUMNS} from invoice_states where known_from <= day and known_until > day) s"""
_FORGET = """delete from invoice_states; update invoices set first_submitted_on = null, known_from = created_on"""


def test_the_past_states_of_an_invoice_follow_each_other_up_to_the_current_one(address: DatabaseUrls) -> None:
    states = rows(address, "select count(*), count(distinct invoice_id) from invoice_states")[0]
    assert states[0] > states[1] > 100
    gaps = """select 1 from (select clinic_id, invoice_id, known_until, lead(known_from) over w as next from invoice_states
        window w as (partition by clinic_id, invoice_id order by known_from)) s
        join invoices i on (i.clinic_id, i.id) = (s.clinic_id, s.invoice_id) where coalesce(next, i.known_from) <> known_until"""
    assert not rows(address, gaps)
    assert not rows(address, "select 1 from invoices where known_from < created_on")


async def _compare_reconstructed(address: DatabaseUrls) -> tuple[int, int, int]:
    """The number of invoices on some days, and the numbers of differences between kept and reconstructed states, both ways."""
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_AS_OF.format("kept") + ";" + _FORGET)
        for statement in (
            _BACKWARDS.FIRST_SUBMITTED,
            _BACKWARDS.TELL,
            _BACKWARDS.SINCE,
            _AS_OF.format("reconstructed"),
        ):
            await connection.execute(statement)
        missing, more = [
            await connection.fetchval(f"select count(*) from (table {one} except table {other}) d")
            for one, other in (("kept", "reconstructed"), ("reconstructed", "kept"))
        ]
        return await connection.fetchval("select count(*) from kept"), missing, more
    finally:
        await connection.close()


def test_states_reconstructed_from_older_histories_equal_the_kept_ones(own_address: DatabaseUrls) -> None:
    found, missing, more = asyncio.run(_compare_reconstructed(own_address))
    assert found > 5_000
    assert (missing, more) == (0, 0)
