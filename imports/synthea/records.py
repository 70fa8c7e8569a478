"""The parties, encounters and cases of a Synthea export, and the natural key by which each is found again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from heapq import heapify, heapreplace
from typing import Any
from uuid import UUID

import asyncpg

from domain.access.people import PayerKind
from domain.ids import new_id
from domain.normal_forms import name_fragments, normal_key
from domain.parties import PATIENT
from imports.history.batch import Batch
from imports.history.rows import noon_of
from imports.synthea.bills import Bill
from imports.synthea.files import Patient, SyntheaFolder

Ids = dict[str, UUID]


@dataclass(slots=True)
class Target:
    """The clinic that is written to, and the numbers of created and existing records."""

    connection: asyncpg.Connection
    clinic_id: UUID
    today: date
    batch: Batch = field(default_factory=Batch)
    created: Counter[str] = field(default_factory=Counter)
    already_there: Counter[str] = field(default_factory=Counter)

    async def find(self, table: str, key: str, values: Iterable[str], *columns: str) -> dict[str, asyncpg.Record]:
        """The clinic's rows of a table by a text column; each has the id and the given columns."""
        selected = ", ".join((key, "id", *columns))
        query = f"select {selected} from {table} where clinic_id = $1 and {key} = any($2::text[])"
        return {row[key]: row for row in await self.connection.fetch(query, self.clinic_id, list(values))}

    async def keep(self, table: str, key: str, rows: Mapping[str, Mapping[str, Any]]) -> Ids:
        """The ids of rows by their natural key: existing rows are kept as they are, the others are inserted."""
        found = await self.find(table, key, rows)
        ids = {name: found[name]["id"] if name in found else new_id() for name in rows}
        for name, row in rows.items():
            if name not in found:
                self.batch.add(table, clinic_id=self.clinic_id, id=ids[name], **{key: name}, **row)
        self.count(table, len(rows) - len(found), len(found))
        return ids

    def count(self, what: str, created: int, already_there: int) -> None:
        """Count the created and the existing records of a kind for the summary."""
        self.created[what] += created
        self.already_there[what] += already_there


@dataclass(frozen=True, slots=True)
class Case:
    """The case of one patient; a new one is not written yet."""

    id: UUID
    number: str
    attorney_id: UUID | None
    opened_on: date
    status: str
    new: bool


@dataclass(frozen=True, slots=True)
class Records:
    """The records to which the invoices refer, by the Ids of the export; `patient_payers` are patients who pay for themselves."""

    cases: dict[str, Case]
    patients: Ids
    physicians: Ids
    facilities: Ids
    payers: Ids
    patient_payers: Ids
    encounters: Ids
    # The encounters that an invoice bills.
    billed: set[UUID] = field(default_factory=set)


async def keep_records(target: Target, folder: SyntheaFolder, bills: Sequence[Bill], attorneys: int) -> Records:
    """All records other than invoices, found again or written."""
    cases = await open_cases(target, folder, bills, attorneys)
    patients = await _keep_patients(target, folder, cases)
    physicians = {
        key: {"name": p.name, "name_fragments": name_fragments(p.name)} for key, p in folder.providers.items()
    }
    facilities = {
        key: {"name": name, "name_fragments": name_fragments(name)} for key, name in folder.organizations.items()
    }
    insurers = {
        key: _payer(p.name, PayerKind.INSURANCE, None, p.phone) for key, p in folder.payers.items() if p.insures
    }
    selves = sorted({bill.patient_id for bill in bills if bill.payer_id is None})
    themselves = {key: _patient_payer(folder.patients[key], patients[key]) for key in selves}
    for patient_id, case in cases.items():
        if case.new:
            _add_case(target, case, patients[patient_id])
    records = Records(
        cases,
        patients,
        await target.keep("physicians", "external_key", physicians),
        await target.keep("facilities", "external_key", facilities),
        await target.keep("payers", "external_key", insurers),
        await target.keep("payers", "external_key", themselves),
        {},
    )
    records.encounters.update(await _keep_encounters(target, folder, records))
    await target.batch.load(target.connection)
    billed = "select id from encounters where clinic_id = $1 and invoice_id is not null"
    records.billed.update(row["id"] for row in await target.connection.fetch(billed, target.clinic_id))
    return records


async def open_cases(target: Target, folder: SyntheaFolder, bills: Iterable[Bill], attorneys: int) -> dict[str, Case]:
    """One case per patient who was ever served, by the patient's Id; new cases are distributed evenly among the attorneys."""
    first_days = _first_days(folder, bills)
    numbers = {patient_id: case_number(patient_id) for patient_id in first_days}
    found = await target.find("cases", "number", numbers.values(), "attorney_id", "opened_on", "status")
    cases = {
        patient_id: Case(row["id"], number, row["attorney_id"], row["opened_on"], row["status"], new=False)
        for patient_id, number in numbers.items()
        if (row := found.get(number))
    }
    # In the order of the patients' Ids, so that the same export is always distributed in the same way.
    new = sorted(numbers.keys() - cases.keys())
    dealt = await _deal(target, len(new), attorneys)
    for patient_id, attorney_id in zip(new, dealt, strict=True):
        cases[patient_id] = Case(new_id(), numbers[patient_id], attorney_id, first_days[patient_id], "open", new=True)
    target.count("cases", len(new), len(found))
    return cases


