"""Whether an existing record with the key of a row is the same one: another value has to agree with it.

A record number may have been typed wrongly or given away again, and two payers may have the same name.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from domain.imports import MOST_TOLD
from domain.normal_forms import code_form, normal_key, phone_key
from domain.parties import names_of
from domain.warnings import NPI_IN_USE, WarningCode, similar_record
from imports.checking import Checked
from imports.report import BadCell
from imports.target import Target

_SHARED_NPIS = """select npi from physicians where clinic_id = $1 and npi in (select unnest($2::text[])) and active
    group by npi having count(*) > 1"""
# Patients whose name is, or ends like, one of the names: whose name it is, is compared then.
_NAMESAKES = """select p.mrn, p.mrn_key, p.first_name, p.last_name, p.birth_date from patient_names n
    join patients p on p.clinic_id = n.clinic_id and p.id = n.patient_id
    where n.clinic_id = $1 and n.fragment in (select unnest($2::text[])) and p.birth_date is not null"""
# A code that is not in its normal form has a small letter, or a character that is not ASCII.
_OTHER_SPELLINGS = "select distinct code from cpt_codes where clinic_id = $1 and code ~ '[^!-`{-~]'"
_SEVERAL_SPELLINGS = (
    "The master list has this code in another spelling, too: `billing duplicates` lists them; correct one of them first"
)
Values = Mapping[str, Any]
_ANOTHER_PATIENT = (
    "The patient with this record number has another name and date of birth: correct the number or the patient"
)
_ANOTHER_NAME = (
    "The patient with this record number has another name: add the date of birth, so that it is known to be the same"
)
_ANOTHER_PAYER = "The payer of this name has another {}: correct the name or the payer"
_CONTACT = {"email": "e-mail address", "phone": "telephone number", "address": "postal address"}


def patient_differs(before: Values, row: Values) -> str | None:
    """Name or date of birth must agree; without a date of birth, the first or the last name. Else the reason of the refusal."""
    first, last = (normal_key(before[name]) == normal_key(row[name]) for name in ("first_name", "last_name"))
    if first and last:
        return None
    born, known = row.get("birth_date"), before["birth_date"]
    if born and known:
        return None if born == known else _ANOTHER_PATIENT
    return None if first or last else _ANOTHER_NAME


def payer_differs(before: Values, row: Values) -> str | None:
    """Of two or more values that both have, one must agree. Else the reason of the refusal."""
    spoken = [name for name in _CONTACT if before[name] and row.get(name)]
    if len(spoken) < 2 or any(_key(name, before) == _key(name, row) for name in spoken):  # noqa: PLR2004 (one value may change)
        return None
    return _ANOTHER_PAYER.format(" and another ".join(_CONTACT[name] for name in spoken))


async def warn_of_npis(target: Target, checked: Checked) -> None:
    """Add a warning for each row with the NPI of several active physicians, after the rows are written."""
    lines = {row.values["npi"]: row.line for row in checked.rows if row.values["npi"]}
    column = checked.kind.column_of("npi")
    for found in await target.find_among(_SHARED_NPIS, lines):
        checked.warnings.append(BadCell(lines[found["npi"]], column, found["npi"], NPI_IN_USE.message))
    checked.warnings.sort(key=lambda cell: cell.line)


async def warn_of_similar_patients(target: Target, checked: Checked) -> None:
    """Add a warning for each new patient with the name and the date of birth of another one, after the rows are written."""
    rows = {row.values["mrn_key"]: row for row in checked.rows if row.is_new and row.values["birth_date"]}
    names = {names_of(row.values)[0] for row in rows.values()}
    # The date of birth and the name → the record numbers of the patients, by their normal form.
    known: dict[tuple[Any, str], dict[str, str]] = defaultdict(dict)
    for found in await target.find_among(_NAMESAKES, names):
        for name in set(names_of(found)):
            known[found["birth_date"], name][found["mrn_key"]] = found["mrn"]
    column = checked.kind.column_of("last_name")
    for row in rows.values():
        alike = known[row.values["birth_date"], names_of(row.values)[0]]
        others = sorted(f"record number {mrn}" for key, mrn in alike.items() if key != row.values["mrn_key"])
        if others and len(checked.warnings) < MOST_TOLD:
            words = similar_record(WarningCode.SIMILAR_PATIENT, others).message
            checked.warnings.append(BadCell(row.line, column, row.values["last_name"], words))
    checked.warnings.sort(key=lambda cell: cell.line)


async def refuse_ambiguous_codes(target: Target, checked: Checked) -> None:
    """Refuse the rows whose code the master list also has in a spelling of an earlier release: the price of another code would change."""
    kept = {code_form(found["code"]) for found in await target.find(_OTHER_SPELLINGS)}
    for row in checked.rows if kept else ():
        if row.values["code"] in kept:
            checked.refuse(row, "code", _SEVERAL_SPELLINGS, row.values["code"])
    checked.rows = checked.without_bad()


def _key(name: str, values: Values) -> str | None:
    return phone_key(values[name]) if name == "phone" else normal_key(values[name])
