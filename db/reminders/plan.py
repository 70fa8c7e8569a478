"""The dunning run of a day: which open invoices are due for a reminder, level and recipients, or the reason to skip an invoice."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg

from db.merged_records import joined, surviving
from db.tables.base import listed
from domain.billing.invoices import OPEN
from domain.reminders.reminders import NO_ADDRESS, REMINDED_IN, MessageStatus, SkipReason

# Whether somebody has seen a dry run of a clinic, which is bound as $1, and has confirmed it.
REMINDERS_ARE_ON = "exists (select from reminder_confirmations where clinic_id = $1 and ended_at is null)"

_SINCE = " ".join(f"when '{status}' then i.{column}" for status, column in REMINDED_IN.items())


def _address(whom: str, named: str) -> str:
    return f"""case {whom} when 'payer' then coalesce(y.email, ya.email) when 'attorney' then ca.email
        when 'billing_lead' then lead.email else {named} end"""


def _suppressed(of: str, address: str) -> str:
    """A join to the entry of an address on the suppression list."""
    return f"""left join suppressed_addresses {of} on {of}.clinic_id = i.clinic_id and {of}.email = lower({address})
    and {of}.removed_at is null"""


def _held(of: str, column: str, id_: str, only: str = "", key: str = "") -> str:
    """A join to the last day of the holds in force, per invoice, case or payer; `key` where that is not the column itself."""
    return f"""left join (select {key or column} as held_id, max(until_on) as until_on from holds where clinic_id = $1
        and {column} is not null and released_at is null and until_on >= $2 {only} group by 1) {of} on {of}.held_id = {id_}"""


# The messages about an invoice since it entered its status: the highest level, its last repetition, the days of its first and
# its last message, and the status of the last one: while that one is not sent, no further message follows. Messages of earlier
# releases do not say from which day they counted. The status of a level is that of the level with its number in its policy.
def _sent(without: str) -> str:
    return f"""select h.level, max(h.repetition) as repetition, min(t.day) as first_on, max(t.day) as last_on,
        (array_agg(o.status order by h.repetition desc))[1] as status
    from message_invoices h
    join outbound_messages o on o.clinic_id = h.clinic_id and o.id = h.message_id
    join reminder_levels k on k.clinic_id = h.clinic_id and k.policy_id = h.policy_id and k.level = h.level
    cross join lateral (select coalesce((o.sent_at at time zone cl.time_zone)::date, o.due_on) as day) t
    where h.clinic_id = i.clinic_id and h.invoice_id = i.id and k.in_status = i.status {without}
        and (h.counted_from = s.since or h.counted_from is null and o.due_on >= s.since)
    group by h.level order by h.level desc limit 1"""


# The next message about an invoice: its first level if none was sent; else the level that follows, after as many days as the
# schedule has between the two, or the next repetition of the same level. No level is passed over but for its minimum balance,
# so that a payer whose schedule begins late is not written to as one who was reminded before.
_NEXT = f"""select v.level, v.template_id, v.recipient, v.recipient_address, v.copy_to, v.copy_address, r.repetition, d.due_on
    from reminder_levels v
    cross join lateral (select case when v.level = told.level then told.repetition + 1 else 0 end as repetition) r
    cross join lateral (select case when v.level = told.level then told.last_on + v.repeat_days
        else greatest(s.since + v.after_days, told.first_on + v.after_days - coalesce((select max(b.after_days)
            from reminder_levels b where b.clinic_id = v.clinic_id and b.policy_id = v.policy_id
                and b.in_status = v.in_status and b.level <= told.level), 0)) end as due_on) d
    where v.clinic_id = i.clinic_id and v.policy_id = p.id and v.in_status = i.status and d.due_on <= $2
        and i.balance > 0 and i.balance >= coalesce(v.minimum_balance, 0) and coalesce(told.status, '{MessageStatus.SENT}') = '{MessageStatus.SENT}'
        and (told.level is null or v.level > told.level or v.level = told.level and told.repetition < v.repeat_times)
    order by v.level is not distinct from told.level, v.level limit 1"""


# The most specific of the policies that match an invoice applies to it. A level counts from the day on which the invoice
# entered its status.
def _plan(only: str = "", without: str = "") -> str:
    """The statement for all open invoices, or for those whose ids are bound as $3, as if the message bound as $4 did not exist."""
    return f"""