async def settle_cases(target: Target, settled_on: Mapping[UUID, date]) -> None:
    """Mark the cases as settled, each on its day."""
    query = """update cases set status = 'settled', settled_on = done.on_day, version = version + 1
        from unnest($2::uuid[], $3::date[]) as done (case_id, on_day) where clinic_id = $1 and id = done.case_id"""
    await target.connection.execute(query, target.clinic_id, list(settled_on), list(settled_on.values()))


def case_number(patient_id: str) -> str:
    """The number by which a patient's case is found again; it does not reveal the medical record number."""
    return f"SYN-{sha256(patient_id.encode()).hexdigest()[:12].upper()}"


def _first_days(folder: SyntheaFolder, bills: Iterable[Bill]) -> dict[str, date]:
    """The day of each patient's first encounter or claim."""
    days: dict[str, date] = {}
    for encounter in folder.encounters.values():
        days[encounter.patient_id] = min(encounter.day, days.get(encounter.patient_id, encounter.day))
    for bill in bills:
        days[bill.patient_id] = min(bill.day, days.get(bill.patient_id, bill.day))
    return days


async def _deal(target: Target, cases: int, attorneys: int) -> list[UUID | None]:
    """The attorney of each new case: always the one with the fewest, in the order of their firms."""
    if not attorneys or not cases:
        return [None] * cases
    rows = {f"Synthea Law Office {n:02d}": f"Attorney {n:02d}" for n in range(1, attorneys + 1)}
    firms = await target.keep("firms", "name", {firm: {"name_fragments": name_fragments(firm)} for firm in rows})
    people = {firm: _attorney(name, firm, firms[firm]) for firm, name in rows.items()}
    ids = await target.keep("attorneys", "firm", people)
    query = "select attorney_id, count(*) from cases where clinic_id = $1 and attorney_id is not null group by 1"
    counts = {row["attorney_id"]: row["count"] for row in await target.connection.fetch(query, target.clinic_id)}
    heap = [(counts.get(identity, 0), firm) for firm, identity in ids.items()]
    heapify(heap)
    dealt: list[UUID | None] = []
    for _ in range(cases):
        count, firm = heap[0]
        heapreplace(heap, (count + 1, firm))
        dealt.append(ids[firm])
    return dealt


def _add_case(target: Target, case: Case, patient_id: UUID) -> None:
    """Write a new case with its representation."""
    known = {"clinic_id": target.clinic_id, "recorded_at": noon_of(case.opened_on)}
    target.batch.add(
        "cases",
        **known,
        id=case.id,
        number=case.number,
        number_key=normal_key(case.number),
        patient_id=patient_id,
        attorney_id=case.attorney_id,
        date_of_injury=case.opened_on,
        opened_on=case.opened_on,
    )
    if case.attorney_id:
        represents = {"case_id": case.id, "attorney_id": case.attorney_id, "from_on": case.opened_on}
        target.batch.add("representations", **known, id=new_id(), **represents)


async def _keep_patients(target: Target, folder: SyntheaFolder, cases: Mapping[str, Case]) -> Ids:
    rows = {
        key: {
            "first_name": patient.first_name,
            "last_name": patient.last_name,
            **PATIENT.follows({"mrn": key, "first_name": patient.first_name, "last_name": patient.last_name}),
            "birth_date": patient.birth_date,
            "address": patient.address or None,
            "recorded_at": noon_of(cases[key].opened_on if key in cases else target.today),
        }
        for key, patient in folder.patients.items()
    }
    ids = await target.keep("patients", "mrn", rows)
    for row in target.batch.rows.get("patients", ()):
        for fragment in name_fragments(row["first_name"], row["last_name"]):
            target.batch.add("patient_names", clinic_id=target.clinic_id, fragment=fragment, patient_id=row["id"])
    return ids


async def _keep_encounters(target: Target, folder: SyntheaFolder, records: Records) -> Ids:
    rows = {
        key: {
            "case_id": records.cases[encounter.patient_id].id,
            "patient_id": records.patients[encounter.patient_id],
            "physician_id": records.physicians[encounter.provider_id],
            "facility_id": records.facilities[encounter.organization_id],
            "service_date": encounter.day,
            "recorded_at": noon_of(encounter.day),
        }
        for key, encounter in folder.encounters.items()
    }
    return await target.keep("encounters", "external_key", rows)


def _attorney(name: str, firm: str, firm_id: UUID) -> dict[str, Any]:
    return {"name": name, "firm_id": firm_id, "name_fragments": name_fragments(name, firm)}


def _payer(name: str, kind: PayerKind, patient_id: UUID | None, phone: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "patient_id": patient_id,
        "phone": phone,
        "name_fragments": name_fragments(name),
    }


def _patient_payer(patient: Patient, patient_id: UUID) -> dict[str, Any]:
    return _payer(f"{patient.first_name} {patient.last_name}", PayerKind.PATIENT, patient_id, None)
