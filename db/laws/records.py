"""The laws of cases, invoice numbers, aging, accounts, exports and the audit log."""

from db.audit.chain import EVENT_BYTES
from db.laws.base import Law
from db.tables.base import listed
from domain.audit import NO_CLINIC
from domain.billing.invoices import OPEN
from domain.reports.aging import BUCKETS, Bucket


def _holds(bucket: Bucket) -> str:
    """1 for an age that is in the bucket, else 0."""
    below = "" if bucket.to_days is None else f" and age <= {bucket.to_days}"
    return f"(age >= {bucket.from_days}{below})::int"


_TIMES_COUNTED = f"case when status in {listed(OPEN)} then {' + '.join(map(_holds, BUCKETS))} else 0 end"
# Invoice numbers in the server's own format; imports may have kept others: `offset 0` keeps the planner from casting those.
_OURS = """(select i.clinic_id, i.id, i.number, i.external_key, i.created_on, k.first_invoice_number as first_place, k.after
    from invoices i join (select clinic_id, first_invoice_number, invoice_number_prefix as prefix, length(invoice_number_prefix) + 1 as after
        from clinics) k on k.clinic_id = i.clinic_id
    where starts_with(i.number, k.prefix) and substr(i.number, k.after) ~ '^-[0-9]{4}-[0-9]{6,12}$' offset 0) o"""
_NUMBERED = (
    f"(select *, substr(number, after + 1, 4)::int as year, substr(number, after + 6)::bigint as place from {_OURS}) n"
)

# The Luhn sum over 80840 and the ten digits of an NPI: of the first, third … digit twice its value counts, digit by digit.
_PREFIX_SUM, _NPI_DIGITS = 24, 10
_LUHN = " + ".join(
    f"(d{place} * 2) / 10 + (d{place} * 2) % 10" if place % 2 else f"d{place}" for place in range(1, _NPI_DIGITS + 1)
)
_DIGITS = ", ".join(f"substr(npi, {place}, 1)::int as d{place}" for place in range(1, _NPI_DIGITS + 1))

LAWS = (
    Law(
        "A settled or closed case has no open invoices, a settled one has a paid one; an open case has none",
        "Case",
        """select c.id from cases c left join (select clinic_id, case_id, count(*) filter (where status = 'paid') as paid,
        count(*) filter (where status in ('pending_invoice', 'pending_reduction', 'pending_cheque')) as waiting from invoices group by 1, 2) i
        on (i.clinic_id, i.case_id) = (c.clinic_id, c.id)
        where case c.status when 'settled' then coalesce(i.paid, 0) = 0 or i.waiting > 0
            when 'closed' then i.waiting > 0 else i.paid > 0 end""",
    ),
    Law(
        "The numbers of a clinic's year have no gaps except before the first number and imported ones",
        "Invoice",
        f"""select id from (select id, number, external_key, first_place, place, lag(place, 1, 0::bigint)
        over (partition by clinic_id, year order by place) as before from {_NUMBERED}) b where place <> before + 1
        and not (before = 0 and place = first_place) and number is distinct from external_key""",
    ),
    Law(
        "A number has the year in which its invoice was created",
        "Invoice",
        f"select id from {_NUMBERED} where year <> extract(year from created_on)",
    ),
    Law(
        "The counter of a clinic's year is the last number",
        "Clinic",
        f"""select coalesce(u.clinic_id, k.clinic_id) as id from (select clinic_id, year, max(place) as last
        from {_NUMBERED} group by 1, 2) u full join invoice_counters k on (k.clinic_id, k.year) = (u.clinic_id, u.year)
        where coalesce(u.last, 0) <> coalesce(k.last_number, 0)""",
    ),
    Law(
        "An invoice has the patient and the attorney of its case",
        "Invoice",
        """select i.id from invoices i join cases c on (c.clinic_id, c.id) = (i.clinic_id, i.case_id)
        where (i.patient_id, i.attorney_id) is distinct from (c.patient_id, c.attorney_id)""",
    ),
    Law(
        "The totals of aging are the sum of the balances",
        "Invoice",
        f"""select id from (select i.id, i.status, i.balance,
        greatest((now() at time zone c.time_zone)::date - i.created_on, 0) as age
        from invoices i join clinics c on c.clinic_id = i.clinic_id) a where balance * ({_TIMES_COUNTED}) <> balance""",
    ),
    Law(
        "An account that has joined has a login of its e-mail",
        "User",
        """select u.id from users u where u.joined_at is not null and not exists (select from memberships m
        join logins l on l.id = m.login_id and l.email = u.email where (m.clinic_id, m.user_id) = (u.clinic_id, u.id))""",
    ),
    Law(
        "A finished export lists the records that it shows, and one that is not finished lists none",
        "Export",
        """select e.id from exports e left join (select clinic_id, export_id, sum(cardinality(ids)) as listed from export_records
        group by 1, 2) r on (r.clinic_id, r.export_id) = (e.clinic_id, e.id) where case
            when e.status in ('queued', 'running') then r.listed is not null
            when e.status = 'ready' then coalesce(r.listed, 0) <> e.record_count end""",
    ),
    Law(
        "The hash chain of the audit log is unbroken, and contains every event that is not pending",
        "AuditEvent",
        f"""select c.event_id as id from (select *, lag(seq, 1, 0::bigint) over w as before, lag(hash, 1,
            decode(repeat('00', 32), 'hex')) over w as last from audit_chain window w as (partition by clinic_id order by seq)) c
        left join audit_events e on (e.clinic_id, e.id) = (c.clinic_id, c.event_id)
        where c.seq <> c.before + 1 or e.id is null or c.hash <> sha256(c.last || {EVENT_BYTES})
        union all select e.id from audit_events e
        where e.clinic_id <> '{NO_CLINIC}' and not exists (
            select from audit_chain c where (c.clinic_id, c.event_id) = (e.clinic_id, e.id))
        and not exists (select from (select clinic_id, unnest(event_ids) as id from audit_pending offset 0) p
            where (p.clinic_id, p.id) = (e.clinic_id, e.id))""",
    ),
)
# The known exceptions: what an earlier release stored and this one refuses.
EXCEPTIONS = (
    Law(
        "Physicians whose NPI has no ten digits or a wrong check digit, stored by an earlier release",
        "Physician",
        f"""select id from physicians where npi is not null and case when npi ~ '^[0-9]{{{_NPI_DIGITS}}}$' then
            (select ({_PREFIX_SUM} + {_LUHN}) % 10 <> 0 from (select {_DIGITS}) d) else true end""",
    ),
)
