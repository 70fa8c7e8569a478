"""Decides what creating, changing and retiring a code asks of administrators."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.price_lists import CPT_CODE
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import cpt_codes, parties
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.enums import BilateralPolicy
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.pricing import CptCode

_CODE = "The code that is meant, with this validity."
_LABEL = "What the code stands for, in words of your own."
_PRICE = "The price of one unit where no fee schedule says otherwise."
_POLICY = "What treating both sides of the body does to the price."
_FROM = "The first day on which it is valid."
_TO = "The first day on which it is no longer valid; null for without end."


@strawberry.type(description="The answer to a change of a code.")
class CptCodePayload:
    done: Private[Done]

    @asked("administration", "The code as it is now; nothing when the change was refused.")
    async def cpt_code(self, info: Info) -> CptCode | None:
        return await follow(info, "CptCode", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("administration", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(
    description="A code of the master list, or a new price of one from a day on: days that it has a row for are refused."
)
class CreateCptCodeInput:
    code: str = given("administration", "The code, as it is billed.")
    label: str = given("administration", _LABEL)
    base_price: Decimal = given("administration", _PRICE)
    bilateral_policy: BilateralPolicy = given("administration", _POLICY, default=BilateralPolicy.DOUBLE)
    valid_from: date = given("administration", _FROM)
    valid_to: date | None = given("administration", _TO)
    idempotency_key: str | None = key("administration")


@strawberry.input(
    description="What changes of a code: what is left out stays. Invoices keep what they were written with."
)
class UpdateCptCodeInput:
    cpt_code_id: strawberry.ID = given("administration", _CODE)
    label: str | None = given("administration", _LABEL)
    base_price: Decimal | None = given("administration", _PRICE)
    bilateral_policy: BilateralPolicy | None = given("administration", _POLICY)
    effective_from: date | None = given(
        "administration",
        "The day from which a new price or policy holds, today when nothing is said; days before keep the old one. "
        "The first day of its validity corrects it.",
    )
    valid_from: date | None = given("administration", _FROM)
    valid_to: date | None = given("administration", _TO)
    active: bool | None = given("administration", "Whether it may be billed; true brings back what was retired.")
    idempotency_key: str | None = key("administration")


@strawberry.input(description="A code that is not billed any more.")
class RetireCptCodeInput:
    cpt_code_id: strawberry.ID = given("administration", _CODE)
    idempotency_key: str | None = key("administration")


@strawberry.type
class CptCodeSteps:
    """The mutations of codes."""

    @done(ACTIONS["create_cpt_code"], "Add a code to the master list.")
    async def create_cpt_code(
        self, info: Info, input: Annotated[CreateCptCodeInput, takes("The code, and its price.", "administration")]
    ) -> CptCodePayload:
        return CptCodePayload(
            done=await run(info, "create_cpt_code", input, lambda work: parties.create(work, CPT_CODE))
        )

    @done(ACTIONS["update_cpt_code"], "Change a code of the master list.")
    async def update_cpt_code(
        self, info: Info, input: Annotated[UpdateCptCodeInput, takes("The code, and what changes.", "administration")]
    ) -> CptCodePayload:
        return CptCodePayload(done=await run(info, "update_cpt_code", input, cpt_codes.update))

    @done(ACTIONS["retire_cpt_code"], "Retire a code: it is not for new lines any more, and stays on old ones.")
    async def retire_cpt_code(
        self, info: Info, input: Annotated[RetireCptCodeInput, takes("The code.", "administration")]
    ) -> CptCodePayload:
        return CptCodePayload(
            done=await run(info, "retire_cpt_code", input, lambda work: parties.retire(work, CPT_CODE))
        )
