"""The master data of the demo clinic: staff, facilities, law firms, insurers, prices."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.access.people import PayerKind, Role
from domain.ids import new_id
from domain.normal_forms import check_digit, name_fragments, normal_key
from imports.default_reminders import default_reminders
from imports.demo import names as demo_names
from imports.demo.codes import CODES, EXAMS, Exam, PriceList, Schedule
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch
from imports.history.rows import noon_of

SHORT_NAME = "demo"
NAME = "Demo Injury Clinic"
ADDRESS, PHONE, FAX = "100 Harbor Street\nTampa, FL 33602", "(813) 555-0100", "(813) 555-0101"
# A code of the form of a taxonomy code, which means nothing.
TAXONOMY = "000000000X"
# A reserved domain: no mail ever reaches it.
DOMAIN = "demo.example"
TIME_ZONE = "America/New_York"
USER_NAMES = {
    Role.ADMIN: "Ada Minster",
    Role.BILLING: "Bill Ingfield",
    Role.PHYSICIAN: "",
    Role.ATTORNEY: "",
    Role.ANALYST: "Anna Lystwood",
}


@dataclass(frozen=True, slots=True)
class Lawyer:
    """An attorney, and the payer record through which the firm pays."""

    attorney_id: UUID
    payer_id: UUID
    name: str


@dataclass
class DemoClinic:
    """The demo clinic; `size` is the number of invoices that it will have, `first_day` the day on which it opened."""

    random: SeededRandom
    size: int
    first_day: date
    today: date
    clinic_id: UUID = field(init=False)
    users: dict[Role, UUID] = field(init=False)
    prices: PriceList = field(init=False)
    exams: list[tuple[Exam, list[tuple[Exam, UUID]]]] = field(init=False)
    facilities: dict[UUID, Decimal] = field(default_factory=dict)
    physicians: list[tuple[UUID, str]] = field(default_factory=list)
    lawyers: list[Lawyer] = field(default_factory=list)
    insurances: list[UUID] = field(default_factory=list)
    firms: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clinic_id = self.new_id(self.first_day)
        self.users = {role: self.new_id(self.first_day) for role in Role}

    def new_id(self, on: date) -> UUID:
        """An id that sorts by the day on which its record was created."""
        return new_id(noon_of(on), self.random.getrandbits)

    def record(self, on: date, **columns: Any) -> dict[str, Any]:
        """A row of the clinic that was recorded on a day."""
        return {"clinic_id": self.clinic_id, "id": self.new_id(on), "recorded_at": noon_of(on), **columns}

    def add(self, batch: Batch, table: str, on: date, **columns: Any) -> UUID:
        """Add such a row to a batch; returns its id."""
        row = self.record(on, **columns)
        batch.extend(table, (row,))
        identity: UUID = row["id"]
        return identity

    def firm(self, name: str, batch: Batch, **contact: Any) -> UUID:
        """The law firm of a name, added to the batch where it is new."""
        key = normal_key(name)
        if key not in self.firms:
            # Ids of their own, so that the rest of the clinic does not depend on the number of firms.
            moment = noon_of(self.first_day)
            identity = new_id(moment, SeededRandom(key).getrandbits)
            row = {
                "clinic_id": self.clinic_id,
                "id": identity,
                "recorded_at": moment,
                "name": name,
                **contact,
                **addressed(SeededRandom(key)),
            }
            batch.extend("firms", ({**row, "name_fragments": name_fragments(name)},))
            self.firms[key] = identity
        return self.firms[key]


def open_clinic(clinic: DemoClinic, password_hash: str) -> Batch:
    """The master data before the first case, as rows; a large clinic has more staff and deals with more firms."""
    batch = Batch()
    _add_clinic(clinic, batch)
    _add_facilities(clinic, batch)
    _add_physicians(clinic, batch, min(14 + clinic.size // 5_000, 60))
    _add_lawyers(clinic, batch, min(18 + clinic.size // 1_000, 180))
    _add_insurances(clinic, batch, min(12 + clinic.size // 4_000, 60))
    _add_users(clinic, batch, password_hash)
    _add_codes(clinic, batch)
    _add_schedules(clinic, batch)
    _add_reminders(clinic, batch)
    return batch


def _add_clinic(clinic: DemoClinic, batch: Batch) -> None:
    batch.add(
        "clinics",
        clinic_id=clinic.clinic_id,
        short_name=SHORT_NAME,
        name=NAME,
        time_zone=TIME_ZONE,
        legal_name=f"{NAME}, PLLC",
        address=ADDRESS,
        **_address("physical", ADDRESS.replace("\n", ", ")),
        **_address("remit", f"PO Box 1000, {ADDRESS.splitlines()[-1]}"),
        phone=PHONE,
        fax=FAX,
        email=f"office@{DOMAIN}",
        tin="000000001",
        npi=_npi(800),
        taxonomy=TAXONOMY,
        sender_address=f"billing@{DOMAIN}",
        # What the demo shows as due is due on whatever day it is looked at.
        moves_to_working_days=False,
        recorded_at=noon_of(clinic.first_day),
    )


def _add_facilities(clinic: DemoClinic, batch: Batch) -> None:
    for number, (name, factor) in enumerate(demo_names.FACILITIES):
        columns = {"name": name, "geographic_factor": Decimal(factor), "name_fragments": name_fragments(name)}
        columns |= {"npi": _npi(900 + number), "place_of_service": "11"}
        columns |= _address("address", f"{101 + number} Harbor Street, {ADDRESS.splitlines()[-1]}")
        facility_id = clinic.add(batch, "facilities", clinic.first_day, **columns)
        clinic.facilities[facility_id] = Decimal(factor)


def _add_physicians(clinic: DemoClinic, batch: Batch, count: int) -> None:
    for number in range(count):
        name = f"Dr. {demo_names.person_name(clinic.random)}"
        columns = {"name": name, "npi": _npi(number), "name_fragments": name_fragments(name)}
        columns |= {"taxonomy": TAXONOMY, "licence_number": f"ME{number + 1:06d}", "licence_state": "FL"}
        active = number == 0 or number % 13 != 12
        clinic.physicians.append((clinic.add(batch, "physicians", clinic.first_day, active=active, **columns), name))


def _npi(number: int) -> str:
    """An NPI that belongs to nobody, with its check digit: real ones begin with 1 or 2."""
    digits = f"9{number:08d}"
    return digits + check_digit(digits)


def _address(prefix: str, address: str) -> dict[str, Any]:
    """The parts of an address such as 100 Harbor Street, Tampa, FL 33602, or of one in a fictitious town, without a ZIP code."""
    line1, city, region = address.split(", ")
    state, _, postal_code = region.partition(" ")
    postal_code = postal_code or demo_names.ZIP_CODES[f"{city}, {region}"]
    parts = {"line1": line1, "city": city, "state": state, "postal_code": postal_code}
    return {f"{prefix}_{part}": value for part, value in parts.items()}


def addressed(random: SeededRandom) -> dict[str, Any]:
    """A postal address as a text and in parts."""
    address = demo_names.address(random)
    return {"address": address, **_address("address", address)}


def _add_lawyers(clinic: DemoClinic, batch: Batch, count: int) -> None:
    for number in range(count):
        name = demo_names.person_name(clinic.random)
        firm = demo_names.firm_name(clinic.random, name.split()[-1])
        contact = {"email": f"lawyer{number + 1}@firm{number + 1}.example", "phone": demo_names.phone(clinic.random)}
        firm_id = clinic.firm(firm, batch, phone=contact["phone"])
        person = {
            "name": name,
            "firm": firm,
            "firm_id": firm_id,
            "name_fragments": name_fragments(name, firm),
            **contact,
        }
        attorney_id = clinic.add(batch, "attorneys", clinic.first_day, **person)
        of = {"attorney_id": attorney_id, "firm_id": firm_id}
        payer_id = _add_payer(clinic, batch, clinic.first_day, f"{name}, {firm}", PayerKind.ATTORNEY, **of, **contact)
        clinic.lawyers.append(Lawyer(attorney_id, payer_id, name))


def _add_insurances(clinic: DemoClinic, batch: Batch, count: int) -> None:
    known = len(demo_names.INSURANCES)
    for number in range(count):
        name = demo_names.INSURANCES[number % known] + (f" {number // known + 1}" if number >= known else "")
        contact = {"email": f"claims@insurer{number + 1}.example", "phone": demo_names.phone(clinic.random)}
        clinic.insurances.append(_add_payer(clinic, batch, clinic.first_day, name, PayerKind.INSURANCE, **contact))


def _add_payer(clinic: DemoClinic, batch: Batch, on: date, name: str, kind: PayerKind, **columns: Any) -> UUID:
    row = {"email": None, "phone": None, "patient_id": None, "attorney_id": None, "firm_id": None, **columns}
    row |= {"name": name, "kind": kind, "name_fragments": name_fragments(name)}
    return clinic.add(batch, "payers", on, **addressed(clinic.random), **row)


def add_patient_payer(clinic: DemoClinic, batch: Batch, on: date, patient: dict[str, Any]) -> UUID:
    """The payer record of a patient (a row of patients), for invoices without another payer."""
    name = f"{patient['first_name']} {patient['last_name']}"
    return _add_payer(
        clinic,
        batch,
        on,
        name,
        PayerKind.PATIENT,
        patient_id=patient["id"],
        email=patient["email"],
        phone=patient["phone"],
    )


def _add_users(clinic: DemoClinic, batch: Batch, password_hash: str) -> None:
    physician_id, physician = clinic.physicians[0]
    lawyer = clinic.lawyers[0]
    names = {**USER_NAMES, Role.PHYSICIAN: physician, Role.ATTORNEY: lawyer.name}
    for role, name in names.items():
        row = clinic.record(clinic.first_day, name=name, email=f"{role}@{DOMAIN}", role=role)
        row |= {"id": clinic.users[role], "joined_at": noon_of(clinic.first_day)}
        row["attorney_id"] = lawyer.attorney_id if role is Role.ATTORNEY else None
        row["physician_id"] = physician_id if role is Role.PHYSICIAN else None
        batch.extend("users", (row,))
        login = {"id": row["id"], "email": row["email"], "password_hash": password_hash}
        batch.extend("logins", ({**login, "email_verified_at": row["joined_at"], "recorded_at": row["recorded_at"]},))
        membership = {"login_id": row["id"], "clinic_id": row["clinic_id"], "user_id": row["id"]}
        batch.extend("memberships", ({**membership, "recorded_at": row["recorded_at"]},))


def _add_reminders(clinic: DemoClinic, batch: Batch) -> None:
    # A random generator of its own, so that the clinic's cases do not depend on the number of levels.
    random, moment = SeededRandom(len(NAME)), noon_of(clinic.first_day)
    known = {"clinic_id": clinic.clinic_id, "recorded_at": moment}
    made = default_reminders(lambda: {**known, "id": new_id(moment, random.getrandbits)}, clinic.users[Role.ADMIN])
    for table, row in made:
        batch.extend(table, (row,))
    # The first dry run of the clinic, when it had no invoices yet.
    confirmed = {"confirmed_by": clinic.users[Role.ADMIN], "confirmed_at": moment, "day": clinic.first_day}
    row = {**known, **confirmed, "id": new_id(moment, random.getrandbits), "message_count": 0, "invoice_count": 0}
    batch.extend("reminder_confirmations", (row,))
    unsubscribed = {"email": f"unsubscribed@{DOMAIN}", "reason": "Asked for it by e-mail", "added_at": moment}
    row = {**known, **unsubscribed, "id": new_id(moment, random.getrandbits), "added_by": clinic.users[Role.BILLING]}
    batch.extend("suppressed_addresses", (row,))


def _add_codes(clinic: DemoClinic, batch: Batch) -> None:
    for code in CODES:
        columns = {"code": code.code, "label": code.label, "base_price": code.base_price, "valid_to": None}
        columns |= {"bilateral_policy": code.bilateral, "valid_from": clinic.first_day.replace(month=1, day=1)}
        clinic.add(batch, "cpt_codes", clinic.first_day, active=True, **columns)
    clinic.exams = []
    for position, main in enumerate(EXAMS, 1):
        main_id = _add_exam(clinic, batch, main, None, position)
        parts = [(part, _add_exam(clinic, batch, part, main_id, place)) for place, part in enumerate(main.parts, 1)]
        itself = [(main, main_id)] if main.code else []
        clinic.exams.append((main, [*itself, *parts]))


def _add_exam(clinic: DemoClinic, batch: Batch, exam: Exam, parent_id: UUID | None, position: int) -> UUID:
    columns = {"name": exam.name, "code": exam.code, "selection_rule": exam.rule, "parent_id": parent_id}
    return clinic.add(batch, "exam_types", clinic.first_day, position=position, **columns)


def _add_schedules(clinic: DemoClinic, batch: Batch) -> None:
    """The clinic's own schedule, raised once; a dearer one for a facility; one insurer's negotiated rates, one set for a facility."""
    opened = clinic.first_day.replace(month=1, day=1)
    raised = clinic.first_day.replace(year=clinic.first_day.year + 3, month=1, day=1)
    scans = tuple(code for code in CODES if code.code.startswith(("SCAN", "RAY", "NERVE")))
    injections = tuple(code for code in CODES if code.code in ("INJECT-JOINT", "INJECT-NECK", "INJECT-BACK"))
    insurance, dear = clinic.insurances[0], list(clinic.facilities)[4]
    suites = {code.code: code.base_price - 60 for code in (*scans, *injections)}
    schedules = (
        Schedule("Clinic schedule", opened, raised, {code.code: code.base_price for code in scans}),
        Schedule("Clinic schedule, raised", raised, None, {code.code: code.base_price + 25 for code in scans}),
        Schedule("Surgical suites", opened, None, {c.code: c.base_price + 115 for c in injections}, facility_id=dear),
        Schedule("Negotiated", opened, None, {c.code: c.base_price - 40 for c in scans}, payer_id=insurance),
        Schedule("Negotiated, suites", raised, None, suites, insurance, dear),
    )
    for schedule in schedules:
        columns = {"name": schedule.name, "payer_id": schedule.payer_id, "facility_id": schedule.facility_id}
        validity = {"valid_from": schedule.valid_from, "valid_to": schedule.valid_to}
        schedule_id = clinic.add(batch, "fee_schedules", clinic.first_day, **columns, **validity)
        for code, rate in schedule.rates.items():
            clinic.add(batch, "fee_schedule_rates", clinic.first_day, fee_schedule_id=schedule_id, code=code, rate=rate)
    clinic.prices = PriceList(schedules, clinic.facilities, opened)
