"""Makes the invoices on which a transition is measured, and resets them to pending after each round.

Columns are read from the database's own catalogue, so that a new column needs no change here, and a database of another
commit is filled as well.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from tests.bench.comparisons import DifferentAnswerError

PREFIX = "BENCH-"
# Older than any other invoice, so that no page shows them.
CREATED_ON = "2001-02-03"
_DAY, _MOMENT = f"date '{CREATED_ON}'", f"timestamptz '{CREATED_ON} 12:00Z'"
# The columns in which the copy of an invoice differs. Other columns get their defaults; those without a default are copied.
_INVOICE = {
    **{
        name: f"i.{name}"
        for name in ("case_id", "patient_id", "payer_id", "physician_id", "facility_id", "attorney_id")
    },
    "id": "gen_random_uuid()",
    "number": "$2 || row_number() over ()",
    "billed_amount": "125",
    **dict.fromkeys(("created_on", "service_date", "responsible_since", "known_from"), _DAY),
    **dict.fromkeys(("recorded_at", "updated_at"), _MOMENT),
}
_LINE = {
    "id": "gen_random_uuid()",
    "invoice_id": "n.id",
    "position": "1",
    "units": "1",
    **dict.fromkeys(("unit_price", "amount", "price_rate"), "125"),
}
# Who owes an invoice; a database of an earlier commit has no such table.
_RESPONSIBILITY = {
    "id": "gen_random_uuid()",
    "invoice_id": "n.id",
    "payer_id": "n.payer_id",
    "number": "1",
    "reason": "'first'",
    "from_on": _DAY,
    "recorded_at": _MOMENT,
}
_CATALOGUE = """select attname as name, attnotnull and not atthasdef as is_required from pg_attribute
    where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = '' order by attnum"""
_BELOW = """select c.relname from pg_attribute a join pg_class c on c.oid = a.attrelid
    where a.attname = 'invoice_id' and not a.attisdropped and c.relkind in ('r', 'p') and not c.relispartition
    and c.relnamespace = 'public'::regnamespace order by 1"""
# For statements that change or remove the records of the measurement: triggers would write history.
_WITHOUT_TRIGGERS = "set session_replication_role = replica"
_FORGET_AUDIT = (
    "delete from audit_pending where clinic_id = $1",
    "delete from audit_events where clinic_id = $1 and operation like 'submitInvoice%'",
)
_SUBMITTED = (
    "select count(*) from invoices where clinic_id = $1 and id = any($2) and submitted_on is not null and version = 2"
)
_INVOICE_NOW = "select to_jsonb(i) - 'updated_at' from invoices i where clinic_id = $1 and id = $2"
_HISTORY = """select transition, from_status, to_status, seq, changes::jsonb, by_user_id, request_id is null as is_unnamed
    from invoice_events where clinic_id = $1 and invoice_id = $2"""
_AUDITED = """select operation, role, user_id, entities, fields, filters, row_count from audit_events e
    where e.clinic_id = $1 and operation = 'submitInvoice' and position(uuid_send($2::uuid) in entities) > 0"""


def as_owner(dsn: str, *statements: tuple[Any, ...], has_triggers: bool = False) -> list[asyncpg.Record]:
    """The rows of the last of the statements, run by the owner, as a rule without triggers."""
    return _each_as_owner(dsn, *statements, has_triggers=has_triggers)[-1]


def _each_as_owner(dsn: str, *statements: tuple[Any, ...], has_triggers: bool = False) -> list[list[asyncpg.Record]]:
    async def run() -> list[list[asyncpg.Record]]:
        connection = await asyncpg.connect(dsn)
        try:
            if not has_triggers:
                await connection.execute(_WITHOUT_TRIGGERS)
            return [await connection.fetch(*statement) for statement in statements]
        finally:
            await connection.close()

    return uvloop.run(run())


def _columns(dsn: str, table: str) -> dict[str, bool]:
    """The columns of a table that can be written, and whether each needs a value."""
    return {row["name"]: row["is_required"] for row in as_owner(dsn, (_CATALOGUE, table))}


def _values(dsn: str, table: str, own: dict[str, str], source: str) -> tuple[str, str]:
    """The columns of a copy and their values, as SQL."""
    values = {
        name: own.get(name, f"{source}.{name}")
        for name, is_required in _columns(dsn, table).items()
        if name in own or is_required
    }
    return ", ".join(values), ", ".join(values.values())


def _copying(dsn: str) -> str:
    """The statement that copies invoices of open cases: $1 the clinic, $2 how their numbers begin, $3 how many."""
    names, values = _values(dsn, "invoices", _INVOICE, "i")
    line_names, line_values = _values(dsn, "invoice_lines", _LINE, "l")
    owed_names, owed_values = _values(dsn, "responsibilities", _RESPONSIBILITY, "n")
    owed = (
        f", owed as (insert into responsibilities ({owed_names}) select {owed_values} from new n)" if owed_names else ""
    )
    return f"""with new as (
        insert into invoices ({names}) select {values}
        from (select i.* from invoices i join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id and c.status = 'open'
            where i.clinic_id = $1 order by hashtext(i.id::text) limit $3) i
        cross join generate_series(1, $3) limit $3
        returning clinic_id, id, payer_id),
    lines as (
        insert into invoice_lines ({line_names}) select {line_values}
        from new n cross join (select * from invoice_lines where clinic_id = $1 limit 1) l){owed}
    select id from new order by hashtext(id::text)"""


@dataclass(frozen=True)
class Pending:
    """Invoices to be submitted, which are reset after each round. `below` names the tables that a transition may write."""

    owner: str
    clinic_id: UUID
    ids: list[UUID]
    below: Sequence[str]
    reopen: str

    def reset(self) -> None:
        """Reset them all to pending, without history."""
        as_owner(
            self.owner,
            *(_deletion(table, self.clinic_id, self.ids) for table in self.below),
            *((statement, self.clinic_id) for statement in _FORGET_AUDIT),
            (self.reopen,),
            ("checkpoint",),
        )

    def check(self, requests: int) -> None:
        """Raise DifferentAnswerError for a round in which not every request has submitted an invoice."""
        (row,) = as_owner(self.owner, (_SUBMITTED, self.clinic_id, self.ids))
        if row[0] != requests:
            raise DifferentAnswerError(f"{requests} requests submitted {row[0]} invoices")

    def written(self, identity: UUID) -> list[Any]:
        """The rows of one invoice in every table: the invoice, its history, the audit log, and the number of rows elsewhere."""
        counts = [f"select count(*) from {table} where clinic_id = $1 and invoice_id = $2" for table in self.below]
        queries = [(query, self.clinic_id, identity) for query in (_INVOICE_NOW, _HISTORY, _AUDITED, *counts)]
        return [tuple(row) for rows in _each_as_owner(self.owner, *queries) for row in rows]


@contextmanager
def pending(owner: str, clinic_id: UUID, count: int) -> Iterator[Pending]:
    """Fresh invoices; they are removed at the end, or by the next run."""
    _tidy(owner, clinic_id)
    # The transition alone is measured: a clinic without a letterhead issues no document with it.
    kept = dict(as_owner(owner, ("select * from clinics where clinic_id = $1", clinic_id))[0])
    letterhead = [name for name in kept if name == "address" or name.startswith("physical_")]
    _set_letterhead(owner, clinic_id, dict.fromkeys(letterhead))
    try:
        # Triggers are on, because they write some columns.
        rows = as_owner(owner, (_copying(owner), clinic_id, PREFIX, count), has_triggers=True)
        ids = [row["id"] for row in rows]
        as_owner(
            owner,
            (f"create unlogged table bench_pending as select * from invoices where number like '{PREFIX}%'",),
            ("vacuum (analyze) invoices, invoice_lines, invoice_events",),
        )
        below = [table for table in _below(owner) if table not in ("invoice_lines", "responsibilities")]
        yield Pending(owner, clinic_id, ids, below, _reopening(owner))
    finally:
        _set_letterhead(owner, clinic_id, {name: kept[name] for name in letterhead})
        _tidy(owner, clinic_id)


def _set_letterhead(owner: str, clinic_id: UUID, values: dict[str, str | None]) -> None:
    assigned = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, 2))
    as_owner(owner, (f"update clinics set {assigned} where clinic_id = $1", clinic_id, *values.values()))


def _below(owner: str) -> list[str]:
    return [row["relname"] for row in as_owner(owner, (_BELOW,))]


def _reopening(owner: str) -> str:
    """The statement that resets changed invoices to their first values."""
    names = [name for name in _columns(owner, "invoices") if name not in ("clinic_id", "id")]
    return f"""update invoices i set ({", ".join(names)}) = row({", ".join(f"b.{name}" for name in names)})
        from bench_pending b where b.clinic_id = i.clinic_id and b.id = i.id and i.version > 1"""


def _deletion(table: str, clinic_id: UUID, ids: list[UUID]) -> tuple[Any, ...]:
    return f"delete from {table} where clinic_id = $1 and invoice_id = any($2)", clinic_id, ids


def _tidy(owner: str, clinic_id: UUID) -> None:
    find = "select id from invoices where clinic_id = $1 and number like $2 || '%'"
    ids = [row["id"] for row in as_owner(owner, (find, clinic_id, PREFIX))]
    as_owner(
        owner,
        *(_deletion(table, clinic_id, ids) for table in _below(owner)),
        *((statement, clinic_id) for statement in _FORGET_AUDIT),
        ("delete from invoices where clinic_id = $1 and id = any($2)", clinic_id, ids),
        ("drop table if exists bench_pending",),
    )
