"""The rules of contractual adjustments, and of the reason codes and remark codes with which payers explain adjustments and denials."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.billing.coverages import AdjustmentGroup
from domain.errors import InvalidInput
from domain.parties import Kind
from domain.texts import CODE, NAME, Text, required_text

# The groups whose amounts are no longer due; what the patient is responsible for (PR) stays due, by transfer.
ADJUSTING = (AdjustmentGroup.CO, AdjustmentGroup.OA, AdjustmentGroup.PI)
MOST_REMARKS = 20
_REMARK = Text(
    30, needed=True, capitals=True, form="[A-Z0-9]+", words="A remark code has only letters and digits, such as N1"
)


def remark_codes_of(inputs: Mapping[str, Any]) -> list[str]:
    """The remark codes of the input, each once and in capital letters; InvalidInput names one that has another form."""
    codes: Sequence[str] = inputs.get("remark_codes") or ()
    if len(codes) > MOST_REMARKS:
        raise InvalidInput(f"At most {MOST_REMARKS} remark codes", ("remark_codes",))
    found: dict[str, None] = {}
    for place, code in enumerate(codes):
        try:
            found[required_text({"code": code}, "code", _REMARK)] = None
        except InvalidInput as refusal:
            raise refusal.at("remark_codes", str(place)) from None
    return list(found)


def unlisted(code: str, path: tuple[str, ...]) -> InvalidInput:
    """The refusal of a code that is not in the clinic's list."""
    words = f"The reason code {code} is not in the clinic's list; first: Add a reason code (createReasonCode), or import the list"
    return InvalidInput(words, path)


def _reason_code(row: Mapping[str, Any]) -> Mapping[str, Any]:
    group = row.get("adjustment_group")
    return {"adjustment_group": None if group is None else AdjustmentGroup(group).value}


REASON_CODE = Kind(
    "reason_codes",
    "reason code",
    {"code": CODE, "label": NAME},
    _reason_code,
    ("adjustment_group",),
    "code",
    has_active=True,
    key="reason_code_id",
)
