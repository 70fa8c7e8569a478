"""An administrator reads what the clinic lacks before it does something for the first time; gaps appear and are mended one by one."""

import asyncio
import re
from datetime import date

import asyncpg
import click
import pytest
from graphql import build_schema

from db.reports.readiness import CONDITIONS, find_gaps
from domain.access.people import Role
from domain.records.readiness import GAPS, NEEDS, ReadinessGap
from server.cli import main
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.house.source import PROJECT
from tests.server.commands.test_cli import billing, done
from tests.support.databases import TODAY, rows

READINESS = "{ clinic { readiness { step isReady missing { code message mendedBy } } } }"
DEMO = "clinic_id = (select clinic_id from clinics where short_name = 'demo')"
# Gap → the statement that makes it in the demo clinic.
MADE = {
    ReadinessGap.NO_CODE: "update cpt_codes set active = false",
    ReadinessGap.NO_EXAM: "update exam_types set active = false",
    ReadinessGap.EXAM_WITHOUT_PRICE: """update exam_types set code = 'GONE' where id = (
        select id from exam_types where active and code is not null limit 1)""",
    ReadinessGap.NO_PHYSICIAN: "update physicians set active = false",
    ReadinessGap.NO_FACILITY: "update facilities set active = false",
    ReadinessGap.NO_PAYER_IN_USE: "update payers set retired_at = now()",
    ReadinessGap.NO_CASE: "truncate cases cascade",
    ReadinessGap.NO_BILLER: "update users set active = false where role = 'billing'",
    ReadinessGap.NO_LEGAL_NAME: "update clinics set legal_name = null",
    ReadinessGap.NO_PHYSICAL_ADDRESS: "update clinics set physical_city = null",
    ReadinessGap.NO_CLINIC_TIN: "update clinics set tin = null",
    ReadinessGap.NO_GROUP_NPI: "update clinics set npi = null",
    ReadinessGap.NO_CLINIC_TAXONOMY: "update clinics set taxonomy = null",
    ReadinessGap.FACILITY_WITHOUT_PLACE: """update facilities set address_postal_code = null
        where id = (select id from facilities where active limit 1)""",
    ReadinessGap.PATIENT_WITHOUT_BIRTH_DATE: """update patients set birth_date = null where id = (
        select id from patients where retired_at is null and merged_into_id is null limit 1)""",
    ReadinessGap.NO_ADDRESS_IN_MESSAGES: "update clinics set address = null",
    ReadinessGap.NO_CLINIC_PHONE: "update clinics set phone = null",
    ReadinessGap.PHYSICIAN_WITHOUT_NPI: "update physicians set npi = null where id = (select id from physicians where active limit 1)",
    ReadinessGap.NO_INSURER: "update payers set address = null, address_state = null",
    ReadinessGap.NO_COVERAGE_YET: "truncate coverages cascade",
    ReadinessGap.NO_REASON_CODE: "update reason_codes set active = false",
    ReadinessGap.NO_REPLY_ADDRESS: "update clinics set reply_to = null, sender_address = null",
    ReadinessGap.NO_PAYER_EMAIL: "update payers set email = null",
    ReadinessGap.NO_REMINDER_POLICY: "update reminder_policies set active = false",
    ReadinessGap.REMINDERS_ARE_OFF: "update reminder_confirmations set ended_at = now()",
    ReadinessGap.NOTHING_TO_EXPORT: "truncate invoices cascade",
}
# What makes the demo clinic ready.
MENDED = """update clinics set reply_to = 'replies@demo.example', address = 'A', phone = 'P';
    update reason_codes set active = true; update payers set address = 'Here', email = 'mail@demo.example';
    update patients set birth_date = '1980-02-29' where birth_date is null;
    update physicians set npi = '1234567893' where npi is null;
    update reminder_policies set active = true;
    insert into reminder_confirmations (clinic_id, id, confirmed_by, confirmed_at, day, message_count, invoice_count)
        select clinic_id, gen_random_uuid(), id, now(), '2026-06-30', 0, 0 from users where role = 'admin'
            and not exists (select from reminder_confirmations where ended_at is null)"""


