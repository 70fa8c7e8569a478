"""The cases of the demo clinic: patient, attorney, physician, exams and billed lines of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.billing.cases import CaseStatus, CloseReason
from domain.billing.invoice_events import Change, change_of
from domain.billing.invoices import InvoiceStatus
from domain.billing.money import round_money
from domain.billing.negotiation import SubmissionMethod
from domain.normal_forms import name_fragments, normal_key
from domain.parties import PATIENT
from domain.pricing.pricing import BilateralPolicy, SelectionRule
from imports.demo import names as demo_names
from imports.demo.calendar import PlannedCase
from imports.demo.clinic import DemoClinic, Lawyer, add_patient_payer, addressed
from imports.demo.codes import CODES_BY_NAME, SUPPLIES, overridden
from imports.demo.scenarios import OutcomeProfile, outcome_profile_of
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch
from imports.history.invoice_history import HistoryLine, HistoryStart, InvoiceHistory

REMEMBERED_PATIENTS = 40
# Of so many cases, the first invoice of one has wrong lines, and another replaces it.
_WRONG_EVERY, _WRONG = 60, 13
# Of so many invoices, one bills a visit of which nothing is charged.
_FREE_EVERY, _FREE = 170, 40


@dataclass(slots=True)
class Patient:
    """A row of patients, the patient's payer id (None until an invoice is billed to the patient), and what was billed."""

    row: dict[str, Any]
    payer_id: UUID | None = None
    # What was billed of the patient's treatment: code, side, day and physician.
    billed: set[tuple[str, bool, date, UUID]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """What a user of a role changed of a case on a day."""

    on: date
    action: str
    changes: tuple[Change, ...]
    by: Role


@dataclass(slots=True)
class CaseFile:
    """A case with its visits and their invoices, in the same order; the row of cases changes until it is written."""

    row: dict[str, Any]
    profile: OutcomeProfile
    patient: Patient
    former: Lawyer | None
    lawyer: Lawyer | None
    changed_on: date | None
    histories: list[InvoiceHistory]
    encounters: list[dict[str, Any]]
    events: list[CaseEvent] = field(default_factory=list)

    def change(
        self, on: date, action: str, values: Mapping[str, Any], by: Role = Role.BILLING, reason: str | None = None
    ) -> None:
        """Change columns of the case, and tell it in its history."""
        changes = [change_of(name, self.row[name], value) for name, value in values.items() if self.row[name] != value]
        changes += [change_of("reason", None, reason)] if reason else []
        self.row |= {**values, "version": self.row["version"] + 1}
        self.events.append(CaseEvent(on, action, tuple(changes), by))

    def lawyer_on(self, day: date) -> Lawyer | None:
        """The attorney who represents the case on a day."""
        return self.former if self.changed_on and day < self.changed_on else self.lawyer

    def other_payer(self, payer_id: UUID) -> UUID | None:
        """The law firm or the patient, whoever is not this payer; None if neither pays bills of this clinic."""
        known = [self.lawyer.payer_id if self.lawyer else None, self.patient.payer_id]
        return next((other for other in known if other not in (None, payer_id)), None)


class CaseBuilder:
    """Generates the cases one by one, except for what happens to their invoices."""

    def __init__(self, clinic: DemoClinic, cases: int) -> None:
        self.clinic, self.random = clinic, clinic.random
        self._patients: list[Patient] = []
        self._patient_count = self._invoice_count = 0
        # Every twelfth case belongs to the demo attorney; with fewer than sixty cases, at least five do.
        self._own_every = max(1, min(12, cases // 5))

    def open(self, plan: PlannedCase, batch: Batch) -> CaseFile:
        """Open a case with its patient, its representation, its encounters and its invoices as they were created."""
        patient = self._patient(plan.opened_on, batch)
        row = self._case_row(plan, patient)
        former, lawyer, changed_on = self._lawyers(plan)
        row["attorney_id"] = lawyer.attorney_id if lawyer else None
        case = CaseFile(row, outcome_profile_of(self.random), patient, former, lawyer, changed_on, [], [])
        self._represent(case, batch)
        physician_id = self.random.one_of(self.clinic.physicians)[0]
        for place, (number, day) in enumerate(zip(plan.numbers, plan.created, strict=True)):
            if place == 1 and plan.position % _WRONG_EVERY == _WRONG and self._replace(case, number, day):
                continue
            doctor = physician_id if self.random.chance(0.85) else self.random.one_of(self.clinic.physicians)[0]
            case.histories.append(self._invoice(case, number, day, doctor, batch))
        return case

    def _case_row(self, plan: PlannedCase, patient: Patient) -> dict[str, Any]:
        injured = plan.opened_on - timedelta(days=self.random.between(1, 75))
        columns = {"patient_id": patient.row["id"], "attorney_id": None, "status": "open"}
        numbers = {"number": plan.number, "number_key": normal_key(plan.number)}
        days = {"date_of_injury": injured, "opened_on": plan.opened_on, "settled_on": None}
        days |= {"closed_on": None, "closed_reason": None}
        return self.clinic.record(plan.opened_on, version=1, **numbers, **columns, **days)

    def _patient(self, on: date, batch: Batch) -> Patient:
        """A new patient or, for one case in sixteen, a patient who was injured before."""
        if self._patients and self.random.chance(0.06):
            return self.random.one_of(self._patients)
        patient = Patient(self._patient_row(on))
        batch.extend("patients", (patient.row,))
        fragments = name_fragments(patient.row["first_name"], patient.row["last_name"])
        key = {"clinic_id": self.clinic.clinic_id, "patient_id": patient.row["id"]}
        batch.extend("patient_names", [{**key, "fragment": fragment} for fragment in fragments])
        self._patients = [*self._patients[-REMEMBERED_PATIENTS:], patient]
        return patient

    def _patient_row(self, on: date) -> dict[str, Any]:
        self._patient_count += 1
        first, last = demo_names.first_name(self.random), demo_names.last_name(self.random)
        patient = {
            "mrn": f"MRN-{self._patient_count:06d}",
            "first_name": first,
            "last_name": last,
            "birth_date": on - timedelta(days=self.random.between(18 * 365, 85 * 365)),
            "sex": ("female", "male")[self._patient_count % 2],
            "phone": demo_names.phone(self.random),
            "email": f"patient{self._patient_count}@mail.example" if self.random.chance(0.7) else None,
            **addressed(self.random),
        }
        return self.clinic.record(on, **patient, **PATIENT.follows(patient))

    def _lawyers(self, plan: PlannedCase) -> tuple[Lawyer | None, Lawyer | None, date | None]:
        """The first and the current attorney of the case, and the day of the change; every tenth case has none."""
        own, *others = self.clinic.lawyers
        if plan.position % self._own_every == 0:
            now: Lawyer | None = own
        else:
            now = None if plan.position % 10 == 9 else self.random.one_of(others)
        changed_on = self.random.after(plan.opened_on, 20, 240)
        if now is None or plan.position % 15 != 6 or changed_on > self.clinic.today:
            return now, now, None
        left = self.random.one_of([lawyer for lawyer in self.clinic.lawyers[:8] if lawyer is not now])
        return left, now, changed_on

    def _represent(self, case: CaseFile, batch: Batch) -> None:
        from_on = case.row["opened_on"]
        if case.changed_on and case.former:
            columns = {"case_id": case.row["id"], "attorney_id": case.former.attorney_id}
            self.clinic.add(batch, "representations", from_on, **columns, from_on=from_on, until_on=case.changed_on)
            from_on = case.changed_on
            self._tell_of_change(case, case.former, from_on)
        if case.lawyer:
            columns = {"case_id": case.row["id"], "attorney_id": case.lawyer.attorney_id}
            self.clinic.add(batch, "representations", from_on, **columns, from_on=from_on, until_on=None)

    def _tell_of_change(self, case: CaseFile, former: Lawyer, on: date) -> None:
        now = case.lawyer.name if case.lawyer else None
        changes = (change_of("attorney", former.name, now), change_of("effective_on", None, on))
        case.events.append(CaseEvent(on, "assign_attorney", changes, Role.BILLING))
        case.row["version"] += 1

    def _invoice(self, case: CaseFile, number: str, on: date, physician_id: UUID, batch: Batch) -> InvoiceHistory:
        served = max(case.row["opened_on"], on - timedelta(days=self.random.between(0, 9)))
        facility_id = self.random.one_of(list(self.clinic.facilities))
        payer_id = self._payer(case, on, batch)
        who = {"physician_id": physician_id, "facility_id": facility_id}
        of = {"case_id": case.row["id"], "patient_id": case.row["patient_id"], **who}
        encounter = self.clinic.record(served, **of, service_date=served, invoice_id=None)
        case.encounters.append(encounter)
        lines = self._examine(encounter["id"], payer_id, facility_id, served, batch)
        self._invoice_count += 1
        if self._invoice_count % _FREE_EVERY == _FREE:
            lines = tuple(overridden(line, Decimal("0.00"), "Follow-up without charge") for line in lines)
        lines = _marked(lines, case.patient, served, physician_id)
        floor, target = self._limits(sum((line.amount for line in lines), Decimal(0)))
        start = HistoryStart(
            self.clinic.clinic_id,
            number,
            created_on=on,
            service_date=served,
            payer_id=payer_id,
            attorney_id=case.row["attorney_id"],
            encounter_id=encounter["id"],
            lines=lines,
            former_attorney_id=case.former.attorney_id if case.former else None,
            attorney_changed_on=case.changed_on,
            floor_amount=floor,
            target_amount=target,
            **of,
        )
        return InvoiceHistory(start, self.random, by=self.clinic.users[Role.BILLING])

    def _replace(self, case: CaseFile, number: str, on: date) -> bool:
        """Whether an invoice of the same visit, with fewer units, replaces the first one of the case."""
        wrong, submitted_on = case.histories[0], case.histories[0].last_day + timedelta(days=2)
        if submitted_on >= on or wrong.billed == 0:
            return False
        lines = tuple(_of_one_unit(line) for line in wrong.start.lines)
        billed = sum((line.amount for line in lines), Decimal(0))
        floor, target = (
            limit and min(limit, billed) for limit in (wrong.start.floor_amount, wrong.start.target_amount)
        )
        wrong.submit_invoice(submitted_on, SubmissionMethod.EMAIL)
        wrong.apply(on, "replace_invoice", reason="Billed more units than were given", reversals=[])
        start = replace(wrong.start, number=number, created_on=on, lines=lines, replaces_id=wrong.id)
        start = replace(start, floor_amount=floor, target_amount=target)
        case.histories.append(InvoiceHistory(start, self.random, by=self.clinic.users[Role.BILLING]))
        case.encounters.append(case.encounters[0])
        return True

    def _limits(self, billed: Decimal) -> tuple[Decimal | None, Decimal | None]:
        """The lowest amount that the clinic would accept, and the amount that it aims for; not every invoice has them."""
        if self.random.chance(0.4) or billed == 0:
            return None, None
        return self.random.share(billed, 28, 35), self.random.share(billed, 75, 90)

    def _payer(self, case: CaseFile, on: date, batch: Batch) -> UUID:
        """The payer: mostly the attorney's firm, otherwise an insurer, otherwise the patient."""
        lawyer = case.lawyer_on(on)
        if lawyer and self.random.chance(0.68):
            return lawyer.payer_id
        if self.random.chance(0.8 if lawyer else 0.65):
            # The first insurer, which has negotiated rates, covers every fourth patient.
            return self.clinic.insurances[0] if self.random.chance(0.2) else self.random.one_of(self.clinic.insurances)
        if case.patient.payer_id is None:
            case.patient.payer_id = add_patient_payer(self.clinic, batch, on, case.patient.row)
        return case.patient.payer_id

    def _examine(
        self, encounter_id: UUID, payer_id: UUID, facility_id: UUID, on: date, batch: Batch
    ) -> tuple[HistoryLine, ...]:
        """Record the exams of an encounter; returns the lines that bill them and the dispensed supplies."""
        lines = []
        for position, (exam_id, code) in enumerate(_exams(self.clinic, self.random)):
            bilateral = CODES_BY_NAME[code].bilateral is not BilateralPolicy.NOT_ALLOWED and self.random.chance(0.3)
            units = self.random.between(1, 4) if code.startswith("THERAPY") else 1
            columns = {"encounter_id": encounter_id, "exam_type_id": exam_id, "position": position}
            self.clinic.add(batch, "encounter_exams", on, **columns, bilateral=bilateral, units=units)
            lines.append(self.clinic.prices.line(code, payer_id, facility_id, on, bilateral, units))
        if self.random.chance(0.35):
            code, units = self.random.one_of(SUPPLIES), self.random.between(1, 3)
            lines.append(self.clinic.prices.line(code, payer_id, facility_id, on, False, units))
        if self.random.chance(0.02):
            price = self.random.share(lines[0].unit_price, 70, 90)
            lines[0] = overridden(lines[0], price, "Agreed with the firm beforehand")
        return tuple(lines)


def _of_one_unit(line: HistoryLine) -> HistoryLine:
    return replace(line, units=1, amount=round_money(line.unit_price * line.bilateral_factor))


def _marked(
    lines: tuple[HistoryLine, ...], patient: Patient, served: date, physician_id: UUID
) -> tuple[HistoryLine, ...]:
    """The lines, those marked that repeat what is already billed of the patient's treatment."""
    found = []
    for line in lines:
        what = (line.code, line.bilateral, served, physician_id)
        found.append(replace(line, is_repeated=what in patient.billed))
        patient.billed.add(what)
    return tuple(found)


def _exams(clinic: DemoClinic, random: SeededRandom) -> list[tuple[UUID, str]]:
    """Exam types and codes of one encounter: one or two main exams, and as many sub-exams of each as its rule allows."""
    chosen = []
    first = random.between(0, len(clinic.exams) - 1)
    mains = {first, 0} if random.chance(0.5) else {first}
    for place in sorted(mains):
        main, parts = clinic.exams[place]
        picked = {random.between(0, len(parts) - 1)}
        if main.rule is not SelectionRule.EXACTLY_ONE and random.chance(0.3):
            picked.add(random.between(0, len(parts) - 1))
        chosen += [(parts[part][1], parts[part][0].code or "") for part in sorted(picked)]
    return chosen


def settle(case: CaseFile, on: date) -> None:
    """Settle a case if all of its invoices allow it."""
    for history in case.histories:
        if history.status is InvoiceStatus.CHEQUE_RECEIVED:
            history.settle_case(on)
    case.change(on, "settle_case", {"status": CaseStatus.SETTLED.value, "settled_on": on})


def close(case: CaseFile, on: date) -> None:
    """Close a case that was lost, if all of its invoices allow it."""
    for history in case.histories:
        if history.status is InvoiceStatus.CHEQUE_RECEIVED:
            history.apply(on, "close_case", reason=CloseReason.LOST.name)
    closed = {"status": CaseStatus.CLOSED.value, "closed_on": on, "closed_reason": CloseReason.LOST.value}
    case.change(on, "close_case", closed)


def reopen(case: CaseFile, on: date, reason: str) -> None:
    """Reopen a settled or closed case because of a returned cheque: its paid invoices return to their previous status."""
    for history in case.histories:
        if history.status is InvoiceStatus.PAID:
            history.reopen_case(on, reason)
    opened = {"status": CaseStatus.OPEN.value, "settled_on": None, "closed_on": None, "closed_reason": None}
    case.change(on, "return_cheque", opened, Role.ADMIN, reason)
