"""Invariants of any clinic's ledger: each entry is a query for the records that violate the rule."""

from domain.billing.invoices import InvoiceStatus
from domain.billing.transitions import TRANSITIONS
from imports.history.invoice_history import CREATED

_LEGAL_TRANSITIONS = ", ".join(
    f"('{transition.name}', '{start}', '{end}')"
    for transition in TRANSITIONS
    for start in (*transition.start, *transition.admin_start)
    for end in transition.ends(start)
)
_CLOSED = "('paid', 'void', 'written_off')"

INVARIANTS = {
    "received is the sum of the allocations, reversals included": """
        select i.number from invoices i left join cheque_allocations a on (a.clinic_id, a.invoice_id) = (i.clinic_id, i.id)
        group by i.clinic_id, i.id having i.received_amount <> coalesce(sum(a.amount), 0)""",
    "0 ≤ received of the present round ≤ agreed ≤ open part": """
        select number from invoices where earlier_received_amount < 0 or received_amount < earlier_received_amount
        or received_amount - earlier_received_amount > coalesce(agreed_amount, billed_amount - earlier_received_amount)
        or agreed_amount > billed_amount - contractual_amount - earlier_received_amount""",
    "every amount billed is received, reduced, given up, written off or due": """
        select number from invoices where status <> 'void' and billed_amount - received_amount <> balance + written_off_amount
        + small_balance_amount + contractual_amount
        + coalesce(billed_amount - contractual_amount - earlier_received_amount - agreed_amount, 0)""",
    "billed is the sum of the lines": """
        select i.number from invoices i left join invoice_lines l on (l.clinic_id, l.invoice_id) = (i.clinic_id, i.id)
        group by i.clinic_id, i.id having i.billed_amount <> coalesce(sum(l.amount), 0)""",
    "a line's amount follows from its price trace": """
        select id from invoice_lines where unit_price <> round(price_rate * geographic_factor, 2)
        or amount <> round(unit_price * bilateral_factor * units, 2) or (not bilateral and bilateral_factor <> 1)
        or ((price_source = 'override') <> (override_reason is not null))""",
    "a cheque pays no more than its amount": """
        select c.number from cheques c join cheque_allocations a on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        group by c.clinic_id, c.id having sum(a.amount) > c.amount or sum(a.amount) < 0""",
    "the allocations of a returned cheque sum to zero": """
        select c.number from cheques c join cheque_allocations a on (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)
        where c.returned_on is not null group by c.clinic_id, c.id having sum(a.amount) <> 0""",
    "a reversal is equal and opposite, of the same cheque and invoice, and dated on the return, or what was moved or mistyped on its own day": """
        select r.id from cheque_allocations r join cheques c on (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
        join cheque_allocations a on (a.clinic_id, a.id) = (r.clinic_id, r.reverses_id)
        where (r.amount, r.cheque_id, r.invoice_id, r.effective_on)
        is distinct from (-a.amount, a.cheque_id, a.invoice_id,
            case when r.reversal_kind in ('moved', 'corrected') then a.effective_on else c.returned_on end)""",
    "a cheque pays invoices for which its payer is or was responsible": """
        select i.number from cheque_allocations a join cheques c on (c.clinic_id, c.id) = (a.clinic_id, a.cheque_id)
        join invoices i on (i.clinic_id, i.id) = (a.clinic_id, a.invoice_id)
        where c.payer_id not in (select payer_id from responsibilities r where (r.clinic_id, r.invoice_id) = (i.clinic_id, i.id))""",
    "the status agrees with the ledger": """
        select number from invoices where not case status
            when 'pending_invoice' then agreed_amount is null and agreed_on is null
            when 'pending_reduction' then agreed_amount is null and agreed_on is null and submitted_on is not null
            when 'pending_cheque' then balance > 0 and agreed_on is not null and fully_paid_on is null
            when 'cheque_received' then balance = 0 and (fully_paid_on is null) = (billed_amount = 0) and paid_on is null
            when 'paid' then balance = 0 and (fully_paid_on is null) = (billed_amount = 0) and paid_on is not null
            when 'void' then received_amount = 0 and agreed_amount is null
            when 'written_off' then written_off_amount > 0 and balance = 0
            end""",
    "only invoices that were written off have a written-off amount": """
        select number from invoices where written_off_amount <> 0 and status <> 'written_off'""",
    "the events of an invoice are numbered from 1 without gaps, and never go back in time": """
        select invoice_id from (select *, lag(at) over w as before, row_number() over w as place from invoice_events
        window w as (partition by clinic_id, invoice_id order by seq)) e where seq <> place or at < before""",
    "a history begins with the creation and has legal transitions only, each from the status of the previous one": f"""
        select e.invoice_id, e.seq from (select *, lag(to_status) over (partition by clinic_id, invoice_id order by seq)
        as before from invoice_events) e where not case when seq = 1
            then transition = '{CREATED}' and from_status is null and to_status = '{InvoiceStatus.PENDING_INVOICE}'
            else from_status = before and (transition, from_status, to_status) in ({_LEGAL_TRANSITIONS}) end""",
    "a history ends in the status of the invoice, and has as many events as the invoice has versions": """
        select i.number from invoices i left join lateral (select seq, to_status, at from invoice_events e
        where (e.clinic_id, e.invoice_id) = (i.clinic_id, i.id) order by seq desc limit 1) e on true
        where (i.status, i.version, i.updated_at) is distinct from (e.to_status, e.seq, e.at)""",
    "the day fully paid is that of the last receipt, of the agreement or of the small balance that was given up": """
        select i.number from invoices i cross join lateral (select max(greatest(c.received_on, i.created_on)) as day
        from cheque_allocations a join cheques c on (c.clinic_id, c.id) = (a.clinic_id, a.cheque_id)
        where (a.clinic_id, a.invoice_id) = (i.clinic_id, i.id) and a.amount > 0 and c.returned_on is null) received
        cross join lateral (select max(effective_on) as day from invoice_adjustments a
        where (a.clinic_id, a.invoice_id) = (i.clinic_id, i.id)) given_up
        where i.status in ('cheque_received', 'paid') and i.fully_paid_on <> greatest(received.day, i.agreed_on, given_up.day)""",
    "an invoice has the attorney and the patient of its case": """
        select i.number from invoices i join cases c on (c.clinic_id, c.id) = (i.clinic_id, i.case_id)
        where (i.attorney_id, i.patient_id) is distinct from (c.attorney_id, c.patient_id)""",
    "the attorney of a case has its only current representation": """
        select c.number from cases c left join representations r
        on (r.clinic_id, r.case_id) = (c.clinic_id, c.id) and r.until_on is null
        group by c.clinic_id, c.id having (array_agg(r.attorney_id) <> array[c.attorney_id]) or count(r.id) > 1""",
    "all invoices of a settled or closed case are closed and one is paid; no invoice of an open case is": f"""
        select c.number from cases c join invoices i on (i.clinic_id, i.case_id) = (c.clinic_id, c.id)
        group by c.clinic_id, c.id having (c.status <> 'open') <> (count(*) filter (where i.status = 'paid') > 0)
        or (c.status <> 'open' and count(*) filter (where i.status not in {_CLOSED}) > 0)
        or count(*) filter (where i.status = 'paid' and i.paid_on <> coalesce(c.settled_on, c.closed_on)) > 0""",
    "numbers of a year have no gaps, and the counter holds the last": """
        select y.clinic_id, y.year from (select clinic_id, split_part(number, '-', 2)::int as year, count(*) as used,
        max(split_part(number, '-', 3)::int) as last from invoices group by 1, 2) y
        full join invoice_counters c on (c.clinic_id, c.year) = (y.clinic_id, y.year)
        where y.used is distinct from y.last or y.last is distinct from c.last_number""",
    "an invoice's number is of the year in which it was created": """
        select number from invoices where number !~ ('^INV-' || extract(year from created_on) || '-[0-9]{6}$')""",
    "at most the newest offer is open, and only while a reduction is negotiated": """
        select i.number from invoices i join reduction_offers o on (o.clinic_id, o.invoice_id) = (i.clinic_id, i.id)
        where o.status = 'open' and (i.status <> 'pending_reduction' or o.round <> (select max(round)
        from reduction_offers n where (n.clinic_id, n.invoice_id) = (i.clinic_id, i.id)))""",
    "the treating physicians of a case are those of its encounters and invoices": """
        (select clinic_id, physician_id, case_id, patient_id from treating_physicians) except
        (select clinic_id, physician_id, case_id, patient_id from encounters union
         select clinic_id, physician_id, case_id, patient_id from invoices)
        union all
        ((select clinic_id, physician_id, case_id, patient_id from encounters union
          select clinic_id, physician_id, case_id, patient_id from invoices where physician_id is not null)
         except select clinic_id, physician_id, case_id, patient_id from treating_physicians)""",
    "a closed invoice has no scheduled reminder": f"""
        select i.number from reminders r join invoices i on (i.clinic_id, i.id) = (r.clinic_id, r.invoice_id)
        where r.status = 'scheduled' and i.status in {_CLOSED}""",
}
