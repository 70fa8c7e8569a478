"""Decides what opening, representing, settling and reopening a case asks of billing staff."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import done, given, takes
from resolvers import cases
from resolvers.writing import run
from schema.payloads import CasePayload

_KEY = "A text of your own that makes it safe to send the same step again within 24 hours."


@strawberry.input(description="A case to be opened.")
class CreateCaseInput:
    patient_id: strawberry.ID = given("staff", "Who was injured.")
    date_of_injury: date = given("staff", "The day of the injury.")
    opened_on: date | None = given("staff", "The day on which the clinic opened the case; today when nothing is said.")
    number: str | None = given("staff", "A case number of your own; without it, the next of the year.")
    attorney_id: strawberry.ID | None = given("staff", "Who represents the patient.")
    idempotency_key: str | None = given("staff", _KEY)


@strawberry.input(description="Who represents a case from today on.")
class AssignAttorneyInput:
    case_id: strawberry.ID = given("staff", "The case that is meant.")
    attorney_id: strawberry.ID | None = given("staff", "Who represents it from now on; null for nobody.")
    idempotency_key: str | None = given("staff", _KEY)


@strawberry.input(description="The case that is settled.")
class SettleCaseInput:
    case_id: strawberry.ID = given("staff", "The case that is meant.")
    idempotency_key: str | None = given("staff", _KEY)


@strawberry.input(description="The settled case that is opened again.")
class ReopenCaseInput:
    case_id: strawberry.ID = given("administration", "The case that is meant.")
    reason: str = given("administration", "Why it is opened again.")
    idempotency_key: str | None = given("administration", _KEY)


@strawberry.type
class CaseSteps:
    """The mutations of cases."""

    @done(ACTIONS["create_case"], "Open a case.")
    async def create_case(
        self, info: Info, input: Annotated[CreateCaseInput, takes("What is known of the case.", "staff")]
    ) -> CasePayload:
        return CasePayload(done=await run(info, "create_case", input, cases.create))

    @done(
        ACTIONS["assign_attorney"],
        "Say who represents a case from today on; who did so before loses sight of it at once.",
    )
    async def assign_attorney(
        self, info: Info, input: Annotated[AssignAttorneyInput, takes("The case, and its attorney.", "staff")]
    ) -> CasePayload:
        return CasePayload(done=await run(info, "assign_attorney", input, cases.assign_attorney))

    @done(ACTIONS["settle_case"], "Settle a case: all of its covered invoices are paid.")
    async def settle_case(
        self, info: Info, input: Annotated[SettleCaseInput, takes("The case.", "staff")]
    ) -> CasePayload:
        return CasePayload(done=await run(info, "settle_case", input, cases.settle))

    @done(ACTIONS["reopen_case"], "Open a settled case again.")
    async def reopen_case(
        self, info: Info, input: Annotated[ReopenCaseInput, takes("The case, and why.", "administration")]
    ) -> CasePayload:
        return CasePayload(done=await run(info, "reopen_case", input, cases.open_again))
