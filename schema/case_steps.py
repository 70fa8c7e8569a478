"""Decides what settling a case and opening it again asks of billing staff."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import done, given, takes
from resolvers import cases
from resolvers.writing import run
from schema.payloads import CasePayload

_KEY = "A text of your own that makes it safe to send the same step again within 24 hours."


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
    """The mutations that settle a case and open it again."""

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
