"""Calls each security definer function in a session whose search path begins with a hostile schema."""

import asyncio
from dataclasses import dataclass
from typing import Any

import asyncpg

from server.database_urls import DatabaseUrls

# Empty tables with the product's table names: a function that uses the session's search path reads and writes these instead.
HOSTILE = """create schema hostile;
    do $$ declare name text; begin
        for name in select tablename from pg_tables where schemaname = 'public' loop
            execute format('create table hostile.%I (like public.%I)', name, name);
        end loop;
    end $$;
    grant usage on schema hostile to public;
    grant all on all tables in schema hostile to public;
    set search_path = hostile, pg_temp"""


@dataclass(frozen=True)
class Firing:
    """The statement that calls a function, and either a query whose result changes by it or the error that it raises."""

    fire: str
    effect: str = "select 1"
    refusal: type[asyncpg.PostgresError] | None = None
    prepare: str = "select 1"


_FIRST_CODE = "select * from public.cpt_codes where active order by code limit 1"
_ONE_OPEN = (
    "select id from public.invoices where status = 'pending_invoice' and attorney_id is not null order by id limit 1"
)
_UNBILLED = "select count(*) from public.encounters where invoice_id is null"
# Two schedules for all payers that price the same code, and a third with the same code in another year.
_SCHEDULES = f"""insert into public.fee_schedules (clinic_id, id, name, valid_from, valid_to)
        select clinic_id, gen_random_uuid(), name, day, day + 300 from ({_FIRST_CODE}) c,
            (values ('one', date '1990-01-01'), ('other', '1990-06-01'), ('third', '1992-01-01')) v (name, day);
    insert into public.fee_schedule_rates (clinic_id, id, fee_schedule_id, code, rate)
        select s.clinic_id, gen_random_uuid(), s.id, c.code, 1 from public.fee_schedules s, ({_FIRST_CODE}) c
        where s.name in ('one', 'third')"""

# Two cheques with one number, of which one names a bank.
_PAYER = "(select {} from public.payers order by id limit 1)"
_SPELT = f"""{_PAYER.format("clinic_id")}, gen_random_uuid(), {_PAYER.format("id")}, 'X-1', 1, '2026-05-04', '2026-05-04', true"""
_CHEQUE = f"""insert into public.cheques (clinic_id, id, payer_id, number, amount, cheque_date, received_on, imported, bank_key)
    values ({_SPELT}"""

# Two payers, of which the second is merged into the first.
_PAYERS = (
    "(select clinic_id, min(id::text)::uuid as one, max(id::text)::uuid as two from public.payers group by 1 limit 1) y"
)
_MERGED = f"""insert into public.merges (clinic_id, id, merged_payer_id, surviving_payer_id, before, merged_at)
    select clinic_id, gen_random_uuid(), two, one, '{{}}', now() from {_PAYERS}"""
# A schedule of each of them, in one year.
_SCHEDULES_OF_BOTH = f"""insert into public.fee_schedules (clinic_id, id, name, payer_id, valid_from, valid_to)
        select clinic_id, gen_random_uuid(), name, case name when 'one' then one else two end, day, day + 300 from {_PAYERS},
            (values ('one', date '1990-01-01'), ('other', date 'DAY')) v (name, day);
    insert into public.fee_schedule_rates (clinic_id, id, fee_schedule_id, code, rate)
        select s.clinic_id, gen_random_uuid(), s.id, c.code, 1 from public.fee_schedules s, ({_FIRST_CODE}) c
        where s.name in ('one', 'PRICED');
    {_MERGED}"""
_ENTER = "select set_config('app.clinic_id', (select clinic_id::text from public.clinics limit 1), true)"

