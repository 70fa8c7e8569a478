"""Decides how a transition is measured: submitInvoice, another pending invoice each time, against one hand-written function call."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvloop

from db.identity import make_id
from db.security import role_name
from domain.people import Role
from server.addresses import Address
from tests.bench.cases import CONCURRENCIES, Case
from tests.bench.contests import LIMIT, Contest, DifferentAnswerError, our_server, tokens_of
from tests.bench.rounds import Arena, Entrant
from tests.bench.servers import Server, python, started
from tests.bench.viewers import Asker, ask

CASE = Case(
    "e",
    "submitInvoice over HTTP, another pending invoice each time",
    Role.BILLING,
    "mutation Submit($input: SubmitInvoiceInput!) "
    "{ submitInvoice(input: $input) { invoice { id status version } errors { message } } }",
    # What 1.6 times the time is in throughput.
    1 / 1.6,
    root="submitInvoice",
)
P50_AT_MOST = 1.6
PER_SECOND_AT_LEAST = 300
# More than any server submits in one round.
PREPARED = 5_000
_COMPARED = 20
_PREFIX = "BENCH-"
# The same as the server does, the event of the audit trail included; on a channel that nobody hears: our server would else be
# busy with what the other one submits.
_BY_HAND = """create or replace function submit_by_hand(clinic uuid, wanted uuid, day date, way text, today date, actor uuid,
    moment timestamptz, event uuid, request text, trail uuid) returns json language plpgsql security invoker as $$
declare
    found record;
    reached record;
begin
    select id, status, version, created_on, billed_amount, submitted_on, submission_method into found
        from invoices where clinic_id = clinic and id = wanted for update;
    if found is null then
        return json_build_object('invoice', null, 'errors', json_build_array(
            json_build_object('message', 'There is no such invoice')));
    end if;
    if found.status <> 'pending_invoice' or found.submitted_on is not null or found.billed_amount <= 0
        or not exists (select from invoice_lines l where l.clinic_id = clinic and l.invoice_id = wanted) then
        return json_build_object('invoice', null, 'errors', json_build_array(
            json_build_object('message', 'The invoice is submitted already')));
    end if;
    if day > today or day < found.created_on then
        return json_build_object('invoice', null, 'errors', json_build_array(
            json_build_object('message', 'This day has not come yet')));
    end if;
    update invoices set submitted_on = day, submission_method = way, version = found.version + 1, updated_at = moment
        where clinic_id = clinic and id = wanted returning id, status, version into reached;
    insert into invoice_events (clinic_id, id, recorded_at, invoice_id, seq, at, by_user_id, transition, from_status, to_status,
        changes, request_id)
    values (clinic, event, moment, wanted,
        (select coalesce(max(e.seq), 0) + 1 from invoice_events e where e.clinic_id = clinic and e.invoice_id = wanted),
        moment, actor, 'submit_invoice', found.status, reached.status,
        json_build_array(
            json_build_object('field', 'submittedOn', 'before', found.submitted_on, 'after', day),
            json_build_object('field', 'submissionMethod', 'before', found.submission_method, 'after', way)),
        request);
    perform pg_notify('submitted_by_hand', json_build_object('clinic', clinic, 'invoice', wanted,
        'columns', json_build_array('submission_method', 'submitted_on', 'version'))::text);
    insert into audit_pending (clinic_id, id, event_ids) values (clinic, gen_random_uuid(), array[trail]);
    insert into audit_events (clinic_id, id, user_id, role, operation, at, request_id, entities, fields)
    values (clinic, trail, actor, 'billing', 'submitInvoice', moment, request, 'in'::bytea || uuid_send(wanted),
        array['Invoice.submittedOn', 'Invoice.updatedAt', 'Invoice.version', 'InvoiceEvent.at', 'InvoiceEvent.changes',
            'InvoiceEvent.fromStatus', 'InvoiceEvent.toStatus', 'InvoiceEvent.transition']);
    return json_build_object('invoice', json_build_object(
        'id', translate(encode('in'::bytea || uuid_send(reached.id), 'base64'), '+/', '-_'),
        'status', upper(reached.status), 'version', reached.version), 'errors', '[]'::json);
