"""Decides in which order the demo clinic's past is told, so that many invoices need little memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from domain.invoices import InvoiceStatus
from domain.people import Role
from imports.batch import Batch
from imports.demo_calendar import PlannedCase, plan_cases
from imports.demo_cases import CaseFile, CaseTeller, settle
from imports.demo_cheques import Cheque, ChequeDesk, Expected
from imports.demo_clinic import DemoClinic, open_clinic
from imports.demo_followups import follow_up, hold_payers
from imports.demo_plots import Acting, Plot

CASES_AT_ONCE = 1_000
READY_TO_SETTLE = (InvoiceStatus.CHEQUE_RECEIVED, InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF)


@dataclass(slots=True)
class Totals:
    """What has been told so far; amounts in US dollars."""

    invoices: int = 0
    cases: int = 0
    cheques: int = 0
    billed: Decimal = Decimal("0.00")
    received: Decimal = Decimal("0.00")


class DemoHistory:
    """The past of a demo clinic, in portions that each hold whole cases with everything that belongs to them."""

    def __init__(self, clinic: DemoClinic, password_hash: str) -> None:
        self.clinic, self.totals = clinic, Totals()
        self._password_hash = password_hash
        self._desk = ChequeDesk(clinic)

    def portions(self) -> Iterator[tuple[Batch, int]]:
        """Batches in the order in which they can be written, each with the number of invoices told until then."""
        clinic = self.clinic
        yield open_clinic(clinic, self._password_hash), 0
        calendar = plan_cases(clinic.dice, clinic.size, clinic.first_day, clinic.today)
        teller = CaseTeller(clinic, len(calendar.cases))
        for plans in calendar.chunks(CASES_AT_ONCE):
            yield self._tell(teller, plans), self.totals.invoices
        end = Batch()
        hold_payers(clinic, end)
        for year, number in calendar.last_numbers.items():
            end.add("invoice_counters", clinic_id=clinic.clinic_id, year=year, last_number=number)
        yield end, self.totals.invoices

    def _tell(self, teller: CaseTeller, plans: list[PlannedCase]) -> Batch:
        """Some cases from their opening to today."""
        batch = Batch()
        cases = [teller.open(plan, batch) for plan in plans]
        cheques = self._desk.receive(self._expected(cases), batch)
        for case in cases:
            self._settle(case)
        self._send_back(cheques)
        for case in cases:
            follow_up(self.clinic, case, batch)
            self._write(case, batch)
        self.totals.cases += len(cases)
        self.totals.cheques += len(cheques)
        return batch

    def _expected(self, cases: list[CaseFile]) -> Iterator[Expected]:
        """Tell every invoice up to its agreement; those that will be paid, and when."""
        clinic = self.clinic
        acting = Acting(clinic.users[Role.ADMIN], clinic.users[Role.BILLING])
        for case in cases:
            for story in case.stories:
                plot = Plot(story, case.fate, clinic.dice, clinic.today, acting)
                pays_on = plot.tell(other_payer=clinic.dice.one_of(clinic.insurances))
                if pays_on is not None:
                    yield Expected(case, story, pays_on)

    def _settle(self, case: CaseFile) -> None:
        """Settle most of the cases that can be, some weeks after the last thing that happened to them."""
        statuses = {story.status for story in case.stories}
        if InvoiceStatus.CHEQUE_RECEIVED not in statuses or not statuses.issubset(READY_TO_SETTLE):
            return
        on = self.clinic.dice.after(max(story.last_day for story in case.stories), 3, 60)
        if on <= self.clinic.today and self.clinic.dice.chance(0.85):
            settle(case, on)

    def _send_back(self, cheques: list[Cheque]) -> None:
        """A few cheques turn out to be not covered after everything seemed settled."""
        for cheque in cheques:
            if cheque.row["returned_on"] is None and self.clinic.dice.chance(0.004):
                self._desk.send_back(cheque)

    def _write(self, case: CaseFile, batch: Batch) -> None:
        batch.extend("cases", (case.row,))
        for story in case.stories:
            story.write(batch)
            self.totals.billed += story.billed
            self.totals.received += story.received
        self.totals.invoices += len(case.stories)
