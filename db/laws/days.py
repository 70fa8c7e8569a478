"""The laws of pairs of days, one for each pair of the domain's table."""

from db.laws.base import Law
from domain.days import (
    CREATION_ADJUSTMENT,
    CREATION_SUBMISSION,
    DENIAL_APPEAL,
    DENIAL_STEP,
    INJURY_TREATMENT,
    PAIRS,
    REFUND_RETURN,
    REQUEST_ANSWER,
    REQUEST_DUE,
    STEP_STEP,
    SUBMISSION_DENIAL,
    TREATMENT_CREATION,
    DayPair,
)

_INVOICES = "select i.id from invoices i where i.{earlier} > i.{later}"
_OF_INVOICE = "denials d join invoices i on (i.clinic_id, i.id) = (d.clinic_id, d.invoice_id)"
# Pair → the query for the records that break it.
_QUERIES: dict[DayPair, str] = {
    INJURY_TREATMENT: """select i.id from invoices i join cases c on (c.clinic_id, c.id) = (i.clinic_id, i.case_id)
        where c.{earlier} > i.{later} and i.status <> 'void' and i.before_injury_reason is null""",
    TREATMENT_CREATION: _INVOICES,
    CREATION_SUBMISSION: _INVOICES,
    # What was denied of the invoice that another one replaces goes along, with its day.
    SUBMISSION_DENIAL: f"""select i.id from {_OF_INVOICE}
        where i.{{earlier}} > d.{{later}} and i.replaces_id is null and not d.is_out_of_order""",
    CREATION_ADJUSTMENT: """select i.id from invoice_adjustments a
        join invoices i on (i.clinic_id, i.id) = (a.clinic_id, a.invoice_id) where i.{earlier} > a.{later}""",
    DENIAL_STEP: """select d.invoice_id as id from denial_events e
        join denials d on (d.clinic_id, d.id) = (e.clinic_id, e.denial_id) where d.{earlier} > e.{later}""",
    STEP_STEP: """select d.invoice_id as id from (select *, lag(happened_on) over (partition by clinic_id, denial_id order by number)
        as before_on from denial_events) e join denials d on (d.clinic_id, d.id) = (e.clinic_id, e.denial_id)
        where e.{earlier} > e.{later}""",
    DENIAL_APPEAL: "select d.invoice_id as id from denials d where d.{earlier} > d.{later} and not d.is_out_of_order",
    REQUEST_DUE: "select r.id from recoupment_requests r where r.{earlier} > r.{later}",
    REQUEST_ANSWER: """select r.id from recoupment_requests r join recoupment_answers a on (a.clinic_id, a.request_id) = (r.clinic_id, r.id)
        where r.{earlier} > a.{later}""",
    # The reversing row has the day of the return as its own.
    REFUND_RETURN: """select r.id from refunds r join refunds v on (v.clinic_id, v.reverses_id) = (r.clinic_id, r.id)
        where r.{earlier} > v.{earlier}""",
}
_KINDS = {
    **dict.fromkeys((REQUEST_DUE, REQUEST_ANSWER), "RecoupmentRequest"),
    REFUND_RETURN: "Refund",
}

LAWS = tuple(
    Law(pair.law, _KINDS.get(pair, "Invoice"), _QUERIES[pair].format(earlier=pair.earlier, later=pair.later))
    for pair in PAIRS
)
EXCEPTIONS = (
    Law(
        "Denials before the submission or after the last day for an appeal, stored by an earlier release",
        "Invoice",
        "select d.invoice_id as id from denials d where d.is_out_of_order",
    ),
)
