"""Decides what is kept of codes, exam types and fee schedules, and what follows from it."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from domain.errors import InvalidInput
from domain.money import LARGEST
from domain.parties import Kind
from domain.pricing import BilateralPolicy, SelectionRule
from domain.texts import NAME, Text

MOST_RATES = 1_000
_LAST_POSITION = 1_000_000
# Codes are written without blanks, so that none is mistaken for another.
CODE = Text(50, needed=True, form=r"\S+", words="A code has no blanks")
_CODE_OF_EXAM = Text(50, form=CODE.form, words=CODE.words)


def check_amount(amount: Decimal | None, *path: str) -> Decimal:
    """A price of one unit; refuses one below nothing."""
    if amount is None:
        raise InvalidInput("This cannot be left blank", path)
    if not 0 <= amount <= LARGEST:
        raise InvalidInput("A price is not below 0", path)
    return amount


def check_validity(valid_from: date | None, valid_to: date | None) -> None:
    """Refuse days between which nothing is valid; the last day itself is not among them."""
    if valid_from is None:
        raise InvalidInput("This cannot be left blank", ("valid_from",))
    if valid_to is not None and valid_to <= valid_from:
        raise InvalidInput("This ends after it begins: the first day on which it is not valid any more", ("valid_to",))


def check_rates(rates: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rates of a fee schedule that are too many for one step, below nothing, or two for one code."""
    if len(rates) > MOST_RATES:
        raise InvalidInput(f"At most {MOST_RATES:,} rates in one step", ("rates",))
    known: set[str] = set()
    for place, rate in enumerate(rates):
        check_amount(rate["rate"], "rates", str(place), "rate")
        if rate["code"] in known:
            raise InvalidInput(f"Line {place + 1}: This code has a rate already", ("rates", str(place), "code"))
        known.add(rate["code"])


def _code(row: Mapping[str, Any]) -> Mapping[str, Any]:
    check_amount(row["base_price"], "base_price")
    check_validity(row["valid_from"], row.get("valid_to"))
    if row["bilateral_policy"] is None:
        raise InvalidInput("This cannot be left blank", ("bilateral_policy",))
    return {"bilateral_policy": BilateralPolicy(row["bilateral_policy"]).value}


def _exam_type(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if row["selection_rule"] is None or row["position"] is None:
        raise InvalidInput(
            "This cannot be left blank", ("selection_rule" if row["position"] is not None else "position",)
        )
    if not 0 <= row["position"] <= _LAST_POSITION:
        raise InvalidInput(f"A place is 0 to {_LAST_POSITION:,}", ("position",))
    if row.get("parent_id") is not None and not row.get("code"):
        raise InvalidInput("A sub-exam has a code: it is what is billed", ("code",))
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


def begins_anew(row: Mapping[str, Any], given: Mapping[str, Any], today: date) -> date | None:
    """The day from which new prices of a row hold; None where they hold since its first day, so that there is no before.

    InvalidInput for a day on which the row is not valid.
    """
    since: date = given.get("effective_from") or max(today, row["valid_from"])
    if since < row["valid_from"] or (row["valid_to"] is not None and since >= row["valid_to"]):
        raise InvalidInput("New prices begin on a day on which it is valid", ("effective_from",))
    return since if since > row["valid_from"] else None
