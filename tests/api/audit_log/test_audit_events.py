"""The audit log records which user read or changed what: an event for every operation, with the ids of its records and no values."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from graphql import GraphQLObjectType, get_named_type

from db.audit.entity_ids import ENTITIES, IMPLIED
from db.audit.log_writer import AuditLogFullError, AuditLogWriter
from db.global_ids import TAGS, make_id, read_id
from db.pools import Database
from domain.access.people import Role
from domain.audit import AuditEvent
from domain.errors import UNAVAILABLE
from domain.ids import new_id
from resolvers.commands.auditing import chain_audit_logs
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from server.execution.graphql_executor import public_error
from tests.conftest import SignIn
from tests.support.api.mutations import document
from tests.support.api.records import Found
from tests.support.api.scenarios import INVOICE, Clinic
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.oracle.oracle import answer_sources
from tests.support.oracle.random_documents import random_document

ADMIN = role_schemas()[Role.ADMIN]
assert ADMIN.query_type
_PATIENCE_SECONDS = 10
_NEWEST = """select e.*, u.email from audit_events e left join users u on (u.clinic_id, u.id) = (e.clinic_id, e.user_id)
    where e.request_id = $1 order by e.id"""


def events_of(address: DatabaseUrls, request_id: str) -> list[asyncpg.Record]:
    """The audit events of a request, as soon as there are some."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = rows(address, _NEWEST, request_id)
        if found:
            return found
        time.sleep(0.1)
    return []


def event_of(address: DatabaseUrls, client: Client, query: str, **variables: Any) -> tuple[Any, asyncpg.Record]:
    """The answer of a document, and the one audit event that it leaves."""
    response = client.post(query, **variables)
    answer = response.json()
    assert "errors" not in answer, answer
    [event] = events_of(address, response.headers["x-request-id"])
    return answer["data"], event


def names_in(entities: bytes) -> set[str]:
    """The global ids that an event names."""
    ids = [read_bytes(entities[place : place + 18]) for place in range(0, len(entities), 18)]
    assert len(ids) == len(set(ids))
    return set(ids)


def read_bytes(name: bytes) -> str:
    tags = {tag: kind for kind, tag in TAGS.items()}
    return make_id(tags[name[:2].decode()], UUID(bytes=name[2:]))


def test_an_event_is_identified_by_its_moment(address: DatabaseUrls, admin: Client) -> None:
    _, event = event_of(address, admin, "{ invoices(first: 1) { nodes { id } } }")
    assert event["id"].version == 7
    assert abs(event["at"].timestamp() - event["id"].int / 2**80 / 1000) < 0.002


def subjects_in(data: Any, parent: str, of: GraphQLObjectType) -> set[str]:
    """The ids, in an answer whose response keys are field names, of the records that the audit log names where they stand."""
    found: set[str] = set()
    for key, value in data.items():
        if key == "__typename":
            continue
        target = get_named_type(of.fields[key].type)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and isinstance(target, GraphQLObjectType):
                if target.name in ENTITIES and (of.name, key) not in IMPLIED:
                    found.add(item["id"])
                found |= subjects_in(item, of.name, target)
    return found


NESTED = (
    "{ invoices(first: 7) { nodes { id case { id invoices(first: 2) { nodes { id } } } patient { id } cheques { cheque { id } } } } }",
    "{ payers(first: 5) { edges { node { id invoices(first: 3) { nodes { id encounter { id } } } } } } }",
    "{ patients(first: 5) { nodes { id cases { nodes { id invoices { edges { node { id } } } } } } } }",
    "{ cases(first: 5) { nodes { id patient { id cases { nodes { id } } } } } }",
)


@pytest.mark.parametrize("query", NESTED)
def test_the_event_names_the_records_of_the_answer_and_no_others(
    address: DatabaseUrls, admin: Client, query: str
) -> None:
    data, event = event_of(address, admin, query)
    assert ADMIN.query_type
    assert names_in(event["entities"]) == subjects_in(data, "Query", ADMIN.query_type) != set()


