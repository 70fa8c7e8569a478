"""The words of a merge of two patients or payers: what differs, what cannot become one, and what was added since."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.api_names import camel

# How many records a refusal names.
_NAMED = 10


class MergeKind(StrEnum):
    """What was merged."""

    PATIENT = "patient"
    PAYER = "payer"


class CollisionKind(StrEnum):
    """What two records have that one record cannot have twice."""

    PAYMENT_NUMBER = "payment_number"
    PRICE = "price"
    PAID_AS_BOTH = "paid_as_both"


@dataclass(frozen=True, slots=True)
class Collision:
    """What stands in the way of a merge: the value that both have, and the records that have it, as global ids."""

    kind: CollisionKind
    value: str
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which both differ, by its name in the API; the surviving value stays."""

    field: str
    merged: str | None
    surviving: str | None


_COLLIDING = {
    CollisionKind.PAYMENT_NUMBER: "Both have payments of the same method and number: {}. Correct one of each pair first",
    CollisionKind.PRICE: "Both have negotiated prices of the same code and days: {}. End or remove one of each pair first",
    CollisionKind.PAID_AS_BOTH: "One owes and the other one paid the same invoice, so that a merge would change its amounts: {}. "
    "Take the payment back first, and record it for the one that owes",
}


def differences(fields: Iterable[str], merged: Mapping[str, Any], surviving: Mapping[str, Any]) -> list[Difference]:
    """The fields in which both differ."""
    found = ((name, _text(merged[name]), _text(surviving[name])) for name in fields)
    return [Difference(camel(name), was, stays) for name, was, stays in found if was != stays]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def refusal_of(kind: CollisionKind, collisions: Sequence[Collision], step: str) -> str:
    """The message of a merge that is refused because of collisions of a kind."""
    return f"{_COLLIDING[kind].format(listed([one.value for one in collisions]))} ({step})"


def listed(values: Sequence[str]) -> str:
    """The first of several values, and how many more there are."""
    more = len(values) - _NAMED
    return ", ".join(values[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def added(before: Iterable[Mapping[str, int]], now: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """What has changed in number since, of what each record of a merge is named by: how much more of what, or less."""
    more = Counter[str]()
    for was, found in zip(before, now, strict=True):
        for name in was.keys() | found.keys():
            more[name] += found.get(name, 0) - was.get(name, 0)
    return {name: more[name] for name in sorted(more) if more[name]}


@dataclass(frozen=True, slots=True)
class PayerPair:
    """Two payers of the patients who are merged, which are merged with them."""

    merged: Mapping[str, Any]
    surviving: Mapping[str, Any]


def own_payers(merged: Sequence[Mapping[str, Any]], surviving: Sequence[Mapping[str, Any]]) -> list[PayerPair]:
    """Which payers are merged with two patients: those of the merged one into the first of the surviving one's that is in use.

    Where only retired ones stay, the payers remain two, and both are the patient's.
    """
    stays = next((one for one in surviving if one["retired_at"] is None), None)
    return [PayerPair(one, stays) for one in merged] if stays is not None else []


def different_attorneys(merged: Iterable[UUID], surviving: Iterable[UUID]) -> bool:
    """Whether the cases of two patients have attorneys, and not the same ones."""
    one, other = set(merged), set(surviving)
    return bool(one) and bool(other) and one != other
