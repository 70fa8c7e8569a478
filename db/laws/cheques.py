"""The laws of cheques and their allocations to invoices."""

from db.laws.base import Law
from db.merged_records import are_one

# What counts of a payment that restored what it had taken back of an earlier one, because that one was returned: its payer owes it.
OWED = """x.amount > 0 and x.reversal_kind is not distinct from 'returned' and not exists (select from cheque_allocations v
    where (v.clinic_id, v.invoice_id, v.reverses_id) = (x.clinic_id, x.invoice_id, x.id))"""

LAWS = (
    Law(
        "A cheque pays no more than its amount, but for what it took back of a payment that was returned",
        "Cheque",
        f"""select c.id from cheques c join (select clinic_id, cheque_id, amount from cheque_allocations x where not ({OWED})
            union all select clinic_id, cheque_id, -amount from provider_adjustments
            union all select r.clinic_id, r.cheque_id, r.amount from refunds r join cheques o
                on (o.clinic_id, o.id) = (r.clinic_id, r.cheque_id) and o.returned_on is null) a
            on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        group by c.clinic_id, c.id having sum(a.amount) > c.amount""",
    ),
    Law(
        "No invoice has a negative sum of allocations from a cheque",
        "Cheque",
        """select cheque_id as id from cheque_allocations where reversal_kind is distinct from 'taken_back'
        group by clinic_id, cheque_id, invoice_id having sum(amount) < 0""",
    ),
    Law(
        "A returned cheque pays nothing",
        "Cheque",
        """select c.id from cheques c join cheque_allocations a on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        where c.returned_on is not null group by c.clinic_id, c.id, a.invoice_id having sum(a.amount) <> 0""",
    ),
    Law(
        "A reversal is equal and opposite, counts once besides a correction, of the same invoice, and of the same cheque or, if it was taken "
        "back, of a later one of the payer",
        "ChequeAllocation",
        f"""select r.id from (select *, row_number() over (partition by clinic_id, reverses_id, is_reversed,
                reversal_kind is not distinct from 'corrected' order by id) as nth
            from (select *, exists (select from cheque_allocations v
                    where (v.clinic_id, v.invoice_id, v.reverses_id) = (x.clinic_id, x.invoice_id, x.id)) as is_reversed
                from cheque_allocations x where reverses_id is not null) x) r
        join cheques c on (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
        join cheque_allocations a on (a.clinic_id, a.id) = (r.clinic_id, r.reverses_id)
        join cheques o on (o.clinic_id, o.id) = (a.clinic_id, a.cheque_id)
        where r.nth > 1 and not r.is_reversed or (r.amount, r.invoice_id) is distinct from (-a.amount, a.invoice_id)
            or a.reverses_id is not null and not (r.reversal_kind is not distinct from 'corrected'
                or r.reversal_kind is not distinct from 'returned' and a.reversal_kind is not distinct from 'taken_back'
                or r.reversal_kind is not distinct from 'moved' and a.reversal_kind in ('taken_back', 'returned'))
            or case when r.reversal_kind = 'taken_back' then r.cheque_id = a.cheque_id
                or not r.is_reversed and not {are_one("payer", "c.payer_id", "o.payer_id", "c.clinic_id")}
                else r.cheque_id <> a.cheque_id end""",
    ),
    Law(
        "A reversal counts from the day of the return, or of the payment with which the money was taken back; any other from its own",
        "ChequeAllocation",
        """select r.id from cheque_allocations r join cheques c on (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
        join cheque_allocations a on (a.clinic_id, a.id) = (r.clinic_id, r.reverses_id)
        left join cheque_allocations p on (p.clinic_id, p.id) = (a.clinic_id, a.reverses_id)
        left join cheques e on (e.clinic_id, e.id) = (p.clinic_id, p.cheque_id) where case
            when r.reversal_kind = 'returned' and a.reversal_kind = 'taken_back' then r.effective_on not in (
                greatest(coalesce(c.returned_on, 'infinity'), a.effective_on), greatest(coalesce(e.returned_on, 'infinity'), a.effective_on))
            when r.reversal_kind = 'returned' then r.effective_on is distinct from greatest(c.returned_on, a.effective_on)
                or c.returned_on is null
            when r.reversal_kind = 'taken_back' then r.effective_on <> greatest(c.received_on, a.effective_on)
            -- Of a void invoice: what was taken back of it, and would be restored, is unapplied from that day on.
            when r.reversal_kind = 'replaced' then r.effective_on <> a.effective_on and not exists (select from cheque_allocations t
                join cheque_allocations u on (u.clinic_id, u.reverses_id) = (t.clinic_id, t.id)
                where (t.clinic_id, t.reverses_id) = (a.clinic_id, a.id) and u.reversal_kind = 'returned' and u.effective_on = r.effective_on)
            when r.reversal_kind is null then r.effective_on not in (a.effective_on, greatest(c.returned_on, a.effective_on))
            else r.effective_on <> a.effective_on end""",
    ),
    Law(
        "Of a payment that was typed wrong all is reversed that was not moved, and another payment stands in its place",
        "Cheque",
        """select c.id from cheques c where c.corrected_at is not null and (
            not exists (select from cheques n where (n.clinic_id, n.corrects_id) = (c.clinic_id, c.id))
            or exists (select from cheque_allocations a where (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
                and coalesce(a.reversal_kind, '') not in ('corrected', 'moved') and not exists (select from cheque_allocations r
                    where (r.clinic_id, r.invoice_id, r.reverses_id) = (a.clinic_id, a.invoice_id, a.id)
                        and r.reversal_kind in ('corrected', 'moved'))))
        union all select n.id from cheques n join cheques c on (c.clinic_id, c.id) = (n.clinic_id, n.corrects_id)
        where c.corrected_at is null""",
    ),
    Law(
        "An allocation is ordered by a moment before it was recorded, if by another one",
        "ChequeAllocation",
        "select id from cheque_allocations where ordered_at > recorded_at",
    ),
    Law(
        "An adjustment that undoes another one is equal and opposite, of the same day, once",
        "Invoice",
        """select u.invoice_id as id from (select *, row_number() over (partition by clinic_id, invoice_id, undoes_number order by number) as nth
            from invoice_adjustments where undoes_number is not null) u
        left join invoice_adjustments a on (a.clinic_id, a.invoice_id, a.number) = (u.clinic_id, u.invoice_id, u.undoes_number)
        where u.nth > 1 or a.undoes_number is not null
            or (a.kind, a.amount, a.effective_on) is distinct from (u.kind, -u.amount, u.effective_on)""",
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
