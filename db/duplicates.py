"""Lists what migrations left to people: records with the same normal form, and law firms that are named ambiguously."""

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


# Why a firm or a payer is to be looked at → its type, and the query for clinic, group and the ids, the firm or payer first.
_NAMED_AMBIGUOUSLY = {
    "the attorneys of this firm spell its name in several ways (updateFirm with the right name)": (
        "Firm",
        """select a.clinic_id, f.id, array_agg(a.id order by a.id) as others from attorneys a
        join firms f on f.clinic_id = a.clinic_id and f.id = a.firm_id
        group by a.clinic_id, f.id, f.name having bool_or(a.firm <> f.name and not a.is_duplicate)""",
        "Attorney",
    ),
    "this payer of the kind ATTORNEY names no firm (updatePayer with firmId)": (
        "Payer",
        """select p.clinic_id, p.id, '{}'::uuid[] as others from payers p
        where p.kind = 'attorney' and p.firm_id is null and p.retired_at is null""",
        "Firm",
    ),
    "this payer belongs to the firm of its attorney, and has the name of another firm": (
        "Payer",
        """select p.clinic_id, p.id, array[p.firm_id, f.id] as others from payers p
        join firms f on f.clinic_id = p.clinic_id and f.name_key = p.name_key and f.id <> p.firm_id
        where p.kind = 'attorney' and p.retired_at is null""",
        "Firm",
    ),
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


@dataclass(frozen=True, slots=True)
class AmbiguousName:
    """A firm or payer that is named ambiguously: the short name of its clinic, its id in the API, why, and the other records."""

    clinic: str
    kind: str
    id: str
    reason: str
    others: tuple[str, ...]


async def find_ambiguous_firms(connection: asyncpg.Connection) -> list[AmbiguousName]:
    """All firms and payers of all clinics whose names do not say clearly which firm is meant."""
    found = []
    for reason, (kind, query, other) in _NAMED_AMBIGUOUSLY.items():
        rows = await connection.fetch(
            f"""select c.short_name, d.id, d.others from ({query}) d join clinics c on c.clinic_id = d.clinic_id
            order by c.short_name, d.id"""
        )
        found += [
            AmbiguousName(
                row["short_name"],
                kind,
                make_id(kind, row["id"]),
                reason,
                tuple(make_id(other, i) for i in row["others"]),
            )
            for row in rows
        ]
    return found