def test_aliases_fragments_and_backward_pages_do_not_change_what_an_event_names(
    address: DatabaseUrls, admin: Client
) -> None:
    query = """query Anything { a: invoices(last: 3, filter: {denied: false}) { pageInfo { hasPreviousPage } b: nodes { ...I } }
        c: payers(first: 1) { nodes { d: invoices(first: 1) { e: edges { f: node { ...I } } } g: id } } } fragment I on Invoice { x: id }"""
    data, event = event_of(address, admin, query)
    expected = {node["x"] for node in data["a"]["b"]}
    for payer in data["c"]["nodes"]:
        expected |= {payer["g"], *(edge["f"]["x"] for edge in payer["d"]["e"])}
    assert names_in(event["entities"]) == expected
    assert event["operation"] == "invoices payers"
    assert event["filters"] == ["InvoiceFilter.denied"]


def test_an_event_names_the_invoices_that_a_cheque_pays_even_if_they_are_not_selected(
    address: DatabaseUrls, admin: Client
) -> None:
    [[invoice]] = rows(address, "select invoice_id from cheque_allocations limit 1")
    query = "query ($id: ID!) { invoice(id: $id) { cheques { cheque { allocations { amount } } } } }"
    _, event = event_of(address, admin, query, id=make_id("Invoice", invoice))
    paid = rows(
        address,
        """select distinct b.cheque_id, b.invoice_id from cheque_allocations a join cheque_allocations b
        using (clinic_id, cheque_id) where a.invoice_id = $1""",
        invoice,
    )
    named = {make_id("Cheque", row[0]) for row in paid} | {make_id("Invoice", row[1]) for row in paid}
    assert names_in(event["entities"]) == named


def test_an_event_names_only_fields_that_some_role_cannot_see(address: DatabaseUrls, billing: Client) -> None:
    query = "{ invoices(first: 1) { nodes { id number status billedAmount balance patient { name } negotiation { floorAmount } } } }"
    _, event = event_of(address, billing, query)
    assert event["fields"] == [
        "Invoice.balance",
        "Invoice.negotiation",
        "Negotiation.floorAmount",
        "Patient.name",
    ]


def test_a_count_is_logged_with_its_filter_and_names_no_record(address: DatabaseUrls, billing: Client) -> None:
    data, event = event_of(address, billing, '{ invoices(filter: {search: "a", status: [PAID]}) { totalCount } }')
    assert (event["entities"], event["row_count"]) == (b"", data["invoices"]["totalCount"])
    assert event["filters"] == ["InvoiceFilter.search", "InvoiceFilter.status"]


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_the_reads_of_every_role_are_logged(address: DatabaseUrls, sign_in: SignIn, role: Role) -> None:
    data, event = event_of(address, sign_in(role), "{ invoices(first: 4) { nodes { id } } }")
    assert event["email"] == f"{role}@demo.example"
    assert names_in(event["entities"]) == {node["id"] for node in data["invoices"]["nodes"]} != set()


def test_a_refused_document_and_an_introspection_leave_no_event(address: DatabaseUrls, billing: Client) -> None:
    before = rows(address, "select count(*) from audit_events")
    kept = [
        billing.post(query).headers["x-request-id"]
        for query in ("{ nothing }", "{ __typename __schema { queryType { name } } }")
    ]
    time.sleep(1)
    assert not [event for request in kept for event in rows(address, _NEWEST, request)]
    assert before


def test_an_event_names_no_record_out_of_reach(address: DatabaseUrls, attorney: Client, found: Found) -> None:
    _, event = event_of(address, attorney, "query ($id: ID!) { invoice(id: $id) { id } }", id=found.foreign["Invoice"])
    assert (event["operation"], event["entities"]) == ("invoice", b"")


# An event names every record of these types that leads to another record.
NEVER_IMPLIED = {"Cheque", "Encounter", "Invoice"}


def ids_anywhere(data: Any) -> set[str]:
    """Every text of an answer that is the id of a record."""
    if isinstance(data, dict):
        return set().union(*map(ids_anywhere, data.values()))
    if isinstance(data, list):
        return set().union(*map(ids_anywhere, data))
    found = read_id(data) if isinstance(data, str) else None
    return {data} if found and found[0] in NEVER_IMPLIED else set()


