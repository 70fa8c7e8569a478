"""Decides what is kept of patients, payers, attorneys, physicians and facilities, and what follows from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.errors import InvalidInput
from domain.people import PayerKind, name_fragments, searchable
from domain.texts import ADDRESS, EMAIL, NAME, PHONE, Text, checked

FACTOR = Text(7, needed=True, form=r"[0-9]{1,2}(\.[0-9]{1,4})?", words='A factor is written as in "1.0432"')
NPI = Text(10, form=r"[0-9]{10}", words="A National Provider Identifier has ten digits")
MRN = Text(50, needed=True)
PART_OF_NAME = Text(100, needed=True)
_CONTACT = {"email": EMAIL, "phone": PHONE}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of party: its table, what people call it, its texts, and what follows from a whole row of it.

    `plain` are columns that need no check of their own; `unique` names the column that a second record may not share.
    """

    table: str
    word: str
    texts: Mapping[str, Text]
    follows: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    plain: tuple[str, ...] = ()
    unique: str = "name"
    # The input that names a record, where it is not called after the word.
    key: str = ""
    # Physicians and facilities say whether they are active; of the others it is kept when they were retired.
    has_active: bool = False

    @property
    def named_by(self) -> str:
        """The input that names a record."""
        return self.key or f"{self.word}_id"

    def columns(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that an input says, checked; InvalidInput names the one that cannot be kept."""
        return {**{name: given[name] for name in self.plain if name in given}, **checked(given, self.texts)}


def _named(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"name_fragments": name_fragments(row["name"])}


def _patient(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"sort_name": searchable(f"{row['last_name']} {row['first_name']}")}


def _payer(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if row["kind"] is None:
        raise InvalidInput("This cannot be left blank", ("kind",))
    for column, kind in (("patient_id", PayerKind.PATIENT), ("attorney_id", PayerKind.ATTORNEY)):
        if row.get(column) is not None and row["kind"] != kind:
            raise InvalidInput(f"Only a payer of kind {kind.name} can be one", (column,))
    return {**_named(row), "kind": PayerKind(row["kind"]).value}


def _attorney(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"name_fragments": name_fragments(row["name"], row["firm"])}


def _facility(row: Mapping[str, Any]) -> Mapping[str, Any]:
    factor = Decimal(row["geographic_factor"])
    if factor <= 0:
        raise InvalidInput("A factor is above 0", ("geographic_factor",))
    return {**_named(row), "geographic_factor": factor}


PATIENT = Kind(
    "patients",
    "patient",
    {
        "mrn": MRN,
        "first_name": PART_OF_NAME,
        "last_name": PART_OF_NAME,
        **_CONTACT,
        "address": ADDRESS,
    },
    _patient,
    ("birth_date",),
    "mrn",
)
PAYER = Kind(
    "payers", "payer", {"name": NAME, **_CONTACT, "address": ADDRESS}, _payer, ("kind", "patient_id", "attorney_id")
)
ATTORNEY = Kind("attorneys", "attorney", {"name": NAME, "firm": NAME, **_CONTACT}, _attorney)
PHYSICIAN = Kind("physicians", "physician", {"name": NAME, "npi": NPI}, _named, has_active=True)
FACILITY = Kind("facilities", "facility", {"name": NAME, "geographic_factor": FACTOR}, _facility, has_active=True)
