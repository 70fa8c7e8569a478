"""Decides what creating, changing and retiring an exam asks of administrators."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.price_lists import EXAM_TYPE
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import exam_types, parties
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.enums import SelectionRule
from schema.errors import UserError
from schema.exam_types import ExamType
from schema.keys import key
from schema.payloads import told

_EXAM = "The exam that is meant."
_NAME = "What the exam is called."
_CODE = "The code that it is billed by; a main exam without one only groups its sub-exams."
_RULE = "How many of its sub-exams are selected with it."
_POSITION = "Its place among its neighbours."


@strawberry.type(description="The answer to a change of an exam.")
class ExamTypePayload:
    done: Private[Done]

    @asked("administration", "The exam as it is now; nothing when the change was refused.")
    async def exam_type(self, info: Info) -> ExamType | None:
        return await follow(info, "ExamType", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("administration", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="A main exam or, with a main exam above it, a sub-exam.")
class CreateExamTypeInput:
    name: str = given("administration", _NAME)
    parent_id: strawberry.ID | None = given("administration", "The main exam that it is a sub-exam of.")
    code: str | None = given("administration", _CODE)
    selection_rule: SelectionRule = given("administration", _RULE, default=SelectionRule.ANY)
    position: int = given("administration", _POSITION, default=0)
    idempotency_key: str | None = key("administration")


@strawberry.input(description="What changes of an exam: what is left out stays, null clears.")
class UpdateExamTypeInput:
    exam_type_id: strawberry.ID = given("administration", _EXAM)
    name: str | None = given("administration", _NAME)
    code: str | None = given("administration", _CODE)
    selection_rule: SelectionRule | None = given("administration", _RULE)
    position: int | None = given("administration", _POSITION)
    active: bool | None = given("administration", "Whether it may be selected; true brings back what was retired.")
    idempotency_key: str | None = key("administration")


@strawberry.input(description="An exam that is not selected any more, and its sub-exams with it.")
class RetireExamTypeInput:
    exam_type_id: strawberry.ID = given("administration", _EXAM)
    idempotency_key: str | None = key("administration")


@strawberry.type
class ExamTypeSteps:
    """The mutations of exams."""

    @done(ACTIONS["create_exam_type"], "Add an exam to the tree.")
    async def create_exam_type(
        self, info: Info, input: Annotated[CreateExamTypeInput, takes("The exam, and its place.", "administration")]
    ) -> ExamTypePayload:
        return ExamTypePayload(done=await run(info, "create_exam_type", input, exam_types.create))

    @done(ACTIONS["update_exam_type"], "Change an exam of the tree.")
    async def update_exam_type(
        self, info: Info, input: Annotated[UpdateExamTypeInput, takes("The exam, and what changes.", "administration")]
    ) -> ExamTypePayload:
        return ExamTypePayload(done=await run(info, "update_exam_type", input, exam_types.update))

    @done(ACTIONS["retire_exam_type"], "Retire an exam: visits that name it stay as they are.")
    async def retire_exam_type(
        self, info: Info, input: Annotated[RetireExamTypeInput, takes("The exam.", "administration")]
    ) -> ExamTypePayload:
        return ExamTypePayload(
            done=await run(info, "retire_exam_type", input, lambda work: parties.retire(work, EXAM_TYPE))
        )