select i.id as invoice_id, i.number as invoice_number, c.number as case_number, i.balance, $2 - s.since as days,
    p.id as policy_id, p.name as policy, coalesce(l.level, told.level) as level, l.repetition, l.template_id, l.due_on,
    s.since as counted_from,
    w.address, case when uc.id is null then w.copy_address end as copy_address,
    case l.recipient when 'payer' then y.listed_name when 'attorney' then ca.name when 'billing_lead' then lead.name
        else '' end as recipient,
    y.id as payer_id, greatest(hi.until_on, hc.until_on, hp.until_on) as held_until,
    case when s.since is null then '{SkipReason.NOT_SUBMITTED}' when p.id is null then '{SkipReason.NO_POLICY}'
        when greatest(hi.until_on, hc.until_on, hp.until_on) is not null then '{SkipReason.ON_HOLD}'
        when o.invoice_id is not null then '{SkipReason.OFFER_OPEN}' when us.id is not null then '{SkipReason.UNSUBSCRIBED}'
        when l.level is not null then null
        when told.status = '{MessageStatus.FAILED}' then '{SkipReason.LAST_FAILED}'
        when told.status = '{MessageStatus.QUEUED}' then '{SkipReason.LAST_QUEUED}' when told.level is not null then '{SkipReason.ALREADY_TOLD}'
        else '{SkipReason.NOT_DUE}' end as silence
from invoices i
join clinics cl on cl.clinic_id = i.clinic_id
join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id
{joined("payer", "y", "i.payer_id")}
left join attorneys ya on ya.clinic_id = y.clinic_id and ya.id = y.attorney_id
left join attorneys ca on ca.clinic_id = i.clinic_id and ca.id = i.attorney_id
cross join lateral (select case i.status {_SINCE} end as since) s
left join lateral (select q.id, q.name, q.billing_lead_id from reminder_policies q
    where q.clinic_id = i.clinic_id and q.active and coalesce(q.payer_kind, y.kind) = y.kind
        and (q.facility_id is null or q.facility_id = i.facility_id)
    order by q.facility_id is null, q.payer_kind is null limit 1) p on true
left join users lead on lead.clinic_id = i.clinic_id and lead.id = p.billing_lead_id and lead.active
left join lateral ({_sent(without)}) told on true
left join lateral ({_NEXT}) l on true
cross join lateral (select nullif(btrim({_address("l.recipient", "l.recipient_address")}), '') as address,
    nullif(btrim({_address("l.copy_to", "l.copy_address")}), '') as copy_address) w
{_suppressed("us", "w.address")}
{_suppressed("uc", "w.copy_address")}
{_held("hi", "invoice_id", "i.id", only and f"and invoice_{only}")}
{_held("hc", "case_id", "i.case_id")}
{_held("hp", "payer_id", "y.id", key=surviving("payer", "payer_id"))}
left join (select distinct invoice_id from reduction_offers where clinic_id = $1 and status = 'open'
    and (expires_on is null or expires_on >= $2) {only and f"and invoice_{only}"}) o on o.invoice_id = i.id
where i.clinic_id = $1 and i.status in {listed(OPEN)} {only and f"and i.{only}"}"""


_EVERY = f"""select * from ({_plan()}) every
    order by lower(address), lower(copy_address), payer_id, level desc, due_on, invoice_number"""
_OF_SOME = _plan("id = any($3)", "and h.message_id <> $4")
# Reminders to the same addresses are one message; without an address there is one message per payer, which has failed at once.
_WRITE = f"""
with due as materialized (select *, coalesce(lower(address) || ' ' || coalesce(lower(copy_address), ''), payer_id::text) as together
    from ({_plan()}) every where silence is null),
