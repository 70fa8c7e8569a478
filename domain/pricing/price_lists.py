"""The columns and checks of procedure codes, exam types and fee schedules."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from domain.billing.money import LARGEST
from domain.errors import InputReason, InvalidInput
from domain.normal_forms import code_form
from domain.parties import Kind
from domain.pricing.pricing import BilateralPolicy, SelectionRule
from domain.texts import NAME, Text

MOST_RATES = 1_000
LAST_POSITION = 1_000_000
# Codes contain no white space, so that none is mistaken for another.
CODE = Text(50, needed=True, capitals=True, form=r"\S+", words="A code must not contain spaces")
POSITION = Text(7, needed=True, form=r"[0-9]+", words="A position is a whole number such as 3")
_CODE_OF_EXAM = Text(50, capitals=True, form=CODE.form, words=CODE.words)


def check_amount(amount: Decimal | None, *path: str) -> Decimal:
    """A price of one unit; InvalidInput when it is missing, below 0 or above the maximum."""
    if amount is None:
        raise InvalidInput("This cannot be left blank", path, InputReason.BLANK)
    if not 0 <= amount <= LARGEST:
        raise InvalidInput("A price must not be negative", path, InputReason.TOO_LOW, "0")
    return amount


def check_validity(valid_from: date | None, valid_to: date | None) -> None:
    """Refuse an empty validity period; `valid_to` is exclusive."""
    if valid_from is None:
        raise InvalidInput("This cannot be left blank", ("valid_from",), InputReason.BLANK)
    if valid_to is not None and valid_to <= valid_from:
        raise InvalidInput(
            "The end date must be after the start date: it is the first day that is no longer valid", ("valid_to",)
        )


def check_rates(rates: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rates of a fee schedule that are too many for one mutation, below 0, or two for one code."""
    if len(rates) > MOST_RATES:
        raise InvalidInput(f"At most {MOST_RATES:,} rates in one request", ("rates",))
    known: set[str] = set()
    for place, rate in enumerate(rates):
        check_amount(rate["rate"], "rates", str(place), "rate")
        code = code_form(rate["code"])
        if code in known:
            raise InvalidInput(f"Line {place + 1}: This code already has a rate", ("rates", str(place), "code"))
        known.add(code)


def _code(row: Mapping[str, Any]) -> Mapping[str, Any]:
    check_amount(row["base_price"], "base_price")
    check_validity(row["valid_from"], row.get("valid_to"))
    if row["bilateral_policy"] is None:
        raise InvalidInput("This cannot be left blank", ("bilateral_policy",), InputReason.BLANK)
    return {"bilateral_policy": BilateralPolicy(row["bilateral_policy"]).value}


def _exam_type(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if row["selection_rule"] is None or row["position"] is None:
        raise InvalidInput(
            "This cannot be left blank", ("selection_rule" if row["position"] is not None else "position",)
        )
    if not 0 <= row["position"] <= LAST_POSITION:
        raise InvalidInput(f"A position must be 0 to {LAST_POSITION:,}", ("position",))
    if row.get("parent_id") is not None and not row.get("code"):
        raise InvalidInput("A sub-exam needs a code, under which it is billed", ("code",))
    return {"selection_rule": SelectionRule(row["selection_rule"]).value}


CPT_CODE = Kind(
    "cpt_codes",
    "code",
    {"code": CODE, "label": NAME},
    _code,
    ("base_price", "bilateral_policy", "valid_from", "valid_to"),
    "valid_from",
    has_active=True,
    key="cpt_code_id",
)
EXAM_TYPE = Kind(
    "exam_types",
    "exam",
    {"name": NAME, "code": _CODE_OF_EXAM},
    _exam_type,
    ("selection_rule", "position", "parent_id"),
    has_active=True,
    key="exam_type_id",
)


def begins_anew(row: Mapping[str, Any], inputs: Mapping[str, Any], today: date) -> date | None:
    """The date from which new prices of a row apply; None where they apply from its first day, so that no old prices remain.

    InvalidInput for a date on which the row is not valid.
    """
    since: date = inputs.get("effective_from") or max(today, row["valid_from"])
    if since < row["valid_from"] or (row["valid_to"] is not None and since >= row["valid_to"]):
        raise InvalidInput("The date must be within the validity period", ("effective_from",))
    return since if since > row["valid_from"] else None
