"""Decides how tests have payers reminded: a policy for invoices of one facility, days that pass, and a real mail server."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from db.pools import Database
from resolvers.message_delivery import send_messages
from resolvers.reminder_plan import plan_reminders
from server.addresses import Address
from tests.api.clinic_clock import moment
from tests.databases import TODAY, rows
from tests.mail.post_office import PostOffice, post_office

LEAD, PAYER, LAWYER, CLERK = "lead@clinic.example", "payer@firm.example", "lawyer@firm.example", "clerk@firm.example"
BODY = "Level {}\n{{{{ invoices }}}}\nof {{{{ clinic }}}}"
_TEMPLATE = """insert into reminder_templates (clinic_id, id, name, version, subject, body)
    select clinic_id, $1, $2, 1, $3, $4 from clinics"""
_POLICY = """insert into reminder_policies (clinic_id, id, name, payer_kind, facility_id, billing_lead_id)
    select clinic_id, $1, $2, $3, $4, (select id from users where role = 'admin') from clinics"""
_LEVEL = """insert into reminder_levels (clinic_id, id, policy_id, level, template_id, after_days, in_status, recipient,
        recipient_address, copy_to, copy_address, minimum_balance, repeat_days, repeat_times)
    select clinic_id, gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 from clinics"""
_FACILITY = (
    """insert into facilities (clinic_id, id, name) select clinic_id, $1, 'Where payers are reminded' from clinics"""
)
_QUIET = "update reminder_policies set active = false"
_TAKE = """update invoices set facility_id = $1, submitted_on = case when status = 'pending_cheque' then submitted_on else $3 end,
        agreed_on = case when status = 'pending_cheque' then $3 else agreed_on end
    where id = (select i.id from invoices i join payers p on p.id = i.payer_id where i.status = $2 and i.submitted_on is not null
        and i.facility_id <> $1 and p.kind = 'attorney' and i.received_amount = 0
        and not exists (select from reduction_offers o where o.invoice_id = i.id and o.status = 'open') order by i.id limit 1)
    returning id, number, payer_id, case_id, attorney_id, balance"""
_HELD = "update holds set released_at = now() where released_at is null"


def level(after_days: int, status: str = "pending_invoice", **said: Any) -> dict[str, Any]:
    """A level as a policy has it: to the payer, unless something else is said."""
    return {"after_days": after_days, "in_status": status, "recipient": "payer", **said}


@dataclass
class Reminding:
    """A clinic of which one facility's invoices are reminded of."""

    address: Address
    office: PostOffice
    facility: UUID = field(default_factory=uuid4)
    now: datetime = field(default_factory=lambda: moment(TODAY))

    def __post_init__(self) -> None:
        rows(self.address, _QUIET)
        rows(self.address, _HELD)
        rows(self.address, _FACILITY, self.facility)

    def policy(self, *levels: dict[str, Any], kind: str | None = None, everywhere: bool = False) -> UUID:
        """A policy with levels, each with a template that says which level it is."""
        policy, name = uuid4(), f"Policy {uuid4()}"
        rows(self.address, _POLICY, policy, name, kind, None if everywhere else self.facility)
        for number, one in enumerate(levels, 1):
            template, body = uuid4(), one.get("body", BODY.format(number))
            rows(self.address, _TEMPLATE, template, f"{name} {number}", one.get("subject", f"Level {number}"), body)
            how = [
                one["after_days"],
                one["in_status"],
                one["recipient"],
                one.get("recipient_address"),
                one.get("copy_to"),
            ]
            more = [one.get(known) for known in ("copy_address", "minimum_balance", "repeat_days")]
            rows(self.address, _LEVEL, policy, number, template, *how, *more, one.get("repeat_times", 0))
        return policy

    def invoice(self, days: int, status: str = "pending_invoice", payer: str = PAYER) -> Any:
        """An open invoice that has been in its state for so many days."""
        (invoice,) = rows(self.address, _TAKE, self.facility, status, self.today - timedelta(days=days))
        rows(self.address, "update payers set email = $2 where id = $1", invoice["payer_id"], payer)
        return invoice

    @property
    def today(self) -> date:
        """The day in the clinic; it is noon or later."""
        return (self.now - timedelta(hours=12)).date()

    def pass_days(self, days: int = 1) -> None:
        """Days on which no worker runs, but on the last."""
        self.now = moment(self.today + timedelta(days=days))

    def run(self, workers: int = 1) -> list[tuple[tuple[str, ...], str]]:
        """What workers, all at once, have the mail server take now: recipients and text of each letter."""
        before = len(self.office.taken)
        asyncio.run(self.work(workers))
        return sorted(self.office.texts()[before:])

    async def work(self, workers: int = 1) -> None:
        """What workers do at this moment."""

        async def one() -> None:
            async with Database(self.address.login) as database:
                await plan_reminders(database, lambda: self.now)
                await send_messages(database, lambda: self.now, self.office.server)

        await asyncio.gather(*(one() for _ in range(workers)))

    def day(self, workers: int = 1) -> list[tuple[tuple[str, ...], str]]:
        """What goes out on the next day."""
        self.pass_days()
        return self.run(workers)

    def messages(self) -> list[Any]:
        """Every message as it stands, the oldest first."""
        return rows(self.address, "select * from outbound_messages order by due_on, recorded_at, id")


def numbers(letters: list[tuple[tuple[str, ...], str]]) -> list[tuple[str, str]]:
    """Level and number of every invoice in letters."""
    return [
        (text.splitlines()[0], line.rpartition(" ")[2])
        for _, text in letters
        for text in text.split(f"\n\n{'-' * 40}\n\n")
        for line in text.splitlines()[1:-1]
    ]


@contextmanager
def reminding_over(address: Address) -> Iterator[Reminding]:
    """A clinic and its mail server."""
    with post_office() as office:
        yield Reminding(address, office)
