"""The GraphQL type, filter and mutations of the clinic's own list of reason codes, and the groups in which payers send them."""

from functools import partial
from typing import Any

import strawberry

from domain.billing.claims.adjustments import REASON_CODE
from permissions.classes import input_field, output_field
from resolvers.commands.records import parties, reason_codes
from schema.connections import Node
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations
from schema.records.enums import AdjustmentGroup

__all__ = ["ReasonCode", "ReasonCodeFilter", "ReasonCodeMutations"]


_GROUP = "The group with which payers send it; null if that differs."


@strawberry.type(description="A reason for which payers adjust or deny, of the clinic's own list.")
class ReasonCode(Node):
    id: strawberry.ID = output_field("records", "The reason code's id.")
    code: str = output_field("records", "The code, as payers send it.")
    group: AdjustmentGroup | None = output_field("records", _GROUP)
    label: str = output_field("records", "What it means, in the clinic's own words.")
    active: bool = output_field("records", "Whether adjustments and denials can still be recorded with it.")


@strawberry.input(description="Only reason codes that match this filter.")
class ReasonCodeFilter:
    code: str | None = input_field(("ReasonCode.code",), "The start of the code.")
    active_only: bool | None = input_field(("ReasonCode.active",), "If true, only codes that are not retired.")


ReasonCodeMutations: Any = record_mutations(
    ReasonCode,
    "reason code",
    (
        RecordField("code", str, "The code, as payers send it.", is_required=True, is_create_only=True),
        RecordField("group", AdjustmentGroup, _GROUP),
        RecordField("label", str, "What it means, in your own words.", is_required=True),
        active("reason code", "Whether it can be recorded; true reactivates a retired code."),
    ),
    RecordCommands(reason_codes.create, reason_codes.update, partial(parties.retire, kind=REASON_CODE)),
    RecordTexts(
        new="A new code for the list of reason codes.",
        create="Add a code to the list of reason codes. Once the list has a code, adjustments and denials with other codes are refused.",
        retired="The reason code to retire. No adjustment or denial can be recorded with it any more.",
        retire="Retire a reason code. Adjustments and denials that have it stay as they are.",
    ),
)
