"""The SQL of patients, payers, firms, attorneys, physicians and facilities, with their search by name."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    CompoundSelect,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    case,
    column,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from db import tables
from db.fields.base import (
    Expression,
    Filter,
    One,
    Order,
    Pages,
    View,
    by_id,
    name_of,
    owned,
    plain,
    text_of,
    there_is,
)
from db.fields.holds import in_force
from db.global_ids import id_expression
from db.row import Row, Scope
from domain.access.people import Role
from domain.normal_forms import normal_key
from domain.records.addresses import columns_of
from permissions.rules import RULES, STAFF

_ADDRESS = columns_of("address")
UUIDS, TEXTS = ARRAY(Uuid()), ARRAY(Text())
_SORTED_TEXT = Text(collation="C")


def starts_with(text: Expression, prefix: Expression) -> Expression:
    """That a text begins with a prefix, as a range condition that can use an index under row-level security."""
    return and_(text >= prefix, text < prefix.concat(literal("\U0010ffff", literal_execute=True)))


def patients_named(scope: Scope, prefix: Expression) -> Select[tuple[object]]:
    """The ids of the clinic's patients with a part of the name that begins with a prefix."""
    n = scope.row(tables.patient_names)
    found = select(n.patient_id.label("id")).select_from(n.source)
    return found.where(n.clinic_id == scope.clinic_id, starts_with(n.fragment, prefix), *_own_names(n, n.patient_id))


def _own_names(row: Row, patient: Expression) -> list[Expression]:
    """For billing staff, a merged patient is found by what it was called before; others do not see what that was."""
    if not row.scope.follows or row.scope.role in STAFF:
        return []
    link = row.scope.row(tables.merged_patients)
    return [~there_is(link, link.keyed(patient))]


def patients_found(scope: Scope, prefix: Expression) -> Select[Any] | CompoundSelect[Any]:
    """The ids of the clinic's patients by name and, for roles that see them, by record number and telephone number.

    With a patient those are found that are one with it.
    """
    if not scope.follows:
        return _found(scope, prefix)
    link = scope.row(tables.merged_patients)
    found = _found(scope, prefix).subquery(scope.name("found"))
    mine = or_(found.c.id == link.id, found.c.id == link.survivor_id)
    source = link.source.join(found, and_(link.clinic_id == scope.clinic_id, mine))
    linked = select(func.unnest(link.group_ids)).select_from(source)
    return union_all(select(found.c.id), linked)


def _found(scope: Scope, prefix: Expression) -> Select[Any] | CompoundSelect[Any]:
    named = patients_named(scope, prefix)
    if not RULES["contact"].allows(scope.role):
        return named
    by_record, by_phone = scope.row(tables.patients), scope.row(tables.patients)
    return union_all(
        named,
        _patients_where(by_record, starts_with(by_record.mrn_key, prefix)),
        _patients_where(by_phone, starts_with(by_phone.phone_key, _phone_prefix(prefix))),
    )


def _patients_where(p: Row, condition: Expression) -> Select[Any]:
    found: Select[Any] = select(p.id.label("id")).select_from(p.source)
    return found.where(p.clinic_id == p.scope.clinic_id, condition, *_own_names(p, p.id))


def _phone_prefix(prefix: Expression) -> Expression:
    """The digits of a search that can be the start of a telephone number; null for any other, which finds nothing."""
    digits = func.regexp_replace(prefix, _sql(r"^\s*\+?1(?=\D)|\D"), _sql(""), _sql("g"))
    national = func.regexp_replace(digits, _sql("^1(?=[0-9]{10}$)"), _sql(""))
    return case((prefix.bool_op("~")(_sql(_LIKE_A_PHONE)), national), else_=null())


def _sql(text: str) -> Expression:
    return literal(text, Text(), literal_execute=True)


def _payer_found(p: Row, prefix: Expression) -> Expression:
    """Billing staff find a payer by the name of one that was merged into it, too."""
    own = _has_fragment(p, prefix)
    if not p.scope.follows or p.scope.role not in STAFF:
        return own
    link, merged = p.scope.row(tables.merged_payers), p.scope.row(tables.payers)
    of_it = and_(link.clinic_id == p.scope.clinic_id, link.survivor_id == p.id)
    found: Select[Any] = select(literal_column("1")).select_from(
        link.source.join(merged.source, by_id("id")(link, merged))
    )
    return or_(own, exists(found.where(of_it, _has_fragment(merged, prefix))))


def _has_fragment(row: Row, prefix: Expression) -> Expression:
    fragments = func.unnest(row.name_fragments).table_valued(column("part", _SORTED_TEXT), name=f"{row.alias}_parts")
    parts = fragments.render_derived()
    return exists(select(1).select_from(parts).where(starts_with(parts.c.part, prefix)))