FIRINGS = {
    "keep_invoice_attorney": Firing(
        f"update public.invoices set case_id = case_id where id = ({_ONE_OPEN.replace('is not null', 'is null')})",
        "select count(*) from public.invoices where attorney_id is null",
        prepare=f"update public.invoices set attorney_id = null where id = ({_ONE_OPEN})",
    ),
    "pass_attorney_to_invoices": Firing(
        f"update public.cases set attorney_id = null where id = (select case_id from public.invoices where id = ({_ONE_OPEN}))",
        "select count(*) from public.invoices where attorney_id is null",
    ),
    "keep_treating_physicians": Firing(
        """insert into public.encounters (clinic_id, id, case_id, patient_id, physician_id, service_date)
            select c.clinic_id, gen_random_uuid(), c.id, c.patient_id, p.id, '2026-05-04' from public.cases c
            join public.physicians p using (clinic_id) where not exists (select from public.treating_physicians t
                where t.case_id = c.id and t.physician_id = p.id) limit 1""",
        "select count(*) from public.treating_physicians",
    ),
    "keep_encounter_invoice": Firing(
        """insert into public.invoices (clinic_id, id, number, case_id, patient_id, payer_id, encounter_id, created_on, service_date,
            billed_amount, updated_at) select e.clinic_id, gen_random_uuid(), 'A-1', e.case_id, e.patient_id, p.id, e.id, e.service_date,
            e.service_date, 0, now() from public.encounters e cross join lateral (select id from public.payers limit 1) p
            where e.invoice_id is null limit 1""",
        _UNBILLED,
    ),
    "change_encounter_invoice": Firing(
        f"update public.invoices set encounter_id = null where id = ({_ONE_OPEN})",
        _UNBILLED,
    ),
    "move_treating_physician": Firing(
        """update public.encounters e set physician_id = p.id from public.physicians p where e.id = (
            select id from public.encounters where invoice_id is null limit 1) and p.id <> e.physician_id
            and not exists (select from public.treating_physicians t where t.case_id = e.case_id and t.physician_id = p.id)""",
        "select count(*) from public.treating_physicians",
    ),
    "keep_invoice_state": Firing(
        f"update public.invoices set billed_amount = billed_amount + 1, updated_at = now() where id = ({_ONE_OPEN})",
        "select count(*) from public.invoice_states",
        prepare="update public.invoices set known_from = '2020-01-01'",
    ),
    "keep_invoice_image": Firing(
        f"update public.invoices set billed_amount = billed_amount + 1 where id = ({_ONE_OPEN})",
        "select count(*) from public.invoice_images",
        prepare="select set_config('app.change_id', gen_random_uuid()::text, true)",
    ),
    "refuse_overlapping_codes": Firing(
        f"""insert into public.cpt_codes (clinic_id, id, code, label, base_price, valid_from)
            select clinic_id, gen_random_uuid(), code, 'a', 1, valid_from + 1 from ({_FIRST_CODE}) c""",
        refusal=asyncpg.ExclusionViolationError,
    ),
    "refuse_overlapping_rates": Firing(
        f"""insert into public.fee_schedule_rates (clinic_id, id, fee_schedule_id, code, rate)
            select s.clinic_id, gen_random_uuid(), s.id, c.code, 1 from public.fee_schedules s, ({_FIRST_CODE}) c
            where s.name = 'other'""",
        refusal=asyncpg.ExclusionViolationError,
        prepare=_SCHEDULES,
    ),
    "refuse_overlapping_schedules": Firing(
        "update public.fee_schedules set valid_from = '1990-06-01' where name = 'third'",
        refusal=asyncpg.ExclusionViolationError,
        prepare=_SCHEDULES,
    ),
    "ask_for_document": Firing(
        """insert into public.issued_documents (clinic_id, id, kind, origin, number, case_id, recipient, as_of, contents, data_hash, issued_at)
            select clinic_id, gen_random_uuid(), 'INVOICE', 'drawn', 'HOSTILE', id, 'a', '2026-06-01', '{}', '', now() from public.cases limit 1""",
        "select count(*) from jobs.pgqueuer",
    ),
    "ask_for_file": Firing(
        """insert into public.exports (clinic_id, id, requested_by, role, kind, format, status, file_name, created_at)
            select clinic_id, gen_random_uuid(), id, role, 'invoices', 'csv', 'queued', 'a.csv', now() from public.users limit 1""",
        "select count(*) from jobs.pgqueuer",
    ),
    "end_access_of_retired": Firing(
        "update public.attorneys set retired_at = now() where id = (select attorney_id from public.users where role = 'attorney' limit 1)",
        "select count(*) from public.sessions where revoked_at is not null",
        prepare="""insert into public.sessions (clinic_id, id, user_id, token_hash, expires_at)
            select clinic_id, gen_random_uuid(), id, '', now() + interval '1 hour' from public.users where role = 'attorney'""",
    ),
    "check_billing_staff": Firing(
        """insert into public.reminders (clinic_id, id, invoice_id, target_date, subject, assignee_id, created_by, created_at)
            select i.clinic_id, gen_random_uuid(), i.id, '2026-07-01', 'a', u.id, u.id, now() from public.invoices i
            join public.users u using (clinic_id) where u.role = 'attorney' limit 1""",
        refusal=asyncpg.ForeignKeyViolationError,
    ),
    "refuse_same_cheque": Firing(
        f"{_CHEQUE}, 'a bank'), ({_SPELT}, null)",
        refusal=asyncpg.UniqueViolationError,
    ),
    "keep_merges": Firing(_MERGED, "select count(*) from public.merged_payers"),
    "refuse_same_cheque_of_merged": Firing(
        f"""insert into public.cheques (clinic_id, id, payer_id, method, number, amount, cheque_date, received_on)
            select clinic_id, gen_random_uuid(), one, 'wire', 'X-1', 1, '2026-05-04', '2026-05-04' from {_PAYERS}""",
        refusal=asyncpg.UniqueViolationError,
        prepare=f"""insert into public.cheques (clinic_id, id, payer_id, method, number, amount, cheque_date, received_on)
            select clinic_id, gen_random_uuid(), two, 'wire', 'X-1', 1, '2026-05-04', '2026-05-04' from {_PAYERS}; {_MERGED}""",
    ),
    "refuse_rates_of_merged": Firing(
        f"""insert into public.fee_schedule_rates (clinic_id, id, fee_schedule_id, code, rate)
            select s.clinic_id, gen_random_uuid(), s.id, c.code, 1 from public.fee_schedules s, ({_FIRST_CODE}) c
            where s.name = 'other'""",
        refusal=asyncpg.ExclusionViolationError,
        prepare=_SCHEDULES_OF_BOTH.replace("DAY", "1990-06-01"),
    ),
    "refuse_schedules_of_merged": Firing(
        "update public.fee_schedules set valid_from = '1990-06-01' where name = 'other'",
        refusal=asyncpg.ExclusionViolationError,
        prepare=_SCHEDULES_OF_BOTH.replace("DAY", "1992-01-01").replace("PRICED", "other"),
    ),
    "keep_applied_amount": Firing(
        """insert into public.refunds (clinic_id, id, cheque_id, amount, payee, reason, refunded_on, method)
            select clinic_id, gen_random_uuid(), id, 0.01, 'a', 'a', received_on, 'paper' from public.cheques
            where returned_on is null limit 1""",
        "select sum(applied_amount) from public.cheques",
    ),
    "audit_events_about": Firing(
        "update public.clinics set name = (select count(*)::text from public.audit_events_about(array[clinic_id]))",
        "select count(*) from public.clinics where name = '1'",
        prepare=f"""insert into public.audit_chain (clinic_id, seq, event_id, hash, subjects)
                select clinic_id, 1000000, gen_random_uuid(), '', array[clinic_id] from public.clinics;
            {_ENTER}""",
    ),
    "invoice_steps": Firing(
        f"""update public.clinics set name = (select count(*)::text from public.invoice_steps(clinic_id, array({_ONE_OPEN})))""",
        "select count(*) from public.clinics where name in ('1', '2', '3')",
        prepare=_ENTER,
    ),
    "restate_invoice": Firing(
        f"""select public.restate_invoice(clinic_id, id, json_build_array(json_build_object('from_on', created_on, 'payer_id', payer_id,
            'status', 'void', 'billed_amount', 0, 'received_amount', 0, 'written_off_amount', 0, 'earlier_received_amount', 0,
            'contractual_amount', 0, 'small_balance_amount', 0, 'recovered_amount', 0)))
            from public.invoices where id = ({_ONE_OPEN})""",
        "select count(*) from public.restated_states where status = 'void' and billed_amount = 0",
        prepare=_ENTER,
    ),
}


def works_in_hostile_session(address: DatabaseUrls, firing: Firing) -> bool:
    """Whether a function works in a hostile session; the transaction is rolled back."""

    async def attempt(connection: asyncpg.Connection) -> bool:
        await connection.execute(f"{HOSTILE}; {firing.prepare}")
        before: Any = await connection.fetchval(firing.effect)
        try:
            await connection.execute(firing.fire)
        except asyncpg.PostgresError as error:
            if firing.refusal and isinstance(error, firing.refusal):
                return True
            raise
        return not firing.refusal and await connection.fetchval(firing.effect) != before

    async def run() -> bool:
        connection = await asyncpg.connect(address.owner)
        try:
            await connection.execute("begin")
            return await attempt(connection)
        finally:
            await connection.close()

    return asyncio.run(run())
