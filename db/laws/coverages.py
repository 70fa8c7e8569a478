"""The laws of coverages, of the payments that count under them, and of their histories."""

from db.laws.base import Law
from db.merged_records import are_one

LAWS = (
    Law(
        "A payment counts under a coverage of its payer, in the case of the invoice",
        "ChequeAllocation",
        f"""select a.id from cheque_allocations a join coverages v on (v.clinic_id, v.id) = (a.clinic_id, a.coverage_id)
        join cheques c on (c.clinic_id, c.id) = (a.clinic_id, a.cheque_id)
        join invoices i on (i.clinic_id, i.id) = (a.clinic_id, a.invoice_id)
        where v.case_id <> i.case_id or not {are_one("payer", "v.payer_id", "c.payer_id", "a.clinic_id")}""",
    ),
    Law(
        "The coverage of a reversal is that of what it reverses",
        "ChequeAllocation",
        """select r.id from cheque_allocations r join cheque_allocations a on (a.clinic_id, a.id) = (r.clinic_id, r.reverses_id)
        where r.coverage_id is distinct from a.coverage_id""",
    ),
    Law(
        "A coverage's history begins with its recording, and has an event for each version",
        "Coverage",
        """select c.id from coverages c left join coverage_events e on (e.clinic_id, e.coverage_id) = (c.clinic_id, c.id)
        group by c.clinic_id, c.id, c.version having count(e.id) <> c.version or max(e.seq) <> c.version
        or min(e.seq) <> 1 or count(*) filter (where e.action = 'added' and e.seq = 1) <> 1""",
    ),
    Law(
        "A verified coverage names who verified it, and when",
        "Coverage",
        "select id from coverages where status = 'active' and (verified_by is null or verified_at is null)",
    ),
)
