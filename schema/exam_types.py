"""Decides what is said of the exams that can be done at a visit."""

from typing import Annotated

import strawberry

from permissions.classes import shown, takes
from schema.connections import Node
from schema.enums import SelectionRule
from schema.reading import compiled
from schema.references import ExamTypeRef


def _sub_exams(
    active_only: Annotated[
        bool | None, takes("Only exams that may still be selected; retired ones, too, when it is false.", "treatment")
    ] = True,
) -> list[ExamTypeRef]:
    return compiled()


@strawberry.type(description="An exam that can be done at a visit: a main exam, or a sub-exam of one.")
class ExamType(Node):
    id: strawberry.ID = shown("treatment", "The exam's id.")
    name: str = shown("treatment", "What the exam is called.")
    code: str | None = shown("treatment", "The code that it is billed by; nothing when it only groups its sub-exams.")
    selection_rule: SelectionRule = shown("treatment", "How many of its sub-exams are selected with it.")
    position: int = shown("treatment", "Its place among its neighbours, from the first on.")
    active: bool = shown("treatment", "Whether it may still be selected.")
    parent: ExamTypeRef | None = shown("treatment", "The main exam that it belongs to; nothing when it is one.")
    sub_exams: list[ExamTypeRef] = shown("treatment", "Its sub-exams, in their order.", resolver=_sub_exams)
