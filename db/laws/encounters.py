"""The laws of encounters (visits) and of what bills them, and the exceptions to them that are known."""

from db.laws.base import Law
from domain.billing.opening_balances import CODE as OPENING

_LIVE = "i.status <> 'void'"
_REPEATED = f"""select id from (select l.id, row_number() over (partition by i.clinic_id, i.patient_id, l.code, i.service_date,
    i.physician_id, l.bilateral order by l.id) as nth from invoice_lines l
    join invoices i on (i.clinic_id, i.id) = (l.clinic_id, l.invoice_id)
    where {_LIVE} and l.code <> '{OPENING}' and not l.is_repeated) n where nth > 1"""

LAWS = (
    Law(
        "A visit is billed by at most one invoice that is not void",
        "Invoice",
        f"""select id from (select i.id, row_number() over (partition by i.clinic_id, i.encounter_id order by i.number) as nth
        from invoices i where i.encounter_id is not null and {_LIVE} and not i.is_billed_twice) n where nth > 1""",
    ),
    Law(
        "A visit names the invoice that bills it, and none where no invoice does",
        "Encounter",
        f"""select e.id from encounters e left join invoices i on (i.clinic_id, i.id) = (e.clinic_id, e.invoice_id) and {_LIVE}
            and i.encounter_id = e.id
        where (i.id is null) <> (e.invoice_id is null) or e.invoice_id is null and exists (select from invoices b
            where (b.clinic_id, b.encounter_id) = (e.clinic_id, e.id) and b.status <> 'void')""",
    ),
    Law(
        "A cancelled visit is not billed",
        "Encounter",
        "select id from encounters where cancelled_at < now() and invoice_id is not null",
    ),
    Law(
        "An invoice bills a visit of its own case",
        "Invoice",
        """select i.id from invoices i join encounters e on (e.clinic_id, e.id) = (i.clinic_id, i.encounter_id)
        where i.case_id <> e.case_id""",
    ),
    Law(
        "A visit is not before the injury, unless an administrator confirmed it",
        "Encounter",
        """select e.id from encounters e join cases c on (c.clinic_id, c.id) = (e.clinic_id, e.case_id)
        where e.service_date < c.date_of_injury and e.cancelled_at is null and e.before_injury_reason is null""",
    ),
    Law(
        "A line repeats no other line of an invoice that is not void, unless it was confirmed", "InvoiceLine", _REPEATED
    ),
    Law(
        "A visit's version counts its corrections",
        "Encounter",
        """select e.id from encounters e left join (select clinic_id, encounter_id, count(*) as told from encounter_events
        group by 1, 2) h on (h.clinic_id, h.encounter_id) = (e.clinic_id, e.id)
        where e.version <> 1 + coalesce(h.told, 0)""",
    ),
    Law(
        "Past states of a visit have no overlap, and end where its present state begins",
        "Encounter",
        """select e.id from encounters e left join (select clinic_id, encounter_id, known_until,
            lead(known_from, 1, known_until) over (partition by clinic_id, encounter_id order by known_from) as next,
            max(known_until) over (partition by clinic_id, encounter_id) as last from encounter_states) s
            on (s.clinic_id, s.encounter_id) = (e.clinic_id, e.id)
        where s.next <> s.known_until or s.last is distinct from e.changed_at""",
    ),
)

# What an earlier release or an import stored, and what an administrator or billing staff confirmed: listed apart from violations.
EXCEPTIONS = (
    Law(
        "Invoices that bill a visit which another invoice bills, stored by an earlier release",
        "Invoice",
        f"select i.id from invoices i where i.is_billed_twice and {_LIVE}",
    ),
    *(
        Law(
            f"{noun} before the day of injury, {words}",
            kind,
            f"""select t.id from {table} t join cases c on (c.clinic_id, c.id) = (t.clinic_id, t.case_id)
            where t.service_date < c.date_of_injury and t.before_injury_reason is not null
                and t.before_injury_by is {is_confirmed} null and {live}""",
        )
        for noun, kind, table, live in (
            ("Visits", "Encounter", "encounters", "t.cancelled_at is null"),
            ("Invoices for treatment", "Invoice", "invoices", "t.status <> 'void'"),
        )
        for words, is_confirmed in (
            ("stored by an earlier release or an import", ""),
            ("confirmed by an administrator", "not"),
        )
    ),
    *(
        Law(
            f"Repeated lines, {words}",
            "InvoiceLine",
            f"""select l.id from invoice_lines l join invoices i on (i.clinic_id, i.id) = (l.clinic_id, l.invoice_id)
            where l.is_repeated and l.repeat_confirmed_by is {is_confirmed} null and {_LIVE}""",
        )
        for words, is_confirmed in (("stored by an earlier release or an import", ""), ("confirmed", "not"))
    ),
)
