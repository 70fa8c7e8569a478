"""That a history built in memory has the rows that the commands of the mutations write for the same events."""

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.pools import Database
from db.verify import find_breaches
from domain.billing.transitions import TRANSITIONS
from domain.records.addresses import columns_of
from imports.demo.seeded_random import SeededRandom
from server.database_urls import DatabaseUrls
from tests.imports.history.both_ways import KNOWN, BothWays, Setting
from tests.support.databases import rows
from tests.support.owner_connection import ask

_SETTING = """select c.clinic_id, u.id as user_id, array_agg(p.id order by p.name) as payers, k.patient_id, k.attorney_id
    from clinics c join users u on u.clinic_id = c.clinic_id and u.role = 'admin' join payers p on p.clinic_id = c.clinic_id
        and p.patient_id is null
    join (select clinic_id, patient_id, attorney_id from cases where attorney_id is not null order by id limit 1) k
        on k.clinic_id = c.clinic_id
    where p.retired_at is null group by 1, 2, 4, 5"""
# Of each invoice: what must be equal, without ids, numbers and the time of day.
_ROWS = {
    "invoices": """select to_jsonb(i) - '{id,number,external_key,case_id,updated_at,recorded_at}'::text[] as found
        from invoices i where id = $1""",
    "invoice_states": """select to_jsonb(s) - '{invoice_id,case_id}'::text[] as found from invoice_states s where invoice_id = $1
        order by known_from""",
    # An agreement that lapses or revives with a cheque is in the name of who recorded it; in memory, of nobody.
    "invoice_events": """select to_jsonb(e) - '{id,invoice_id,at,recorded_at,request_id,by_user_id}'::text[] as found, at::date,
        recorded_at::date, case when transition not in ('lapse_agreement', 'revive_agreement') then by_user_id end as by_user
        from invoice_events e where invoice_id = $1 order by seq""",
    "reduction_offers": """select to_jsonb(o) - '{id,invoice_id,made_at,recorded_at}'::text[] as found, made_at::date
        from reduction_offers o where invoice_id = $1 order by round""",
    "denials": """select to_jsonb(d) - '{id,invoice_id,recorded_at}'::text[] as found, recorded_at::date from denials d
        where invoice_id = $1 order by recorded_at, id""",
    **{
        table: f"""select to_jsonb(f) - '{{id,invoice_id,recorded_at,ended_at,decided_by,note,document_id}}'::text[] as found,
            recorded_at::date from {table} f where invoice_id = $1 order by number"""
        for table in ("responsibilities", "agreements", "invoice_adjustments", "write_offs")
    },
    "late_facts": """select to_jsonb(l) - '{id,invoice_id,recorded_at}'::text[] as found, recorded_at::date from late_facts l
        where invoice_id = $1 order by seq, fact_on, decision""",
    "cheque_allocations": """select a.amount, a.effective_on, a.reverses_id is not null as is_reversal, a.recorded_at::date, c.amount as cheque,
        c.received_on, c.returned_on from cheque_allocations a join cheques c on c.id = a.cheque_id where a.invoice_id = $1
        order by a.recorded_at, a.reverses_id is not null, a.amount, c.amount""",
}

# The agreements that commands revived, because money was recorded late that was received in time.
_REVIVED = """select count(*) from invoice_events e join invoices i on i.id = e.invoice_id
    where i.number like 'BOTH-B%' and e.transition = 'revive_agreement'"""


def _rows_of(address: DatabaseUrls, invoice: UUID) -> dict[tuple[str, int, str], Any]:
    """Each value of each row, by table, place and column."""
    found = dict[tuple[str, int, str], Any]()
    for table, query in _ROWS.items():
        for place, row in enumerate(rows(address, query, invoice)):
            values = dict(row) | json.loads(dict(row).pop("found", "{}"))
            found |= {(table, place, column): value for column, value in values.items() if column != "found"}
    return found


async def _run(address: DatabaseUrls, histories: range) -> tuple[Counter[str], Counter[str], list[tuple[UUID, UUID]]]:
    applied, rejected, pairs = Counter[str](), Counter[str](), []
    owner = await asyncpg.connect(address.owner)
    try:
        setting = Setting(**dict(await owner.fetchrow(_SETTING) or {}))
        async with Database(address.login) as database:
            for number in histories:
                one = BothWays(owner, database, setting, SeededRandom(number), number, applied, rejected)
                pairs.append(await one.run(events=20))
    finally:
        await owner.close()
    return applied, rejected, pairs


def _compare(address: DatabaseUrls, histories: range) -> tuple[Counter[str], Counter[str]]:
    """The histories of a range by both ways; how often each transition was applied and rejected."""
    # Without a letterhead no command issues a document, of which the histories of former systems know nothing.
    rows(
        address, f"update clinics set address = null, {', '.join(f'{name} = null' for name in columns_of('physical'))}"
    )
    before = _breaches(address)
    applied, rejected, pairs = asyncio.run(_run(address, histories))
    found = dict[int, dict[Any, Any]]()
    for number, (live, built) in zip(histories, pairs, strict=True):
        by_command, by_builder = _rows_of(address, live), _rows_of(address, built)
        differing = {key for key in by_command.keys() | by_builder if by_command.get(key) != by_builder.get(key)}
        if differing:
            found[number] = {key: (by_command.get(key), by_builder.get(key)) for key in differing}
    assert found == {}, "the rows of these seeds differ"
    assert _breaches(address) == before
    return applied, rejected


def _breaches(address: DatabaseUrls) -> list[str]:
    return [breach.law.words for breach in ask(address.owner, find_breaches)]


def test_random_histories_have_the_same_rows_by_commands_and_by_the_builder(own_address: DatabaseUrls) -> None:
    applied, rejected = _compare(own_address, range(65, 130))
    assert applied.total() > 350
    assert rejected.total() > 50
    [[revived]] = rows(own_address, _REVIVED)
    assert revived > 0


@pytest.mark.prove
def test_every_transition_of_a_thousand_histories_has_the_same_rows(own_address: DatabaseUrls) -> None:
    applied, rejected = _compare(own_address, range(1000))
    assert set(applied) == set(rejected) == {*KNOWN, "lapse_agreement"} <= {row.name for row in TRANSITIONS}
