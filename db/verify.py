"""Verifies the integrity of the data: each law (invariant) is a query for the records that break it."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from db.audit.chain import EVENT_BYTES
from db.global_ids import make_id
from db.tables.base import listed
from domain.audit import NO_CLINIC
from domain.billing.aging import BUCKETS, Bucket
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.billing.transitions import legal_steps

# The events that are no transitions of the lifecycle; all but the first two leave the version of the invoice unchanged.
_REMINDED = ("schedule_reminder", "update_reminder", "complete_reminder", "cancel_reminder")
_BESIDE = (
    *("replace_invoice_lines", "set_negotiation_limits", "add_internal_note", "place_hold", "release_hold"),
    *_REMINDED,
)
_UNVERSIONED = _BESIDE[2:]
_CREATED = f"transition = 'create_invoice' and from_status is null and to_status = '{InvoiceStatus.PENDING_INVOICE}'"


def _holds(bucket: Bucket) -> str:
    """1 for an age that is in the bucket, else 0."""
    below = "" if bucket.to_days is None else f" and age <= {bucket.to_days}"
    return f"(age >= {bucket.from_days}{below})::int"


_STEPS = ", ".join(listed(step) for step in sorted(legal_steps()))
_TIMES_COUNTED = f"case when status in {listed(OPEN)} then {' + '.join(map(_holds, BUCKETS))} else 0 end"
# Invoice numbers in the server's own format; imports may have kept others: `offset 0` is a fence against casting those.
_OURS = "(select clinic_id, id, number, external_key, created_on from invoices where number ~ '^INV-[0-9]{4}-[0-9]{6,12}$' offset 0) o"
_NUMBERED = f"(select *, substr(number, 5, 4)::int as year, substr(number, 10)::bigint as place from {_OURS}) n"


@dataclass(frozen=True, slots=True)
class Law:
    """An invariant in words, and the query for the ids of the records that break it; `kind` is the type of those records."""

    words: str
    kind: str
    query: str


LAWS = (
    Law(
        "Received is the sum of the allocations, reversals included",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, sum(amount) as amount from cheque_allocations
        group by 1, 2) a on (a.clinic_id, a.invoice_id) = (i.clinic_id, i.id)
        where i.received_amount <> coalesce(a.amount, 0)""",
    ),
    Law(
        "0 ≤ received ≤ agreed ≤ billed",
        "Invoice",
        """select id from invoices where received_amount < 0 or received_amount > coalesce(agreed_amount, 0)
        or agreed_amount > billed_amount""",
    ),
    Law(
        "Billed is the sum of the lines",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, sum(amount) as amount from invoice_lines
        group by 1, 2) l on (l.clinic_id, l.invoice_id) = (i.clinic_id, i.id)
        where i.billed_amount <> coalesce(l.amount, 0)""",
    ),
    Law(
        "A cheque pays no more than its amount",
        "Cheque",
        """select c.id from cheques c join cheque_allocations a on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        group by c.clinic_id, c.id having sum(a.amount) > c.amount""",
    ),
    Law(
        "No invoice has a negative sum of allocations from a cheque",
        "Cheque",
        """select cheque_id as id from cheque_allocations group by clinic_id, cheque_id, invoice_id
        having sum(amount) < 0""",
    ),
    Law(
        "A returned cheque pays nothing",
        "Cheque",
        """select c.id from cheques c join cheque_allocations a on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        where c.returned_on is not null group by c.clinic_id, c.id, a.invoice_id having sum(a.amount) <> 0""",
    ),
    Law(
        "A reversal is equal and opposite, once, of the same cheque and invoice, on the day of the return",
        "ChequeAllocation",
        """select r.id from (select *, row_number() over (partition by clinic_id, reverses_id order by id) as nth
        from cheque_allocations where reverses_id is not null) r
        join cheques c on (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
        join cheque_allocations a on (a.clinic_id, a.id) = (r.clinic_id, r.reverses_id) where r.nth > 1
        or (r.amount, r.cheque_id, r.invoice_id, r.effective_on)
        is distinct from (-a.amount, a.cheque_id, a.invoice_id, c.returned_on)""",
    ),
    Law(
        "A cheque pays invoices of its payer only",
        "Cheque",
        """select c.id from cheques c join cheque_allocations a on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        join invoices i on (i.clinic_id, i.id) = (a.clinic_id, a.invoice_id)
        where c.returned_on is null and i.payer_id <> c.payer_id""",
    ),
    Law(
        "The status agrees with the amounts",
        "Invoice",
        """select id from invoices where (case status
            when 'pending_invoice' then agreed_amount is null and agreed_on is null and received_amount = 0
            when 'pending_reduction' then agreed_amount is null and agreed_on is null and received_amount = 0
                and submitted_on is not null
            when 'pending_cheque' then received_amount < agreed_amount and agreed_on is not null and fully_paid_on is null
            when 'cheque_received' then received_amount = agreed_amount and fully_paid_on is not null and paid_on is null
            when 'paid' then received_amount = agreed_amount and fully_paid_on is not null and paid_on is not null
            when 'void' then received_amount = 0 and agreed_amount is null
            when 'written_off' then written_off_amount = coalesce(agreed_amount, billed_amount) - received_amount
            end and (written_off_amount = 0 or status = 'written_off')) is not true""",
    ),
    Law(
        "The balance is the amount that is still due",
        "Invoice",
        """select id from invoices where balance <> case when status in ('void', 'paid', 'written_off') then 0
        else coalesce(agreed_amount, billed_amount) - received_amount end""",
    ),
    Law(
        "A history is numbered from 1 without gaps",
        "Invoice",
        """select invoice_id as id from invoice_events group by clinic_id, invoice_id
        having min(seq) <> 1 or max(seq) <> count(*)""",
    ),
    Law(
        "A history begins with the creation, and each transition is legal and begins where the one before ended",
        "Invoice",
        f"""select invoice_id as id from (select *, lag(to_status) over w as before from invoice_events
        window w as (partition by clinic_id, invoice_id order by seq)) e
        where (case when before is null then {_CREATED} else from_status = before and (
            (transition, from_status, to_status) in ({_STEPS})
            or transition in {listed(_BESIDE)} and from_status = to_status) end) is not true""",
    ),
    Law(
        "A history ends in the status of its invoice",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, max(seq) as seq from invoice_events
        group by 1, 2) l on (l.clinic_id, l.invoice_id) = (i.clinic_id, i.id)
        left join invoice_events e on (e.clinic_id, e.invoice_id, e.seq) = (l.clinic_id, l.invoice_id, l.seq)
        where e.to_status is distinct from i.status""",
    ),
    Law(
        "A version counts the changes in the history",
        "Invoice",
        f"""select i.id from invoices i left join (select clinic_id, invoice_id, count(*) as told from invoice_events
        where transition not in {listed(_UNVERSIONED)} group by 1, 2) e
        on (e.clinic_id, e.invoice_id) = (i.clinic_id, i.id) where i.version is distinct from e.told""",
    ),
    Law(
        "The past states of an invoice have neither gap nor overlap, up to its current state",
        "Invoice",
        """select i.id from invoices i join (select clinic_id, invoice_id, known_until, lead(known_from)
        over (partition by clinic_id, invoice_id order by known_from) as next from invoice_states) s
        on (s.clinic_id, s.invoice_id) = (i.clinic_id, i.id) where coalesce(s.next, i.known_from) <> s.known_until""",
    ),
    Law(
        "The state of an invoice at the end of a past day agrees with its history and its cheques",
        "Invoice",
        """select s.invoice_id as id from invoice_states s join clinics c on c.clinic_id = s.clinic_id
        cross join lateral (select e.to_status from invoice_events e where (e.clinic_id, e.invoice_id) = (s.clinic_id, s.invoice_id)
            and (e.at at time zone c.time_zone)::date < s.known_until order by e.seq desc limit 1) e
        cross join lateral (select coalesce(sum(a.amount), 0) as amount from cheque_allocations a
            where (a.clinic_id, a.invoice_id) = (s.clinic_id, s.invoice_id)
            and (a.recorded_at at time zone c.time_zone)::date < s.known_until) a
        where e.to_status <> s.status or a.amount <> s.received_amount""",
    ),
    Law(
        "At most the newest offer is open, and only while a reduction is negotiated",
        "Invoice",
        """select i.id from invoices i join reduction_offers o on (o.clinic_id, o.invoice_id) = (i.clinic_id, i.id)
        where o.status = 'open' and (i.status <> 'pending_reduction' or exists (select from reduction_offers n
        where (n.clinic_id, n.invoice_id) = (o.clinic_id, o.invoice_id) and n.round > o.round))""",
    ),
    Law(
        "A reduced invoice has an accepted offer of its agreed amount",
        "Invoice",
        """select i.id from invoices i where i.agreed_amount < i.billed_amount and not exists (select from reduction_offers o
        where (o.clinic_id, o.invoice_id) = (i.clinic_id, i.id) and o.status = 'accepted' and o.amount = i.agreed_amount)""",
    ),
    Law(
        "A settled case has closed invoices only, at least one of them paid; an open case has no paid one",
        "Case",
        """select c.id from cases c left join (select clinic_id, case_id, count(*) filter (where status = 'paid') as paid,
        count(*) filter (where status not in ('paid', 'void', 'written_off')) as waiting from invoices group by 1, 2) i
        on (i.clinic_id, i.case_id) = (c.clinic_id, c.id)
        where case c.status when 'settled' then coalesce(i.paid, 0) = 0 or i.waiting > 0 else i.paid > 0 end""",
    ),
    Law(
        "The numbers of a clinic's year have no gaps except before imported numbers",
        "Invoice",
        f"""select id from (select id, number, external_key, place, lag(place, 1, 0::bigint) over (partition by clinic_id, year order by place)
        as before from {_NUMBERED}) b where place <> before + 1
        and number is distinct from external_key""",
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
        "The attorney of a case is the only one among its current representations",
        "Case",
        """select c.id from cases c left join representations r on (r.clinic_id, r.case_id) = (c.clinic_id, c.id)
        and r.until_on is null group by c.clinic_id, c.id
        having array_remove(array_agg(r.attorney_id), null) <> array_remove(array[c.attorney_id], null)""",
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


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken law, how many records break it, and the global ids of the first of them."""

    law: Law
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """The result: how many records were checked, and the laws that are broken."""

    invoices: int
    cases: int
    cheques: int
    breaches: tuple[Breach, ...]


async def verify(connection: asyncpg.Connection) -> Verified:
    """Check every law over all clinics in one snapshot, on the owner's connection."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # The laws sort and join whole tables.
        await connection.execute("set local work_mem = '128MB'; set local jit = off")
        breaches = await find_breaches(connection)
        counts = await connection.fetchrow("""select (select count(*) from invoices) as invoices,
            (select count(*) from cases) as cases, (select count(*) from cheques) as cheques""")
    assert counts is not None
    return Verified(breaches=breaches, **counts)


async def find_breaches(connection: asyncpg.Connection, shown: int = 20) -> tuple[Breach, ...]:
    """The laws that are broken among the records visible to the connection, each with up to `shown` ids."""
    asked = [await _ask(connection, law, shown) for law in LAWS]
    return tuple(breach for breach in asked if breach)


async def _ask(connection: asyncpg.Connection, law: Law, shown: int) -> Breach | None:
    query = f"""with broken as materialized (select distinct id from ({law.query}) found)
        select id, (select count(*) from broken) as count from broken order by id limit $1"""
    found: list[tuple[UUID, int]] = [(row["id"], row["count"]) for row in await connection.fetch(query, shown)]
    if not found:
        return None
    return Breach(law, found[0][1], tuple(make_id(law.kind, identity) for identity, _ in found))
