"""The tables of procedure codes, reason codes, exam types and fee schedules."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
    Text,
    UniqueConstraint,
    text,
)

from db.tables.base import clinic_table, index, money, normal_form, one_of, refers, words
from domain.billing.coverages import AdjustmentGroup
from domain.pricing.pricing import BilateralPolicy, SelectionRule

cpt_codes = clinic_table(
    "cpt_codes",
    words("code"),
    Column("label", Text, nullable=False),
    money("base_price"),
    Column("bilateral_policy", Text, nullable=False, server_default=BilateralPolicy.DOUBLE.value),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    UniqueConstraint("clinic_id", "code", "valid_from"),
    one_of("bilateral_policy", BilateralPolicy),
    CheckConstraint("base_price >= 0", name="base_price_not_negative"),
    CheckConstraint("valid_to is null or valid_to > valid_from", name="ends_after_it_begins"),
)

# The clinic's own list of the reasons for which payers adjust or deny; while it is empty, every code is accepted.
reason_codes = clinic_table(
    "reason_codes",
    words("code"),
    # The group with which payers send it; null where that differs.
    Column("adjustment_group", Text),
    Column("label", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("clinic_id", "code"),
    one_of("adjustment_group", AdjustmentGroup),
)

exam_types = clinic_table(
    "exam_types",
    *refers("parent_id", "exam_types", nullable=True),
    Column("name", Text, nullable=False),
    words("code", nullable=True),
    Column("selection_rule", Text, nullable=False, server_default=SelectionRule.ANY.value),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    one_of("selection_rule", SelectionRule),
    index("ix_exam_types_parent", "parent_id", "position"),
)

# Without a payer: the clinic's own schedule. With a payer: rates negotiated with it. One that ends on its first day was never valid.
fee_schedules = clinic_table(
    "fee_schedules",
    Column("name", Text, nullable=False),
    normal_form("name_key"),
    *refers("payer_id", "payers", nullable=True),
    *refers("facility_id", "facilities", nullable=True),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    CheckConstraint("valid_to is null or valid_to >= valid_from", name="ends_after_it_begins"),
    index("ix_fee_schedules_payer", "payer_id", "facility_id", "valid_from"),
)

fee_schedule_rates = clinic_table(
    "fee_schedule_rates",
    *refers("fee_schedule_id", "fee_schedules"),
    words("code"),
    money("rate"),
    UniqueConstraint("clinic_id", "fee_schedule_id", "code"),
    CheckConstraint("rate >= 0", name="rate_not_negative"),
    index("ix_fee_schedule_rates_code", "code"),
)
