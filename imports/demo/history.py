"""Generates the history of the demo clinic in batches, so that many invoices need little memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from domain.access.people import Role
from domain.billing.invoices import COVERED, InvoiceStatus
from domain.ids import new_id
from imports.demo.calendar import PlannedCase, plan_cases
from imports.demo.cases import CaseBuilder, CaseEvent, CaseFile, close, settle
from imports.demo.cheques import Cheque, ChequeDesk, Expected
from imports.demo.clinic import NAME, DemoClinic, open_clinic
from imports.demo.coverages import CoverageDesk
from imports.demo.follow_ups import follow_up, hold_payers
from imports.demo.outcomes.corrections import CorrectionDesk
from imports.demo.outcomes.denials import DenialDesk
from imports.demo.outcomes.mistakes import Mistakes
from imports.demo.outcomes.remittances import RemittanceDesk
from imports.demo.outcomes.several_payers import SeveralPayers
from imports.demo.payments import PaymentDesk
from imports.demo.scenarios import Acting, Scenario
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch
from imports.history.rows import noon_of

CASES_AT_ONCE = 1_000


@dataclass(slots=True)
class Totals:
    """The totals of what has been generated so far; amounts in US dollars."""

    invoices: int = 0
    cases: int = 0
    cheques: int = 0
    billed: Decimal = Decimal("0.00")
    received: Decimal = Decimal("0.00")


class DemoHistory:
    """The history of a demo clinic, in batches that each hold complete cases with all of their records."""

    def __init__(self, clinic: DemoClinic, password_hash: str) -> None:
        self.clinic, self.totals = clinic, Totals()
        self._password_hash = password_hash
        self._desk, self._payments = ChequeDesk(clinic), PaymentDesk(clinic)
        self._several = SeveralPayers(clinic, self._desk)
        self._mistakes = Mistakes(clinic, self._desk)
        self._coverages = CoverageDesk(clinic)
        self._denials = DenialDesk(clinic)
        self._corrections, self._remittances = CorrectionDesk(clinic), RemittanceDesk(clinic)
        # Ids of their own, so that the rest of the clinic does not depend on the events of its cases.
        self._bits = SeededRandom(len(NAME) + 2).getrandbits

    def portions(self) -> Iterator[tuple[Batch, int]]:
        """Batches in the order in which they can be written, each with the number of invoices generated so far."""
        clinic = self.clinic
        begin = open_clinic(clinic, self._password_hash)
        self._denials.list_codes(begin)
        yield begin, 0
        calendar = plan_cases(clinic.random, clinic.size, clinic.first_day, clinic.today)
        builder = CaseBuilder(clinic, len(calendar.cases))
        for plans in calendar.chunks(CASES_AT_ONCE):
            yield self._build(builder, plans), self.totals.invoices
        end = Batch()
        hold_payers(clinic, end)
        self.totals.cheques += self._payments.add_others(end)
        for year, number in calendar.last_numbers.items():
            end.add("invoice_counters", clinic_id=clinic.clinic_id, year=year, last_number=number)
        yield end, self.totals.invoices

    def _build(self, builder: CaseBuilder, plans: list[PlannedCase]) -> Batch:
        """Some cases from their opening to today."""
        batch = Batch()
        cases = [builder.open(plan, batch) for plan in plans]
        cheques = self._desk.receive(self._expected(cases), batch)
        later = [*self._several.follow(cases), *self._mistakes.mend(cases)]
        batch.extend("cheques", [cheque.row for cheque in later])
        cheques += later
        for case in cases:
            self._settle(case)
        self._send_back(cheques)
        self._follow(cheques, batch)
        known, added = {cheque.row["id"]: cheque for cheque in cheques}, list[dict[str, Any]]()
        for case in cases:
            follow_up(self.clinic, case, batch)
            self._coverages.cover(case, batch)
            added += [*self._corrections.follow(case, known), *self._remittances.follow(case, batch)]
            self._write(case, batch)
        batch.extend("cheques", added)
        self.totals.cases += len(cases)
        self.totals.cheques += len(cheques) + len(added)
        return batch

    def _expected(self, cases: list[CaseFile]) -> Iterator[Expected]:
        """Generate every invoice up to its agreement; returns those that will be paid, with the day."""
        clinic = self.clinic
        acting = Acting(clinic.users[Role.ADMIN], clinic.users[Role.BILLING])
        for case in cases:
            for history in case.histories:
                if history.status is InvoiceStatus.VOID:
                    continue
                scenario = Scenario(history, case.profile, clinic.random, clinic.today, acting)
                pays_on = scenario.build(other_payer=clinic.random.one_of(clinic.insurances))
                if pays_on is not None:
                    yield Expected(case, history, pays_on)

    def _settle(self, case: CaseFile) -> None:
        """Settle most of the cases that can be settled, some weeks after their last event."""
        statuses = {history.status for history in case.histories}
        if InvoiceStatus.CHEQUE_RECEIVED not in statuses or not statuses.issubset(COVERED):
            return
        on = self.clinic.random.after(max(history.last_day for history in case.histories), 3, 60)
        if on <= self.clinic.today and self.clinic.random.chance(0.85):
            # Where something was written off the claim may be lost.
            is_lost = InvoiceStatus.WRITTEN_OFF in statuses and self.clinic.random.chance(0.4)
            (close if is_lost else settle)(case, on)

    def _send_back(self, cheques: list[Cheque]) -> None:
        """A few cheques bounce after the case was settled."""
        for cheque in cheques:
            if cheque.row["returned_on"] is None and self.clinic.random.chance(0.004):
                self._desk.send_back(cheque)

    def _follow(self, cheques: list[Cheque], batch: Batch) -> None:
        """Deposit the payments, and refund some of what is left of them."""
        for cheque in cheques:
            cheque.row["applied_amount"] = cheque.applied
        self._payments.follow([cheque.row for cheque in cheques], batch)

    def _write(self, case: CaseFile, batch: Batch) -> None:
        batch.extend("cases", (case.row,))
        batch.extend("case_events", [self._told(case, event) for event in sorted(case.events, key=_day)])
        for encounter, history in zip(case.encounters, case.histories, strict=True):
            if history.start.replaces_id is None:
                batch.extend("encounters", (encounter,))
            self._denials.follow(history, batch)
            encounter["invoice_id"] = None if history.status is InvoiceStatus.VOID else history.id
            history.write(batch)
            self.totals.billed += history.billed
            self.totals.received += history.received
        self.totals.invoices += len(case.histories)

    def _told(self, case: CaseFile, event: CaseEvent) -> dict[str, Any]:
        """The row of an event in the history of a case."""
        at, by = noon_of(event.on), self.clinic.users[event.by]
        row = {"clinic_id": self.clinic.clinic_id, "id": new_id(at, self._bits), "recorded_at": at, "at": at}
        row |= {"case_id": case.row["id"], "by_user_id": by, "action": event.action, "request_id": None}
        return row | {"changes": orjson.dumps(event.changes).decode()}


def _day(event: CaseEvent) -> date:
    return event.on
