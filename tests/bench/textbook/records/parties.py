"""The resolvers of the textbook for patients, payers, firms, attorneys, physicians and facilities."""

from typing import Any

from domain.access.people import Role
from tests.bench.textbook.fields import Args, Fields, Resolver, listing, one
from tests.bench.textbook.models import Attorney, Facility, Firm, Model, Patient, Payer, Physician
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among, is_named, is_numbered, squeezed


def payer_name(records: Records, payer: Any) -> str:
    """A payer's name; analysts do not see the name of a patient who pays."""
    is_nameless = payer.kind == "patient" and records.viewer.role is Role.ANALYST
    return "Patient" if is_nameless else payer.name


async def _payer_name(records: Records, payer: Any, args: Args) -> str:
    return payer_name(records, payer)


async def _patient_name(records: Records, patient: Any, args: Args) -> str:
    return f"{patient.first_name} {patient.last_name}"


def patient_is_found(records: Records, patient: Any, text: str) -> bool:
    """Whether a search finds a patient, by name or by number."""
    return any(
        is_named(text, one.first_name, one.last_name) or is_numbered(records.viewer.role, text, one.mrn, one.phone)
        for one in _known_as(records, patient)
    )


def _known_as(records: Records, party: Any) -> list[Any]:
    """A patient or payer and, for billing staff, what was merged into it."""
    is_staff = records.viewer.role in (Role.ADMIN, Role.BILLING)
    return [party, *(records.merged.former(party.id) if is_staff else ())]


async def _patient_fits(records: Records, patient: Any, wanted: Args) -> bool:
    return "search" not in wanted or patient_is_found(records, patient, wanted["search"])


async def _payer_fits(records: Records, payer: Any, wanted: Args) -> bool:
    if "kind" in wanted and payer.kind.upper() not in wanted["kind"]:
        return False
    if "firmId" in wanted and not is_among(wanted["firmId"], "Firm", payer.firm_id):
        return False
    return "search" not in wanted or any(is_named(wanted["search"], one.name) for one in _known_as(records, payer))


async def _attorney_fits(records: Records, attorney: Any, wanted: Args) -> bool:
    if "firmId" in wanted and not is_among(wanted["firmId"], "Firm", attorney.firm_id):
        return False
    return "search" not in wanted or is_named(wanted["search"], attorney.name, attorney.firm)


async def is_of_firms(records: Records, attorney_id: Any, firms: Any) -> bool:
    """Whether an attorney belongs to one of these firms."""
    attorney = await records.one(Attorney, attorney_id)
    return attorney is not None and is_among(firms, "Firm", attorney.firm_id)


async def _firm_name(records: Records, attorney: Any, args: Args) -> str:
    firm = await records.one(Firm, attorney.firm_id)
    assert firm is not None
    return str(firm.name)


async def _party_fits(records: Records, party: Any, wanted: Args) -> bool:
    return "search" not in wanted or is_named(wanted["search"], party.name)


async def _is_active(records: Records, party: Any, args: Args) -> bool:
    return party.retired_at is None


def _by_last_name(records: Records, args: Args) -> Sorting:
    return Sorting("Patient.DEFAULT", lambda patient: squeezed(f"{patient.last_name} {patient.first_name}"), str)


def _by_payer_name(records: Records, args: Args) -> Sorting:
    return Sorting("Payer.DEFAULT", lambda payer: payer_name(records, payer), str)


def _by_name(model: type[Model], fits: Any, parent: str = "") -> Resolver:
    order = Sorting(f"{model.__name__}.DEFAULT", lambda party: party.name, str)
    return listing(model, fits, lambda records, args: order, parent)


PARTY_FIELDS: Fields = {
    "Query.patients": listing(Patient, _patient_fits, _by_last_name),
    "Query.payers": listing(Payer, _payer_fits, _by_payer_name),
    "Query.attorneys": _by_name(Attorney, _attorney_fits),
    "Query.firms": _by_name(Firm, _party_fits),
    "Firm.attorneys": _by_name(Attorney, _attorney_fits, "firm_id"),
    "Firm.payers": listing(Payer, _payer_fits, _by_payer_name, "firm_id"),
    "Attorney.firm": _firm_name,
    "Attorney.lawFirm": one(Firm, "firm_id"),
    "Payer.firm": one(Firm, "firm_id"),
    "Query.physicians": _by_name(Physician, _party_fits),
    "Query.facilities": _by_name(Facility, _party_fits),
    "Patient.name": _patient_name,
    "Payer.name": _payer_name,
    **dict.fromkeys(("Patient.active", "Payer.active", "Firm.active", "Attorney.active"), _is_active),
}
