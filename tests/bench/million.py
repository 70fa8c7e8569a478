"""Decides what a clinic of a million invoices looks like: three years of them, with what each was before, made by PostgreSQL itself."""

from datetime import UTC, datetime

import asyncpg

from domain.clinics import clinic_day
from server.addresses import Address

INVOICES = 1_000_000
# Made in parts, so that somebody who waits sees that it goes on.
_PARTS = 10
# Day of each step counted from the creation; what lies after today has not happened. Dice of one number each, so that every
# clinic is the same: a share of invoices is void, denied, written off, or paid in part alone.
_TOLD = """create unlogged table told as select n, gen_random_uuid() as id, i.case_id, i.patient_id, i.payer_id, i.physician_id,
        i.facility_id, i.attorney_id, d.created_on, d.billed,
        d.created_on + d.s as submitted_on, d.created_on + d.s + d.a as agreed_on, d.created_on + d.s + d.a + d.p as paid_day,
        d.created_on + d.s + d.a + d.p + d.c as closed_day, (d.billed * (60 + d.x % 41) / 100)::numeric(12, 2) as agreed, d.x
    from (select n, $2::date - (1095 - n * 1095 / $3) as created_on, (100 + h(n, 1, 2900))::numeric(12, 2) as billed,
            h(n, 2, 6) as s, 5 + h(n, 3, 90) as a, 5 + h(n, 4, 150) as p, 10 + h(n, 5, 200) as c, h(n, 6, 1000) as x
        from generate_series(1, $3) n) d
    join (select row_number() over (order by id) - 1 as place, i.* from invoices i where clinic_id = $1) i
        on i.place = h(n, 7, (select count(*)::int from invoices where clinic_id = $1))"""
_DICE = """create function pg_temp.h(n int, salt int, below int) returns int language sql immutable as
    $$ select (hashint8extended(n, salt) & 2147483647)::int % below $$"""
_LEDGER = """case when x < 30 then 'void' when x between 30 and 59 and closed_day <= $2 then 'written_off'
        when x >= 100 and closed_day <= $2 then 'paid' when x >= 100 and paid_day <= $2 then 'cheque_received'
        when agreed_on <= $2 then 'pending_cheque' when submitted_on <= $2 and x % 2 = 0 then 'pending_reduction'
        else 'pending_invoice' end as status,
    case when submitted_on <= $2 then submitted_on end as submitted_on,
    case when agreed_on <= $2 and x >= 30 then agreed_on end as agreed_on,
    case when agreed_on <= $2 and x >= 30 then agreed end as agreed_amount,
    case when x >= 100 and paid_day <= $2 then agreed when x between 60 and 99 and paid_day <= $2 then agreed / 2 else 0
        end::numeric(12, 2) as received_amount,
    case when x >= 100 and paid_day <= $2 then paid_day end as fully_paid_on,
    case when x >= 100 and closed_day <= $2 then closed_day end as paid_on"""
_SINCE = """(select max(day) from unnest(array[created_on, submitted_on, agreed_on, paid_day, closed_day]) day where day <= $2)"""
_COLUMNS = "case_id, patient_id, payer_id, physician_id, facility_id, attorney_id, created_on"
_INVOICES = f"""insert into invoices (clinic_id, id, number, {_COLUMNS}, service_date, billed_amount, first_submitted_on,
        known_from, updated_at, recorded_at, status, submitted_on, agreed_on, agreed_amount, received_amount, fully_paid_on, paid_on)
    select $1, id, 'MILLION-' || n, {_COLUMNS}, created_on, billed, case when submitted_on <= $2 then submitted_on end,
        {_SINCE}, created_on, created_on, {_LEDGER} from told where n > $3 and n <= $4"""
# What an invoice was until each of its steps: the ledger of the day before it.
_STATES = f"""insert into invoice_states (clinic_id, invoice_id, known_from, known_until, {_COLUMNS}, service_date, billed_amount,
        first_submitted_on, written_off_amount, status, submitted_on, agreed_on, agreed_amount, received_amount, fully_paid_on, paid_on)
    select $1, id, known_from, known_until, {_COLUMNS}, created_on, billed, case when submitted_on <= known_from then submitted_on end, 0,
        {_LEDGER.replace("$2", "known_from")}
    from told, lateral (select day as known_from, lead(day) over (order by day) as known_until from (select distinct day
        from unnest(array[created_on, submitted_on, agreed_on, paid_day, closed_day]) day where day <= $2) d) s
    where known_until is not null and n > $3 and n <= $4"""
_DENIALS = """insert into denials (clinic_id, id, invoice_id, denied_on, reason_code, recorded_at)
    select $1, gen_random_uuid(), id, submitted_on, 'X1', submitted_on from told where x % 20 = 0 and submitted_on <= $2"""


async def make_million(address: Address, clinic_zone: str = "America/New_York") -> None:
    """Fill up the clinic of a small demo to a million invoices, unless that was done."""
    connection = await asyncpg.connect(address.owner)
    try:
        clinic_id = await connection.fetchval("select clinic_id from clinics where short_name = 'demo'")
        if await connection.fetchval("select exists (select from invoices where number = 'MILLION-1')"):
            return
        today = clinic_day(datetime.now(UTC), clinic_zone)
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_DICE)
        told = _TOLD.replace(" h(", " pg_temp.h(").replace("(h(", "(pg_temp.h(").replace("+ h(", "+ pg_temp.h(")
        for name, value in (("$1", f"'{clinic_id}'"), ("$2", f"'{today}'"), ("$3", str(INVOICES))):
            told = told.replace(name, value)
        await connection.execute(told)
        for part in range(_PARTS):
            bounds = INVOICES * part // _PARTS, INVOICES * (part + 1) // _PARTS
            await connection.execute(_INVOICES, clinic_id, today, *bounds)
            await connection.execute(_STATES, clinic_id, today, *bounds)
            print(f"\rmaking {bounds[1]:,} of {INVOICES:,} invoices", end="", flush=True)
        await connection.execute(_DENIALS, clinic_id, today)
        await connection.execute("drop table told")
        print("\nvacuuming", flush=True)
        await connection.execute("vacuum (analyze)")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
