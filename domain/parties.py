"""The columns, checks and derived columns of patients, payers, firms, attorneys, physicians and facilities."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.access.people import PayerKind
from domain.errors import InputReason, InvalidInput
from domain.normal_forms import name_fragments, normal_key, phone_key
from domain.records.addresses import STATE, texts_of
from domain.records.identifiers import LICENCE_NUMBER, NPI, PLACE_OF_SERVICE, TAXONOMY
from domain.texts import ADDRESS, EMAIL, NAME, PHONE, Text, checked

FACTOR = Text(7, needed=True, form=r"[0-9]{1,2}(\.[0-9]{1,4})?", words='A factor must look like "1.0432"')
MRN = Text(50, needed=True)
PART_OF_NAME = Text(100, needed=True)
_CONTACT = {"email": EMAIL, "phone": PHONE}
# The address as a text of several lines, and in parts.
_ADDRESSED = {"address": ADDRESS, **texts_of("address")}


class Sex(StrEnum):
    """The sex of a patient, as claims state it."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of party: its table, its word in the API, its text columns, and the columns derived from a whole row.

    `plain` are columns that need no check of their own; `unique` names the column that must be unique. `identity` are the columns
    whose normal form, in the column `identity_key`, is unique among the records that are no duplicates.
    """

    table: str
    word: str
    texts: Mapping[str, Text]
    follows: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    plain: tuple[str, ...] = ()
    unique: str = "name"
    # The input argument with a record's id, where it is not `<word>_id`.
    key: str = ""
    # Physicians and facilities have an `active` flag; the other kinds store when a record was retired.
    has_active: bool = False
    identity: tuple[str, ...] = ()
    identity_key: str = ""

    def identity_of(self, row: Mapping[str, Any]) -> str:
        """The normal form by which a record is unique."""
        return normal_key(" ".join(row[name] for name in self.identity))

    @property
    def named_by(self) -> str:
        """The input argument with a record's id."""
        return self.key or f"{self.word}_id"

    def columns(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that an input sets, checked; InvalidInput names the one that is not valid."""
        return {**{name: inputs[name] for name in self.plain if name in inputs}, **checked(inputs, self.texts)}


def _named(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"name_fragments": name_fragments(row["name"])}


def _patient(row: Mapping[str, Any]) -> Mapping[str, Any]:
    phone = row.get("phone")
    return {
        "sort_name": normal_key(f"{row['last_name']} {row['first_name']}"),
        "mrn_key": normal_key(row["mrn"]),
        "phone_key": phone_key(phone) if phone else None,
    }


def names_of(patient: Mapping[str, Any]) -> tuple[str, str]:
    """The normal form of a patient's name, and of the same with first and last name exchanged."""
    first, last = patient["first_name"], patient["last_name"]
    return normal_key(f"{first} {last}"), normal_key(f"{last} {first}")


# The references that only a payer of one kind can have.
_OF_KIND = {"patient_id": PayerKind.PATIENT, "attorney_id": PayerKind.ATTORNEY, "firm_id": PayerKind.ATTORNEY}


def _payer(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if row["kind"] is None:
        raise InvalidInput("This cannot be left blank", ("kind",), InputReason.BLANK)
    for column, kind in _OF_KIND.items():
        if row.get(column) is not None and row["kind"] != kind:
            raise InvalidInput(f"Only a payer of kind {kind.name} can have this reference", (column,))
    return {**_named(row), "kind": PayerKind(row["kind"]).value}


def _attorney(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"name_fragments": name_fragments(row["name"], row["firm"])}


def _facility(row: Mapping[str, Any]) -> Mapping[str, Any]:
    factor = Decimal(row["geographic_factor"])
    if factor <= 0:
        raise InvalidInput("A factor must be above 0", ("geographic_factor",), InputReason.TOO_LOW, "0")
    return {**_named(row), "geographic_factor": factor}


PATIENT = Kind(
    "patients",
    "patient",
    {
        "mrn": MRN,
        "first_name": PART_OF_NAME,
        "last_name": PART_OF_NAME,
        **_CONTACT,
        **_ADDRESSED,
    },
    _patient,
    ("birth_date", "sex"),
    "mrn",
    identity=("mrn",),
    identity_key="mrn_key",
)
PAYER = Kind(
    "payers",
    "payer",
    {"name": NAME, **_CONTACT, "fax": PHONE, **_ADDRESSED},
    _payer,
    ("kind", "patient_id", "attorney_id", "firm_id"),
)
FIRM = Kind("firms", "firm", {"name": NAME, **_CONTACT, "fax": PHONE, **_ADDRESSED}, _named)
ATTORNEY = Kind(
    "attorneys",
    "attorney",
    {"name": NAME, "firm": NAME, **_CONTACT},
    _attorney,
    ("firm_id",),
    identity=("name", "firm"),
    identity_key="name_key",
)
_LICENSED = {"npi": NPI, "taxonomy": TAXONOMY, "licence_number": LICENCE_NUMBER, "licence_state": STATE}
PHYSICIAN = Kind("physicians", "physician", {"name": NAME, **_LICENSED}, _named, has_active=True)
_PLACE = {"npi": NPI, "place_of_service": PLACE_OF_SERVICE, **texts_of("address")}
FACILITY = Kind(
    "facilities", "facility", {"name": NAME, "geographic_factor": FACTOR, **_PLACE}, _facility, has_active=True
)
