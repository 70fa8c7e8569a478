"""Every value of a published enum that a person sees has a short label."""

from enum import EnumType
from typing import Any

import pytest

from schema import enums
from schema.billing import coverage_enums
from schema.billing import enums as billing_enums
from schema.documents import enums as document_enums
from schema.forms.labels import LABELS
from schema.payments import enums as payment_enums
from schema.payments import remittance_enums
from schema.records import enums as record_enums
from schema.records import import_enums

_MODULES = (
    enums,
    billing_enums,
    document_enums,
    import_enums,
    coverage_enums,
    payment_enums,
    record_enums,
    remittance_enums,
)
FOR_PROGRAMS = {"ErrorCode", "InputReason", "Direction"}
LONGEST = 30


def _enums(module: Any) -> dict[str, EnumType]:
    """The enums that a module publishes, by their names."""
    return {name: found for name in module.__all__ if isinstance(found := getattr(module, name), EnumType)}


def test_every_enum_but_those_for_programs_has_labels() -> None:
    assert set(LABELS) == {name for module in _MODULES for name in _enums(module)} - FOR_PROGRAMS, (
        "add the labels of the enum to schema/forms/labels.py"
    )


@pytest.mark.parametrize("name", sorted(LABELS))
def test_every_value_has_a_short_label_of_its_own(name: str) -> None:
    labels = LABELS[name]
    [published] = [_enums(module)[name] for module in _MODULES if name in _enums(module)]
    assert set(labels) == set(published.__members__), f"LABELS and {name} have different values"
    assert len(set(labels.values())) == len(labels)
    assert all(0 < len(label) <= LONGEST and label.strip() == label for label in labels.values())
