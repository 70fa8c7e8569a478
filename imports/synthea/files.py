"""Reads and validates a Synthea CSV export: the columns that are used, and the checks of their rows.

Columns that are not named here, such as SSN, DRIVERS and PASSPORT, are never read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from domain.billing.money import LARGEST
from domain.payments.cheques import PaymentMethod
from imports.synthea.csv_rows import TEXT_LENGTH, ZERO, CsvRow, read_rows

CLAIMS, TRANSACTIONS, ENCOUNTERS = "claims.csv", "claims_transactions.csv", "encounters.csv"
NO_INSURANCE = "NO_INSURANCE"
_KINDS = ("CHARGE", "PAYMENT", "ADJUSTMENT", "TRANSFERIN", "TRANSFEROUT")
# How Synthea names the methods of payments; the others, such as COPAY, do not say how it was paid.
_METHODS = {
    "CASH": PaymentMethod.CASH,
    "CC": PaymentMethod.CARD,
    "CHECK": PaymentMethod.PAPER,
    "ECHECK": PaymentMethod.ACH,
}
_PROGRESS_ROWS = 50_000

# The current phase, the number of finished items, and their total (None: not known yet).
Progress = Callable[[str, int, int | None], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patient:
    """A row of patients.csv."""

    first_name: str
    last_name: str
    birth_date: date
    address: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A row of providers.csv: the physician and the facility."""

    name: str
    organization_id: str


@dataclass(frozen=True, slots=True)
class Payer:
    """A row of payers.csv; one that does not insure is Synthea's way to say that the patient pays."""

    name: str
    phone: str | None
    insures: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """One billed line; amounts in US dollars."""

    code: str
    label: str
    units: int
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        """Units times unit price."""
        return self.units * self.unit_price


@dataclass(frozen=True, slots=True)
class Payment:
    """A PAYMENT row of claims_transactions.csv with its day in the clinic's time zone."""

    id: str
    day: date
    amount: Decimal
    method: PaymentMethod = PaymentMethod.PAPER


@dataclass(frozen=True, slots=True)
class Encounter:
    """A row of encounters.csv; payer None: the patient. `charge` is its base cost."""

    line: int
    patient_id: str
    provider_id: str
    organization_id: str
    payer_id: str | None
    day: date
    charge: Charge


@dataclass(slots=True)
class Claim:
    """A row of claims.csv with its transactions from claims_transactions.csv; payer None: the patient."""

    line: int
    patient_id: str
    provider_id: str | None
    payer_id: str | None
    encounter_id: str | None
    day: date
    sent_on: date | None
    charges: list[Charge] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    adjusted: Decimal = ZERO


@dataclass(slots=True)
class SyntheaFolder:
    """The validated rows of an export by their Ids; claims None: the export has no transactions.

    `procedures` are then the charges of the encounters that have some, the base cost of the encounter first.
    """

    patients: dict[str, Patient]
    organizations: dict[str, str]
    providers: dict[str, Provider]
    payers: dict[str, Payer]
    encounters: dict[str, Encounter]
    procedures: dict[str, list[Charge]]
    claims: dict[str, Claim] | None
    rows_read: dict[str, int]


def read_folder(folder: Path, time_zone: str, today: date, progress: Progress | None = None) -> SyntheaFolder:
    """All rows that the import needs, validated; BrokenRowError names the first invalid one.

    Days are those of the IANA time zone; no service may be dated after `today`.
    """
    return _FolderReader(folder, time_zone, today, progress or (lambda what, done, total: None)).read()


