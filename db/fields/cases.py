"""The SQL of cases, their history, and their representations with coming changes."""

from sqlalchemy import Date, Numeric, Text, and_, any_, cast, func, literal, or_, select

from db import tables
from db.fields.base import (
    ActionList,
    Expression,
    Filter,
    JsonList,
    Many,
    One,
    Order,
    Pages,
    Read,
    View,
    by_id,
    name_of,
    owned,
    plain,
    same_clinic,
)
from db.fields.billing.coverages import COVERAGES, PROPOSED_PAYER
from db.fields.forms.cases import actions_of_case
from db.fields.holds import in_force
from db.fields.parties import TEXTS, UUIDS, attorneys_of_firms, patients_found, starts_with
from db.global_ids import id_expression
from db.row import Row
from domain.billing.representations import AttorneyChangeStatus
from domain.normal_forms import normal_key


def _hold_over_case(c: Row, h: Row) -> Expression:
    return and_(same_clinic(c, h), h.case_id == c.id, in_force(h))


def _sum_of(column: str) -> Read:
    """The sum of an amount over the case's invoices, except void ones."""

    def total(c: Row) -> Expression:
        i = c.scope.row(tables.invoices)
        summed = cast(func.coalesce(func.sum(getattr(i, column)), 0), Numeric(14, 2))
        counted = and_(owned("case_id")(c, i), i.status != literal("void", literal_execute=True))
        return select(cast(summed, Text)).select_from(i.source).where(counted).scalar_subquery()

    return total


def _known_now(c: Row, r: Row) -> Expression:
    """The periods of a case that were not replaced by a later change."""
    return and_(owned("case_id")(c, r), r.known_until.is_(None))


def _pending(c: Row, change: Row) -> Expression:
    pending = literal(AttorneyChangeStatus.PENDING.value, literal_execute=True)
    return and_(owned("case_id")(c, change), change.status == pending)


def _search(c: Row, text: Expression) -> Expression:
    return or_(starts_with(c.number_key, text), c.stored("patient_id").in_(patients_found(c.scope, text)))


CASE = View(
    tables.cases,
    {
        "id": lambda c: id_expression("Case", c.id),
        **plain("number", "date_of_injury", "opened_on", "settled_on", "closed_on", "version"),
        "closedReason": name_of("closed_reason"),
        "status": name_of("status"),
        "patient": One("Patient", by_id("patient_id")),
        "attorney": One("Attorney", by_id("attorney_id")),
        "representations": Many("Representation", _known_now, lambda r: [r.from_on, r.id]),
        "attorneyChange": One("AttorneyChange", _pending),
        "hold": One("Hold", _hold_over_case, lambda h: [h.until_on.desc(), h.id]),
        "encounters": Many("Encounter", owned("case_id"), lambda e: [e.service_date, e.id], others=True),
        "coverages": COVERAGES,
        "proposedPayer": PROPOSED_PAYER,
        "documents": Many("IssuedDocument", owned("case_id"), lambda d: [d.issued_at.desc(), d.id], others=True),
        "invoices": Pages("Invoice", owned("case_id")),
        "history": Many("CaseEvent", owned("case_id"), lambda e: [e.at, e.id]),
        "billedTotal": _sum_of("billed_amount"),
        "outstanding": _sum_of("balance"),
        "availableActions": ActionList("Action", actions_of_case),
    },
    {
        "status": Filter(lambda c, wanted: c.status == any_(wanted), TEXTS),
        "patientId": Filter(lambda c, ids: c.refers_to_any("patient_id", ids), UUIDS),
        "attorneyId": Filter(lambda c, ids: c.attorney_id == any_(ids), UUIDS),
        "firmId": Filter(lambda c, ids: c.attorney_id.in_(attorneys_of_firms(c.scope, ids)), UUIDS),
        "openedFrom": Filter(lambda c, day: c.opened_on >= day, Date()),
        "openedTo": Filter(lambda c, day: c.opened_on <= day, Date()),
        "search": Filter(_search, Text(collation="C"), normal_key),
    },
    order=Order(
        lambda c: c.opened_on,
        Date(),
        descending=True,
        visible_field="openedOn",
        # Attorneys and physicians do not see when the clinic opened a case.
        fallback=Order(lambda c: c.date_of_injury, Date(), descending=True, visible_field="dateOfInjury"),
    ),
    listed_as="cases",
    found_as="case",
)

CASE_EVENT = View(
    tables.case_events,
    {
        "id": lambda e: id_expression("CaseEvent", e.id),
        **plain("at", "action"),
        "by": One("User", by_id("by_user_id")),
        "changes": JsonList("Change", "changes"),
    },
)

REPRESENTATION = View(
    tables.representations,
    {
        "id": lambda r: id_expression("Representation", r.id),
        **plain("from_on", "until_on"),
        "attorney": One("Attorney", by_id("attorney_id")),
    },
)

ATTORNEY_CHANGE = View(
    tables.attorney_changes,
    {
        "id": lambda change: id_expression("AttorneyChange", change.id),
        **plain("effective_on", "requested_at"),
        "attorney": One("Attorney", by_id("attorney_id")),
        "requestedBy": One("User", by_id("requested_by")),
    },
)
