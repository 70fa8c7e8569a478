"""GraphQL types and mutations of exam types."""

from functools import partial
from typing import Annotated, Any

import strawberry

from domain.pricing.price_lists import EXAM_TYPE
from permissions.classes import argument, input_field, output_field
from resolvers.commands.records import exam_types, parties
from schema.connections import Node
from schema.enums import SelectionRule
from schema.reading import compiled
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations
from schema.references import ExamTypeRef


def _sub_exams(
    active_only: Annotated[
        bool | None, argument("If true, only active exams; if false, retired exams as well.", "treatment")
    ] = True,
) -> list[ExamTypeRef]:
    return compiled()


@strawberry.type(description="An exam that can be done at a visit: a main exam, or a sub-exam of one.")
class ExamType(Node):
    id: strawberry.ID = output_field("treatment", "The exam's id.")
    name: str = output_field("treatment", "The name of the exam.")
    code: str | None = output_field(
        "treatment", "The CPT code with which it is billed; null if it has nothing but its sub-exams."
    )
    selection_rule: SelectionRule = output_field("treatment", "How many of its sub-exams must be selected with it.")
    position: int = output_field("treatment", "The position among the exams of the same parent.")
    active: bool = output_field("treatment", "Whether it can still be selected.")
    parent: ExamTypeRef | None = output_field("treatment", "The main exam to which it belongs; null for a main exam.")
    sub_exams: list[ExamTypeRef] = output_field("treatment", "The sub-exams in their order.", resolver=_sub_exams)


@strawberry.input(description="An exam that was done or is to be priced.")
class ExamLineInput:
    exam_type_id: strawberry.ID = input_field("treatment", "The exam.")
    bilateral: bool = input_field("treatment", "Whether it was done on both sides.", default=False)
    units: int = input_field("treatment", "The number of units, 1 to 999.", default=1)


ExamTypeMutations: Any = record_mutations(
    ExamType,
    "exam",
    (
        RecordField("name", str, "The name of the exam.", is_required=True),
        RecordField(
            "parent_id",
            strawberry.ID,
            "The main exam to which the sub-exam belongs; omit it for a main exam.",
            is_create_only=True,
        ),
        RecordField(
            "code", str, "The CPT code with which it is billed; a main exam without a code only groups its sub-exams."
        ),
        RecordField(
            "selection_rule",
            SelectionRule,
            "How many of its sub-exams must be selected with it.",
            default=SelectionRule.ANY,
        ),
        RecordField("position", int, "The position among the exams of the same parent.", default=0),
        active("exam", "Whether it can be selected; true reactivates a retired exam."),
    ),
    RecordCommands(exam_types.create, exam_types.update, partial(parties.retire, kind=EXAM_TYPE)),
    RecordTexts(
        new="A new main exam, or a new sub-exam of a main exam.",
        new_argument="The exam and its position.",
        create="Add an exam to the tree.",
        update="Change an exam of the tree.",
        retired="The exam to retire, together with its sub-exams. Retired exams cannot be selected.",
        retire="Retire an exam. Existing visits stay as they are.",
    ),
)