messages as materialized (select together, gen_random_uuid() as id, min(address) as address, min(copy_address) as copy_address,
        min(policy) as policy
    from due group by together),
written as (insert into outbound_messages
        (clinic_id, id, due_on, next_attempt_at, recorded_at, recipient, copy_to, subject, status, failure)
    select $1, id, $2, $3, $3, coalesce(address, ''), case when address is not null then copy_address end, policy,
        case when address is null then '{MessageStatus.FAILED}' else '{MessageStatus.QUEUED}' end,
        case when address is null then '{NO_ADDRESS}' end
    from messages),
linked as (insert into message_invoices
        (clinic_id, id, recorded_at, message_id, invoice_id, policy_id, level, template_id, repetition, counted_from)
    select $1, gen_random_uuid(), $3, messages.id, invoice_id, policy_id, level, template_id, repetition, counted_from
    from due join messages using (together))
select count(*) as messages, array(select invoice_id from due where address is null) as failed from messages"""


async def write_plan(
    connection: asyncpg.Connection, clinic_id: UUID, today: date, moment: datetime
) -> tuple[int, list[UUID]]:
    """Insert the reminders due on a day as queued messages: the number of messages, and the invoices of those that have failed at once."""
    row = await connection.fetchrow(_WRITE, clinic_id, today, moment)
    assert row is not None
    return row["messages"], row["failed"]


async def every_one(connection: asyncpg.Connection, clinic_id: UUID, today: date) -> Sequence[Any]:
    """Every open invoice with the reminder due on a day, grouped by addresses, or with the reason why none is sent."""
    return await connection.fetch(_EVERY, clinic_id, today)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the dunning run of a day would send: the rows of each message, how many invoices are open, and a digest of it all."""

    day: date
    messages: Sequence[Sequence[Any]]
    skipped: Sequence[Any]
    token: str

    @property
    def invoice_count(self) -> int:
        """The number of invoices that the messages are about."""
        return sum(map(len, self.messages))


_SEEN = (
    "address",
    "copy_address",
    "recipient",
    "invoice_id",
    "balance",
    "policy_id",
    "level",
    "template_id",
    "repetition",
)
_TEXTS = "select id, subject, body from reminder_templates where clinic_id = $1 and id = any($2) order by id"


async def dry_run(connection: asyncpg.Connection, clinic_id: UUID, day: date) -> DryRun:
    """What would be sent on a day; nothing is written. The token is the same for as long as nothing of it changes."""
    rows = await every_one(connection, clinic_id, day)
    due = [row for row in rows if row["silence"] is None]
    seen = [[str(row[name]) for name in _SEEN] for row in due]
    texts = await connection.fetch(_TEXTS, clinic_id, list({row["template_id"] for row in due}))
    written = [[str(value) for value in text] for text in texts]
    token = hashlib.sha256(f"{clinic_id} {day} {seen} {written}".encode()).hexdigest()[:32]
    messages = [list(group) for _, group in groupby(due, together_with)]
    return DryRun(day, messages, [row for row in rows if row["silence"]], token)


def together_with(row: Any) -> Sequence[Any]:
    """The grouping key of a message: its addresses, or the payer when there is no address."""
    address, copy = (row[name] and row[name].lower() for name in ("address", "copy_address"))
    return (address, copy) if address else (row["payer_id"],)


async def still_due(
    connection: asyncpg.Connection, clinic_id: UUID, today: date, invoices: Sequence[UUID], message: UUID
) -> dict[UUID, Any]:
    """The reminders due on a day for some invoices if this message had not been planned; invoices without one are left out."""
    rows = await connection.fetch(_OF_SOME, clinic_id, today, invoices, message)
    return {row["invoice_id"]: row for row in rows if row["silence"] is None}
