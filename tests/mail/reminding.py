"""A clinic with reminders for tests: policies (dunning schedules) for the invoices of one facility, a clock, and a real SMTP server."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from db.pools import Database
from jobs.message_delivery import send_messages
from jobs.reminder_plan import plan_reminders
from server.database_urls import DatabaseUrls
from storage.letters import MailServer
from tests.mail.smtp_server import RecordingSmtpServer, recording_smtp_server
from tests.support.api.clinic_clock import moment
from tests.support.databases import TODAY, rows

LEAD, PAYER, LAWYER, CLERK = "lead@clinic.example", "payer@firm.example", "lawyer@firm.example", "clerk@firm.example"
# What is left of an invoice is written off.
WRITE_OFF = "update invoices set status = 'written_off', written_off_amount = balance where id = $1"
BODY = "Level {}\n{{{{ invoices }}}}\nof {{{{ clinic }}}}"
_TEMPLATE = """insert into reminder_templates (clinic_id, id, name, version, subject, body)
    select clinic_id, $1, $2, 1, $3, $4 from clinics"""
_POLICY = """insert into reminder_policies (clinic_id, id, name, payer_kind, facility_id, billing_lead_id)
    select clinic_id, $1, $2, $3, $4, (select id from users where role = 'admin') from clinics"""
_LEVEL = """insert into reminder_levels (clinic_id, id, policy_id, level, template_id, after_days, in_status, recipient,
        recipient_address, copy_to, copy_address, minimum_balance, repeat_days, repeat_times)
    select clinic_id, gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 from clinics"""
_FACILITY = (
    """insert into facilities (clinic_id, id, name) select clinic_id, $1, 'Facility with reminders' from clinics"""
)
_DEACTIVATE_POLICIES = "update reminder_policies set active = false"
_MOVE_TO_FACILITY = """update invoices set facility_id = $1, submitted_on = case when status = 'pending_cheque' then submitted_on else $3 end,
        agreed_on = case when status = 'pending_cheque' then $3 else agreed_on end
    where id = (select i.id from invoices i join payers p on p.id = i.payer_id where i.status = $2 and i.submitted_on is not null
        and i.facility_id <> $1 and p.kind = 'attorney' and i.received_amount = 0
        and not exists (select from reduction_offers o where o.invoice_id = i.id and o.status = 'open') order by i.id limit 1)
    returning id, number, payer_id, case_id, attorney_id, balance"""
_RELEASE_HOLDS = "update holds set released_at = now() where released_at is null"


def level(after_days: int, status: str = "pending_invoice", **fields: Any) -> dict[str, Any]:
    """A level of a policy, addressed to the payer unless `fields` says otherwise."""
    return {"after_days": after_days, "in_status": status, "recipient": "payer", **fields}


@dataclass
class Reminding:
    """A clinic in which payers get reminders about the invoices of one facility."""

    address: DatabaseUrls
    mail_server: RecordingSmtpServer
    facility: UUID = field(default_factory=uuid4)
    now: datetime = field(default_factory=lambda: moment(TODAY))
    # As those of a real worker, connections stay open from one run to the next.
    _loop: asyncio.Runner = field(default_factory=asyncio.Runner)
    _databases: list[Database] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows(self.address, _DEACTIVATE_POLICIES)
        rows(self.address, _RELEASE_HOLDS)
        rows(self.address, _FACILITY, self.facility)

    def policy(self, *levels: dict[str, Any], kind: str | None = None, everywhere: bool = False) -> UUID:
        """A policy with levels, each with a template that contains the number of the level."""
        policy, name = uuid4(), f"Policy {uuid4()}"
        rows(self.address, _POLICY, policy, name, kind, None if everywhere else self.facility)
        for number, fields_of_level in enumerate(levels, 1):
            self.add_level(policy, number, fields_of_level)
        return policy

    def add_level(self, policy: UUID, number: int, fields: dict[str, Any]) -> None:
        """Add a level to a policy, with its template."""
        template, body = uuid4(), fields.get("body", BODY.format(number))
        subject = fields.get("subject", f"Level {number}")
        rows(self.address, _TEMPLATE, template, f"{policy} {number}", subject, body)
        addressing = [
            *(fields[column] for column in ("after_days", "in_status", "recipient")),
            *(fields.get(column) for column in ("recipient_address", "copy_to")),
        ]
        limits = [fields.get(column) for column in ("copy_address", "minimum_balance", "repeat_days")]
        repeated = fields.get("repeat_times", 0)
        rows(self.address, _LEVEL, policy, number, template, *addressing, *limits, repeated)

    def invoice(self, days: int, status: str = "pending_invoice", payer: str = PAYER) -> Any:
        """An open invoice that has been in its status for `days` days."""
        (invoice,) = rows(self.address, _MOVE_TO_FACILITY, self.facility, status, self.today - timedelta(days=days))
        rows(self.address, "update payers set email = $2 where id = $1", invoice["payer_id"], payer)
        return invoice

    @property
    def today(self) -> date:
        """The current day in the clinic; the time is noon or later."""
        return (self.now - timedelta(hours=12)).date()

    def pass_days(self, days: int = 1) -> None:
        """Move the clock forward by days on which no worker runs."""
        self.now = moment(self.today + timedelta(days=days))

    def run(self, workers: int = 1) -> list[tuple[tuple[str, ...], str]]:
        """Run workers concurrently, and return the recipients and the text of each message that the mail server accepts."""
        before = len(self.mail_server.taken)
        while len(self._databases) < workers:
            self._databases.append(Database(self.address.login))
        self._loop.run(self._run_workers(self._databases[:workers], self.mail_server.server))
        return sorted(self.mail_server.texts()[before:])

    async def work(self, workers: int = 1, mail: MailServer | None = None) -> None:
        """Run the reminder jobs of all workers once, concurrently, with the mail server or another client of it."""
        async with AsyncExitStack() as stack:
            databases = [await stack.enter_async_context(Database(self.address.login)) for _ in range(workers)]
            await self._run_workers(databases, mail or self.mail_server.server)

    async def _run_workers(self, databases: list[Database], mail: MailServer) -> None:
        async def run_worker(database: Database) -> None:
            await plan_reminders(database, lambda: self.now)
            await send_messages(database, lambda: self.now, mail)

        await asyncio.gather(*map(run_worker, databases))

    def close(self) -> None:
        """Close the connections of the workers."""

        async def close() -> None:
            for database in self._databases:
                await database.__aexit__()

        with self._loop:
            self._loop.run(close())

    def day(self, workers: int = 1) -> list[tuple[tuple[str, ...], str]]:
        """Move to the next day, run the workers and return the messages."""
        self.pass_days()
        return self.run(workers)

    def messages(self) -> list[Any]:
        """Every row of outbound_messages, the oldest first."""
        return rows(self.address, "select * from outbound_messages order by due_on, recorded_at, id")


def numbers(messages: list[tuple[tuple[str, ...], str]]) -> list[tuple[str, str]]:
    """Level and number of every invoice in messages."""
    return [
        (text.splitlines()[0], line.rpartition(" ")[2])
        for _, text in messages
        for text in text.split(f"\n\n{'-' * 40}\n\n")
        for line in text.partition("\n\n-- \n")[0].splitlines()[1:-1]
    ]


@contextmanager
def reminding_over(address: DatabaseUrls) -> Iterator[Reminding]:
    """A clinic with reminders and its SMTP server."""
    with recording_smtp_server() as mail_server, closing(Reminding(address, mail_server)) as reminding:
        yield reminding
