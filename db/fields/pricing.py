"""The SQL of procedure codes, reason codes, exam types and fee schedules."""

from sqlalchemy import Boolean, Date, Integer, Text, Uuid, and_, not_, or_

from db import tables
from db.fields.base import Expression, Filter, Many, One, Order, Pages, View, amounts, by_id, name_of, owned, plain
from db.fields.parties import starts_with
from db.global_ids import id_expression
from db.row import Row
from domain.normal_forms import code_form

_SORTED_TEXT = Text(collation="C")


def _valid_on(c: Row, day: Expression) -> Expression:
    return and_(c.valid_from <= day, or_(c.valid_to.is_(None), c.valid_to > day))


CPT_CODE = View(
    tables.cpt_codes,
    {
        "id": lambda c: id_expression("CptCode", c.id),
        **plain("code", "label", "active", "valid_from", "valid_to"),
        **amounts("base_price"),
        "bilateralPolicy": name_of("bilateral_policy"),
    },
    {
        "code": Filter(lambda c, prefix: starts_with(c.code, prefix), _SORTED_TEXT, code_form),
        "activeOnly": Filter(lambda c, wanted: c.active if wanted else c.id.is_not(None)),
        "validOn": Filter(_valid_on, Date()),
    },
    order=Order(lambda c: c.code, _SORTED_TEXT),
    listed_as="cptCodes",
)

REASON_CODE = View(
    tables.reason_codes,
    {
        "id": lambda r: id_expression("ReasonCode", r.id),
        **plain("code", "label", "active"),
        "group": name_of("adjustment_group"),
    },
    {
        "code": Filter(lambda r, prefix: starts_with(r.code, prefix), _SORTED_TEXT, code_form),
        "activeOnly": Filter(lambda r, wanted: r.active if wanted else r.id.is_not(None)),
    },
    order=Order(lambda r: r.code, _SORTED_TEXT),
    listed_as="reasonCodes",
)

EXAM_TYPE = View(
    tables.exam_types,
    {
        "id": lambda e: id_expression("ExamType", e.id),
        **plain("name", "code", "position", "active"),
        "selectionRule": name_of("selection_rule"),
        "parent": One("ExamType", by_id("parent_id")),
        "subExams": Many(
            "ExamType",
            owned("parent_id"),
            lambda e: [e.position, e.id],
            {"activeOnly": Filter(lambda e, only: or_(not_(only), e.active), Boolean())},
        ),
    },
    {"activeOnly": Filter(lambda e, wanted: e.active if wanted else e.id.is_not(None))},
    order=Order(lambda e: e.position, Integer()),
    listed_as="examTypes",
    whole=True,
    top=lambda e: e.parent_id.is_(None),
)

FEE_SCHEDULE = View(
    tables.fee_schedules,
    {
        "id": lambda s: id_expression("FeeSchedule", s.id),
        **plain("name", "valid_from", "valid_to"),
        "payer": One("Payer", by_id("payer_id")),
        "facility": One("Facility", by_id("facility_id")),
        "rates": Pages("FeeScheduleRate", owned("fee_schedule_id")),
    },
    {"payerId": Filter(lambda s, payer: s.refers("payer_id", payer), Uuid())},
    order=Order(lambda s: s.valid_from, Date(), descending=True),
    listed_as="feeSchedules",
    whole=True,
)

FEE_SCHEDULE_RATE = View(
    tables.fee_schedule_rates,
    {**plain("code"), **amounts("rate")},
    {"code": Filter(lambda r, prefix: starts_with(r.code, prefix), _SORTED_TEXT, code_form)},
    order=Order(lambda r: r.code, _SORTED_TEXT),
)
