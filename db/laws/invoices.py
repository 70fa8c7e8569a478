"""The laws of an invoice's amounts, status and negotiation."""

from db.laws.base import Law

LAWS = (
    Law(
        "Received is the sum of the allocations, reversals included",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, sum(amount) as amount from cheque_allocations
        group by 1, 2) a on (a.clinic_id, a.invoice_id) = (i.clinic_id, i.id)
        where i.received_amount <> coalesce(a.amount, 0)""",
    ),
    Law(
        "0 ≤ received ≤ agreed ≤ billed",
        "Invoice",
        """select id from invoices where received_amount < 0 or received_amount > coalesce(agreed_amount, 0)
        or agreed_amount > billed_amount""",
    ),
    Law(
        "Billed is the sum of the lines",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, sum(amount) as amount from invoice_lines
        group by 1, 2) l on (l.clinic_id, l.invoice_id) = (i.clinic_id, i.id)
        where i.billed_amount <> coalesce(l.amount, 0)""",
    ),
    Law(
        "The status agrees with the amounts",
        "Invoice",
        """select id from invoices where (case status
            when 'pending_invoice' then agreed_amount is null and agreed_on is null and received_amount = 0
            when 'pending_reduction' then agreed_amount is null and agreed_on is null and received_amount = 0
                and submitted_on is not null
            when 'pending_cheque' then received_amount < agreed_amount and agreed_on is not null and fully_paid_on is null
            when 'cheque_received' then received_amount = agreed_amount and fully_paid_on is not null and paid_on is null
            when 'paid' then received_amount = agreed_amount and fully_paid_on is not null and paid_on is not null
            when 'void' then received_amount = 0 and agreed_amount is null
            when 'written_off' then written_off_amount = coalesce(agreed_amount, billed_amount) - received_amount
            end and (written_off_amount = 0 or status = 'written_off')) is not true""",
    ),
    Law(
        "The balance is the amount that is still due",
        "Invoice",
        """select id from invoices where balance <> case when status in ('void', 'paid', 'written_off') then 0
        else coalesce(agreed_amount, billed_amount) - received_amount end""",
    ),
    Law(
        "At most the newest offer is open, and only while a reduction is negotiated",
        "Invoice",
        """select i.id from invoices i join reduction_offers o on (o.clinic_id, o.invoice_id) = (i.clinic_id, i.id)
        where o.status = 'open' and (i.status <> 'pending_reduction' or exists (select from reduction_offers n
        where (n.clinic_id, n.invoice_id) = (o.clinic_id, o.invoice_id) and n.round > o.round))""",
    ),
    Law(
        "A reduced invoice has an accepted offer of its agreed amount",
        "Invoice",
        """select i.id from invoices i where i.agreed_amount < i.billed_amount and not exists (select from reduction_offers o
        where (o.clinic_id, o.invoice_id) = (i.clinic_id, i.id) and o.status = 'accepted' and o.amount = i.agreed_amount)""",
    ),
)
