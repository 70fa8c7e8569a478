"""The laws of merges: the links are those of the merges that stand, and what is one is so only once."""

from db.laws.base import Law
from db.merged_records import surviving


def _linked(party: str) -> str:
    """The records whose column or link says otherwise than the merges that stand."""
    return f"""select distinct r.id from {party}s r left join merged_{party}s l on (l.clinic_id, l.id) = (r.clinic_id, r.id)
        left join merges m on m.clinic_id = r.clinic_id and m.merged_{party}_id = r.id and m.undone_at is null
        left join {party}s s on (s.clinic_id, s.id) = (r.clinic_id, m.surviving_{party}_id)
    where r.merged_into_id is distinct from l.survivor_id or r.merged_into_id is distinct from coalesce(s.merged_into_id, s.id)
        or l.id is not null and not (l.group_ids @> array[r.id, l.survivor_id])
        or l.id is not null and cardinality(l.group_ids) <> 1 + (select count(*) from merged_{party}s o
            where (o.clinic_id, o.survivor_id) = (l.clinic_id, l.survivor_id))"""


LAWS = (
    *(
        Law(
            f"A {party} is merged as the merges that stand say, and so says its link",
            party.capitalize(),
            _linked(party),
        )
        for party in ("patient", "payer")
    ),
    Law(
        "Merged payers have no two payments of one method, number and bank that were not returned",
        "Cheque",
        """select distinct c.id from merged_payers k join cheques c on c.clinic_id = k.clinic_id and c.payer_id = any(k.group_ids)
        join cheques o on (o.clinic_id, o.method, o.number_key) = (c.clinic_id, c.method, c.number_key) and o.id < c.id
            and o.payer_id = any(k.group_ids) and o.payer_id <> c.payer_id
            and (o.bank_key is null or c.bank_key is null or o.bank_key = c.bank_key)
        where c.returned_on is null and o.returned_on is null and c.method <> 'cash' and not c.is_duplicate and not o.is_duplicate""",
    ),
    Law(
        "Merged payers are of one kind, and of one patient",
        "Payer",
        f"""select p.id from payers p join payers s on (s.clinic_id, s.id) = (p.clinic_id, p.merged_into_id)
        where p.kind <> s.kind or {surviving("patient", "p.patient_id", "p.clinic_id")}
            is distinct from {surviving("patient", "s.patient_id", "p.clinic_id")}""",
    ),
)
