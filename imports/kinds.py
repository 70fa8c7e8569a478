"""Decides what can be imported by a file: for each kind its columns, how they are read, and by which of them a record is found again.

A kind that is new is a row here; reading, checking, comparing and writing are the same for all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.imports import ImportKind
from domain.parties import ATTORNEY, FACILITY, MRN, NPI, PAYER, PHYSICIAN
from domain.people import PayerKind
from domain.price_lists import check_validity
from domain.pricing import BilateralPolicy
from domain.texts import ADDRESS, EMAIL, NAME, PHONE
from imports.cells import Reader, code, day, factor, one_of, price, text


@dataclass(frozen=True, slots=True)
class Reference:
    """A record that has to be there already: `find` tells, for $1 the clinic and $2 the names in the file, each name and its id."""

    word: str
    find: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its name, how a cell is read, and which column of a record it becomes.

    Where it is not `needed`, a cell may be blank, which says `blank`, and the column may be missing: then what is known stays.
    """

    name: str
    read: Reader
    into: str
    needed: bool = True
    blank: Any = None
    refers: Reference | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """What a row becomes in a table: found again by `key`, whose first column narrows the search; `values` are what may differ.

    `below` is the column of the key that names the record of the table before. Where rows are `replaced`, another value is a new row.
    `follows` tells what else a new record is given, which follows from its key alone. What is `fixed` stays once it is known:
    a row that says otherwise means somebody else.
    """

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    below: str | None = None
    replaced: bool = False
    follows: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Apart:
    """That no two rows which are alike in `by` are valid on the same day; `find` tells what is valid, $2 being the codes in the file."""

    by: tuple[str, ...]
    find: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file. `check` refuses what contradicts itself within a row; a row is the only one of its `key`.

    What is valid from a day on is kept `apart`.
    """

    name: ImportKind
    columns: tuple[Column, ...]
    records: tuple[Records, ...]
    check: Callable[[Mapping[str, Any]], None]
    apart: Apart | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell one row from another."""
        last = self.records[-1]
        above = self.records[0].key if last.below else ()
        return (*above, *(name for name in last.key if name != last.below))

    def column_of(self, into: str) -> str:
        """The name in the file of what becomes a column of a record."""
        return next(column.name for column in self.columns if column.into == into)


_CODE = Reference(
    "code in the master list",
    "select distinct code as name, code as id from cpt_codes where clinic_id = $1 and code in (select unnest($2::text[]))",
)
_PAYER = Reference(
    "payer in use of this name",
    "select name, id from payers where clinic_id = $1 and name in (select unnest($2::text[])) and retired_at is null",
)
_FACILITY = Reference(
    "facility in use of this name",
    "select name, id from facilities where clinic_id = $1 and name in (select unnest($2::text[])) and active",
)

_ATTORNEY = Reference(
    "attorney in use of this name",
    "select name, id from attorneys where clinic_id = $1 and name in (select unnest($2::text[])) and retired_at is null",
)
_PATIENT = Reference(
    "patient with this record number",
    "select mrn as name, id from patients where clinic_id = $1 and mrn in (select unnest($2::text[]))",
)


def _nothing(row: Mapping[str, Any]) -> None:
    """What rows say of people and places contradicts itself in no cell."""


def _who_pays(row: Mapping[str, Any]) -> None:
    PAYER.follows(row)


def _validity(row: Mapping[str, Any]) -> None:
    check_validity(row["valid_from"], row.get("valid_to"))


_FROM = Column("valid_from", day, "valid_from")
_TO = Column("valid_to", day, "valid_to", needed=False)
_NAME = Column("name", text(NAME), "name")
_EMAIL, _PHONE = (Column(n, text(form), n, needed=False) for n, form in (("email", EMAIL), ("phone", PHONE)))

KINDS: dict[ImportKind, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            ImportKind.CODES,
            (
                Column("code", code, "code"),
                Column("label", text(NAME), "label"),
                Column("base_price", price, "base_price"),
                Column(
                    "bilateral_policy",
                    one_of(BilateralPolicy),
                    "bilateral_policy",
                    needed=False,
                    blank=BilateralPolicy.DOUBLE.value,
                ),
                _FROM,
                _TO,
            ),
            (Records("cpt_codes", ("code", "valid_from"), ("label", "base_price", "bilateral_policy", "valid_to")),),
            _validity,
            Apart(
                ("code",),
                "select code, valid_from, valid_to from cpt_codes where clinic_id = $1 and code in (select unnest($2::text[]))",
            ),
        ),
        Kind(
            ImportKind.FEE_SCHEDULES,
            (
                Column("schedule", text(NAME), "name"),
                Column("payer", text(NAME), "payer_id", needed=False, refers=_PAYER),
                Column("facility", text(NAME), "facility_id", needed=False, refers=_FACILITY),
                _FROM,
                _TO,
                Column("code", code, "code", refers=_CODE),
                Column("rate", price, "rate"),
            ),
            (
                Records("fee_schedules", ("name", "payer_id", "facility_id", "valid_from"), ("valid_to",)),
                Records("fee_schedule_rates", ("fee_schedule_id", "code"), ("rate",), "fee_schedule_id", replaced=True),
            ),
            _validity,
            Apart(
                ("payer_id", "facility_id", "code"),
                """select s.name, s.payer_id, s.facility_id, s.valid_from, s.valid_to, r.code
                from fee_schedule_rates r join fee_schedules s on s.clinic_id = r.clinic_id and s.id = r.fee_schedule_id
                where r.clinic_id = $1 and r.code in (select unnest($2::text[]))""",
            ),
        ),
        Kind(
            ImportKind.ATTORNEYS,
            (_NAME, Column("firm", text(NAME), "firm"), _EMAIL, _PHONE),
            (Records("attorneys", ("name", "firm"), ("email", "phone"), follows=ATTORNEY.follows),),
            _nothing,
        ),
        Kind(
            ImportKind.PAYERS,
            (
                _NAME,
                Column("kind", one_of(PayerKind), "kind"),
                _EMAIL,
                _PHONE,
                Column("address", text(ADDRESS), "address", needed=False),
                Column("attorney", text(NAME), "attorney_id", needed=False, refers=_ATTORNEY),
                Column("patient_mrn", text(MRN), "patient_id", needed=False, refers=_PATIENT),
            ),
            (
                Records(
                    "payers",
                    ("name", "kind"),
                    ("email", "phone", "address", "attorney_id", "patient_id"),
                    follows=PAYER.follows,
                ),
            ),
            _who_pays,
        ),
        Kind(
            ImportKind.PHYSICIANS,
            (_NAME, Column("npi", text(NPI), "npi", needed=False)),
            (Records("physicians", ("name",), ("npi",), follows=PHYSICIAN.follows, fixed=("npi",)),),
            _nothing,
        ),
        Kind(
            ImportKind.FACILITIES,
            (_NAME, Column("geographic_factor", factor, "geographic_factor", needed=False, blank=Decimal(1))),
            (Records("facilities", ("name",), ("geographic_factor",), follows=FACILITY.follows),),
            _nothing,
        ),
    )
}
