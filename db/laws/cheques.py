"""The laws of cheques and their allocations to invoices."""

from db.laws.base import Law
from db.merged_records import are_one

LAWS = (
    Law(
        "A cheque pays no more than its amount",
        "Cheque",
        """select c.id from cheques c join (select clinic_id, cheque_id, amount from cheque_allocations
            union all select r.clinic_id, r.cheque_id, r.amount from refunds r join cheques o
                on (o.clinic_id, o.id) = (r.clinic_id, r.cheque_id) and o.returned_on is null) a
            on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        group by c.clinic_id, c.id having sum(a.amount) > c.amount""",
    ),
    Law(
        "No invoice has a negative sum of allocations from a cheque",
        "Cheque",
        """select cheque_id as id from cheque_allocations group by clinic_id, cheque_id, invoice_id
        having sum(amount) < 0""",
    ),
    Law(
        "A returned cheque pays nothing",
        "Cheque",
        """select c.id from cheques c join cheque_allocations a on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        where c.returned_on is not null group by c.clinic_id, c.id, a.invoice_id having sum(a.amount) <> 0""",
    ),
    Law(
        "A reversal is equal and opposite, once, of the same cheque and invoice, from the day of the return, or from its own when it was moved",
        "ChequeAllocation",
        """select r.id from (select *, row_number() over (partition by clinic_id, reverses_id order by id) as nth
        from cheque_allocations where reverses_id is not null) r
        join cheques c on (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
        join cheque_allocations a on (a.clinic_id, a.id) = (r.clinic_id, r.reverses_id) where r.nth > 1
        or (r.amount, r.cheque_id, r.invoice_id) is distinct from (-a.amount, a.cheque_id, a.invoice_id)
        or r.effective_on not in (a.effective_on, greatest(c.returned_on, a.effective_on))""",
    ),
    Law(
        "A cheque pays invoices for which its payer is or was responsible, or of the patient who pays",
        "Cheque",
        f"""select c.id from cheques c join cheque_allocations a on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        join invoices i on (i.clinic_id, i.id) = (a.clinic_id, a.invoice_id) join payers p on (p.clinic_id, p.id) = (c.clinic_id, c.payer_id)
        where c.returned_on is null and ({are_one("patient", "p.patient_id", "i.patient_id", "c.clinic_id")}) is not true
            and not exists (select from responsibilities r where (r.clinic_id, r.invoice_id) = (i.clinic_id, i.id)
                and {are_one("payer", "r.payer_id", "c.payer_id", "c.clinic_id")})""",
    ),
)