@pytest.mark.parametrize("role", list(Role))
async def test_an_event_names_every_record_whose_id_its_answer_contains(own_address: DatabaseUrls, role: Role) -> None:
    # In a clinic of its own the audit log is empty, so that a document cannot read events of other tests.
    kept: list[AuditEvent] = []
    shown = 0
    async with answer_sources(own_address, role) as both:
        both.keep = kept.append
        for seed in range(60):
            kept.clear()
            data = await both.compiled(random_document(seed, both.schema, both.facts))
            named = set().union(*(names_in(event.entities) for event in kept))
            assert ids_anywhere(data) <= named, seed
            assert {event.user_id for event in kept} <= {both.viewer.user_id}
            shown += len(ids_anywhere(data))
    assert shown > 0


def test_a_mutation_leaves_its_event_in_its_own_transaction(address: DatabaseUrls, clinic: Clinic) -> None:
    invoice = clinic.submitted()
    [event] = rows(
        address, "select *, xmin::text from audit_events where operation = 'submitInvoice' order by id desc limit 1"
    )
    assert invoice in names_in(event["entities"])
    assert {"Invoice.submittedOn", "InvoiceEvent.changes"} <= set(event["fields"])
    [[same]] = rows(address, "select xmin::text from invoice_events where request_id = $1", event["request_id"])
    assert event["xmin"] == same


def test_a_refused_mutation_leaves_an_event_that_is_marked_refused_and_names_no_record(
    address: DatabaseUrls, clinic: Clinic
) -> None:
    inputs = {"invoiceId": clinic.agreed()}
    count = "select count(*) from audit_events where operation = 'acceptInFull'"
    before = rows(address, count)
    data, event = event_of(address, clinic.billing, document("acceptInFull", INVOICE), input=inputs)
    assert data["acceptInFull"]["invoice"] is None
    assert (event["operation"], event["entities"], event["fields"]) == ("acceptInFull refused", b"", [])
    assert rows(address, count) == before


def test_the_audit_log_contains_no_values_and_no_patient_names(address: DatabaseUrls, billing: Client) -> None:
    [patient] = rows(address, "select first_name, last_name, mrn from patients order by id limit 1")
    query = """query ($s: String!) { patients(filter: {search: $s}) { nodes { name mrn birthDate } }
        invoices(filter: {search: $s}) { nodes { billedAmount } } }"""
    event_of(address, billing, query, s=patient["last_name"])
    [[whole]] = rows(address, "select string_agg(e::text, ' ') from audit_events e")
    for text in patient:
        assert text not in whole


AUDIT_LOG = """query ($f: AuditFilter) { auditTrail(filter: $f, first: 500) { totalCount nodes {
    id at role operation fields filters rowCount requestId chained by { id name } entities { type id } } } }"""


def test_administrators_query_which_users_read_a_patient_s_negotiation(
    address: DatabaseUrls, admin: Client, billing: Client, attorney: Client
) -> None:
    [[patient, invoice]] = rows(
        address, "select patient_id, id from invoices where status = 'pending_reduction' order by id limit 1"
    )
    query = "query ($id: ID!) { invoice(id: $id) { negotiation { offers { amount } } } }"
    _, event = event_of(address, billing, query, id=make_id("Invoice", invoice))
    wanted = {"patientId": make_id("Patient", patient), "field": "Invoice.negotiation", "operation": "invoice"}
    assert event["id"] not in {read_id(found["id"]) for found in admin.read(AUDIT_LOG, f=wanted)["auditTrail"]["nodes"]}
    chain(address)
    newest = admin.read(AUDIT_LOG, f=wanted)["auditTrail"]["nodes"][0]
    assert newest["id"] == make_id("AuditEvent", event["id"])
    assert (newest["role"], newest["chained"], newest["by"]["id"]) == (
        "BILLING",
        True,
        make_id("User", event["user_id"]),
    )
    assert newest["entities"] == [{"type": "Invoice", "id": make_id("Invoice", invoice)}]
    assert newest["fields"] == ["Invoice.negotiation", "Negotiation.offers", "ReductionOffer.amount"]
    by_record = {"entityId": make_id("Invoice", invoice), "userId": make_id("User", event["user_id"])}
    assert newest in admin.read(AUDIT_LOG, f=by_record)["auditTrail"]["nodes"]
    assert newest not in admin.read(AUDIT_LOG, f={**by_record, "atTo": newest["at"]})["auditTrail"]["nodes"]
    assert newest in admin.read(AUDIT_LOG, f={**by_record, "atFrom": newest["at"]})["auditTrail"]["nodes"]