class _FolderReader:
    """Reads the files in the order of their references, and keeps what was read so far."""

    def __init__(self, folder: Path, time_zone: str, today: date, progress: Progress) -> None:
        self.folder, self.time_zone, self.today, self.progress = folder, time_zone, today, progress
        self.rows_read: dict[str, int] = {}

    def read(self) -> SyntheaFolder:
        """The whole folder."""
        self.patients = self._by_id("patients.csv", "Id FIRST LAST BIRTHDATE ADDRESS CITY STATE ZIP", _patient)
        self.organizations = self._by_id("organizations.csv", "Id NAME", lambda row: row.text("NAME"))
        self.providers = self._by_id("providers.csv", "Id NAME ORGANIZATION", self._provider)
        self.payers = self._by_id("payers.csv", "Id NAME", _payer, "OWNERSHIP PHONE")
        columns = "Id START PATIENT ORGANIZATION PROVIDER PAYER CODE DESCRIPTION BASE_ENCOUNTER_COST"
        self.encounters = self._by_id(ENCOUNTERS, columns, self._encounter)
        billed_by_claim = (self.folder / TRANSACTIONS).exists()
        claims = self._claims() if billed_by_claim else None
        procedures = {} if billed_by_claim else self._procedures()
        return SyntheaFolder(
            self.patients,
            self.organizations,
            self.providers,
            self.payers,
            self.encounters,
            procedures,
            claims,
            self.rows_read,
        )

    def _rows(self, file: str, columns: str, optional: str = "") -> Iterator[CsvRow]:
        self.rows_read[file] = 0
        for row in read_rows(self.folder / file, columns.split(), optional.split()):
            self.rows_read[file] += 1
            if self.rows_read[file] % _PROGRESS_ROWS == 0:
                self.progress(f"reading {file}", self.rows_read[file], None)
            yield row
        self.progress(f"reading {file}", self.rows_read[file], self.rows_read[file])

    def _by_id(self, file: str, columns: str, make: Callable[[CsvRow], T], optional: str = "") -> dict[str, T]:
        read: dict[str, T] = {}
        for row in self._rows(file, columns, optional):
            key = row.text("Id")
            if key in read:
                raise row.broken("Id", "is there twice")
            read[key] = make(row)
        return read

    def _provider(self, row: CsvRow) -> Provider:
        return Provider(row.text("NAME"), _known(row, "ORGANIZATION", self.organizations))

    def _encounter(self, row: CsvRow) -> Encounter:
        return Encounter(
            row.line,
            _known(row, "PATIENT", self.patients),
            _known(row, "PROVIDER", self.providers),
            _known(row, "ORGANIZATION", self.organizations),
            self._payer_id(row, "PAYER"),
            self._past_day(row, "START"),
            _single_charge(row, "BASE_ENCOUNTER_COST"),
        )

    def _procedures(self) -> dict[str, list[Charge]]:
        """The charges of every encounter that has procedures: its base cost first."""
        by_encounter: dict[str, list[Charge]] = {}
        for row in self._rows("procedures.csv", "ENCOUNTER CODE DESCRIPTION BASE_COST"):
            encounter_id = _known(row, "ENCOUNTER", self.encounters)
            charges = by_encounter.setdefault(encounter_id, [self.encounters[encounter_id].charge])
            charges.append(_fitting(row, "BASE_COST", _single_charge(row, "BASE_COST"), charges))
        return by_encounter

    def _claims(self) -> dict[str, Claim]:
        columns = "Id PATIENTID PROVIDERID PRIMARYPATIENTINSURANCEID APPOINTMENTID SERVICEDATE"
        claims = self._by_id(CLAIMS, columns, self._claim, "LASTBILLEDDATE1")
        seen: set[str] = set()
        columns = "ID CLAIMID PATIENTID TYPE FROMDATE PROCEDURECODE NOTES UNITS UNITAMOUNT PAYMENTS ADJUSTMENTS"
        for row in self._rows(TRANSACTIONS, columns, "METHOD"):
            identity = row.text("ID")
            if identity in seen:
                raise row.broken("ID", "is there twice")
            seen.add(identity)
            self._transaction(row, identity, claims[_known(row, "CLAIMID", claims)])
        return claims

    def _claim(self, row: CsvRow) -> Claim:
        patient_id = _known(row, "PATIENTID", self.patients)
        # A claim for goods, such as medication, may have no encounter.
        encounter_id = _known(row, "APPOINTMENTID", self.encounters) if row.maybe("APPOINTMENTID") else None
        if encounter_id and self.encounters[encounter_id].patient_id != patient_id:
            raise row.broken("APPOINTMENTID", "is an encounter of another patient")
        provider_id = _known(row, "PROVIDERID", self.providers) if row.maybe("PROVIDERID") else None
        payer_id = self._payer_id(row, "PRIMARYPATIENTINSURANCEID")
        sent_on = row.day_of_moment("LASTBILLEDDATE1", self.time_zone) if row.maybe("LASTBILLEDDATE1") else None
        return Claim(
            row.line, patient_id, provider_id, payer_id, encounter_id, self._past_day(row, "SERVICEDATE"), sent_on
        )

    def _transaction(self, row: CsvRow, identity: str, claim: Claim) -> None:
        """Add one transaction to its claim. Transfers move the balance between payers and change nothing here."""
        kind = row.text("TYPE")
        if kind not in _KINDS:
            raise row.broken("TYPE", f"is none of {', '.join(_KINDS)}")
        if row.text("PATIENTID") != claim.patient_id:
            raise row.broken("PATIENTID", "is not the patient of the claim")
        if kind == "CHARGE":
            claim.charges.append(_charge(row, claim))
        elif kind == "ADJUSTMENT":
            claim.adjusted += row.money("ADJUSTMENTS")
        elif kind == "PAYMENT" and (amount := row.money("PAYMENTS")):
            method = _METHODS.get(row.maybe("METHOD") or "", PaymentMethod.PAPER)
            claim.payments.append(Payment(identity, row.day_of_moment("FROMDATE", self.time_zone), amount, method))

    def _payer_id(self, row: CsvRow, column: str) -> str | None:
        payer_id = _known(row, column, self.payers) if row.maybe(column) else None
        return payer_id if payer_id and self.payers[payer_id].insures else None

    def _past_day(self, row: CsvRow, column: str) -> date:
        day = row.day_of_moment(column, self.time_zone)
        if day > self.today:
            raise row.broken(column, "is in the future")
        return day


