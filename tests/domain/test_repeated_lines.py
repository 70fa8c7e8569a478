"""Repeated lines: which lines repeat others, against a plain definition, and what is said about them."""

from itertools import product

import pytest

from domain.billing.transition import WantedLine
from domain.errors import Conflict
from domain.treatment.repeated_lines import Billed, Repeat, confirmation, refuse_repeats, repeats_of

_KINDS = [("A", False), ("A", True), ("B", False), ("OPENING", False)]
_BILLED: list[dict[Billed, str]] = [{}, {("A", False): "INV-1"}, {("A", True): "INV-2", ("B", False): "INV-3"}]


@pytest.mark.parametrize("billed", _BILLED)
def test_a_line_repeats_what_is_billed_elsewhere_or_before_it(billed: dict[Billed, str]) -> None:
    for kinds in (kinds for count in range(4) for kinds in product(_KINDS, repeat=count)):
        lines = [WantedLine(code, 1, bilateral) for code, bilateral in kinds]
        expected = [
            place
            for place, kind in enumerate(kinds)
            if kind[0] != "OPENING" and (kind in billed or kind in kinds[:place])
        ]
        assert [repeat.position for repeat in repeats_of(lines, billed)] == expected


def test_the_refusal_names_the_other_invoice_or_line_and_the_step_that_helps() -> None:
    lines = [WantedLine("A"), WantedLine("B"), WantedLine("A")]
    refuse_repeats(lines, [], [("lines", "0")] * 3)
    places = [("lines", str(place)) for place in range(3)]
    with pytest.raises(Conflict, match=r"Line 3 repeats line 1: A for .* confirmDuplicate") as refusal:
        refuse_repeats(lines, repeats_of(lines, {}), places)
    assert refusal.value.path == ("lines", "2")
    with pytest.raises(Conflict, match=r"Line 2 repeats invoice INV-7: B for"):
        refuse_repeats(lines, [Repeat(1, "INV-7")], places)


def test_the_history_says_which_lines_were_confirmed() -> None:
    lines = [WantedLine("A", 2), WantedLine("B", 1, bilateral=True)]
    assert confirmation(lines, []) == []
    [change] = confirmation(lines, [0, 1])
    assert change == {"field": "confirmedDuplicates", "before": None, "after": "2 of A, 1 of B both sides"}
