"""Lists records that earlier releases stored although another record of the clinic has the same normal form."""

from dataclasses import dataclass

import asyncpg

from db.global_ids import make_id

# Type of record → the query for clinic, normal form and ids of each group.
_GROUPS = {
    "Patient": "select clinic_id, mrn_key as key, id from patients",
    "Attorney": "select clinic_id, name_key as key, id from attorneys",
    "Case": "select clinic_id, number_key as key, id from cases",
    "Invoice": "select clinic_id, upper(number) as key, id from invoices",
    # Payments of one number at several banks are different ones, and so are payments in cash.
    "Cheque": """select clinic_id, concat_ws(' ', payer_id, method, number_key) as key, id from cheques c
        where returned_on is null and (is_duplicate or exists (select from cheques d where (d.clinic_id, d.payer_id, d.method, d.number_key)
            = (c.clinic_id, c.payer_id, c.method, c.number_key) and d.is_duplicate and d.returned_on is null))""",
    # A code has a row for each period of its validity.
    "CptCode": """select clinic_id, upper(code) as key, id from cpt_codes c where exists (
        select from cpt_codes d where d.clinic_id = c.clinic_id and upper(d.code) = upper(c.code) and d.code <> c.code)""",
}


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Records of one kind with the same normal form: the short name of their clinic, and their ids in the API, the oldest first."""

    clinic: str
    kind: str
    ids: tuple[str, ...]


async def find_duplicates(connection: asyncpg.Connection) -> list[Duplicates]:
    """All groups of such records in all clinics."""
    found = []
    for kind, query in _GROUPS.items():
        groups = await connection.fetch(
            f"""select c.short_name, array_agg(d.id order by d.id) as ids from ({query}) d
            join clinics c on c.clinic_id = d.clinic_id where d.key is not null
            group by c.short_name, d.clinic_id, d.key having count(*) > 1 order by c.short_name, min(d.id::text)"""
        )
        found += [Duplicates(row["short_name"], kind, tuple(make_id(kind, i) for i in row["ids"])) for row in groups]
    return found
