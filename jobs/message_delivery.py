"""The delivery of messages, reminders and issued documents: claims due ones under a lease, composes and sends them, and records the result."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from db.pools import Database
from db.reminders.plan import REMINDERS_ARE_ON, still_due, together_with
from db.reminders.working_days import sending_moment
from db.write_batch import WriteBatch
from domain.clinics import clinic_day
from domain.clock import Clock
from domain.reminders.reminders import LEASE, MessageStatus, pause_after
from exports.messages import Letterhead, compose, letterhead_of, with_signature
from exports.templates import Listed, Section, fill_in
from jobs.document_messages import document_of, record_delivery
from jobs.reminder_plan import tell_of_messages
from resolvers.commands.auditing import record_job
from storage.files import Files
from storage.letters import DeliveryResult, EmailMessage, MailServer

# A message that another worker has locked is skipped. Messages wait while the clinic's reminders are off.
_CLAIM = f"""select id, recipient, copy_to, accepted_for, attempts, issued_document_id, attaches_document from outbound_messages
    where clinic_id = $1 and status = 'queued' and next_attempt_at <= $2 and (issued_document_id is not null or {REMINDERS_ARE_ON})
    order by next_attempt_at, id limit 1 for no key update skip locked"""
# Messages of a day on which the clinic sends none wait for the next one on which it does.
_POSTPONE = """with moved as (update outbound_messages set next_attempt_at = $2
        where clinic_id = $1 and status = 'queued' and next_attempt_at < $2 returning id)
    select distinct l.invoice_id from message_invoices l where l.clinic_id = $1 and l.message_id in (select id from moved)"""
_LINKS = """select invoice_id, policy_id, level, template_id, repetition from message_invoices
    where clinic_id = $1 and message_id = $2"""
_TEMPLATES = "select id, subject, body from reminder_templates where clinic_id = $1 and id = any($2)"
# Wait for transactions that are changing these invoices, so that no payer is reminded of one that was paid a moment ago.
_HOLD_STILL = "select id from invoices where clinic_id = $1 and id = any($2) order by id for share"
_WITHDRAW = "delete from message_invoices where clinic_id = $1 and message_id = $2 and invoice_id = any($3)"
_DROP = "delete from outbound_messages where clinic_id = $1 and id = $2"
_KEEP = """update outbound_messages set subject = $3, body = $4, attempts = attempts + 1, next_attempt_at = $5
    where clinic_id = $1 and id = $2"""
_ABOUT = "select invoice_id from message_invoices where clinic_id = $1 and message_id = $2"
_UNUSABLE = "An address cannot be written to, or a template cannot be filled in"


@dataclass(frozen=True, slots=True)
class Clinic:
    """The clinic (tenant) in whose name messages are sent, with its day at one moment."""

    id: UUID
    name: str
    today: date
    moment: datetime
    letterhead: Letterhead
    # The row of the clinic, with its time zone and whether it moves to working days.
    row: Any


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A message that this worker alone sends for as long as its lease lasts."""

    id: UUID
    attempts: int
    recipient: str
    accepted_for: Sequence[str]
    # None when it cannot be composed.
    letter: EmailMessage | None
    # The issued document that it sends; None for reminders.
    document: Mapping[str, Any] | None = None


async def send_messages(database: Database, clock: Clock, mail: MailServer, files: Files | None = None) -> int:
    """Send every queued message whose next attempt is due, one after the other; returns how many were tried.

    Safe to run in several workers at once. It ends early when the mail server cannot be reached: the message that has waited
    longest is tried first the next time. Delayed messages are retried with a backoff.
    """
    tried = 0
    for row in await database.clinics():
        while True:
            moment = clock()
            today, letterhead = clinic_day(moment, row["time_zone"]), letterhead_of(dict(row), mail.sender)
            clinic = Clinic(row["clinic_id"], row["name"], today, moment, letterhead, row)
            if (next_moment := await sending_moment(row, moment)) > moment:
                await _postpone(database, clinic, next_moment)
                break
            async with database.working(clinic.id) as connection:
                waiting = await connection.fetchrow(_CLAIM, clinic.id, moment)
                claimed = await _claim(connection, clinic, waiting, files) if waiting else None
            if waiting is None:
                break
            if claimed is not None:
                tried += 1
                unusable = DeliveryResult(refused={claimed.recipient: _UNUSABLE})
                answer = await mail.send(claimed.letter) if claimed.letter else unusable
                await _record(database, clinic, claimed, answer, clock())
                if answer.is_unreachable:
                    return tried
    return tried


async def _postpone(database: Database, clinic: Clinic, until: datetime) -> None:
    """Have the queued messages of a clinic wait until a moment."""
    async with database.working(clinic.id) as connection:
        about = [row["invoice_id"] for row in await connection.fetch(_POSTPONE, clinic.id, until)]
        await tell_of_messages(connection, database.hints, clinic.id, about)


async def _claim(connection: asyncpg.Connection, clinic: Clinic, message: Any, files: Files | None) -> _Claimed | None:
    """Claim a locked message: recheck which of its reminders are still due, and compose it; None when none is left."""
    if message["issued_document_id"] is not None:
        return await _claim_document(connection, clinic, message, files)
    links = await connection.fetch(_LINKS, clinic.id, message["id"])
    await connection.fetch(_HOLD_STILL, clinic.id, [link["invoice_id"] for link in links])
    due = await still_due(connection, clinic.id, clinic.today, [link["invoice_id"] for link in links], message["id"])
    linked = {link["invoice_id"]: link for link in links if _is_asked_for(message, link, due.get(link["invoice_id"]))}
    gone = [link["invoice_id"] for link in links if link["invoice_id"] not in linked]
    # The links are deleted because a reminder that is not due any more may become due again later.
    await connection.execute(_WITHDRAW, clinic.id, message["id"], gone)
    if not linked:
        await connection.execute(_DROP, clinic.id, message["id"])
        return None
    rows = sorted(
        (due[invoice_id] for invoice_id in linked),
        key=lambda row: (-row["level"], row["due_on"], row["invoice_number"]),
    )
    templates = {link["invoice_id"]: link["template_id"] for link in linked.values()}
    return await _write(connection, clinic, message, rows, templates)