def _known(row: CsvRow, column: str, among: Mapping[str, object]) -> str:
    """The Id in a cell, which must be that of a row read before."""
    identity = row.text(column)
    if identity not in among:
        raise row.broken(column, "names no row of the export")
    return identity


def _patient(row: CsvRow) -> Patient:
    place = " ".join(part for part in (row.maybe("STATE"), row.maybe("ZIP")) if part)
    address = ", ".join(part for part in (row.maybe("ADDRESS"), row.maybe("CITY"), place) if part)
    return Patient(row.text("FIRST"), row.text("LAST"), row.calendar_day("BIRTHDATE"), address)


def _payer(row: CsvRow) -> Payer:
    insures = NO_INSURANCE not in (row.text("NAME"), row.maybe("OWNERSHIP"))
    return Payer(row.text("NAME"), row.maybe("PHONE"), insures)


def _single_charge(row: CsvRow, column: str) -> Charge:
    return Charge(row.text("CODE"), row.text("DESCRIPTION", TEXT_LENGTH), 1, row.money(column))


def _charge(row: CsvRow, claim: Claim) -> Charge:
    code = row.text("PROCEDURECODE")
    charge = Charge(code, row.maybe("NOTES", TEXT_LENGTH) or code, row.whole("UNITS"), row.money("UNITAMOUNT"))
    return _fitting(row, "UNITAMOUNT", charge, claim.charges)


def _fitting(row: CsvRow, column: str, charge: Charge, others: list[Charge]) -> Charge:
    """A charge that, added to the other charges of its invoice, must not exceed the largest amount."""
    if sum((other.amount for other in others), charge.amount) > LARGEST:
        raise row.broken(column, "makes the invoice larger than an amount of money can be")
    return charge
