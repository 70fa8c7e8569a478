"""The laws of pairs of days, one for each pair of the domain's table."""

from db.laws.base import Law
from domain.days import CREATION_SUBMISSION, INJURY_TREATMENT, PAIRS, TREATMENT_CREATION, DayPair

_INVOICES = "select i.id from invoices i where i.{earlier} > i.{later}"
# Pair → the query for the invoices that break it.
_QUERIES: dict[DayPair, str] = {
    INJURY_TREATMENT: """select i.id from invoices i join cases c on (c.clinic_id, c.id) = (i.clinic_id, i.case_id)
        where c.{earlier} > i.{later} and i.status <> 'void' and i.before_injury_reason is null""",
    TREATMENT_CREATION: _INVOICES,
    CREATION_SUBMISSION: _INVOICES,
}

LAWS = tuple(Law(pair.law, "Invoice", _QUERIES[pair].format(earlier=pair.earlier, later=pair.later)) for pair in PAIRS)
