"""The audit log is append-only and chained by hashes, also by concurrent processes, and verification names the first tampered link."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.audit.chain import BEFORE_THE_FIRST, Chain, extend, verify
from db.audit.events import record
from db.pools import Database
from db.security.policies import ATTORNEY_LOGIN, AUDIT_ROLE, STAFF_LOGIN
from domain.audit import AuditEvent
from domain.ids import new_id
from resolvers.commands.auditing import chain_audit_logs
from server.database_urls import DatabaseUrls
from tests.db.rights.test_grants import as_login
from tests.support.databases import rows

_BEGINNING = datetime(2026, 6, 30, 12, tzinfo=UTC)
EVENTS = 12


def run(address: DatabaseUrls, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """Run `work` on a connection of the owner and return its result."""

    async def connected() -> Any:
        connection = await asyncpg.connect(address.owner)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def clinic_of(address: DatabaseUrls) -> UUID:
    [[clinic]] = rows(address, "select clinic_id from clinics")
    found: UUID = clinic
    return found


def events(clinic: UUID, count: int = EVENTS, prefix: str = "request") -> list[AuditEvent]:
    return [
        AuditEvent(
            id=new_id(at),
            clinic_id=clinic,
            user_id=None,
            role="worker",
            operation="invoices",
            at=at,
            request_id=f"{prefix} {number}",
            entities=b"in" + bytes(16),
            fields=("Invoice.balance",),
        )
        for number in range(count)
        for at in [_BEGINNING + timedelta(seconds=number)]
    ]


@pytest.fixture
def chained(own_address: DatabaseUrls) -> DatabaseUrls:
    """A database with an audit chain of a dozen links."""

    async def fill(connection: asyncpg.Connection) -> None:
        clinic = clinic_id = await connection.fetchval("select clinic_id from clinics")
        await record(connection, events(clinic))
        async with connection.transaction():
            assert await extend(connection, clinic_id) == EVENTS

    run(own_address, fill)
    return own_address


def found(address: DatabaseUrls, expected: tuple[int, bytes] | None = None) -> Chain:
    clinic = clinic_of(address)
    chain: Chain = run(address, lambda connection: verify(connection, clinic, expected))
    return chain


def test_an_unchanged_chain_is_valid(chained: DatabaseUrls) -> None:
    chain = found(chained)
    assert (chain.length, chain.waiting, chain.broken) == (EVENTS, 0, None)


def test_the_hash_of_a_link_is_the_documented_one(chained: DatabaseUrls) -> None:
    [event] = rows(chained, "select e.* from audit_events e join audit_chain c on c.event_id = e.id where c.seq = 1")
    [[link]] = rows(chained, "select hash from audit_chain where seq = 1")

    def text(value: str) -> bytes:
        return len(value.encode()).to_bytes(4) + value.encode()

    content = event["clinic_id"].bytes + event["id"].bytes + bytes(16)
    content += (int(event["at"].timestamp()) * 1_000_000).to_bytes(8) + (-1).to_bytes(8, signed=True)
    content += text("worker") + text("invoices") + text("Invoice.balance") + text("") + text("request 0")
    assert link == hashlib.sha256(BEFORE_THE_FIRST + content + event["entities"]).digest()


_TRIGGERS_DISABLED = "alter table audit_events disable trigger user; alter table audit_chain disable trigger user;"
_FIFTH = "(select event_id from audit_chain where seq = 5)"
_EVENT = """insert into audit_events (clinic_id, id, role, operation, request_id, at)
    select clinic_id, gen_random_uuid(), 'admin', 'invoices', 'forged', now() from clinics;"""
# Name → statements that an attacker with the owner's rights may run, the link at which it is detected, and the kind of the finding.
TAMPERINGS = {
    "another field": (f"update audit_events set fields = '{{}}' where id = {_FIFTH}", 5, "changed"),
    "another user": (
        f"update audit_events set user_id = (select min(id::text)::uuid from users) where id = {_FIFTH}",
        5,
        "changed",
    ),
    "another moment": (f"update audit_events set at = at + interval '1 microsecond' where id = {_FIFTH}", 5, "changed"),
    "fewer records": (f"update audit_events set entities = '' where id = {_FIFTH}", 5, "changed"),
    "another hash": ("update audit_chain set hash = sha256(hash) where seq = 5", 5, "changed"),
    "an event removed": (f"delete from audit_events where id = {_FIFTH}", 5, "missing"),
    "a link removed": ("delete from audit_chain where seq = 5", 5, "missing"),
    "both removed": (
        f"delete from audit_events where id = {_FIFTH}; delete from audit_chain where seq = 5",
        5,
        "missing",
    ),
    "an event put in": (_EVENT, None, "inserted"),
    "two in the other order": (
        """update audit_chain a set event_id = b.event_id from (select seq, event_id from audit_chain
            where seq in (5, 6)) b where a.seq in (5, 6) and a.seq <> b.seq""",
        5,
        "changed",
    ),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_the_first_broken_link_is_reported(chained: DatabaseUrls, tampering: str) -> None:
    statement, seq, finding = TAMPERINGS[tampering]
    rest = "alter table audit_chain drop constraint uq_audit_chain_clinic_id_event_id;"
    run(chained, lambda connection: connection.execute(_TRIGGERS_DISABLED + rest + statement))
    broken = found(chained).broken
    assert broken is not None
    assert (broken.seq, broken.what.split(":")[0]) == (seq, finding)


def test_a_truncated_chain_is_detected_by_a_head_that_was_kept(chained: DatabaseUrls) -> None:
    intact = found(chained)
    head = (intact.length, intact.head)
    assert found(chained, head).broken is None
    cut = "delete from audit_events where id in (select event_id from audit_chain where seq > 9); delete from audit_chain where seq > 9"
    run(chained, lambda connection: connection.execute(_TRIGGERS_DISABLED + cut))
    assert found(chained).broken is None
    broken = found(chained, head).broken
    assert broken is not None
    assert (broken.seq, broken.what.split(":")[0]) == (10, "missing")


@pytest.mark.parametrize("table", ["audit_events", "audit_chain"])
@pytest.mark.parametrize("statement", ["update {} set clinic_id = clinic_id", "delete from {}", "truncate {}"])
def test_the_owner_cannot_rewrite_the_audit_log(chained: DatabaseUrls, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="written once and kept"):
        run(chained, lambda connection: connection.execute(statement.format(table)))


def test_two_concurrent_chaining_processes_make_one_chain(own_address: DatabaseUrls) -> None:
    clinic = clinic_of(own_address)

    async def both() -> int:
        async with Database(own_address.login) as one, Database(own_address.login) as other:
            total = 0
            for turn in range(5):
                async with one.auditing() as connection:
                    await record(connection, events(clinic, 40, f"turn {turn}"))
                total += sum(await asyncio.gather(*(chain_audit_logs(each) for each in (one, other, one))))
            return total + await chain_audit_logs(one)

    assert asyncio.run(both()) == 200
    chain = found(own_address)
    assert (chain.length, chain.waiting, chain.broken) == (200, 0, None)


def test_an_event_that_is_recorded_twice_is_kept_once(own_address: DatabaseUrls) -> None:
    same = events(clinic_of(own_address), 3)

    async def twice() -> None:
        async with Database(own_address.login) as database:
            for _ in range(2):
                async with database.auditing() as connection:
                    await record(connection, same)

    asyncio.run(twice())
    assert rows(own_address, "select count(*) from audit_events") == rows(own_address, "select 3::bigint")


ENTER = "begin; set local role {}; select set_config('app.clinic_id', (select '{}'), true)"


@pytest.mark.parametrize(
    ("login", "role"),
    [
        (ATTORNEY_LOGIN, "clinic_attorney"),
        (STAFF_LOGIN, "clinic_billing"),
        (STAFF_LOGIN, "clinic_physician"),
        (STAFF_LOGIN, "clinic_analyst"),
        (STAFF_LOGIN, "clinic_sign_in"),
        (STAFF_LOGIN, AUDIT_ROLE),
    ],
)
@pytest.mark.parametrize(
    "query",
    [
        "select operation from audit_events",
        "select event_id from audit_chain",
        "select audit_events_about(array[gen_random_uuid()])",
        "update audit_events set operation = 'nothing'",
        "delete from audit_pending",
    ],
)
def test_roles_without_access_to_the_audit_log_can_neither_read_nor_change_it(
    chained: DatabaseUrls, login: str, role: str, query: str
) -> None:
    enter = ENTER.format(role, clinic_of(chained))
    assert as_login(chained, login, enter, query) == "InsufficientPrivilegeError"


def test_staff_cannot_insert_audit_events_without_a_user_or_in_another_clinic(chained: DatabaseUrls) -> None:
    event = """insert into audit_events (clinic_id, id, user_id, role, operation, request_id, at)
        select '{}', gen_random_uuid(), {}, 'billing', 'x', 'x', now()"""
    clinic = clinic_of(chained)
    enter = ENTER.format("clinic_billing", clinic)
    assert as_login(chained, STAFF_LOGIN, enter, event.format(clinic, "null")) == "InsufficientPrivilegeError"
    in_other_clinic = event.format(UUID(int=1), "null")
    assert as_login(chained, STAFF_LOGIN, enter, in_other_clinic) == "InsufficientPrivilegeError"


@pytest.mark.parametrize(
    "statement",
    [
        "update cases set patient_id = (select id from patients p where p.id <> cases.patient_id limit 1)",
        "update invoices set patient_id = (select id from patients p where p.id <> invoices.patient_id limit 1)",
        "update invoices set case_id = (select id from cases c where c.id <> invoices.case_id limit 1)",
    ],
)
def test_the_patient_of_a_case_or_an_invoice_cannot_be_changed(own_address: DatabaseUrls, statement: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="same patient for ever"):
        run(own_address, lambda connection: connection.execute(statement))
