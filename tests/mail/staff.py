"""Random work of billing staff on invoices, through the same commands as the API."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from db.pools import Database
from domain.access.people import Role
from domain.billing.negotiation import Party, SubmissionMethod
from domain.billing.outcomes import Actor
from domain.errors import DomainError
from permissions.viewers import Viewer
from resolvers.commands.billing import cheques
from resolvers.commands.reminders import holds
from resolvers.commands.transitions import transition
from resolvers.commands.unit_of_work import UnitOfWork

_BILLING_USER = "select clinic_id, id from users where role = 'billing'"
_OPEN = "select id, case_id, payer_id, status, balance from invoices where facility_id = $1 and status like 'pending%' order by number"
_SCAN = """insert into documents (clinic_id, id, uploaded_by, file_name, content_type, byte_size, expires_at, stored_at)
    select clinic_id, $1, id, 'cheque.pdf', 'application/pdf', 1, $2, $2 from users where role = 'billing'"""
_REASON = {"reason": "Simulated"}


class Staff:
    """Simulated billing staff who work on the invoices of one facility."""

    def __init__(self, owner: asyncpg.Connection, database: Database, facility: UUID, rng: Random) -> None:
        self._owner, self._database, self._facility, self._rng = owner, database, facility, rng
        # How often each command was run, or refused.
        self.taken: Counter[str] = Counter()

    async def work(self, commands: int, today: date, moment: datetime) -> None:
        """Run the commands of one day; refused ones are counted and ignored."""
        ((clinic_id, user_id),) = await self._owner.fetch(_BILLING_USER)
        viewer = Viewer(clinic_id, user_id, uuid4(), Role.BILLING, None, "", "", "demo", "", "America/New_York")
        for _ in range(commands):
            invoice = self._rng.choice(await self._owner.fetch(_OPEN, self._facility))
            name, inputs = self._choose_command(invoice, today)
            if name == "record_cheque":
                await self._owner.execute(_SCAN, inputs["document_id"], moment)
            try:
                async with self._database.entered(viewer) as connection:
                    actor = Actor(Role.BILLING, today, moment)
                    await _run_command(
                        UnitOfWork(connection, clinic_id, user_id, actor, moment, "simulated", inputs), name
                    )
            except DomainError:
                name = "refused"
            self.taken[name] += 1

    def _choose_command(self, invoice: Any, today: date) -> tuple[str, dict[str, Any]]:
        """A random command that is possible in the status of the invoice."""
        rng, amount = self._rng, Decimal(self._rng.randint(1, 400))
        end_day = today + timedelta(days=rng.randint(0, 6))
        offer, invoice_input = (
            {"amount": amount, "expires_on": rng.choice([None, end_day])},
            {"invoice_id": invoice["id"]},
        )
        if rng.random() < 0.15:
            subject = rng.choice(["id", "case_id", "payer_id"])
            return "place_hold", {
                "invoice_id" if subject == "id" else subject: invoice[subject],
                "until_on": end_day,
                **_REASON,
            }
        if rng.random() < 0.02:
            return "write_off_invoice", {**invoice_input, **_REASON}
        choices: dict[str, list[tuple[str, dict[str, Any]]]] = {
            "pending_invoice": [
                *[("submit_invoice", {"submitted_on": today, "method": SubmissionMethod.EMAIL})] * 2,
                ("accept_in_full", {}),
                ("request_reduction", offer),
                ("record_denial", {"denied_on": today, "reason_code": "OTHER"}),
            ],
            "pending_reduction": [
                ("counter_reduction", {"party": Party.CLINIC, **offer}),
                ("agree_reduction", {"amount": amount}),
                ("decline_reduction", _REASON),
            ],
            "pending_cheque": [
                ("reopen_reduction", _REASON),
                *[("record_cheque", self._cheque(invoice, amount, today))] * 2,
            ],
        }
        name, inputs = rng.choice(choices[invoice["status"]])
        return name, inputs if name == "record_cheque" else {**invoice_input, **inputs}

    def _cheque(self, invoice: Any, amount: Decimal, today: date) -> dict[str, Any]:
        """The input of a cheque for a part of the balance, or for all of it."""
        amount_paid = min(amount, invoice["balance"]) if self._rng.random() < 0.7 else invoice["balance"]
        fields = {
            "payer_id": invoice["payer_id"],
            "number": str(uuid4()),
            "amount": amount_paid,
            "document_id": uuid4(),
        }
        allocations = [{"invoice_id": invoice["id"], "amount": amount_paid}]
        return {**fields, "cheque_date": today, "received_on": today, "allocations": allocations}


async def _run_command(work: UnitOfWork, name: str) -> None:
    if name == "record_cheque":
        await cheques.record(work)
    elif name == "place_hold":
        await holds.place(work)
    else:
        await transition(work, name)
