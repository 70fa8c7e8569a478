"""Violations of the laws of merged patients and payers."""

# The last payment of a payer with payments; in a violation, all payers are one with the first.
_LAST_OF_TWO = "select id from cheques where returned_on is null and method <> 'cash' order by id desc limit 1"
_MERGED = """insert into merged_payers (clinic_id, id, survivor_id, group_ids) select p.clinic_id, p.id, f.id,
        array(select id from payers order by id) from payers p, (select id from payers order by id limit 1) f where p.id <> f.id"""

# The rule, the query for the record that is to break it ($ in the statement), and the statement that breaks it.
MERGES = [
    (
        "A patient is merged as",
        "select id from patients order by id limit 1",
        "update patients set merged_into_id = (select id from patients order by id desc limit 1) where id = $",
    ),
    (
        "A payer is merged as",
        "select id from payers order by id limit 1",
        "update payers set merged_into_id = (select id from payers order by id desc limit 1) where id = $",
    ),
    (
        "Merged payers have no two",
        _LAST_OF_TWO,
        f"""{_MERGED}; update cheques c set method = o.method, number_key = o.number_key,
     bank_key = o.bank_key from cheques o where o.id = (select id from cheques where payer_id <> c.payer_id and returned_on is null
        and method <> 'cash' and id < c.id order by id limit 1) and c.id = $""",
    ),
    (
        "Merged payers are of one",
        "select id from payers where kind = 'insurance' order by id limit 1",
        "update payers set merged_into_id = (select id from payers where kind = 'attorney' order by id limit 1) where id = $",
    ),
]
