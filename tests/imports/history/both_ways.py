"""Random histories of invoices, each event applied by the mutation's command in the database and by the history builder in memory."""

from collections import Counter
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from db.pools import Database
from domain.access.people import Role
from domain.billing.cases import CloseReason
from domain.billing.coverages import AdjustmentGroup
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.amounts import effective_day, is_in_present_round
from domain.billing.ledger.conditions import lapsed_agreement
from domain.billing.ledger.facts import Receipt, ResponsibilityReason
from domain.billing.lifecycle import legal_now
from domain.billing.negotiation import Party, SubmissionMethod
from domain.billing.outcomes import Actor
from domain.errors import DomainError
from domain.ids import new_id
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch
from imports.history.invoice_history import HistoryLine, HistoryStart, InvoiceHistory
from imports.history.rows import noon_of
from permissions.viewers import Viewer
from resolvers.commands.billing import cases, cheques
from resolvers.commands.corrections.returns import take_back
from resolvers.commands.transitions import transition
from resolvers.commands.unit_of_work import UnitOfWork

BEGIN = date(2025, 1, 6)
_COMMANDS: dict[str, Callable[[UnitOfWork], Awaitable[UUID]]] = {
    "record_cheque": cheques.record,
    "allocate_cheque": cheques.allocate,
    "return_cheque": take_back,
    "settle_case": cases.settle,
    "close_case": cases.close,
    "reopen_case": cases.open_again,
}
_SCAN = """insert into documents (clinic_id, id, uploaded_by, file_name, content_type, byte_size, expires_at, stored_at)
    values ($1, $2, $3, 'cheque.pdf', 'application/pdf', 1, $4::timestamptz + interval '1 day', $4)"""
# Statuses → the transitions that are likely; one event in six is any of the table instead.
_LIKELY = {
    "pending_invoice": """submit_invoice submit_invoice submit_invoice accept_in_full request_reduction request_reduction record_denial
        change_payer transfer_balance record_cheque close_empty""",
    "pending_reduction": """counter_reduction counter_reduction agree_reduction agree_reduction agree_reduction decline_reduction
        record_denial transfer_balance record_cheque""",
    "pending_cheque": """record_cheque record_cheque record_cheque allocate_cheque reopen_reduction lapse_agreement return_cheque
        record_denial transfer_balance close_small_balance close_small_balance record_adjustment""",
    "cheque_received": "settle_case close_case return_cheque record_cheque reopen_reduction",
    "paid": "reopen_case return_cheque",
    "written_off": "record_cheque allocate_cheque return_cheque reverse_write_off record_adjustment",
}
KNOWN = [*" ".join(_LIKELY.values()).split(), "void_invoice", "write_off_invoice"]


@dataclass(frozen=True)
class Setting:
    """The clinic in which the histories happen: its administrator, two payers, and a patient with an attorney."""

    clinic_id: UUID
    user_id: UUID
    payers: tuple[UUID, UUID]
    patient_id: UUID
    attorney_id: UUID


