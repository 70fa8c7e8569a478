"""Delivery reports: messages that mail servers had accepted and could not deliver have failed, and become action items."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from db.pools import Database
from db.write_batch import WriteBatch
from domain.clock import Clock
from domain.reminders.delivery_reports import DeliveryReport
from domain.reminders.reminders import MessageStatus
from jobs.reminder_plan import tell_of_messages
from observability.outages import REPORT_MAILBOX, SEEN
from resolvers.commands.auditing import record_job
from storage.report_mailbox import Position, Reading, ReportMailbox, ReportMailboxError

logger = logging.getLogger("billing.worker")
_POSITION = "select uid_validity, last_uid from jobs.report_mailboxes where name = $1"
# A reader that was late does not move the position back.
_KEEP = """insert into jobs.report_mailboxes as m (name, uid_validity, last_uid, read_at) values ($1, $2, $3, now())
    on conflict (name) do update set uid_validity = excluded.uid_validity, read_at = now(),
        last_uid = case when m.uid_validity = excluded.uid_validity then greatest(m.last_uid, excluded.last_uid)
            else excluded.last_uid end"""
_SEEN = "insert into jobs.delivery_reports (key, read_at) values ($1, now()) on conflict do nothing returning 1"
# Reports are read again only where the server has numbered the mailbox anew, and then the last ones.
_FORGET = "delete from jobs.delivery_reports where read_at < now() - interval '1 year'"
_MESSAGES = """select id, recipient, copy_to, status, accepted_for, attempts, failure,
        (select d.case_id from issued_documents d where d.clinic_id = m.clinic_id and d.id = m.issued_document_id) as case_id
    from outbound_messages m where clinic_id = $1 and id = any($2) and status in ('sent', 'queued')
    order by id for no key update of m"""
_ABOUT = "select distinct invoice_id from message_invoices where clinic_id = $1 and message_id = any($2)"


async def read_delivery_reports(database: Database, clock: Clock, mailbox: ReportMailbox) -> int:
    """Read what is new in the mailbox, and mark the messages that were not delivered; returns the number of failed recipients.

    A job of the worker, which one worker at a time runs. Its position in the mailbox is kept after the messages were marked, and each
    report counts once: one that dies in between loses nothing and does nothing twice.
    """
    began = monotonic()
    async with database.working() as connection:
        kept = await connection.fetchrow(_POSITION, mailbox.name)
    try:
        reading = await mailbox.read(Position(*kept) if kept else None)
    except ReportMailboxError as error:
        SEEN.began(REPORT_MAILBOX, str(error))
        return 0
    SEEN.ended(REPORT_MAILBOX)
    failed, known = await apply_reports(database, clock(), reading.reports)
    async with database.working() as connection:
        await connection.execute(_KEEP, mailbox.name, reading.position.uid_validity, reading.position.last_uid)
        await connection.execute(_FORGET)
    _log(reading, failed, known, monotonic() - began)
    return failed


def _log(reading: Reading, failed: int, known: int, seconds: float) -> None:
    if total := len(reading.reports) + reading.unreadable:
        words = "delivery reports: %d read, %d about no message, %d recipients failed, in %.1f s"
        logger.info(words, total, total - known, failed, seconds)


async def apply_reports(database: Database, moment: datetime, reports: Sequence[DeliveryReport]) -> tuple[int, int]:
    """Mark the messages that reports are about: how many recipients have failed, and how many reports were about a message of ours."""
    failed = known = 0
    if any(report.failures for report in reports):
        for clinic in await database.clinics():
            async with database.working(clinic["clinic_id"]) as connection:
                done = await _mark(connection, database, clinic["clinic_id"], reports, moment)
                failed, known = failed + done[0], known + done[1]
    return failed, known


async def _mark(
    connection: asyncpg.Connection,
    database: Database,
    clinic_id: UUID,
    reports: Iterable[DeliveryReport],
    moment: datetime,
) -> tuple[int, int]:
    """Mark the messages of one clinic in one transaction."""
    by_message = defaultdict[UUID, list[DeliveryReport]](list)
    for report in reports:
        by_message[report.message_id].append(report)
    writes, changed, failed, known = WriteBatch(clinic_id), list[UUID](), 0, 0
    for message in map(dict, await connection.fetch(_MESSAGES, clinic_id, list(by_message))):
        about = by_message[message["id"]]
        known += len(about)
        new = [report for report in about if await connection.fetchval(_SEEN, report.key)]
        if reasons := reasons_by_recipient(message, new):
            writes.update("outbound_messages", {"id": message["id"]}, **_failure(message, reasons))
            changed.append(message["id"])
            writes.rows.append(("issued_documents", {"case_id": message["case_id"]}))
            failed += len(reasons)
    if changed:
        await writes.run(connection)
        invoices: list[UUID] = [row["invoice_id"] for row in await connection.fetch(_ABOUT, clinic_id, changed)]
        await tell_of_messages(connection, database.hints, clinic_id, invoices)
        # The event names the invoices that the messages are about, and the cases of documents.
        writes.rows += [("message_invoices", {"invoice_id": invoice_id}) for invoice_id in invoices]
        await record_job(connection, [writes], "readDeliveryReport", moment, uuid4().hex)
    return failed, known


def reasons_by_recipient(message: Mapping[str, Any], reports: Iterable[DeliveryReport]) -> dict[str, str]:
    """The recipients of a message that reports are about, with the reason why each of them did not get it.

    A report can be faster than the answer of the mail server is recorded: while an attempt is under way, it counts for all recipients.
    """
    is_tried = message["status"] == MessageStatus.QUEUED and message["attempts"] > 0
    tried = [message["recipient"], message["copy_to"]] if is_tried else []
    recipients = dict.fromkeys(who for who in [*message["accepted_for"], *tried] if who)
    return {
        who: failure.reason
        for report in reports
        for failure in report.failures
        for who in recipients
        if who.lower() in failure.addresses
    }


def _failure(message: Mapping[str, Any], reasons: Mapping[str, str]) -> dict[str, Any]:
    """The columns of a message that some recipients did not get: it has failed if its recipient is one of them, as at its delivery."""
    told = "; ".join(f"{who}: {why}" for who, why in sorted(reasons.items()))
    accepted = [who for who in message["accepted_for"] if who not in reasons]
    changed = {"accepted_for": accepted, "failure": "; ".join(filter(None, [message["failure"], told]))}
    return changed | ({"status": MessageStatus.FAILED.value} if message["recipient"] in reasons else {})