def test_every_gap_has_a_condition_a_message_and_a_step() -> None:
    assert set(ReadinessGap) == CONDITIONS.keys() == GAPS.keys() == MADE.keys()
    assert set(ReadinessGap) == {gap for needs in NEEDS.values() for gap in needs}


def test_each_gap_is_mended_by_mutations_and_commands_that_exist() -> None:
    schema = build_schema((PROJECT / "schemas" / "admin.graphql").read_text(encoding="utf-8"))
    assert schema.mutation_type
    for gap, mending in GAPS.items():
        for name in re.split(r", | and ", mending.where):
            first, *words = name.split()
            if first == "billing":
                assert _is_command(words), (gap, name)
            else:
                assert first in schema.mutation_type.fields, (gap, name)


def _is_command(words: list[str]) -> bool:
    """Whether `billing` has a command of these words."""
    command: click.Command | None = main
    for word in words:
        command = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
    return command is not None


def test_each_gap_is_found_where_it_is_made_and_not_before(address: DatabaseUrls) -> None:
    async def found() -> dict[ReadinessGap, tuple[bool, bool]]:
        connection = await asyncpg.connect(address.owner)
        try:
            return {gap: await _made(connection, gap) for gap in ReadinessGap}
        finally:
            await connection.close()

    assert asyncio.run(found()) == dict.fromkeys(ReadinessGap, (False, True))


async def _made(connection: asyncpg.Connection, gap: ReadinessGap) -> tuple[bool, bool]:
    """Whether the gap is found in a clinic that is ready, and after it was made there; everything is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"set local session_replication_role = replica; {MENDED}")
        clinic = await connection.fetchval("select clinic_id from clinics where short_name = 'demo'")
        before = await find_gaps(connection, clinic, TODAY)
        await connection.execute(MADE[gap])
        return gap in before, gap in await find_gaps(connection, clinic, TODAY)
    finally:
        await transaction.rollback()


def test_a_code_has_no_price_before_its_first_day(address: DatabaseUrls) -> None:
    async def found() -> frozenset[ReadinessGap]:
        connection = await asyncpg.connect(address.owner)
        try:
            clinic = await connection.fetchval("select clinic_id from clinics where short_name = 'demo'")
            return await find_gaps(connection, clinic, date(1990, 1, 1))
        finally:
            await connection.close()

    assert asyncio.run(found()) >= {ReadinessGap.NO_CODE, ReadinessGap.EXAM_WITHOUT_PRICE}


def test_an_administrator_reads_the_gaps_of_the_own_clinic(address: DatabaseUrls, sign_in: SignIn) -> None:
    [invoice, *_, export] = sign_in(Role.ADMIN).read(READINESS)["clinic"]["readiness"]
    assert (invoice["step"], export) == ("FIRST_INVOICE", {"step": "FIRST_EXPORT", "isReady": True, "missing": []})
    rows(address, f"update clinics set phone = null where {DEMO}")
    document = sign_in(Role.ADMIN).read(READINESS)["clinic"]["readiness"][1]
    missing = {"code": "NO_CLINIC_PHONE", "message": "The clinic has no phone number", "mendedBy": "updateClinic"}
    assert (document["isReady"], missing in document["missing"]) == (False, True)


@pytest.mark.parametrize("role", [Role.BILLING, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_nobody_else_reads_them(sign_in: SignIn, role: Role) -> None:
    assert "Cannot query field" in sign_in(role).refusals(READINESS)[0]


def test_a_command_says_what_is_missing_and_where_it_is_mended(address: DatabaseUrls) -> None:
    output = done(address, "clinic", "check", "demo")
    assert "First export: ready\n" in output
    rows(address, f"update clinics set phone = null where {DEMO}")
    result = billing(address, "clinic", "check", "demo", "--step", "first-document")
    assert (result.exit_code, result.stdout.splitlines()[1:]) == (
        1,
        ["  NO_CLINIC_PHONE: The clinic has no phone number. Mend it by: updateClinic"],
    )
    assert done(address, "clinic", "check", "demo", "--step", "first-export") == "First export: ready\n"
