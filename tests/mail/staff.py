"""Decides what billing staff do at random with invoices, through the same steps as the API, whatever day it is."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from db.pools import Database
from domain.errors import Refusal
from domain.negotiation import Party, SubmissionMethod
from domain.outcomes import Actor
from domain.people import Role
from permissions.viewers import Viewer
from resolvers import cheques, holds
from resolvers.transitions import transition
from resolvers.writing import Work

_WHO = "select clinic_id, id from users where role = 'billing'"
_OPEN = "select id, case_id, payer_id, status, balance from invoices where facility_id = $1 and status like 'pending%' order by number"
_SCAN = """insert into documents (clinic_id, id, uploaded_by, file_name, content_type, byte_size, expires_at, stored_at)
    select clinic_id, $1, id, 'cheque.pdf', 'application/pdf', 1, $2, $2 from users where role = 'billing'"""
_WHY = {"reason": "Simulated"}


class Staff:
    """Billing staff who work on the invoices of one facility."""

    def __init__(self, owner: asyncpg.Connection, database: Database, facility: UUID, dice: Random) -> None:
        self._owner, self._database, self._facility, self._dice = owner, database, facility, dice
        # How often each step was taken, or refused.
        self.taken: Counter[str] = Counter()

    async def work(self, steps: int, today: date, moment: datetime) -> None:
        """A day's steps; what the rules refuse is let be."""
        ((clinic_id, user_id),) = await self._owner.fetch(_WHO)
        viewer = Viewer(clinic_id, user_id, uuid4(), Role.BILLING, None, "", "", "demo", "", "America/New_York")
        for _ in range(steps):
            invoice = self._dice.choice(await self._owner.fetch(_OPEN, self._facility))
            name, given = self._step(invoice, today)
            if name == "record_cheque":
                await self._owner.execute(_SCAN, given["document_id"], moment)
            try:
                async with self._database.entered(viewer) as connection:
                    actor = Actor(Role.BILLING, today)
                    await _take(Work(connection, clinic_id, user_id, actor, moment, "simulated", given), name)
            except Refusal:
                name = "refused"
            self.taken[name] += 1

    def _step(self, invoice: Any, today: date) -> tuple[str, dict[str, Any]]:
        """One of the steps that are thinkable in a state."""
        dice, amount = self._dice, Decimal(self._dice.randint(1, 400))
        ends = today + timedelta(days=dice.randint(0, 6))
        offer, one = {"amount": amount, "expires_on": dice.choice([None, ends])}, {"invoice_id": invoice["id"]}
        if dice.random() < 0.15:
            held = dice.choice(["id", "case_id", "payer_id"])
            return "place_hold", {"invoice_id" if held == "id" else held: invoice[held], "until_on": ends, **_WHY}
        if dice.random() < 0.02:
            return "write_off_invoice", {**one, **_WHY}
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
                ("decline_reduction", _WHY),
            ],
            "pending_cheque": [
                ("reopen_reduction", _WHY),
                *[("record_cheque", self._cheque(invoice, amount, today))] * 2,
            ],
        }
        name, given = dice.choice(choices[invoice["status"]])
        return name, given if name == "record_cheque" else {**one, **given}

    def _cheque(self, invoice: Any, amount: Decimal, today: date) -> dict[str, Any]:
        """A cheque for a part of what is open, or for all of it."""
        pays = min(amount, invoice["balance"]) if self._dice.random() < 0.7 else invoice["balance"]
        known = {"payer_id": invoice["payer_id"], "number": str(uuid4()), "amount": pays, "document_id": uuid4()}
        allocations = [{"invoice_id": invoice["id"], "amount": pays}]
        return {**known, "cheque_date": today, "received_on": today, "allocations": allocations}


async def _take(work: Work, name: str) -> None:
    if name == "record_cheque":
        await cheques.record(work)
    elif name == "place_hold":
        await holds.place(work)
    else:
        await transition(work, name)
