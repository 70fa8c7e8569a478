"""The laws of firms and of the representation of cases."""

from db.laws.base import Law

_DAYS = "daterange({0}.from_on, {0}.until_on)"
_KNOWN = "daterange(coalesce({0}.known_from, least({0}.from_on, {0}.known_until)), {0}.known_until)"

LAWS = (
    Law(
        "The periods in which a case is represented do not overlap, as known on any day",
        "Case",
        f"""select a.case_id as id from representations a join representations b
        on (b.clinic_id, b.case_id) = (a.clinic_id, a.case_id) and b.id > a.id
        where {_DAYS.format("a")} && {_DAYS.format("b")} and {_KNOWN.format("a")} && {_KNOWN.format("b")}""",
    ),
    Law(
        "The attorney of a case is the only one among its current representations",
        "Case",
        """select c.id from cases c left join representations r on (r.clinic_id, r.case_id) = (c.clinic_id, c.id)
        and r.until_on is null and r.known_until is null group by c.clinic_id, c.id
        having array_remove(array_agg(r.attorney_id), null) <> array_remove(array[c.attorney_id], null)""",
    ),
    Law(
        "An attorney is found by the name of the firm",
        "Attorney",
        """select a.id from attorneys a join firms f on (f.clinic_id, f.id) = (a.clinic_id, a.firm_id)
        where right(a.name_key, length(f.name_key) + 1) <> ' ' || f.name_key""",
    ),
)