@dataclass
class BothWays:
    """One history in the database and in memory; `applied` and `rejected` count the events by transition."""

    owner: asyncpg.Connection
    database: Database
    setting: Setting
    random: SeededRandom
    number: int
    applied: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    events: int = 0

    async def run(self, events: int) -> tuple[UUID, UUID]:
        """The ids of the invoice in the database and of the one in memory, which is written at the end."""
        self.day, self.known_cheques = BEGIN + timedelta(days=self.random.randint(0, 60)), dict[UUID, dict[str, Any]]()
        batch = Batch()
        live, self.built = (self._begin(place, batch) for place in (0, 1))
        self.live_id, self.live_case = live.id, live.row["case_id"]
        live.write(batch)
        await batch.load(self.owner)
        for _ in range(events):
            self.day += timedelta(days=self.random.choice([0, 0, 1, 3, 30]))
            await self._event()
        self.built.write(batch)
        for cheque in self.known_cheques.values():
            batch.add("cheques", **cheque)
        await batch.load(self.owner)
        await self.owner.execute(
            """update cases c set status = s.status, settled_on = s.settled_on, closed_on = s.closed_on,
                closed_reason = s.closed_reason from cases s where s.id = $1 and c.id = $2""",
            self.live_case,
            self.built.row["case_id"],
        )
        return self.live_id, self.built.id

    def _begin(self, place: int, batch: Batch) -> InvoiceHistory:
        setting, name = self.setting, f"{'BA'[place]}{self.number}"
        case_id, moment = new_id(noon_of(self.day)), noon_of(self.day)
        shared = {"clinic_id": setting.clinic_id, "recorded_at": moment}
        batch.add(
            "cases",
            **shared,
            id=case_id,
            number=f"CASE-{name}",
            number_key=f"case-{name}".lower(),
            patient_id=setting.patient_id,
            attorney_id=setting.attorney_id,
            status="open",
            date_of_injury=self.day,
            opened_on=self.day,
            settled_on=None,
        )
        who = {"case_id": case_id, "attorney_id": setting.attorney_id, "from_on": self.day, "until_on": None}
        batch.add("representations", **shared, id=new_id(moment), **who)
        # The lines of both invoices are the same, and confirmed as such.
        same = SeededRandom(self.number)
        amounts = [Decimal(same.between(1, 900)) / 4 for _ in range(same.between(1, 3))]
        amounts = [Decimal(0)] if self.number % 12 == 0 else amounts
        lines = tuple(
            HistoryLine(f"OWN-{nth}", "A service", 1, amount, amount, is_repeated=True)
            for nth, amount in enumerate(amounts)
        )
        start = HistoryStart(
            setting.clinic_id,
            f"BOTH-{name}",
            case_id,
            setting.patient_id,
            setting.payers[0],
            self.day,
            self.day,
            lines,
            attorney_id=setting.attorney_id,
            external_key=f"BOTH-{name}",
        )
        return InvoiceHistory(start, SeededRandom(2 * self.number + place), by=setting.user_id)

    async def _event(self) -> None:
        """One event by both ways: both apply it, or both reject it with the same error."""
        name = self._name()
        if name in ("allocate_cheque", "return_cheque") and not self._usable(name):
            name = "accept_in_full"
        if name == "close_case" and self.built.status in (InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF):
            # It closes the case without an event of the invoice.
            name = "settle_case"
        inputs, builds = self._inputs(name)
        before = deepcopy(self.built)
        by_command = await self._command(name, inputs)
        try:
            builds()
            by_builder: DomainError | None = None
        except DomainError as refusal:
            by_builder, self.built = refusal, before
        # Commands of several invoices check the whole input first, so that another error of it may come first.
        kind = bool if name in _COMMANDS else type
        assert kind(by_command) is kind(by_builder), f"{name} {inputs}: {by_command!r}, but {by_builder!r}"
        (self.rejected if by_builder else self.applied)[name] += 1
        if not by_builder and name in ("record_cheque", "return_cheque"):
            await self._follow_cheque(name, inputs)

    def _name(self) -> str:
        """The next transition: often an agreement lapses whose day has passed, or is paid when it has lapsed."""
        built, pick = self.built.facts, self.random.choice
        until, lapsed = built.conditional_until, lapsed_agreement(built.known)
        if until is not None and until < self.day and self.random.chance(0.5):
            return "lapse_agreement"
        if lapsed is not None and built.status is InvoiceStatus.PENDING_REDUCTION and self.random.chance(0.5):
            return "record_cheque"
        return pick(KNOWN if self.random.chance(1 / 6) else _LIKELY.get(self.built.status, "return_cheque").split())

    async def _command(self, name: str, inputs: dict[str, Any]) -> DomainError | None:
        # Each event has a moment of its own, by which the database's trigger finds its day.
        self.events += 1
        setting, moment = self.setting, noon_of(self.day) + timedelta(seconds=self.events)
        is_job = name == "lapse_agreement"
        actor = Actor(None if is_job else Role.ADMIN, self.day, moment)
        work = UnitOfWork(self.owner, setting.clinic_id, None if is_job else setting.user_id, actor, moment, "", inputs)
        viewer = Viewer(
            setting.clinic_id, setting.user_id, uuid4(), Role.ADMIN, None, "", "", "demo", "", "America/New_York"
        )
        if name == "record_cheque":
            await self.owner.execute(_SCAN, setting.clinic_id, inputs["document_id"], setting.user_id, moment)
        entered = self.database.working(setting.clinic_id) if is_job else self.database.entered(viewer)
        try:
            async with entered as work.connection:
                await _COMMANDS.get(name, partial(transition, name=name))(work)
                await work.restate()
        except DomainError as refusal:
            return refusal
        return None

    async def _follow_cheque(self, name: str, inputs: dict[str, Any]) -> None:
        """The history in memory gets a cheque of its own, which the caller of the builder writes."""
        if name == "record_cheque":
            kept = ("payer_id", "number", "amount", "cheque_date", "received_on")
            row = {"clinic_id": self.setting.clinic_id, "id": self.builders_cheque, "recorded_at": noon_of(self.day)}
            row |= {column: inputs[column] for column in kept} | {"number": f"B{inputs['number']}"}
            row |= {"returned_on": None, "return_reason": None, "returned_at": None, "imported": True}
            live = await self.owner.fetchval("select id from cheques where number = $1", inputs["number"])
            self.known_cheques[live] = row
        else:
            returned = {
                "returned_on": inputs["returned_on"],
                "return_reason": inputs["reason"],
                "returned_at": noon_of(self.day),
            }
            self.known_cheques[inputs["cheque_id"]] |= returned

    def _inputs(self, name: str) -> tuple[dict[str, Any], Callable[[], Any]]:
        """The inputs of the command, and the call of the history builder."""
        day, built, pick = self.day, self.built, self.random.choice
        open_offer = built.open_offer["amount"] if built.open_offer else Decimal(50)
        half, third, most = built.billed / 2, built.unpaid / 3, built.unpaid - Decimal("0.25")
        amounts = [half, half, open_offer, open_offer, built.unpaid, built.unpaid, most, most, third, built.billed]
        amount = pick([*amounts, Decimal(0), Decimal(9999)])
        amount = amount.quantize(Decimal("0.01"))
        reason, later = pick([*["As it was agreed"] * 7, " "]), day + timedelta(days=pick([5, 20, 20, -1]))
        until = pick([None, None, later])
        if name in _COMMANDS:
            return self._of_several(name, amount, reason)
        inputs, builds = self._of_one(name, amount, reason, until)
        return {"invoice_id": self.live_id, **inputs}, builds

    def _of_one(
        self, name: str, amount: Decimal, reason: str, until: date | None
    ) -> tuple[dict[str, Any], Callable[[], Any]]:
        """The transitions of one invoice."""
        day, built = self.day, self.built
        agreed, payer = self.random.choice([None, amount, amount]), self.random.choice(self.setting.payers)
        denied_on = day - timedelta(days=self.random.choice([0, 0, 4]))
        denial: dict[str, Any] = {
            "denied_on": denied_on,
            "reason_code": "LATE",
            "amount": agreed,
            "note": None,
            "appeal_due_on": until,
        }
        transfer, adjustment = self._transfer(payer, reason), self._adjustment(amount, denied_on)
        events: dict[str, tuple[dict[str, Any], Callable[[], Any]]] = {
            "submit_invoice": (
                {"submitted_on": day, "method": SubmissionMethod.FAX},
                lambda: built.submit_invoice(day, SubmissionMethod.FAX),
            ),
            "accept_in_full": ({}, lambda: built.accept_in_full(day)),
            "request_reduction": (
                {"amount": amount, "reason": reason, "expires_on": until},
                lambda: built.request_reduction(day, amount, reason, until),
            ),
            "counter_reduction": (
                {"party": Party.CLINIC, "amount": amount, "note": reason, "expires_on": until},
                lambda: built.counter_reduction(day, Party.CLINIC, amount, reason, until),
            ),
            "agree_reduction": (
                {"amount": agreed, "conditional_until": until},
                lambda: built.agree_reduction(day, agreed, until),
            ),
            "decline_reduction": ({"reason": reason}, lambda: built.decline_reduction(day, reason)),
            "reopen_reduction": ({"reason": reason}, lambda: built.reopen_reduction(day, reason)),
            "record_denial": (denial, lambda: built.apply(day, "record_denial", **denial)),
            "record_adjustment": (adjustment, lambda: built.apply(day, "record_adjustment", **adjustment)),
            "transfer_balance": (transfer, lambda: built.apply(day, "transfer_balance", **transfer)),
            "close_small_balance": ({}, lambda: built.apply(day, "close_small_balance")),
            "close_empty": ({"reason": reason}, lambda: built.apply(day, "close_empty", reason=reason)),
            "reverse_write_off": ({"reason": reason}, lambda: built.apply(day, "reverse_write_off", reason=reason)),
            "change_payer": (
                {"payer_id": payer, "reason": reason},
                lambda: built.change_payer(day, payer, reason),
            ),
            "lapse_agreement": ({}, lambda: built.lapse_agreement(day)),
            "void_invoice": ({"reason": reason}, lambda: built.void_invoice(day, reason)),
            "write_off_invoice": ({"reason": reason}, lambda: built.write_off_invoice(day, reason)),
        }
        return events[name]

    def _adjustment(self, amount: Decimal, on: date) -> dict[str, Any]:
        """A part of the amount, or as much taken back of what stands."""
        pick = SeededRandom(self.number * 1_000 + self.events).choice
        return {
            "group": pick([AdjustmentGroup.CO, AdjustmentGroup.CO, AdjustmentGroup.PR]),
            "reason_code": pick(["45", "45", "LATE"]),
            "remark_codes": pick([[], ["n1", "MA01", "N1"]]),
            "amount": pick(
                [amount, (amount / 4).quantize(Decimal("0.01")), -amount, -(amount / 4).quantize(Decimal("0.01"))]
            ),
            "adjusted_on": pick([None, on]),
            "note": pick([None, "By letter"]),
        }

    def _transfer(self, payer: UUID, reason: str) -> dict[str, Any]:
        day, pick = self.day, self.random.choice
        return {
            "payer_id": payer,
            "reason": pick([ResponsibilityReason.OTHER, ResponsibilityReason.REFUSED]),
            "effective_on": pick([None, day, day - timedelta(days=3)]),
            "keep_agreement": pick([None, False, True]),
            "note": reason,
        }

    def _of_several(self, name: str, amount: Decimal, reason: str) -> tuple[dict[str, Any], Callable[[], Any]]:
        """The transitions of the invoices of a case or a cheque."""
        day, built = self.day, self.built
        if name == "settle_case":
            return {"case_id": self.live_case}, lambda: built.settle_case(day)
        if name == "close_case":
            lost: dict[str, Any] = {"case_id": self.live_case, "reason": CloseReason.LOST}
            # The history has the note; without one, the reason.
            note = {"note": reason} if reason.strip() else self.random.choice([{}, {"note": None}])
            return lost | note, lambda: built.apply(day, "close_case", reason=note.get("note") or CloseReason.LOST.name)
        if name == "reopen_case":
            return {"case_id": self.live_case, "reason": reason}, lambda: built.reopen_case(day, reason)
        return self._cheque(name, amount, reason)

    def _cheque(self, name: str, amount: Decimal, reason: str) -> tuple[dict[str, Any], Callable[[], Any]]:
        day, built = self.day, self.built
        allocation = [{"invoice_id": self.live_id, "amount": amount}]
        if name == "record_cheque":
            self.builders_cheque, received_on = new_id(noon_of(day)), self._received_on()
            inputs = {
                "payer_id": built.row["payer_id"],
                "number": str(uuid4()).upper(),
                "amount": amount + self.random.choice([0, 0, 75]),
                "cheque_date": received_on,
                "received_on": received_on,
                "document_id": uuid4(),
                "allocations": allocation,
            }
            return inputs, lambda: self._pay(built.apply_cheque, self.builders_cheque, amount, received_on)
        live = self.random.choice(self._usable(name))
        mine = self.known_cheques[live]
        if name == "return_cheque":
            inputs = {"cheque_id": live, "returned_on": day, "reason": reason}
            return inputs, lambda: built.return_cheque(day, mine["id"], reason)
        rest = min(mine["amount"] - built.received_by_cheque.get(mine["id"], Decimal(0)), max(built.unpaid, Decimal(0)))
        inputs = {"cheque_id": live, "allocations": [{"invoice_id": self.live_id, "amount": rest}]}
        return inputs, lambda: self._pay(built.allocate_cheque, mine["id"], rest, mine["received_on"])

    def _received_on(self) -> date:
        """Today or two days ago; after an agreement has lapsed, sometimes a day on which it was not too late."""
        lapsed, days = lapsed_agreement(self.built.facts.known), [self.day, self.day, self.day - timedelta(days=2)]
        if lapsed and lapsed.conditional_until:
            days += [lapsed.conditional_until, max(lapsed.agreed_on, lapsed.conditional_until - timedelta(days=4))]
        return self.random.choice(days)

    def _pay(self, pay: Callable[..., None], cheque_id: UUID, amount: Decimal, received_on: date) -> None:
        """Before a payment, the command lets an agreement lapse that was not paid in time, or revives one that was."""
        invoice, moment = self.built.facts, noon_of(self.day) + timedelta(hours=1)
        until, lapsed = invoice.conditional_until, lapsed_agreement(invoice.known)
        counts_on = effective_day(received_on, invoice.created_on)
        receipt = Receipt(cheque_id, invoice.payer_id, amount, counts_on, moment)
        if until is not None and counts_on > until:
            if "lapse_agreement" in legal_now(invoice, Actor(None, self.day, moment)):
                self.built.lapse_agreement(self.day)
        elif lapsed and lapsed.conditional_until and counts_on <= lapsed.conditional_until:
            is_waiting = invoice.status is InvoiceStatus.PENDING_REDUCTION and invoice.open_offer is None
            if is_waiting and is_in_present_round(invoice.known, receipt):
                self.built.apply(self.day, "revive_agreement", role=None)
        pay(self.day, cheque_id, amount, received_on)

    def _usable(self, name: str) -> list[UUID]:
        """The cheques that the bank has not returned; the invoice's payer can pay with own ones."""
        payer, known = self.built.row["payer_id"], self.known_cheques.items()
        is_return = name == "return_cheque"
        return [live for live, row in known if row["returned_on"] is None and (is_return or row["payer_id"] == payer)]
