"""The kinds of records that can be imported: for each kind its columns, their readers, and the key that finds a record again.

A new kind is a new row here; reading, validating, comparing and writing are the same for all.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from db.merged_records import surviving
from domain.access.people import PayerKind
from domain.billing import opening_balances as openings
from domain.billing.cases import NUMBER, check_injury
from domain.billing.coverages import AdjustmentGroup
from domain.billing.invoices import InvoiceStatus
from domain.imports import ImportKind
from domain.normal_forms import code_form
from domain.parties import ATTORNEY, FACILITY, MRN, NPI, PART_OF_NAME, PATIENT, PAYER, PHYSICIAN
from domain.pricing.price_lists import check_validity
from domain.pricing.pricing import BilateralPolicy
from domain.texts import ADDRESS, CODE, EMAIL, NAME, PHONE
from imports.cells import amount, code, day, factor, identifier, ignored, name, one_of, text
from imports.history.rows import ZERO
from imports.shapes import Apart, Column, Kind, Records, Reference
from imports.writing.witnesses import patient_differs, payer_differs

_CODE = Reference(
    "code in the master list",
    "select distinct code as key, code as id from cpt_codes where clinic_id = $1 and code in (select unnest($2::text[]))",
    code_form,
)
# The record that stays of each record that has a key, merged ones included.
_STAYS = """s.id from {0} p join {0} s on s.clinic_id = p.clinic_id and s.id = coalesce(p.merged_into_id, p.id)
        where p.clinic_id = $1"""
_PAYER = Reference(
    "payer in use of this name",
    f"""select p.name_key as key, {_STAYS.format("payers")} and p.name_key in (select unnest($2::text[]))
        and s.retired_at is null""",
)
_FACILITY = Reference(
    "facility in use of this name",
    "select name_key as key, id from facilities where clinic_id = $1 and name_key in (select unnest($2::text[])) and active",
)

# The normal form of an attorney has the firm, too, which a reference does not name: all of the clinic's are compared.
_ATTORNEY = Reference(
    "attorney in use of this name",
    "select name as key, id from attorneys where clinic_id = $1 and cardinality($2::text[]) > 0 and retired_at is null",
)


# A payer's name, or that of one which was merged into it, with whether the one that stays is in use.
_PAYERS = """(select p.clinic_id, p.name_key, s.id, s.retired_at from payers p
    join payers s on s.clinic_id = p.clinic_id and s.id = coalesce(p.merged_into_id, p.id)) payers"""


def _even_retired(noun: str, table: str, in_use: str) -> Reference:
    """The active record with a name; if there is none, a retired one: an open invoice may refer to a retired record."""
    return Reference(
        f"{noun} of this name",
        f"""select name_key as key, id
        from (select name_key, id, rank() over (partition by name_key order by ({in_use}) desc) as place from {table}
        where clinic_id = $1 and name_key in (select unnest($2::text[]))) known where place = 1""",
    )


_CASE = Reference(
    "case of this number",
    "select number_key as key, id from cases where clinic_id = $1 and number_key in (select unnest($2::text[]))",
)
_PATIENT = Reference(
    "patient with this record number",
    f"select p.mrn_key as key, {_STAYS.format('patients')} and p.mrn_key in (select unnest($2::text[]))",
)
_PATIENT_IN_USE = Reference(
    "patient in use with this record number",
    f"""select p.mrn_key as key, {_STAYS.format("patients")} and p.mrn_key in (select unnest($2::text[]))
        and s.retired_at is null""",
)


def _nothing(row: Mapping[str, Any]) -> None:
    """Rows about people and places have no contradictions between cells to check."""


def _who_pays(row: Mapping[str, Any]) -> None:
    PAYER.follows(row)


def _injury(row: Mapping[str, Any]) -> None:
    check_injury(row["date_of_injury"], row["opened_on"])


def _validity(row: Mapping[str, Any]) -> None:
    check_validity(row["valid_from"], row.get("valid_to"))


_FROM = Column("valid_from", day, "valid_from")
_TO = Column("valid_to", day, "valid_to", needed=False)
_NAME = Column("name", name(NAME), "name")
_EMAIL = Column("email", text(EMAIL), "email", needed=False)
_PHONE = Column("phone", identifier(PHONE), "phone", needed=False)
_ADDRESS = Column("address", text(ADDRESS), "address", needed=False)

_PRICE = amount("A price")

KINDS: dict[ImportKind, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            ImportKind.CODES,
            (
                Column("code", code, "code"),
                Column("label", name(NAME), "label"),
                Column("base_price", _PRICE, "base_price"),
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
                Column("schedule", name(NAME), "name"),
                Column("payer", name(NAME), "payer_id", needed=False, refers=_PAYER),
                Column("facility", name(NAME), "facility_id", needed=False, refers=_FACILITY),
                _FROM,
                _TO,
                Column("code", code, "code", refers=_CODE),
                Column("rate", _PRICE, "rate"),
            ),
            (
                Records(
                    "fee_schedules",
                    ("name_key", "payer_id", "facility_id", "valid_from"),
                    ("valid_to",),
                    named=("name",),
                ),
                Records("fee_schedule_rates", ("fee_schedule_id", "code"), ("rate",), "fee_schedule_id", replaced=True),
            ),
            _validity,
            Apart(
                ("payer_id", "facility_id", "code"),
                f"""select s.name_key, {surviving("payer", "s.payer_id")} as payer_id, s.facility_id, s.valid_from, s.valid_to, r.code
                from fee_schedule_rates r join fee_schedules s on s.clinic_id = r.clinic_id and s.id = r.fee_schedule_id
                where r.clinic_id = $1 and r.code in (select unnest($2::text[]))""",
            ),
            keys={"name_key": ("name",)},
        ),
        Kind(
            ImportKind.REASON_CODES,
            (
                Column("code", identifier(CODE), "code"),
                Column("group", one_of(AdjustmentGroup), "adjustment_group", needed=False),
                Column("label", name(NAME), "label"),
            ),
            (Records("reason_codes", ("code",), ("adjustment_group", "label")),),
            _nothing,
        ),
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
            _nothing,
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
                Column("attorney", name(NAME), "attorney_id", needed=False, refers=_ATTORNEY),
                Column("patient_mrn", identifier(MRN), "patient_id", needed=False, refers=_PATIENT),
            ),
            (
                Records(
                    "payers",
                    ("name_key", "kind"),
                    ("email", "phone", "address", "attorney_id", "patient_id"),
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
            (_NAME, Column("npi", identifier(NPI), "npi", needed=False)),
            (
                Records(
                    "physicians",
                    ("name_key",),
                    ("npi",),
                    follows=PHYSICIAN.follows,
                    fixed=("npi",),
                    named=("name",),
                ),
            ),
            _nothing,
            keys={"name_key": ("name",)},
        ),
        Kind(
            ImportKind.FACILITIES,
            (_NAME, Column("geographic_factor", factor, "geographic_factor", needed=False, blank=Decimal(1))),
            (Records("facilities", ("name_key",), ("geographic_factor",), follows=FACILITY.follows, named=("name",)),),
            _nothing,
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
            ),
            (
                Records(
                    "patients",
                    ("mrn_key",),
                    ("first_name", "last_name", "birth_date", "email", "phone", "address"),
                    derived=PATIENT.follows,
                    named=("mrn",),
                    differs=patient_differs,
                ),
            ),
            _nothing,
            past=("birth_date",),
            keys={"mrn_key": ("mrn",)},
        ),
        Kind(
            ImportKind.CASES,
            (
                Column("number", identifier(NUMBER), "number"),
                Column("patient_mrn", identifier(MRN), "patient_id", refers=_PATIENT_IN_USE),
                Column("attorney", name(NAME), "attorney_id", needed=False, refers=_ATTORNEY),
                Column("date_of_injury", day, "date_of_injury"),
                Column("opened_on", day, "opened_on"),
            ),
            (
                Records(
                    "cases",
                    ("number_key",),
                    ("patient_id", "attorney_id", "date_of_injury", "opened_on"),
                    named=("number",),
                    fixed=("patient_id", "date_of_injury", "opened_on"),
                ),
            ),
            _injury,
            past=("opened_on",),
            keys={"number_key": ("number",)},
        ),
        Kind(
            ImportKind.INVOICES,
            # The columns of an export of invoices, in its order.
            (
                Column("invoice_number", identifier(openings.NUMBER), "number"),
                Column("case_number", identifier(NUMBER), "case_id", refers=_CASE),
                Column("patient_name", name(NAME), "patient_name", needed=False),
                Column("billed_amount", amount(), "billed_amount"),
                Column("status", one_of(InvoiceStatus), "status"),
                Column("payer", name(NAME), "payer_id", refers=_even_retired("payer", _PAYERS, "retired_at is null")),
                Column(
                    "physician",
                    name(NAME),
                    "physician_id",
                    needed=False,
                    refers=_even_retired("physician", "physicians", "active"),
                ),
                Column(
                    "facility",
                    name(NAME),
                    "facility_id",
                    needed=False,
                    refers=_even_retired("facility", "facilities", "active"),
                ),
                Column("created_on", day, "created_on"),
                Column("service_date", day, "service_date"),
                Column("submitted_on", day, "submitted_on", needed=False),
                Column("contractual_adjustments", amount(), "contractual_amount", needed=False, blank=ZERO),
                Column("agreed_amount", amount(), "agreed_amount", needed=False),
                Column("received_amount", amount(), "received_amount", needed=False, blank=ZERO),
                Column("written_off", amount(), "written_off_amount", needed=False, blank=ZERO),
                Column("balance", amount(), "balance", needed=False),
                Column("aging_bucket", ignored, "aging_bucket", needed=False),
                Column("paid_on", day, "paid_on", needed=False),
                Column("cheque_number", identifier(CODE), "cheque_number", needed=False),
            ),
            # Written as invoice histories; imports/writing/opening_balances.py compares them with existing invoices.
            (Records("invoices", ("number",), ()),),
            openings.check_opening,
            past=("created_on", "submitted_on"),
        ),
    )
}
