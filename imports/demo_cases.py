"""Decides what a demo case is: whom it is about, who represents and treats, what was done and what was billed."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.invoices import InvoiceStatus
from domain.people import Role, name_fragments, searchable
from domain.pricing import BilateralPolicy, SelectionRule
from imports import demo_names
from imports.batch import Batch
from imports.demo_calendar import PlannedCase
from imports.demo_clinic import DemoClinic, Lawyer, add_patient_payer
from imports.demo_codes import CODES_BY_NAME, SUPPLIES, overridden
from imports.demo_dice import Dice
from imports.demo_plots import Fate, fate_of
from imports.story import InvoiceStory, StoryLine, StoryStart

REMEMBERED_PATIENTS = 40


@dataclass(slots=True)
class Patient:
    """A row of patients, and the payer that the patient is (None until something is billed to the patient)."""

    row: dict[str, Any]
    payer_id: UUID | None = None


@dataclass(slots=True)
class CaseFile:
    """A case with its invoices; the row of cases changes until it is written."""

    row: dict[str, Any]
    fate: Fate
    patient: Patient
    former: Lawyer | None
    lawyer: Lawyer | None
    changed_on: date | None
    stories: list[InvoiceStory]

    def lawyer_on(self, day: date) -> Lawyer | None:
        """Who represents the case on a day."""
        return self.former if self.changed_on and day < self.changed_on else self.lawyer


class CaseTeller:
    """Tells case after case: everything but what becomes of the invoices."""

    def __init__(self, clinic: DemoClinic, cases: int) -> None:
        self.clinic, self.dice = clinic, clinic.dice
        self._patients: list[Patient] = []
        self._patient_count = 0
        # Every twelfth case is the demo attorney's; of fewer than sixty, so many that there are at least five.
        self._own_every = max(1, min(12, cases // 5))

    def open(self, plan: PlannedCase, batch: Batch) -> CaseFile:
        """Open a case with its patient, its representation, its encounters and its invoices as they were created."""
        patient = self._patient(plan.opened_on, batch)
        row = self._case_row(plan, patient)
        former, lawyer, changed_on = self._lawyers(plan)
        row["attorney_id"] = lawyer.attorney_id if lawyer else None
        case = CaseFile(row, fate_of(self.dice), patient, former, lawyer, changed_on, [])
        self._represent(case, batch)
        physician_id = self.dice.one_of(self.clinic.physicians)[0]
        for number, day in zip(plan.numbers, plan.created, strict=True):
            doctor = physician_id if self.dice.chance(0.85) else self.dice.one_of(self.clinic.physicians)[0]
            case.stories.append(self._invoice(case, number, day, doctor, batch))
        return case

    def _case_row(self, plan: PlannedCase, patient: Patient) -> dict[str, Any]:
        injured = plan.opened_on - timedelta(days=self.dice.between(1, 75))
        columns = {"patient_id": patient.row["id"], "attorney_id": None, "status": "open"}
        numbers = {"number": plan.number, "number_key": searchable(plan.number)}
        days = {"date_of_injury": injured, "opened_on": plan.opened_on, "settled_on": None}
        return self.clinic.record(plan.opened_on, version=1, **numbers, **columns, **days)

    def _patient(self, on: date, batch: Batch) -> Patient:
        """A new patient, or one in sixteen times somebody who was hurt before."""
        if self._patients and self.dice.chance(0.06):
            return self.dice.one_of(self._patients)
        patient = Patient(self._patient_row(on))
        batch.extend("patients", (patient.row,))
        fragments = name_fragments(patient.row["first_name"], patient.row["last_name"])
        key = {"clinic_id": self.clinic.clinic_id, "patient_id": patient.row["id"]}
        batch.extend("patient_names", [{**key, "fragment": fragment} for fragment in fragments])
        self._patients = [*self._patients[-REMEMBERED_PATIENTS:], patient]
        return patient

    def _patient_row(self, on: date) -> dict[str, Any]:
        self._patient_count += 1
        first, last = demo_names.first_name(self.dice), demo_names.last_name(self.dice)
        return self.clinic.record(
            on,
            mrn=f"MRN-{self._patient_count:06d}",
            first_name=first,
            last_name=last,
            sort_name=searchable(f"{last} {first}"),
            birth_date=on - timedelta(days=self.dice.between(18 * 365, 85 * 365)),
            phone=demo_names.phone(self.dice),
            email=f"patient{self._patient_count}@mail.example" if self.dice.chance(0.7) else None,
            address=demo_names.address(self.dice),
        )

    def _lawyers(self, plan: PlannedCase) -> tuple[Lawyer | None, Lawyer | None, date | None]:
        """Who represented the case at first, who does now, and when that changed; every tenth case has nobody."""
        own, *others = self.clinic.lawyers
        if plan.position % self._own_every == 0:
            now: Lawyer | None = own
        else:
            now = None if plan.position % 10 == 9 else self.dice.one_of(others)
        changed_on = self.dice.after(plan.opened_on, 20, 240)
        if now is None or plan.position % 15 != 6 or changed_on > self.clinic.today:
            return now, now, None
        left = self.dice.one_of([lawyer for lawyer in self.clinic.lawyers[:8] if lawyer is not now])
        return left, now, changed_on

    def _represent(self, case: CaseFile, batch: Batch) -> None:
        from_on = case.row["opened_on"]
        if case.changed_on and case.former:
            columns = {"case_id": case.row["id"], "attorney_id": case.former.attorney_id}
            self.clinic.add(batch, "representations", from_on, **columns, from_on=from_on, until_on=case.changed_on)
            from_on = case.changed_on
        if case.lawyer:
            columns = {"case_id": case.row["id"], "attorney_id": case.lawyer.attorney_id}
            self.clinic.add(batch, "representations", from_on, **columns, from_on=from_on, until_on=None)

    def _invoice(self, case: CaseFile, number: str, on: date, physician_id: UUID, batch: Batch) -> InvoiceStory:
        served = max(case.row["opened_on"], on - timedelta(days=self.dice.between(0, 9)))
        facility_id = self.dice.one_of(list(self.clinic.facilities))
        payer_id = self._payer(case, on, batch)
        who = {"physician_id": physician_id, "facility_id": facility_id}
        of = {"case_id": case.row["id"], "patient_id": case.row["patient_id"], **who}
        encounter_id = self.clinic.add(batch, "encounters", served, **of, service_date=served)
        lines = self._examine(encounter_id, payer_id, facility_id, served, batch)
        floor, target = self._limits(sum((line.amount for line in lines), Decimal(0)))
        start = StoryStart(
            self.clinic.clinic_id,
            number,
            created_on=on,
            service_date=served,
            payer_id=payer_id,
            attorney_id=case.row["attorney_id"],
            encounter_id=encounter_id,
            lines=lines,
            former_attorney_id=case.former.attorney_id if case.former else None,
            attorney_changed_on=case.changed_on,
            floor_amount=floor,
            target_amount=target,
            **of,
        )
        return InvoiceStory(start, self.dice, by=self.clinic.users[Role.BILLING])

    def _limits(self, billed: Decimal) -> tuple[Decimal | None, Decimal | None]:
        """The least that the clinic would take, and what it hopes for; not every invoice has them."""
        if self.dice.chance(0.4):
            return None, None
        return self.dice.share(billed, 28, 35), self.dice.share(billed, 75, 90)

    def _payer(self, case: CaseFile, on: date, batch: Batch) -> UUID:
        """The lawyer's firm most of the time, else an insurance, else the patient."""
        lawyer = case.lawyer_on(on)
        if lawyer and self.dice.chance(0.68):
            return lawyer.payer_id
        if self.dice.chance(0.8 if lawyer else 0.65):
            # The first one, with which rates are negotiated, insures every fourth.
            return self.clinic.insurances[0] if self.dice.chance(0.2) else self.dice.one_of(self.clinic.insurances)
        if case.patient.payer_id is None:
            case.patient.payer_id = add_patient_payer(self.clinic, batch, on, case.patient.row)
        return case.patient.payer_id

    def _examine(
        self, encounter_id: UUID, payer_id: UUID, facility_id: UUID, on: date, batch: Batch
    ) -> tuple[StoryLine, ...]:
        """Record the exams of an encounter; the lines that bill them, and what was handed out besides."""
        lines = []
        for position, (exam_id, code) in enumerate(_exams(self.clinic, self.dice)):
            bilateral = CODES_BY_NAME[code].bilateral is not BilateralPolicy.NOT_ALLOWED and self.dice.chance(0.3)
            units = self.dice.between(1, 4) if code.startswith("THERAPY") else 1
            columns = {"encounter_id": encounter_id, "exam_type_id": exam_id, "position": position}
            self.clinic.add(batch, "encounter_exams", on, **columns, bilateral=bilateral, units=units)
            lines.append(self.clinic.prices.line(code, payer_id, facility_id, on, bilateral, units))
        if self.dice.chance(0.35):
            code, units = self.dice.one_of(SUPPLIES), self.dice.between(1, 3)
            lines.append(self.clinic.prices.line(code, payer_id, facility_id, on, False, units))
        if self.dice.chance(0.02):
            price = self.dice.share(lines[0].unit_price, 70, 90)
            lines[0] = overridden(lines[0], price, "Agreed with the firm beforehand")
        return tuple(lines)


