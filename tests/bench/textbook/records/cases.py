"""The resolvers of the textbook for cases, their history and their representations."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from domain.access.people import Role
from tests.bench.textbook.fields import Args, Fields, listing, many, one
from tests.bench.textbook.models import (
    Attorney,
    AttorneyChange,
    Case,
    CaseEvent,
    Encounter,
    Invoice,
    Patient,
    Representation,
    User,
)
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.invoices import balance
from tests.bench.textbook.records.parties import is_of_firms, patient_is_found
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among, squeezed


async def _billed_total(records: Records, case: Any, args: Args) -> Decimal:
    invoices = await records.many(Invoice, "case_id", case.id)
    return sum((i.billed_amount for i in invoices if i.status != "void"), Decimal("0.00"))


async def _outstanding(records: Records, case: Any, args: Args) -> Decimal:
    return sum((balance(i) for i in await records.many(Invoice, "case_id", case.id)), Decimal("0.00"))


async def _is_found(records: Records, case: Any, text: str) -> bool:
    patient = await records.one(Patient, case.patient_id)
    if squeezed(case.number).startswith(squeezed(text)):
        return True
    return patient is not None and patient_is_found(records, patient, text)


async def fits(records: Records, case: Any, wanted: Args) -> bool:
    """Whether a case matches a filter."""
    conditions: dict[str, Callable[[Any], bool]] = {
        "status": lambda states: case.status.upper() in states,
        "patientId": lambda ids: is_among(ids, "Patient", case.patient_id),
        "attorneyId": lambda ids: is_among(ids, "Attorney", case.attorney_id),
        "openedFrom": lambda day: case.opened_on >= date.fromisoformat(day),
        "openedTo": lambda day: case.opened_on <= date.fromisoformat(day),
    }
    if not all(conditions[name](value) for name, value in wanted.items() if name in conditions):
        return False
    if "firmId" in wanted and not await is_of_firms(records, case.attorney_id, wanted["firmId"]):
        return False
    return "search" not in wanted or await _is_found(records, case, wanted["search"])


def sorting(records: Records, args: Args) -> Sorting:
    """Cases come newest first; for those who do not see when a case was opened, by the day of the injury."""
    if records.viewer.role in (Role.ATTORNEY, Role.PHYSICIAN):
        return Sorting("Case.dateOfInjury", lambda case: case.date_of_injury, date, descending=True)
    return Sorting("Case.openedOn", lambda case: case.opened_on, date, descending=True)


async def _representations(records: Records, case: Any, args: Args) -> list[Any]:
    known = [one for one in await records.many(Representation, "case_id", case.id) if one.known_until is None]
    return sorted(known, key=lambda row: (row.from_on, row.id))


async def _attorney_change(records: Records, case: Any, args: Args) -> Any:
    changes = await records.many(AttorneyChange, "case_id", case.id)
    return next((change for change in changes if change.status == "pending"), None)


CASE_FIELDS: Fields = {
    "Query.cases": listing(Case, fits, sorting),
    "Patient.cases": listing(Case, fits, sorting, "patient_id"),
    "Case.patient": one(Patient, "patient_id"),
    "Case.attorney": one(Attorney, "attorney_id"),
    "Case.representations": _representations,
    "Case.attorneyChange": _attorney_change,
    "AttorneyChange.attorney": one(Attorney, "attorney_id"),
    "AttorneyChange.requestedBy": one(User, "requested_by"),
    "Case.billedTotal": _billed_total,
    "Case.outstanding": _outstanding,
    "Representation.attorney": one(Attorney, "attorney_id"),
    "Case.encounters": many(Encounter, "case_id", "service_date", "id"),
    "Case.history": many(CaseEvent, "case_id", "at", "id"),
    "CaseEvent.by": one(User, "by_user_id"),
}
