"""The records that rows of files name, and how they are found by their names."""

from domain.normal_forms import code_form
from imports.shapes import Reference

CODE = Reference(
    "code in the master list",
    "select distinct code as key, code as id from cpt_codes where clinic_id = $1 and code in (select unnest($2::text[]))",
    code_form,
)
# The record that stays of each record that has a key, merged ones included.
_STAYS = """s.id from {0} p join {0} s on s.clinic_id = p.clinic_id and s.id = coalesce(p.merged_into_id, p.id)
        where p.clinic_id = $1"""
PAYER = Reference(
    "payer in use of this name",
    f"""select p.name_key as key, {_STAYS.format("payers")} and p.name_key in (select unnest($2::text[]))
        and s.retired_at is null""",
)
FACILITY = Reference(
    "facility in use of this name",
    "select name_key as key, id from facilities where clinic_id = $1 and name_key in (select unnest($2::text[])) and active",
)

# The normal form of an attorney has the firm, too, which a reference does not name: all of the clinic's are compared.
ATTORNEY = Reference(
    "attorney in use of this name",
    "select name as key, id from attorneys where clinic_id = $1 and cardinality($2::text[]) > 0 and retired_at is null",
)


# A payer's name, or that of one which was merged into it, with whether the one that stays is in use.
ALL_PAYERS = """(select p.clinic_id, p.name_key, s.id, s.retired_at from payers p
    join payers s on s.clinic_id = p.clinic_id and s.id = coalesce(p.merged_into_id, p.id)) payers"""


def even_retired(noun: str, table: str, in_use: str) -> Reference:
    """The active record with a name; if there is none, a retired one: an open invoice may refer to a retired record."""
    return Reference(
        f"{noun} of this name",
        f"""select name_key as key, id
        from (select name_key, id, rank() over (partition by name_key order by ({in_use}) desc) as place from {table}
        where clinic_id = $1 and name_key in (select unnest($2::text[]))) known where place = 1""",
    )


CASE = Reference(
    "case of this number",
    "select number_key as key, id from cases where clinic_id = $1 and number_key in (select unnest($2::text[]))",
)
PATIENT = Reference(
    "patient with this record number",
    f"select p.mrn_key as key, {_STAYS.format('patients')} and p.mrn_key in (select unnest($2::text[]))",
)
PATIENT_IN_USE = Reference(
    "patient in use with this record number",
    f"""select p.mrn_key as key, {_STAYS.format("patients")} and p.mrn_key in (select unnest($2::text[]))
        and s.retired_at is null""",
)