def _exams(clinic: DemoClinic, dice: Dice) -> list[tuple[UUID, str]]:
    """Exam types and codes of one encounter: one or two main exams, and of each as many parts as its rule allows."""
    chosen = []
    first = dice.between(0, len(clinic.exams) - 1)
    mains = {first, 0} if dice.chance(0.5) else {first}
    for place in sorted(mains):
        main, parts = clinic.exams[place]
        picked = {dice.between(0, len(parts) - 1)}
        if main.rule is not SelectionRule.EXACTLY_ONE and dice.chance(0.3):
            picked.add(dice.between(0, len(parts) - 1))
        chosen += [(parts[part][1], parts[part][0].code or "") for part in sorted(picked)]
    return chosen


def settle(case: CaseFile, on: date) -> None:
    """Settle a case whose invoices all allow it."""
    for story in case.stories:
        if story.status is InvoiceStatus.CHEQUE_RECEIVED:
            story.settle_case(on)
    case.row |= {"status": "settled", "settled_on": on, "version": case.row["version"] + 1}


def reopen(case: CaseFile, on: date, reason: str) -> None:
    """Open a settled case again: all of its invoices that are still paid go one step back."""
    for story in case.stories:
        if story.status is InvoiceStatus.PAID:
            story.reopen_case(on, reason)
    case.row |= {"status": "open", "settled_on": None, "version": case.row["version"] + 1}
