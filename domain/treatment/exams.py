"""The rules for selecting exams, and the invoice lines of a selection: one per selected exam that has a code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.billing.transition import WantedLine
from domain.errors import InvalidInput, NotFound
from domain.pricing.pricing import MOST_LINES, MOST_UNITS, Place, SelectionRule, naming

# Rule → the minimum and maximum number of sub-exams of a selected main exam (None: no maximum), and the rule in words.
RULES: dict[SelectionRule, tuple[int, int | None, str]] = {
    SelectionRule.ANY: (0, None, "any of its sub-exams"),
    SelectionRule.EXACTLY_ONE: (1, 1, "exactly one of its sub-exams"),
    SelectionRule.AT_LEAST_ONE: (1, None, "at least one of its sub-exams"),
}


@dataclass(frozen=True, slots=True)
class MainExam:
    """An exam at the top of the tree; its rule applies only when it has sub-exams."""

    id: UUID
    name: str
    rule: SelectionRule
    has_parts: bool


@dataclass(frozen=True, slots=True)
class Exam:
    """An exam that may be selected: a main exam, or a sub-exam of one. An exam without a code is a group and bills nothing."""

    id: UUID
    code: str | None
    is_active: bool
    main: MainExam


@dataclass(frozen=True, slots=True)
class SelectedExam:
    """An exam that was done: on one side or both, and how many units."""

    exam_type_id: UUID
    bilateral: bool = False
    units: int = 1


def check_selection(selected: Sequence[SelectedExam], exams: Mapping[UUID, Exam], field: str) -> None:
    """Refuse an invalid selection; the error names the exam by its position in the input `field`."""
    if len(selected) > MOST_LINES:
        raise InvalidInput(f"A visit has at most {MOST_LINES} exams", (field,))
    for position, one in enumerate(selected):
        with naming((field, str(position))):
            _check(one, exams.get(one.exam_type_id))
    for main in {exam.main.id: exam.main for exam in _found(selected, exams)}.values():
        _check_rule(main, selected, exams, field)


def _check(selected: SelectedExam, exam: Exam | None) -> None:
    if exam is None:
        raise NotFound("There is no such exam", ("exam_type_id",))
    if not exam.is_active:
        raise InvalidInput("This exam is retired", ("exam_type_id",))
    if not 1 <= selected.units <= MOST_UNITS:
        raise InvalidInput(f"Units are 1 to {MOST_UNITS}", ("units",))


def _check_rule(main: MainExam, selected: Sequence[SelectedExam], exams: Mapping[UUID, Exam], field: str) -> None:
    """A sub-exam that is selected twice, such as for the left and the right arm, counts once."""
    least, most, words = RULES[main.rule]
    parts = {exam.id for exam in _found(selected, exams) if exam.main.id == main.id and exam.id != main.id}
    if main.has_parts and not least <= len(parts) <= (len(parts) if most is None else most):
        position = next(at for at, one in enumerate(selected) if exams[one.exam_type_id].main.id == main.id)
        with naming((field, str(position))):
            raise InvalidInput(f"{main.name} takes {words}", ("exam_type_id",))


def _found(selected: Iterable[SelectedExam], exams: Mapping[UUID, Exam]) -> list[Exam]:
    return [exams[one.exam_type_id] for one in selected]


def lines_of(
    selected: Sequence[SelectedExam], exams: Mapping[UUID, Exam], *where: str
) -> tuple[list[WantedLine], list[Place]]:
    """The lines of a selection, and each line's position in the input `where`. Selecting an exam does not select its sub-exams."""
    lines, places = [], []
    for position, one in enumerate(selected):
        code = exams[one.exam_type_id].code
        if code is not None:
            lines.append(WantedLine(code, one.units, one.bilateral))
            places.append((*where, str(position)))
    return lines, places
