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
        "0 ≤ received in the round ≤ agreed ≤ open part",
        "Invoice",
        """select id from (select *, received_amount - earlier_received_amount as paid,
        billed_amount - contractual_amount - earlier_received_amount as open_part from invoices) i
        where earlier_received_amount < 0 or paid < 0 or paid > coalesce(agreed_amount, open_part) or agreed_amount > open_part""",
    ),
    Law(
        "Billed = received + contractual + reduction + small balances + written off + balance",
        "Invoice",
        """select id from invoices where status <> 'void' and billed_amount <> received_amount + contractual_amount
        + coalesce(billed_amount - contractual_amount - earlier_received_amount - agreed_amount, 0)
        + small_balance_amount + written_off_amount + balance""",
    ),
    Law(
        "The adjustments of an invoice are the sums of their rows",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id,
            sum(amount) filter (where kind = 'contractual') as contractual,
            sum(amount) filter (where kind = 'small_balance') as small from invoice_adjustments group by 1, 2) a
        on (a.clinic_id, a.invoice_id) = (i.clinic_id, i.id)
        where i.contractual_amount <> coalesce(a.contractual, 0) or i.small_balance_amount > coalesce(a.small, 0)
            or i.status <> 'void' and i.balance > 0 and i.small_balance_amount <> coalesce(a.small, 0)""",
    ),
    Law(
        "Contractual adjustments take off what was billed, and nothing more is taken back of them than stands",
        "Invoice",
        "select id from invoices where contractual_amount < 0 or status <> 'void' and contractual_amount + received_amount > billed_amount",
    ),
    Law(
        "The payer is that of the last responsibility, and they are numbered from 1 without gaps, in the order of their days",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, number, payer_id, from_on,
            count(*) over w as count, lag(from_on) over (w order by number) as before,
            row_number() over (w order by number desc) as place from responsibilities
            window w as (partition by clinic_id, invoice_id)) r
        on (r.clinic_id, r.invoice_id) = (i.clinic_id, i.id)
        where r.number is null or r.from_on < r.before or r.number > r.count or r.place = 1
            and (r.payer_id, r.from_on) is distinct from (i.payer_id, i.responsible_since)""",
    ),
    Law(
        "An invoice is agreed upon exactly while an agreement stands, and at most one does",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, count(*) as standing, max(agreed_on) as agreed_on,
            max(conditional_until) as until from agreements where ended_by is null group by 1, 2) a
        on (a.clinic_id, a.invoice_id) = (i.clinic_id, i.id) where a.standing > 1
            or (i.agreed_amount is null) <> (a.standing is null)
            or (a.agreed_on, a.until) is distinct from (i.agreed_on, i.conditional_until)""",
    ),
    Law(
        "What is written off is left of a write-off that stands",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, count(*) as standing from write_offs
            where reversed_on is null group by 1, 2) w on (w.clinic_id, w.invoice_id) = (i.clinic_id, i.id)
        where w.standing > 1 or i.status = 'written_off' and w.standing is null
            or i.status <> 'void' and w.standing > 0 and i.balance > 0""",
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
            when 'pending_invoice' then agreed_amount is null and (balance > 0 or billed_amount = contractual_amount)
            when 'pending_reduction' then agreed_amount is null and balance > 0
            when 'pending_cheque' then agreed_amount is not null and balance > 0 and fully_paid_on is null
            when 'cheque_received' then balance = 0 and (fully_paid_on is not null or billed_amount = 0) and paid_on is null
            when 'paid' then balance = 0 and (fully_paid_on is not null or billed_amount = 0) and paid_on is not null
            when 'void' then received_amount = 0 and agreed_amount is null
            when 'written_off' then balance = 0
            end and (written_off_amount = 0 or status = 'written_off')
            and (status = open_status or status not in ('pending_invoice', 'pending_reduction', 'pending_cheque'))) is not true""",
    ),
    Law(
        "The balance is the amount that is still due",
        "Invoice",
        """select id from invoices where balance <> case when status in ('void', 'paid', 'written_off') then 0
        else coalesce(agreed_amount, billed_amount - contractual_amount - earlier_received_amount)
            - received_amount + earlier_received_amount - small_balance_amount end""",
    ),
    Law(
        "At most the newest offer is open, and only while a reduction is negotiated",
        "Invoice",
        """select i.id from invoices i join reduction_offers o on (o.clinic_id, o.invoice_id) = (i.clinic_id, i.id)
        where o.status = 'open' and (i.open_status <> 'pending_reduction' or exists (select from reduction_offers n
        where (n.clinic_id, n.invoice_id) = (o.clinic_id, o.invoice_id) and n.round > o.round))""",
    ),
    Law(
        "A negotiated amount above 0.00 has an accepted offer",
        "Invoice",
        """select a.invoice_id as id from agreements a where a.ended_by is null and a.amount > 0 and not exists (
        select from reduction_offers o where (o.clinic_id, o.invoice_id) = (a.clinic_id, a.invoice_id)
        and o.status = 'accepted' and o.amount = a.amount) and exists (select from invoices i
        where (i.clinic_id, i.id) = (a.clinic_id, a.invoice_id) and a.amount < i.billed_amount)""",
    ),
)
