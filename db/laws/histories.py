"""The laws of the histories of invoices and of their past states."""

from db.laws.base import Law
from db.ledger.restated import BROKEN, MISSING
from db.tables.base import listed
from domain.billing.claims.denials import denial_steps
from domain.billing.invoices import InvoiceStatus
from domain.billing.transitions import legal_steps

# The events that are no transitions of the lifecycle; all but the first two leave the version of the invoice unchanged.
_REMINDED = ("schedule_reminder", "update_reminder", "complete_reminder", "cancel_reminder")
_BESIDE = (
    *("replace_invoice_lines", "set_negotiation_limits", "add_internal_note", "place_hold", "release_hold"),
    *_REMINDED,
)
_UNVERSIONED = _BESIDE[2:]
_CREATED = f"transition = 'create_invoice' and from_status is null and to_status = '{InvoiceStatus.PENDING_INVOICE}'"
_DENIAL_STEPS = ", ".join(listed(step) for step in sorted(denial_steps()))
_STEPS = ", ".join(listed(step) for step in sorted(legal_steps()))

LAWS = (
    Law(
        "The line of a denial is one of its invoice",
        "Denial",
        """select d.id from denials d join invoice_lines l on (l.clinic_id, l.id) = (d.clinic_id, d.line_id)
        where l.invoice_id <> d.invoice_id""",
    ),
    Law(
        "The line of an adjustment is one of its invoice",
        "Invoice",
        """select a.invoice_id as id from invoice_adjustments a join invoice_lines l on (l.clinic_id, l.id) = (a.clinic_id, a.line_id)
        where l.invoice_id <> a.invoice_id""",
    ),
    Law(
        "The steps of a denial are numbered from 1 without gaps, and each leads on from the status before",
        "Denial",
        f"""select denial_id as id from (select *, coalesce(lag(status) over w, 'open') as before, row_number() over w as place
        from denial_events window w as (partition by clinic_id, denial_id order by number)) e
        where number <> place or (before, status) not in ({_DENIAL_STEPS})""",
    ),
    Law(
        "What a denial recovers is at most what was denied",
        "Denial",
        """select d.id from denial_events e join denials d on (d.clinic_id, d.id) = (e.clinic_id, e.denial_id)
        join invoices i on (i.clinic_id, i.id) = (d.clinic_id, d.invoice_id)
        left join invoice_lines l on (l.clinic_id, l.id) = (d.clinic_id, d.line_id)
        where e.recovered_amount > coalesce(d.amount, l.amount, i.billed_amount) and i.replaces_id is null""",
    ),
    Law(
        "A history is numbered from 1 without gaps",
        "Invoice",
        """select invoice_id as id from invoice_events group by clinic_id, invoice_id
        having min(seq) <> 1 or max(seq) <> count(*)""",
    ),
    Law(
        "A history begins with the creation, and each transition is legal and begins where the one before ended",
        "Invoice",
        f"""select invoice_id as id from (select *, lag(to_status) over w as before from invoice_events
        window w as (partition by clinic_id, invoice_id order by seq)) e
        where (case when before is null then {_CREATED} else from_status = before and (
            (transition, from_status, to_status) in ({_STEPS})
            or transition in {listed(_BESIDE)} and from_status = to_status) end) is not true""",
    ),
    Law(
        "A history ends in the status of its invoice",
        "Invoice",
        """select i.id from invoices i left join (select clinic_id, invoice_id, max(seq) as seq from invoice_events
        group by 1, 2) l on (l.clinic_id, l.invoice_id) = (i.clinic_id, i.id)
        left join invoice_events e on (e.clinic_id, e.invoice_id, e.seq) = (l.clinic_id, l.invoice_id, l.seq)
        where e.to_status is distinct from i.status""",
    ),
    Law(
        "A version counts the changes in the history",
        "Invoice",
        f"""select i.id from invoices i left join (select clinic_id, invoice_id, count(*) as told from invoice_events
        where transition not in {listed(_UNVERSIONED)} group by 1, 2) e
        on (e.clinic_id, e.invoice_id) = (i.clinic_id, i.id) where i.version is distinct from e.told""",
    ),
    Law(
        "The past states of an invoice have neither gap nor overlap, up to its current state",
        "Invoice",
        """select i.id from invoices i join (select clinic_id, invoice_id, known_until, lead(known_from)
        over (partition by clinic_id, invoice_id order by known_from) as next from invoice_states) s
        on (s.clinic_id, s.invoice_id) = (i.clinic_id, i.id) where coalesce(s.next, i.known_from) <> s.known_until""",
    ),
    Law(
        "The state of an invoice at the end of a past day agrees with its history and its cheques",
        "Invoice",
        """select s.invoice_id as id from invoice_states s join clinics c on c.clinic_id = s.clinic_id
        cross join lateral (select e.to_status from invoice_events e where (e.clinic_id, e.invoice_id) = (s.clinic_id, s.invoice_id)
            and (e.at at time zone c.time_zone)::date < s.known_until order by e.seq desc limit 1) e
        cross join lateral (select coalesce(sum(a.amount), 0) as amount from cheque_allocations a
            where (a.clinic_id, a.invoice_id) = (s.clinic_id, s.invoice_id)
            and (a.recorded_at at time zone c.time_zone)::date < s.known_until) a
        where e.to_status <> s.status or a.amount <> s.received_amount""",
    ),
    Law(
        "An invoice with a fact that counts on another day than it was recorded has restated states",
        "Invoice",
        f"select id from ({MISSING}) m",
    ),
    Law(
        "The restated states of an invoice begin with its creation, have neither gap nor overlap, and end with its present state",
        "Invoice",
        f"select id from ({BROKEN}) b",
    ),
)
