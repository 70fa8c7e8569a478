"""The coverages of a few demo cases: PIP with a limit, the attorney's letter of protection, and health insurance."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from domain.access.people import Role
from domain.billing.coverages import NAMES, CoverageAction, CoverageKind, CoverageStatus, default_balance_billing
from domain.billing.invoice_events import change_of
from domain.ids import new_id
from imports.demo import names as demo_names
from imports.demo.cases import CaseFile
from imports.demo.clinic import DemoClinic
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch
from imports.history.rows import noon_of

# Every twelfth case has coverages.
_EVERY = 12
# What the insurer has paid to others: of the limit much, little or nothing is left.
_OTHERS = tuple(map(Decimal, ("4400.00", "9850.00", "10000.00")))
_ENDS = ("exhausted_on", "closed_on", "closing_reason", "letter_id", "closing_letter_id")


class CoverageDesk:
    """Adds the coverages; its random generator is its own, so that the clinic's cases do not depend on them."""

    def __init__(self, clinic: DemoClinic) -> None:
        self.clinic, self.random = clinic, SeededRandom(clinic.size)
        self._cases = 0

    def cover(self, case: CaseFile, batch: Batch) -> None:
        """Add the coverages of a case, if it has any; what their payers have paid counts under them."""
        self._cases += 1
        if self._cases % _EVERY:
            return
        opened_on, payers = case.row["opened_on"], {history.row["payer_id"] for history in case.histories}
        insurers = self.clinic.insurances
        own = next((payer for payer in insurers if payer in payers), insurers[self._cases % len(insurers)])
        other = next(payer for payer in insurers if payer != own)
        told_on = min(opened_on + timedelta(days=30), self.clinic.today)
        figures = {"limit_amount": Decimal("10000.00"), "pays_percent": Decimal("80.00"), "file_within_days": 35}
        told = {"other_payments_amount": _OTHERS[self._cases // _EVERY % len(_OTHERS)], "other_payments_on": told_on}
        self._add(case, batch, CoverageKind.PIP, own, is_verified=True, **figures, **told)
        if case.lawyer:
            kind, payer = CoverageKind.LETTER_OF_PROTECTION, case.lawyer.payer_id
            self._add(case, batch, kind, payer, is_verified=True, pays_percent=Decimal("100.00"))
        health = {"deductible_amount": Decimal("500.00"), "pays_percent": Decimal("70.00"), "file_within_days": 90}
        self._add(case, batch, CoverageKind.HEALTH, other, is_verified=False, **health)

    def _add(
        self, case: CaseFile, batch: Batch, kind: CoverageKind, payer_id: UUID, *, is_verified: bool, **columns: Any
    ) -> None:
        begun = [row for row in batch.rows.get("coverages", ()) if row["case_id"] == case.row["id"]]
        opened_on: date = case.row["opened_on"]
        moment = noon_of(opened_on)
        row = {**self._record(moment), **_blank(), "case_id": case.row["id"], "payer_id": payer_id, "kind": kind}
        row |= {"priority": len(begun) + 1, "balance_billing": default_balance_billing(kind)}
        row |= {"status": CoverageStatus.UNVERIFIED, "version": 1, "verified_by": None, "verified_at": None}
        if kind is not CoverageKind.LETTER_OF_PROTECTION:
            row |= {"policy_number": f"POL-{self.random.between(100_000, 999_999)}", **self._people(case)}
        row |= columns
        batch.extend("coverages", (row,))
        self._tell(batch, row["id"], moment, CoverageAction.ADDED, _given(row))
        if is_verified:
            verified_at = moment + timedelta(minutes=5)
            who = {"verified_by": self.clinic.users[Role.BILLING], "verified_at": verified_at}
            row |= {"status": CoverageStatus.ACTIVE, "version": 2, **who}
            change = change_of("status", CoverageStatus.UNVERIFIED.name, CoverageStatus.ACTIVE.name)
            self._tell(batch, row["id"], verified_at, CoverageAction.VERIFIED, [change], seq=2)
        for history in case.histories:
            history.count_under(row["id"], payer_id)

    def _people(self, case: CaseFile) -> dict[str, Any]:
        """The insured person, who is the patient, and the adjuster."""
        patient = case.patient.row
        insured = {"insured_name": f"{patient['first_name']} {patient['last_name']}", "insured_relationship": "self"}
        return insured | {
            "claim_number": f"CLM-{self.random.between(100_000, 999_999)}",
            "adjuster_name": demo_names.person_name(self.random),
            "adjuster_phone": demo_names.phone(self.random),
        }

    def _tell(
        self, batch: Batch, coverage: UUID, at: datetime, action: CoverageAction, changes: list[Any], seq: int = 1
    ) -> None:
        event = {**self._record(at), "coverage_id": coverage, "seq": seq, "at": at, "action": action}
        event |= {"by_user_id": self.clinic.users[Role.BILLING], "changes": orjson.dumps(changes).decode()}
        batch.extend("coverage_events", (event,))

    def _record(self, at: datetime) -> dict[str, Any]:
        return {"clinic_id": self.clinic.clinic_id, "id": new_id(at, self.random.getrandbits), "recorded_at": at}


def _blank() -> dict[str, Any]:
    """All optional columns of a coverage, so that all rows have the same columns."""
    texts = ("policy_number", "claim_number", "insured_name", "insured_relationship")
    adjuster = ("adjuster_name", "adjuster_phone", "adjuster_email")
    figures = ("limit_amount", "deductible_amount", "pays_percent", "other_payments_amount", "other_payments_on")
    days = ("effective_from", "effective_to", "file_within_days")
    return dict.fromkeys((*texts, *adjuster, *figures, *days, *_ENDS))


def _given(row: dict[str, Any]) -> list[Any]:
    """What the history says of a new coverage: its given figures and choices, as in the API."""
    names = ("kind", "priority", "policy_number", "claim_number", "limit_amount", "deductible_amount", "pays_percent")
    known = {name: row[name] for name in names if row[name] is not None}
    return [
        change_of(NAMES.get(name, name), None, value.name if isinstance(value, CoverageKind) else value)
        for name, value in known.items()
    ]