end $$"""
_DROP = ("drop function if exists submit_by_hand(uuid, uuid, date, text, date, uuid, timestamptz, uuid, text, uuid)",)
# Copies of invoices of open cases; as old as nothing else, so that no page shows them.
_PREPARE = """with copied as (
        insert into invoices (clinic_id, id, number, case_id, patient_id, payer_id, physician_id, facility_id, created_on,
            service_date, billed_amount, updated_at, recorded_at)
        select i.clinic_id, gen_random_uuid(), $2 || row_number() over (), i.case_id, i.patient_id, i.payer_id, i.physician_id,
            i.facility_id, date '2001-02-03', date '2001-02-03', 125, now(), now()
        from (select i.* from invoices i join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id and c.status = 'open'
            where i.clinic_id = $1 order by hashtext(i.id::text) limit $3) i
        cross join generate_series(1, 10) limit $3
        returning clinic_id, id),
    lines as (
        insert into invoice_lines (clinic_id, id, invoice_id, position, code, label, units, unit_price, amount, price_source,
            price_rate)
        select l.clinic_id, gen_random_uuid(), copied.id, 1, l.code, l.label, 1, 125, 125, l.price_source, 125
        from copied cross join (select * from invoice_lines where clinic_id = $1 limit 1) l)
    select id from copied order by hashtext(id::text)"""
_FIND = "select id from invoices where clinic_id = $1 and number like $2 || '%'"
# History is kept by a trigger; here its owner takes back what was only for measuring.
_AS_OWNER = "set session_replication_role = replica"
_FORGET = "delete from invoice_events where clinic_id = $1 and invoice_id = any($2)"
_FORGET_TRAIL = (
    "delete from audit_pending where clinic_id = $1",
    "delete from audit_events where clinic_id = $1 and operation like 'submitInvoice%'",
)
_REOPEN = """update invoices set submitted_on = null, submission_method = null, version = 1
    where clinic_id = $1 and id = any($2) and version > 1"""
_SUBMITTED = (
    "select count(*) from invoices where clinic_id = $1 and id = any($2) and submitted_on is not null and version = 2"
)
_TOLD = """select transition, from_status, to_status, seq, changes::jsonb, by_user_id, request_id is null as is_unnamed
    from invoice_events where clinic_id = $1 and invoice_id = $2"""
_TRAIL = """select operation, role, user_id, entities, fields, filters, row_count from audit_events e
    where e.clinic_id = $1 and operation = 'submitInvoice' and position(uuid_send($2::uuid) in entities) > 0"""


@dataclass(frozen=True)
class Pending:
    """Invoices that wait to be submitted, and do so again after each round."""

    owner: str
    clinic_id: UUID
    ids: list[UUID]

    def bodies(self) -> list[str]:
        """The requests: each submits another invoice."""
        named = [make_id("Invoice", identity) for identity in self.ids]
        said = [{"invoiceId": one, "submittedOn": "2001-02-05", "method": "EMAIL"} for one in named]
        return [orjson.dumps({"query": CASE.query, "variables": {"input": one}}).decode() for one in said]

    def reset(self) -> None:
        """Have them all wait again."""
        trail = [(statement, self.clinic_id) for statement in _FORGET_TRAIL]
        _owner(
            self.owner,
            (_FORGET, self.clinic_id, self.ids),
            *trail,
            (_REOPEN, self.clinic_id, self.ids),
            ("checkpoint",),
        )

    def check(self, requests: int) -> None:
        """Refuse a round in which not every request has submitted an invoice."""
        (row,) = _owner(self.owner, (_SUBMITTED, self.clinic_id, self.ids))
        if row[0] != requests:
            raise DifferentAnswerError(f"{requests} requests submitted {row[0]} invoices")

    def told(self, identity: UUID) -> list[Any]:
        """What the history and the audit trail say of one."""
        rows = [
            *_owner(self.owner, (_TOLD, self.clinic_id, identity)),
            *_owner(self.owner, (_TRAIL, self.clinic_id, identity)),
        ]
        return [tuple(row) for row in rows]


def _owner(dsn: str, *statements: tuple[Any, ...]) -> list[asyncpg.Record]:
    """What the last of the statements finds, run by the owner with triggers off."""

    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(_AS_OWNER)
            found = [await connection.fetch(*statement) for statement in statements]
        finally:
            await connection.close()
        return found[-1]

    return uvloop.run(run())


@contextmanager
def pending(address: Address, asker: Asker) -> Iterator[Pending]:
    """Fresh invoices and the hand-written function; both are taken away at the end, or by the next run."""
    clinic_id = asker.viewers[CASE.role].clinic_id
    _tidy(address, clinic_id)
    try:
        rows = _owner(address.owner, (_BY_HAND,), (_PREPARE, clinic_id, _PREFIX, PREPARED))
        _owner(
            address.owner,
            (f"grant execute on function submit_by_hand to {role_name(CASE.role)}",),
            ("vacuum (analyze) invoices, invoice_lines, invoice_events",),
        )
        yield Pending(address.owner, clinic_id, [row["id"] for row in rows])
    finally:
        _tidy(address, clinic_id)


def _tidy(address: Address, clinic_id: UUID) -> None:
    ids = [row["id"] for row in _owner(address.owner, (_FIND, clinic_id, _PREFIX))]
    below = [
        (f"delete from {table} where clinic_id = $1 and invoice_id = any($2)", clinic_id, ids)
        for table in ("invoice_events", "invoice_lines")
    ]
    whole = ("delete from invoices where clinic_id = $1 and id = any($2)", clinic_id, ids)
    _owner(address.owner, *below, whole, _DROP)


def run_submitting(arena: Arena, address: Address, asker: Asker) -> Iterator[Contest]:
    """The transition at every concurrency: our server and the hand-written function, in turn."""
    order = asker.order_of_limit(address, read_only=False)
    with (
        pending(address, asker) as invoices,
        our_server(address) as ours,
        started(LIMIT, python("tests.bench.by_hand", order)) as limit,
    ):
        bodies, token = invoices.bodies(), tokens_of(ours)[CASE.role]
        _check_same(invoices, bodies, ours, token, limit)
        entrants = [
            Entrant(limit, "/", bodies, ground=invoices),
            Entrant(ours, "/graphql", bodies, token, ground=invoices),
        ]
        for connections in CONCURRENCIES:
            yield Contest(CASE.name, connections, arena.compare(entrants, connections))


def _check_same(invoices: Pending, bodies: list[str], ours: Server, token: str, limit: Server) -> None:
    """Refuse two servers that do not answer and write the same, the first time and when the invoice is submitted already."""
    for body, identity in list(zip(bodies, invoices.ids, strict=True))[:_COMPARED]:
        found = []
        for server, path, held in ((ours, "/graphql", token), (limit, "/", "")):
            invoices.reset()
            answers = [ask(server.port, path, body, held) for _ in range(2)]
            found.append((answers, invoices.told(identity)))
        if found[0] != found[1]:
            raise DifferentAnswerError(f"{ours.name} and {limit.name} submit differently: {found!r:.2000}")
