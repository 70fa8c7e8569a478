"""Every value of a published enum that a person sees has a short label."""

import pytest

from schema import enums, payment_enums
from schema.labels import LABELS

FOR_PROGRAMS = {"ErrorCode", "Direction"}
LONGEST = 30


def test_every_enum_but_those_for_programs_has_labels() -> None:
    assert set(LABELS) == {*enums.__all__, *payment_enums.__all__} - FOR_PROGRAMS, (
        "add the labels of the enum to schema/labels.py"
    )


@pytest.mark.parametrize("name", sorted(LABELS))
def test_every_value_has_a_short_label_of_its_own(name: str) -> None:
    labels = LABELS[name]
    module = enums if name in enums.__all__ else payment_enums
    assert set(labels) == set(getattr(module, name).__members__), f"LABELS and {name} have different values"
    assert len(set(labels.values())) == len(labels)
    assert all(0 < len(label) <= LONGEST and label.strip() == label for label in labels.values())