async def _claim_document(
    connection: asyncpg.Connection, clinic: Clinic, message: Any, files: Files | None
) -> _Claimed | None:
    """Claim a message that sends a document, once its file is there."""
    found = await document_of(connection, clinic.id, clinic.name, message, clinic.moment, files)
    if found is None:
        return None
    head, letter = clinic.letterhead, None
    words = with_signature(found.words, head)
    named = (head.sender, head.sender_name, [message["recipient"]], clinic.moment)
    attached = (f"{found.document['number']}.pdf", found.pdf) if found.pdf is not None else None
    with suppress(ValueError):
        content = compose(words, message["id"], *named, reply_to=head.reply_to, attached=attached)
        letter = EmailMessage(message["id"], (message["recipient"],), content, head.sender)
    values = (clinic.id, message["id"], words.subject, words.body, clinic.moment + LEASE)
    await connection.execute(_KEEP, *values)
    claimed = (message["id"], message["attempts"] + 1, message["recipient"], message["accepted_for"])
    return _Claimed(*claimed, letter, found.document)


def _is_asked_for(message: Any, link: Any, due: Any) -> bool:
    """Whether a new plan would send the same reminder of an invoice to the same recipients."""
    to = (message["recipient"].lower(), message["copy_to"] and message["copy_to"].lower())
    same = ("policy_id", "level", "repetition")
    return due is not None and to == together_with(due) and all(link[name] == due[name] for name in same)


async def _write(
    connection: asyncpg.Connection,
    clinic: Clinic,
    message: Any,
    rows: Sequence[Any],
    templates: Mapping[UUID, UUID],
) -> _Claimed:
    """Fill in the templates, store the text of the message, and lease it to this worker."""
    texts = await connection.fetch(_TEMPLATES, clinic.id, list(set(templates.values())))
    by_id = {text["id"]: (text["subject"], text["body"]) for text in texts}
    letter, subject, body = None, None, None
    try:
        filled = fill_in(list(_sections(rows, templates, by_id)), clinic.name, clinic.today)
        head, words = clinic.letterhead, with_signature(filled, clinic.letterhead)
        subject, body = words.subject, words.body
        addresses = [address for address in (message["recipient"], message["copy_to"]) if address]
        named = (head.sender, head.sender_name, addresses, clinic.moment)
        content = compose(words, message["id"], *named, reply_to=head.reply_to, can_unsubscribe=True)
        pending = tuple(address for address in addresses if address not in message["accepted_for"])
        letter = EmailMessage(message["id"], pending, content, head.sender)
    except ValueError:
        subject = subject or rows[0]["policy"]
    await connection.execute(_KEEP, clinic.id, message["id"], subject, body, clinic.moment + LEASE)
    return _Claimed(message["id"], message["attempts"] + 1, message["recipient"], message["accepted_for"], letter)


def _sections(
    rows: Sequence[Any], templates: Mapping[UUID, UUID], texts: Mapping[UUID, tuple[str, str]]
) -> Iterator[Section]:
    """The sections of a message, one per template and recipient, the highest level first."""
    for (template, recipient), group in groupby(rows, lambda row: (templates[row["invoice_id"]], row["recipient"])):
        listed = [Listed(row["case_number"], row["invoice_number"], row["balance"], row["days"]) for row in group]
        yield Section(*texts[template], recipient, listed)


async def _record(
    database: Database, clinic: Clinic, claimed: _Claimed, answer: DeliveryResult, moment: datetime
) -> None:
    """Record the result of a delivery at once, in a transaction of its own."""
    accepted = [*claimed.accepted_for, *sorted(answer.accepted)]
    failure = "; ".join(f"{who}: {why}" for who, why in sorted({**answer.refused, **answer.delayed}.items()))
    changed: dict[str, Any] = {"accepted_for": accepted, "failure": failure or None}
    is_over = claimed.recipient in answer.refused or not answer.delayed
    pause = None if is_over else pause_after(claimed.attempts)
    if pause is not None:
        changed |= {"next_attempt_at": await sending_moment(clinic.row, moment + pause)}
    else:
        was_sent = claimed.recipient in accepted
        changed |= {"status": (MessageStatus.SENT if was_sent else MessageStatus.FAILED).value}
        changed |= {"sent_at": moment} if was_sent else {}
    writes = WriteBatch(clinic.id)
    # A report that it was not delivered can be faster.
    writes.update("outbound_messages", {"id": claimed.id, "status": MessageStatus.QUEUED.value}, **changed)
    if claimed.document is not None and "sent_at" in changed:
        record_delivery(writes, claimed.document, claimed.id, claimed.recipient, moment)
    async with database.working(clinic.id) as connection:
        await writes.run(connection)
        about = [row["invoice_id"] for row in await connection.fetch(_ABOUT, clinic.id, claimed.id)]
        await tell_of_messages(connection, database.hints, clinic.id, about)
        await record_job(connection, [writes], "sendMessage", moment, uuid4().hex)
