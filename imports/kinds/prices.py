"""Files of prices: the master list of codes, fee schedules, reason codes and the tree of exams."""

from collections.abc import Mapping
from typing import Any

from db.merged_records import surviving
from domain.billing.coverages import AdjustmentGroup
from domain.imports import ImportKind
from domain.pricing.price_lists import check_validity
from domain.pricing.pricing import BilateralPolicy, SelectionRule
from domain.texts import CODE, NAME
from imports.cells import amount, code, day, identifier, name, one_of, position
from imports.kinds import references
from imports.shapes import Apart, Column, Kind, Records, nothing

_FROM = Column("valid_from", day, "valid_from")
_TO = Column("valid_to", day, "valid_to", needed=False)
_PRICE = amount("A price")


def _validity(row: Mapping[str, Any]) -> None:
    check_validity(row["valid_from"], row.get("valid_to"))


KINDS = (
    Kind(
        ImportKind.CODES,
        (
            Column("code", code, "code"),
            Column("label", name(NAME), "label"),
            Column("base_price", _PRICE, "base_price"),
            Column(
                "bilateral_policy",
                one_of(BilateralPolicy),
                "bilateral_policy",
                needed=False,
                blank=BilateralPolicy.DOUBLE.value,
            ),
            _FROM,
            _TO,
        ),
        (Records("cpt_codes", ("code", "valid_from"), ("label", "base_price", "bilateral_policy", "valid_to")),),
        _validity,
        Apart(
            ("code",),
            "select code, valid_from, valid_to from cpt_codes where clinic_id = $1 and code in (select unnest($2::text[]))",
        ),
    ),
    Kind(
        ImportKind.FEE_SCHEDULES,
        (
            Column("schedule", name(NAME), "name"),
            Column("payer", name(NAME), "payer_id", needed=False, refers=references.PAYER),
            Column("facility", name(NAME), "facility_id", needed=False, refers=references.FACILITY),
            _FROM,
            _TO,
            Column("code", code, "code", refers=references.CODE),
            Column("rate", _PRICE, "rate"),
        ),
        (
            Records(
                "fee_schedules",
                ("name_key", "payer_id", "facility_id", "valid_from"),
                ("valid_to",),
                named=("name",),
            ),
            Records("fee_schedule_rates", ("fee_schedule_id", "code"), ("rate",), "fee_schedule_id", replaced=True),
        ),
        _validity,
        Apart(
            ("payer_id", "facility_id", "code"),
            f"""select s.name_key, {surviving("payer", "s.payer_id")} as payer_id, s.facility_id, s.valid_from, s.valid_to, r.code
            from fee_schedule_rates r join fee_schedules s on s.clinic_id = r.clinic_id and s.id = r.fee_schedule_id
            where r.clinic_id = $1 and r.code in (select unnest($2::text[]))""",
        ),
        keys={"name_key": ("name",)},
    ),
    Kind(
        ImportKind.REASON_CODES,
        (
            Column("code", identifier(CODE), "code"),
            Column("group", one_of(AdjustmentGroup), "adjustment_group", needed=False),
            Column("label", name(NAME), "label"),
        ),
        (Records("reason_codes", ("code",), ("adjustment_group", "label")),),
        nothing,
    ),
    Kind(
        ImportKind.EXAM_TYPES,
        (
            Column("name", name(NAME), "name"),
            # The name of the main exam; blank for a main exam itself.
            Column("parent", name(NAME), "parent", needed=False, blank=""),
            Column("code", code, "code", needed=False, refers=references.CODE),
            Column(
                "selection_rule",
                one_of(SelectionRule),
                "selection_rule",
                needed=False,
                blank=SelectionRule.ANY.value,
            ),
            # Blank: it keeps its place, or is the last one.
            Column("position", position, "position", needed=False),
        ),
        # Written as a tree: imports/writing/exam_types.py compares them with the clinic's.
        (Records("exam_types", ("parent_key", "name_key"), ()),),
        nothing,
        keys={"parent_key": ("parent",), "name_key": ("name",)},
    ),
)
