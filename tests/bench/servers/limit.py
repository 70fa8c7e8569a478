"""The "limit": the same answers from hand-written SQL, served by a bare ASGI application, without GraphQL.

It enters the database as the server does (the same role, the same settings, the same commit), has prepared statements and a pool
of its own, and passes on what PostgreSQL has encoded. It reads the request's body, because every server must, and looks up no session.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from db.global_ids import read_id
from tests.bench.cases import CASES
from tests.bench.servers.bare import Application, Receive, Send, body_of, respond, run

_POOL_SIZE = 8
_SETTINGS = {"jit": "off", "timezone": "UTC", "plan_cache_mode": "force_generic_plan"}


def _id(tag: str, column: str) -> str:
    return f"translate(encode('{tag}'::bytea || uuid_send({column}), 'base64'), '+/', '-_') as id"


_FEW_SCALARS = f"""{_id("in", "i.id")}, i.number, upper(i.status) as status, i.created_on as "createdOn",
    i.service_date as "serviceDate", i.billed_amount::text as "billedAmount\""""
_SCALARS = f"""{_id("in", "i.id")}, i.number, upper(i.status) as status, i.version, i.created_on as "createdOn",
    i.service_date as "serviceDate", i.submitted_on as "submittedOn", i.paid_on as "paidOn",
    i.billed_amount::text as "billedAmount", i.agreed_amount::text as "agreedAmount",
    i.received_amount::text as "receivedAmount", i.balance::text as balance"""
_RELATED = """row_to_json(patient) as patient, row_to_json(payer) as payer, row_to_json(physician) as physician,
    row_to_json(facility) as facility"""
_NAMED = f"""
    left join lateral (select {_id("pt", "p.id")}, p.first_name || ' ' || p.last_name as name
        from patients p where p.clinic_id = $1 and p.id = i.patient_id) patient on true
    left join lateral (select {_id("py", "p.id")}, p.name
        from payers p where p.clinic_id = $1 and p.id = i.payer_id) payer on true
    left join lateral (select {_id("ph", "p.id")}, p.name
        from physicians p where p.clinic_id = $1 and p.id = i.physician_id) physician on true
    left join lateral (select {_id("fa", "f.id")}, f.name
        from facilities f where f.clinic_id = $1 and f.id = i.facility_id) facility on true"""


def _lines(columns: str) -> str:
    return f"""(select coalesce(json_agg(line), '[]') from (select {columns} from invoice_lines l
        where l.clinic_id = $1 and l.invoice_id = i.id order by l.position) line) as lines"""


_LINES = _lines('l.position, l.code as "cptCode", l.label, l.units, l.amount::text as amount')
_LINES_SEEN = _lines('l.code as "cptCode", l.label, l.units, l.bilateral, l.amount::text as amount')
_COLUMNS = """id, number, status, version, created_on, service_date, submitted_on, paid_on, billed_amount, agreed_amount,
    received_amount, balance, patient_id, payer_id, physician_id, facility_id"""
_SEEN_COLUMNS = (
    "id, number, status, created_on, service_date, billed_amount, patient_id, payer_id, physician_id, facility_id"
)
_ORDER = "order by created_on desc, id desc"
# A join does not keep the order: on a small clinic PostgreSQL uses hash joins. Where the order is kept, this costs no sort.
_STILL = "order by i.created_on desc, i.id desc"

# For each case a statement: $1 is the clinic, $2 the attorney or the invoice.
STATEMENTS = {
    "a": f"""select json_agg(q) from (select {_SCALARS}, {_RELATED}, {_LINES} from
        (select {_COLUMNS} from invoices where clinic_id = $1 {_ORDER} limit 50) i {_NAMED} {_STILL}) q""",
    "b": f"""select row_to_json(q) from (select {_SCALARS}, {_RELATED}, {_LINES} from invoices i {_NAMED}
        where i.clinic_id = $1 and i.id = $2) q""",
    "c": f"""select json_agg(q) from (select {_SCALARS} from
        (select {_COLUMNS} from invoices where clinic_id = $1 {_ORDER} limit 500) i) q""",
    "d": f"""select json_agg(q) from (select {_FEW_SCALARS}, {_RELATED}, {_LINES_SEEN} from
        (select {_SEEN_COLUMNS} from invoices where clinic_id = $1 and attorney_id = $2 and status <> 'void'
         {_ORDER} limit 50) i {_NAMED} {_STILL}) q""",
}


class Pools:
    """A connection pool per role, as in the server, and the viewers."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._dsns: dict[str, str] = order["dsns"]
        self._entering: dict[str, str] = order["entering"]
        self.clinic = UUID(order["clinic_id"])
        self.time_zone: str = order["time_zone"]
        self.attorney = UUID(order["attorney_id"])
        self.user = UUID(order["user_id"])
        self._pools: dict[str, asyncpg.Pool] = {}

    async def open(self) -> None:
        """Open the pools."""
        for role, dsn in self._dsns.items():
            self._pools[role] = await asyncpg.create_pool(
                dsn,
                min_size=_POOL_SIZE,
                max_size=_POOL_SIZE,
                server_settings=_SETTINGS,
                max_cached_statement_lifetime=0,
                init=_prepare,
                reset=_keep,
            )

    async def close(self) -> None:
        """Close the pools."""
        for pool in self._pools.values():
            await pool.close()

    @asynccontextmanager
    async def entered(self, role: str) -> AsyncIterator[Any]:
        """A transaction of a role, entered and committed as the server does it."""
        async with self._pools[role].acquire() as connection:
            await connection.execute(self._entering[role])
            yield connection
            await connection.execute("commit")


class _Limit(Pools):
    """The endpoints /a to /d."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        body = await body_of(receive)
        name = scope["path"][1:]
        case = CASES[name]
        values = [self.clinic]
        if case.has_id:
            values.append(_identity(body))
        elif name == "d":
            values.append(self.attorney)
        async with self.entered(case.role) as connection:
            found = await connection.fetchval(STATEMENTS[name], *values)
        await respond(
            send, b'{"data":{"invoice":%b}}' % found if case.has_id else b'{"data":{"invoices":{"nodes":%b}}}' % found
        )


def _identity(body: bytes) -> UUID:
    found = read_id(orjson.loads(body)["variables"]["id"])
    assert found is not None
    return found[1]


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=lambda value: value, decoder=bytes, format="binary"
    )


async def _keep(connection: asyncpg.Connection) -> None:
    """Nothing to reset, as in the server."""


if __name__ == "__main__":
    limit = _Limit(orjson.loads(sys.argv[1]))
    run(Application(limit, limit.open, limit.close))