def test_reading_the_audit_log_is_logged(address: DatabaseUrls, admin: Client) -> None:
    data, event = event_of(address, admin, AUDIT_LOG, f={"operation": "auditTrail"})
    assert (event["operation"], event["row_count"]) == ("auditTrail", data["auditTrail"]["totalCount"])
    assert event["filters"] == ["AuditFilter.operation"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_other_roles_have_no_audit_log(sign_in: SignIn, role: Role) -> None:
    assert sign_in(role).refusals("{ auditTrail { totalCount } }") == [
        "Cannot query field 'auditTrail' on type 'Query'."
    ]


async def _chain(address: DatabaseUrls) -> int:
    async with Database(address.login) as database:
        return await chain_audit_logs(database)


def chain(address: DatabaseUrls) -> int:
    """Chain the audit log, as the worker does every second."""
    return asyncio.run(_chain(address))


def test_reads_just_before_the_server_ends_are_logged(own_address: DatabaseUrls) -> None:
    with serving(own_address) as url, Client(url) as anonymous:
        client = anonymous.signed_in("billing@demo.example")
        last = [client.post("{ cases(first: 1) { nodes { id } } }").headers["x-request-id"] for _ in range(20)]
    kept = rows(own_address, "select count(*) from audit_events where request_id = any($1)", last)
    assert kept[0][0] == len(last)


async def test_a_full_audit_log_writer_refuses_events_so_that_no_request_is_answered_unlogged(
    own_address: DatabaseUrls,
) -> None:
    [[clinic]] = await asyncio.to_thread(rows, own_address, "select clinic_id from clinics")
    moment = datetime.now(UTC)
    event = AuditEvent(new_id(moment), clinic, None, "worker", "invoices", moment, "request")
    async with Database(own_address.login) as database:
        writer = AuditLogWriter(database, largest=1)
        writer.keep(event)
        with pytest.raises(AuditLogFullError) as refusal:
            writer.keep(event)
        assert public_error(refusal.value, "request")[1]["code"] == UNAVAILABLE
        await writer.flush()
        writer.keep(replace(event, id=new_id(moment)))
        await writer.flush()
    assert (await asyncio.to_thread(rows, own_address, "select count(*) from audit_events"))[0][0] == 2


async def test_events_that_the_database_refuses_stay_in_the_queue(own_address: DatabaseUrls) -> None:
    [[clinic]] = await asyncio.to_thread(rows, own_address, "select clinic_id from clinics")
    moment = datetime.now(UTC)
    async with Database(own_address.login) as database:
        writer = AuditLogWriter(database)
        writer.keep(AuditEvent(new_id(moment), clinic, None, "worker", "invoices", moment, "request"))
        await asyncio.to_thread(rows, own_address, "revoke insert (role) on audit_events from clinic_audit")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await writer.flush()
        await asyncio.to_thread(rows, own_address, "grant insert (role) on audit_events to clinic_audit")
        await writer.flush()
    assert (await asyncio.to_thread(rows, own_address, "select count(*) from audit_events"))[0][0] == 1


def test_an_upload_and_a_download_leave_events(address: DatabaseUrls, clinic: Clinic) -> None:
    invoice = clinic.agreed()
    cheque = clinic.pays("1000.00", {invoice: "1000.00"})
    query = "query ($id: ID!) { node(id: $id) { ... on Cheque { documentUrl } } }"
    link = clinic.billing.read(query, id=cheque["id"])["node"]["documentUrl"]
    sent = rows(address, "select entities from audit_events where operation = 'upload' order by id desc limit 1")
    [fetched] = events_of(address, httpx.get(link).headers["x-request-id"])
    assert (fetched["operation"], fetched["role"]) == ("download", "billing")
    assert fetched["entities"] == sent[0]["entities"]
