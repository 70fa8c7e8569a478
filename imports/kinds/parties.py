"""Files of attorneys, payers, physicians, facilities and patients."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.access.people import PayerKind
from domain.imports import ImportKind
from domain.parties import ATTORNEY, FACILITY, MRN, PART_OF_NAME, PATIENT, PAYER, PHYSICIAN, Sex
from domain.records.addresses import STATE, columns_of, texts_of
from domain.records.identifiers import LICENCE_NUMBER, NPI, PLACE_OF_SERVICE, TAXONOMY
from domain.texts import ADDRESS, EMAIL, NAME, PHONE
from imports.cells import day, factor, identifier, name, one_of, text
from imports.kinds import references
from imports.shapes import Column, Kind, Records, nothing
from imports.writing.witnesses import patient_differs, payer_differs

_NAME = Column("name", name(NAME), "name")
_EMAIL = Column("email", text(EMAIL), "email", needed=False)
_PHONE = Column("phone", identifier(PHONE), "phone", needed=False)
_FAX = Column("fax", identifier(PHONE), "fax", needed=False)
_ADDRESS = Column("address", text(ADDRESS), "address", needed=False)
_PART_NAMES = columns_of("address")
_PARTS = tuple(Column(name, identifier(rule), name, needed=False) for name, rule in texts_of("address").items())
_LICENSED = ("npi", "taxonomy", "licence_number", "licence_state")


def _who_pays(row: Mapping[str, Any]) -> None:
    PAYER.follows(row)


KINDS = (
    Kind(
        ImportKind.ATTORNEYS,
        (_NAME, Column("firm", name(NAME), "firm"), _EMAIL, _PHONE),
        (
            Records(
                "attorneys",
                ("name_key",),
                ("email", "phone"),
                follows=ATTORNEY.follows,
                named=("name", "firm"),
            ),
        ),
        nothing,
        keys={"name_key": ("name", "firm")},
    ),
    Kind(
        ImportKind.PAYERS,
        (
            _NAME,
            Column("kind", one_of(PayerKind), "kind"),
            _EMAIL,
            _PHONE,
            _ADDRESS,
            _FAX,
            *_PARTS,
            Column("attorney", name(NAME), "attorney_id", needed=False, refers=references.ATTORNEY),
            Column("patient_mrn", identifier(MRN), "patient_id", needed=False, refers=references.PATIENT),
        ),
        (
            Records(
                "payers",
                ("name_key", "kind"),
                ("email", "phone", "fax", "address", *_PART_NAMES, "attorney_id", "patient_id"),
                follows=PAYER.follows,
                named=("name",),
                differs=payer_differs,
            ),
        ),
        _who_pays,
        keys={"name_key": ("name",)},
    ),
    Kind(
        ImportKind.PHYSICIANS,
        (
            _NAME,
            Column("npi", identifier(NPI), "npi", needed=False),
            Column("taxonomy", identifier(TAXONOMY), "taxonomy", needed=False),
            Column("licence_number", identifier(LICENCE_NUMBER), "licence_number", needed=False),
            Column("licence_state", identifier(STATE), "licence_state", needed=False),
        ),
        (
            Records(
                "physicians",
                ("name_key",),
                _LICENSED,
                follows=PHYSICIAN.follows,
                fixed=("npi",),
                named=("name",),
            ),
        ),
        nothing,
        keys={"name_key": ("name",)},
    ),
    Kind(
        ImportKind.FACILITIES,
        (
            _NAME,
            Column("geographic_factor", factor, "geographic_factor", needed=False, blank=Decimal(1)),
            Column("npi", identifier(NPI), "npi", needed=False),
            Column("place_of_service", identifier(PLACE_OF_SERVICE), "place_of_service", needed=False),
            *_PARTS,
        ),
        (
            Records(
                "facilities",
                ("name_key",),
                ("geographic_factor", "npi", "place_of_service", *_PART_NAMES),
                follows=FACILITY.follows,
                named=("name",),
            ),
        ),
        nothing,
        keys={"name_key": ("name",)},
    ),
    Kind(
        ImportKind.PATIENTS,
        (
            Column("mrn", identifier(MRN), "mrn"),
            Column("first_name", name(PART_OF_NAME), "first_name"),
            Column("last_name", name(PART_OF_NAME), "last_name"),
            Column("birth_date", day, "birth_date", needed=False),
            _EMAIL,
            _PHONE,
            _ADDRESS,
            Column("sex", one_of(Sex), "sex", needed=False),
            *_PARTS,
        ),
        (
            Records(
                "patients",
                ("mrn_key",),
                ("first_name", "last_name", "birth_date", "email", "phone", "address", "sex", *_PART_NAMES),
                derived=PATIENT.follows,
                named=("mrn",),
                differs=patient_differs,
            ),
        ),
        nothing,
        past=("birth_date",),
        keys={"mrn_key": ("mrn",)},
    ),
)
