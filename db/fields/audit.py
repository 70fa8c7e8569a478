"""The SQL of audit log events: their fields, and the filters by record and by patient."""

from sqlalchemy import JSON, DateTime, Text, Uuid, any_, func, literal_column, select, union_all

from db import tables
from db.fields.base import Expression, Filter, JsonList, One, Order, View, by_id, name_of, plain, there_is
from db.global_ids import TAGS, id_expression
from db.row import Row

_MOMENT = DateTime(timezone=True)
_TYPE = " ".join(f"when '{tag}' then '{name}'" for name, tag in TAGS.items())


def _entities(e: Row) -> Expression:
    """The entity ids of an event, as a JSON list of type and id."""
    names = f"substring({e.entities} from place for 18)"
    identity = f"translate(encode({names}, 'base64'), '+/', '-_')"
    of_type = f"case convert_from(substring({names} from 1 for 2), 'UTF8') {_TYPE} end"
    return literal_column(
        f"(select coalesce(json_agg(json_build_object('type', {of_type}, 'id', {identity})), '[]') "
        f"from generate_series(1, length({e.entities}), 18) place)",
        JSON(),
    )


def _about(e: Row, subjects: Expression) -> Expression:
    """That an event is about one of some records, by a database function: row-level security would keep the query from its index."""
    return e.id.in_(select(func.audit_events_about(subjects)))


def _about_record(e: Row, identity: Expression) -> Expression:
    if not e.scope.follows:
        e.scope.unfollowed |= {"merged_patients", "merged_payers"}
        return _about(e, func.array(select(identity).scalar_subquery()))
    # An id is of one kind, so that at most one of the groups has more than the record itself.
    groups = [e.scope.group(links, identity) for links in ("merged_patients", "merged_payers")]
    return _about(e, groups[0].op("||")(groups[1]))


def _about_patient(e: Row, patient: Expression) -> Expression:
    """The patient and all records of the patient: cases, encounters, invoices, their cheques and scans, and the patient as payer.

    A patient is also those who were merged with this one, also by their payers.
    """
    scope = e.scope
    direct = [scope.row(table) for table in (tables.cases, tables.encounters, tables.invoices, tables.payers)]
    found = [
        select(row.id)
        .select_from(row.source)
        .where(row.clinic_id == scope.clinic_id, row.refers("patient_id", patient))
        for row in direct
    ]
    i, a, c = (scope.row(table) for table in (tables.invoices, tables.cheque_allocations, tables.cheques))
    paying = a.source.join(i.source, by_id("invoice_id")(a, i)).join(c.source, by_id("cheque_id")(a, c))
    for part in (c.id, c.document_id):
        billed = (i.clinic_id == scope.clinic_id, a.clinic_id == scope.clinic_id, i.refers("patient_id", patient))
        found.append(select(part).select_from(paying).where(*billed))
    own = select(func.unnest(scope.group("merged_patients", patient))) if scope.follows else select(patient)
    return _about(e, func.array(union_all(own, *found).scalar_subquery()))


def _is_chained(e: Row) -> Expression:
    link = e.scope.row(tables.audit_chain)
    return there_is(link, owned_event(e, link))


def owned_event(e: Row, link: Row) -> Expression:
    """That a link of the hash chain refers to an event."""
    return (link.clinic_id == e.scope.clinic_id) & (link.event_id == e.id)


AUDIT_EVENT = View(
    tables.audit_events,
    {
        "id": lambda e: id_expression("AuditEvent", e.id),
        **plain("at", "operation", "fields", "filters", "row_count", "request_id"),
        "role": name_of("role"),
        "by": One("User", by_id("user_id")),
        "entities": JsonList("AuditEntity", _entities),
        "chained": _is_chained,
    },
    {
        "patientId": Filter(_about_patient, Uuid()),
        "entityId": Filter(_about_record, Uuid()),
        "userId": Filter(lambda e, user: e.user_id == user, Uuid()),
        "field": Filter(lambda e, name: name == any_(e.fields), Text()),
        "operation": Filter(
            lambda e, name: name == any_(func.string_to_array(e.operation, literal_column("' '"))), Text()
        ),
        "atFrom": Filter(lambda e, moment: e.at >= moment, _MOMENT),
        "atTo": Filter(lambda e, moment: e.at < moment, _MOMENT),
    },
    order=Order(lambda e: e.at, _MOMENT, descending=True),
    listed_as="auditTrail",
    filter_type="AuditFilter",
)
AUDIT_ENTITY = View(tables.audit_entities, plain("type", "id"))
