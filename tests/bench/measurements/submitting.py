"""Measures a transition: submitInvoice, another pending invoice each time, against one hand-written function call."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson

from db.global_ids import make_id
from db.security.policies import role_name
from domain.access.people import Role
from domain.clinics import clinic_day
from server.database_urls import DatabaseUrls
from tests.bench.benchmark_users import BenchmarkUsers, ask
from tests.bench.cases import Case
from tests.bench.clinics import SIZES, ZONE
from tests.bench.comparisons import LIMIT, Comparison, DifferentAnswerError, Serve, our_server, tokens_of
from tests.bench.measurements.pending import Pending, as_owner, pending
from tests.bench.rounds import Comparer, MeasuredServer
from tests.bench.servers.start import Server, python, started

CASE = Case(
    "e",
    "submitInvoice over HTTP, another pending invoice each time",
    Role.BILLING,
    "mutation Submit($input: SubmitInvoiceInput!) "
    "{ submitInvoice(input: $input) { invoice { id status version } errors { message } } }",
    # 1.5 times the time, as a share of the throughput.
    1 / 1.5,
    root="submitInvoice",
)
P50_AT_MOST = 1.5
PER_SECOND_AT_LEAST = 500
_COMPARED = 20
# The same as the server does, including the event of the audit log; its notifications go to a channel without listeners, because our
# server would otherwise handle the changes of the other one.
_BY_HAND = """create or replace function submit_by_hand(clinic uuid, wanted uuid, day date, way text, today date, actor uuid,
    moment timestamptz, event uuid, request text, audit_event uuid) returns json language plpgsql security invoker as $$
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
            json_build_object('message', 'The invoice is already submitted')));
    end if;
    if day > today or day < found.created_on then
        return json_build_object('invoice', null, 'errors', json_build_array(
            json_build_object('message', 'The date is in the future')));
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
    insert into audit_pending (clinic_id, id, event_ids) values (clinic, gen_random_uuid(), array[audit_event]);
    insert into audit_events (clinic_id, id, user_id, role, operation, at, request_id, entities, fields)
    values (clinic, audit_event, actor, 'billing', 'submitInvoice', moment, request, 'in'::bytea || uuid_send(wanted),
        array['Invoice.submittedOn', 'Invoice.updatedAt', 'Invoice.version', 'InvoiceEvent.at', 'InvoiceEvent.changes',
            'InvoiceEvent.fromStatus', 'InvoiceEvent.toStatus', 'InvoiceEvent.transition']);
    return json_build_object('invoice', json_build_object(
        'id', translate(encode('in'::bytea || uuid_send(reached.id), 'base64'), '+/', '-_'),
        'status', upper(reached.status), 'version', reached.version), 'errors', '[]'::json);
end $$"""
_DROP = "drop function if exists submit_by_hand(uuid, uuid, date, text, date, uuid, timestamptz, uuid, text, uuid)"


def bodies(invoices: Pending) -> list[str]:
    """The requests: each submits another invoice."""
    named = [make_id("Invoice", identity) for identity in invoices.ids]
    # On another day the submission would be backdated, which stores more.
    today = clinic_day(datetime.now(UTC), ZONE).isoformat()
    inputs = [{"invoiceId": one, "submittedOn": today, "method": "EMAIL"} for one in named]
    return [orjson.dumps({"query": CASE.query, "variables": {"input": one}}).decode() for one in inputs]


@contextmanager
def by_hand(address: DatabaseUrls, benchmark_users: BenchmarkUsers) -> Iterator[Server]:
    """The hand-written function behind its server, while it is measured."""
    as_owner(
        address.owner, (_DROP,), (_BY_HAND,), (f"grant execute on function submit_by_hand to {role_name(CASE.role)}",)
    )
    try:
        with started(
            LIMIT, python("tests.bench.servers.by_hand", benchmark_users.order_of_limit(address, read_only=False))
        ) as server:
            yield server
    finally:
        as_owner(address.owner, (_DROP,))


def run_submitting(
    comparer: Comparer,
    address: DatabaseUrls,
    benchmark_users: BenchmarkUsers,
    count: int = SIZES.pending,
    serve: Serve = our_server,
) -> Iterator[Comparison]:
    """The transition at every concurrency: our server and the hand-written function, in turn."""
    # The function is created after the server has started: a server that migrates revokes the right to call unknown functions.
    with (
        pending(address.owner, benchmark_users.viewers[CASE.role].clinic_id, count) as invoices,
        serve(address) as ours,
        by_hand(address, benchmark_users) as limit,
    ):
        request_bodies, token = bodies(invoices), tokens_of(ours)[CASE.role]
        measured_servers = [
            MeasuredServer(limit, "/", request_bodies, fresh_records=invoices),
            MeasuredServer(ours, "/graphql", request_bodies, token, fresh_records=invoices),
        ]
        check_writes(invoices, measured_servers, comparer.pace.compared)
        for connections in comparer.pace.connections:
            yield Comparison(CASE.name, connections, comparer.compare(measured_servers, connections))


def _first_clause(answer: Any) -> Any:
    """An answer without what a refusal says about the next step, which differs between releases."""
    for error in answer["data"]["submitInvoice"]["errors"]:
        error["message"] = error["message"].split(";")[0]
    return answer


def check_writes(invoices: Pending, measured_servers: Sequence[MeasuredServer], compared: int) -> None:
    """Raise DifferentAnswerError unless the servers answer and write the same, the first time and when the invoice is submitted already."""
    for number, identity in enumerate(invoices.ids[: min(compared, _COMPARED)]):
        found = []
        for one in measured_servers:
            invoices.reset()
            answers = [_first_clause(ask(one.server.port, one.path, one.bodies[number], one.token)) for _ in range(2)]
            found.append((answers, invoices.written(identity)))
        if any(other != found[0] for other in found):
            names = " and ".join(one.server.name for one in measured_servers)
            raise DifferentAnswerError(f"{names} submit differently: {found!r:.2000}")
