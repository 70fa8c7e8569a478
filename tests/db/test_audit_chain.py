"""The audit trail is written once and chained, by whoever chains it, and a chain that somebody has tampered with says where."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.audit_chain import BEFORE_THE_FIRST, Chain, extend, verify
from db.auditing import record
from db.pools import Database
from db.security import ATTORNEY_LOGIN, AUDIT_ROLE, STAFF_LOGIN
from domain.audit import AuditEvent
from domain.ids import new_id
from resolvers.auditing import chain_trails
from server.addresses import Address
from tests.databases import rows
from tests.db.test_grants import as_login

_BEGINNING = datetime(2026, 6, 30, 12, tzinfo=UTC)
EVENTS = 12


def run(address: Address, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """What becomes of some work of the owner's."""

    async def connected() -> Any:
        connection = await asyncpg.connect(address.owner)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def clinic_of(address: Address) -> UUID:
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
def chained(own_address: Address) -> Address:
    """A database with a chain of a dozen links."""

    async def fill(connection: asyncpg.Connection) -> None:
        clinic = clinic_id = await connection.fetchval("select clinic_id from clinics")
        await record(connection, events(clinic))
        async with connection.transaction():
            assert await extend(connection, clinic_id) == EVENTS

    run(own_address, fill)
    return own_address


def found(address: Address, expected: tuple[int, bytes] | None = None) -> Chain:
    clinic = clinic_of(address)
    chain: Chain = run(address, lambda connection: verify(connection, clinic, expected))
    return chain


def test_a_chain_that_nobody_has_touched_holds(chained: Address) -> None:
    chain = found(chained)
    assert (chain.length, chain.waiting, chain.broken) == (EVENTS, 0, None)


def test_a_link_is_what_the_docstring_says(chained: Address) -> None:
    [event] = rows(chained, "select e.* from audit_events e join audit_chain c on c.event_id = e.id where c.seq = 1")
    [[link]] = rows(chained, "select hash from audit_chain where seq = 1")

    def text(value: str) -> bytes:
        return len(value.encode()).to_bytes(4) + value.encode()

    said = event["clinic_id"].bytes + event["id"].bytes + bytes(16)
    said += (int(event["at"].timestamp()) * 1_000_000).to_bytes(8) + (-1).to_bytes(8, signed=True)
    said += text("worker") + text("invoices") + text("Invoice.balance") + text("") + text("request 0")
    assert link == hashlib.sha256(BEFORE_THE_FIRST + said + event["entities"]).digest()


_UNLOCKED = "alter table audit_events disable trigger user; alter table audit_chain disable trigger user;"
_FIFTH = "(select event_id from audit_chain where seq = 5)"
_EVENT = """insert into audit_events (clinic_id, id, role, operation, request_id, at)
    select clinic_id, gen_random_uuid(), 'admin', 'invoices', 'forged', now() from clinics;"""
# What somebody with the owner's rights may do → the link at which it is noticed, and how that is called.
BREAKS = {
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


@pytest.mark.parametrize("planted", BREAKS)
def test_the_first_broken_link_is_named(chained: Address, planted: str) -> None:
    statement, seq, what = BREAKS[planted]
    rest = "alter table audit_chain drop constraint uq_audit_chain_clinic_id_event_id;"
    run(chained, lambda connection: connection.execute(_UNLOCKED + rest + statement))
    broken = found(chained).broken
    assert broken is not None
    assert (broken.seq, broken.what.split(":")[0]) == (seq, what)


def test_a_chain_cut_off_at_its_end_is_noticed_by_a_head_that_was_kept(chained: Address) -> None:
    whole = found(chained)
    head = (whole.length, whole.head)
    assert found(chained, head).broken is None
    cut = "delete from audit_events where id in (select event_id from audit_chain where seq > 9); delete from audit_chain where seq > 9"
    run(chained, lambda connection: connection.execute(_UNLOCKED + cut))
    assert found(chained).broken is None
    broken = found(chained, head).broken
    assert broken is not None
    assert (broken.seq, broken.what.split(":")[0]) == (10, "missing")


@pytest.mark.parametrize("table", ["audit_events", "audit_chain"])
@pytest.mark.parametrize("what", ["update {} set clinic_id = clinic_id", "delete from {}", "truncate {}"])
def test_not_even_the_owner_rewrites_the_trail(chained: Address, table: str, what: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="written once and kept"):
        run(chained, lambda connection: connection.execute(what.format(table)))


def test_two_chainers_at_once_make_one_chain(own_address: Address) -> None:
    clinic = clinic_of(own_address)

    async def both() -> int:
        async with Database(own_address.login) as one, Database(own_address.login) as other:
            total = 0
            for turn in range(5):
                async with one.auditing() as connection:
                    await record(connection, events(clinic, 40, f"turn {turn}"))
                total += sum(await asyncio.gather(*(chain_trails(each) for each in (one, other, one))))
            return total + await chain_trails(one)

    assert asyncio.run(both()) == 200
    chain = found(own_address)
    assert (chain.length, chain.waiting, chain.broken) == (200, 0, None)


def test_what_is_written_twice_is_kept_once(own_address: Address) -> None:
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
def test_nobody_but_administrators_and_the_worker_sees_the_trail_by_sql(
    chained: Address, login: str, role: str, query: str
) -> None:
    enter = ENTER.format(role, clinic_of(chained))
    assert as_login(chained, login, enter, query) == "InsufficientPrivilegeError"


def test_nobody_writes_events_in_another_s_name(chained: Address) -> None:
    event = """insert into audit_events (clinic_id, id, user_id, role, operation, request_id, at)
        select '{}', gen_random_uuid(), {}, 'billing', 'x', 'x', now()"""
    clinic = clinic_of(chained)
    enter = ENTER.format("clinic_billing", clinic)
    assert as_login(chained, STAFF_LOGIN, enter, event.format(clinic, "null")) == "InsufficientPrivilegeError"
    elsewhere = event.format(UUID(int=1), "null")
    assert as_login(chained, STAFF_LOGIN, enter, elsewhere) == "InsufficientPrivilegeError"


@pytest.mark.parametrize(
    "statement",
    [
        "update cases set patient_id = (select id from patients p where p.id <> cases.patient_id limit 1)",
        "update invoices set patient_id = (select id from patients p where p.id <> invoices.patient_id limit 1)",
        "update invoices set case_id = (select id from cases c where c.id <> invoices.case_id limit 1)",
    ],
)
def test_a_case_and_an_invoice_stay_with_their_patient(own_address: Address, statement: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="same patient for ever"):
        run(own_address, lambda connection: connection.execute(statement))
