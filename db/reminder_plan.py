"""The dunning run of a day: which open invoices are due for a reminder, level and recipients, or the reason to skip an invoice."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.tables.base import listed
from domain.billing.invoices import OPEN
from domain.reminders.reminders import NO_ADDRESS, REMINDED_IN, MessageStatus, SkipReason

_SINCE = " ".join(f"when '{status}' then i.{column}" for status, column in REMINDED_IN.items())


def _address(whom: str, named: str) -> str:
    return f"""case {whom} when 'payer' then coalesce(y.email, ya.email) when 'attorney' then ca.email
        when 'billing_lead' then lead.email else {named} end"""


def _held(of: str, column: str, id_: str, only: str = "") -> str:
    """A join to the last day of the holds in force, per invoice, case or payer."""
    return f"""left join (select {column}, max(until_on) as until_on from holds where clinic_id = $1 and {column} is not null
        and released_at is null and until_on >= $2 {only} group by {column}) {of} on {of}.{column} = i.{id_}"""


# The most specific of the policies that match an invoice; the highest of the levels that are due, and the latest of its
# repetitions. A level counts from the day on which the invoice entered its status.
def _plan(only: str = "") -> str:
    """The statement for all open invoices, or only for those whose ids are bound as $3."""
    return f"""
select i.id as invoice_id, i.number as invoice_number, c.number as case_number, i.balance, $2 - s.since as days,
    p.id as policy_id, p.name as policy, l.level, l.repetition, l.template_id,
    s.since + l.after_days + l.repetition * coalesce(l.repeat_days, 0) as due_on,
    nullif(btrim({_address("l.recipient", "l.recipient_address")}), '') as address,
    nullif(btrim({_address("l.copy_to", "l.copy_address")}), '') as copy_address,
    case l.recipient when 'payer' then y.listed_name when 'attorney' then ca.name when 'billing_lead' then lead.name
        else '' end as recipient,
    i.payer_id, greatest(hi.until_on, hc.until_on, hp.until_on) as held_until,
    case when s.since is null then '{SkipReason.NOT_SUBMITTED}' when p.id is null then '{SkipReason.NO_POLICY}'
        when greatest(hi.until_on, hc.until_on, hp.until_on) is not null then '{SkipReason.ON_HOLD}'
        when o.invoice_id is not null then '{SkipReason.OFFER_OPEN}' when l.level is null then '{SkipReason.NOT_DUE}'
        when m.id is not null then '{SkipReason.ALREADY_TOLD}' end as silence
from invoices i
join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id
join payers y on y.clinic_id = i.clinic_id and y.id = i.payer_id
left join attorneys ya on ya.clinic_id = y.clinic_id and ya.id = y.attorney_id
left join attorneys ca on ca.clinic_id = i.clinic_id and ca.id = i.attorney_id
cross join lateral (select case i.status {_SINCE} end as since) s
left join lateral (select q.id, q.name, q.billing_lead_id from reminder_policies q
    where q.clinic_id = i.clinic_id and q.active and coalesce(q.payer_kind, y.kind) = y.kind
        and (q.facility_id is null or q.facility_id = i.facility_id)
    order by q.facility_id is null, q.payer_kind is null limit 1) p on true
left join users lead on lead.clinic_id = i.clinic_id and lead.id = p.billing_lead_id and lead.active
left join lateral (select v.level, v.template_id, v.after_days, v.repeat_days, v.recipient, v.recipient_address, v.copy_to,
        v.copy_address, case when v.repeat_times > 0
        then least(v.repeat_times, ($2 - s.since - v.after_days) / v.repeat_days) else 0 end as repetition
    from reminder_levels v
    where v.clinic_id = i.clinic_id and v.policy_id = p.id and v.in_status = i.status and s.since + v.after_days <= $2
        and i.balance > 0 and i.balance >= coalesce(v.minimum_balance, 0)
    order by v.level desc limit 1) l on true
{_held("hi", "invoice_id", "id", only and f"and invoice_{only}")}
{_held("hc", "case_id", "case_id")}
{_held("hp", "payer_id", "payer_id")}
left join (select distinct invoice_id from reduction_offers where clinic_id = $1 and status = 'open'
    and (expires_on is null or expires_on >= $2) {only and f"and invoice_{only}"}) o on o.invoice_id = i.id
left join message_invoices m on m.clinic_id = i.clinic_id and m.policy_id = p.id and m.level = l.level
    and m.invoice_id = i.id and m.repetition = l.repetition
where i.clinic_id = $1 and i.status in {listed(OPEN)} {only and f"and i.{only}"}"""


_EVERY = f"""select * from ({_plan()}) every
    order by lower(address), lower(copy_address), payer_id, level desc, due_on, invoice_number"""
_OF_SOME = _plan("id = any($3)")
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
        (clinic_id, id, recorded_at, message_id, invoice_id, policy_id, level, template_id, repetition)
    select $1, gen_random_uuid(), $3, messages.id, invoice_id, policy_id, level, template_id, repetition
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


async def still_due(
    connection: asyncpg.Connection, clinic_id: UUID, today: date, invoices: Sequence[UUID]
) -> dict[UUID, Any]:
    """The reminders due on a day for some invoices, those already sent included; invoices without a due reminder are left out."""
    rows = await connection.fetch(_OF_SOME, clinic_id, today, invoices)
    return {row["invoice_id"]: row for row in rows if row["silence"] in (None, SkipReason.ALREADY_TOLD)}