def _not_retired(party: Row) -> Expression:
    return party.retired_at.is_(None)


# At least three digits, and what is written between them.
_LIKE_A_PHONE = r"^[-+(). ]*([0-9][-+(). ]*){3,}$"
_BY_NAME = {"search": Filter(_has_fragment, _SORTED_TEXT, normal_key)}


def _firm_name(a: Row) -> Expression:
    """The name of the firm itself: attorneys' records may still spell it in several ways."""
    f = a.scope.row(tables.firms)
    return select(f.name).select_from(f.source).where(by_id("firm_id")(a, f)).scalar_subquery()


def attorneys_of_firms(scope: Scope, firms: Expression) -> Select[tuple[object]]:
    """The ids of the clinic's attorneys who belong to one of these firms."""
    a = scope.row(tables.attorneys)
    return select(a.id).select_from(a.source).where(a.clinic_id == scope.clinic_id, a.firm_id == any_(firms))


_OF_FIRM = {"firmId": Filter(lambda party, ids: party.firm_id == any_(ids), UUIDS)}


def _payer_name(p: Row) -> Expression:
    """An analyst's data set contains no patient's name, not even that of a patient who is the payer."""
    return p.listed_name if p.scope.role is Role.ANALYST else p.name


PATIENT = View(
    tables.patients,
    {
        "id": lambda p: id_expression("Patient", p.id),
        "name": lambda p: p.first_name.concat(" ").concat(p.last_name),
        **plain("first_name", "last_name", "mrn", "birth_date", "phone", "email", "address", *_ADDRESS),
        "sex": name_of("sex"),
        "active": _not_retired,
        "cases": Pages("Case", owned("patient_id")),
    },
    {"search": Filter(lambda p, text: p.id.in_(patients_found(p.scope, text)), _SORTED_TEXT, normal_key)},
    order=Order(lambda p: p.sort_name, _SORTED_TEXT),
    listed_as="patients",
    found_as="patient",
)

PAYER = View(
    tables.payers,
    {
        "id": lambda p: id_expression("Payer", p.id),
        "name": _payer_name,
        "kind": name_of("kind"),
        **plain("email", "phone", "fax", "address", *_ADDRESS),
        "active": _not_retired,
        "firm": One("Firm", by_id("firm_id")),
        "hold": One(
            "Hold",
            lambda p, h: and_(owned("payer_id")(p, h), in_force(h)),
            lambda h: [h.until_on.desc(), h.id],
        ),
        "invoices": Pages("Invoice", owned("payer_id")),
    },
    {
        "search": Filter(_payer_found, _SORTED_TEXT, normal_key),
        **_OF_FIRM,
        "kind": Filter(lambda p, wanted: p.kind == any_(wanted), TEXTS),
    },
    order=Order(_payer_name, _SORTED_TEXT),
    listed_as="payers",
    found_as="payer",
)

FIRM = View(
    tables.firms,
    {
        "id": lambda f: id_expression("Firm", f.id),
        **plain("name", "email", "phone", "fax", "address", *_ADDRESS),
        "active": _not_retired,
        "attorneys": Pages("Attorney", owned("firm_id")),
        "payers": Pages("Payer", owned("firm_id")),
    },
    _BY_NAME,
    order=Order(lambda f: f.name, _SORTED_TEXT),
    listed_as="firms",
)

ATTORNEY = View(
    tables.attorneys,
    {
        "id": lambda a: id_expression("Attorney", a.id),
        **plain("name", "email", "phone"),
        "firm": _firm_name,
        "lawFirm": One("Firm", by_id("firm_id")),
        "active": _not_retired,
    },
    {**_BY_NAME, **_OF_FIRM},
    order=Order(lambda a: a.name, _SORTED_TEXT),
    listed_as="attorneys",
)

PHYSICIAN = View(
    tables.physicians,
    {
        "id": lambda p: id_expression("Physician", p.id),
        **plain("name", "npi", "taxonomy", "licence_number", "licence_state", "active"),
    },
    _BY_NAME,
    order=Order(lambda p: p.name, _SORTED_TEXT),
    listed_as="physicians",
)

FACILITY = View(
    tables.facilities,
    {
        "id": lambda f: id_expression("Facility", f.id),
        **plain("name", "npi", "place_of_service", "active", *_ADDRESS),
        "geographicFactor": text_of("geographic_factor"),
    },
    _BY_NAME,
    order=Order(lambda f: f.name, _SORTED_TEXT),
    listed_as="facilities",
)
