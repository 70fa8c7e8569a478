"""Decides what creating, changing and ending a fee schedule asks of administrators."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import fee_schedules
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.errors import UserError
from schema.fee_schedules import FeeSchedule
from schema.keys import key
from schema.payloads import told

_SCHEDULE = "The schedule that is meant."
_NAME = "What the schedule is called."
_FROM = "The first day of treatment that it prices."
_TO = "The first day that it no longer prices; null for without end."


@strawberry.type(description="The answer to a change of a fee schedule.")
class FeeSchedulePayload:
    done: Private[Done]

    @asked("administration", "The schedule as it is now; nothing when the change was refused.")
    async def fee_schedule(self, info: Info) -> FeeSchedule | None:
        return await follow(info, "FeeSchedule", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("administration", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="The price of one code in a fee schedule.")
class FeeScheduleRateInput:
    code: str = given("administration", "The code, as in the master list.")
    rate: Decimal = given("administration", "The price of one unit.")


@strawberry.input(
    description="Prices from a day on: the clinic's own, or negotiated with a payer; for every facility, or for one."
)
class CreateFeeScheduleInput:
    name: str = given("administration", _NAME)
    payer_id: strawberry.ID | None = given("administration", "With whom the rates were negotiated.")
    facility_id: strawberry.ID | None = given("administration", "The one facility that it is for.")
    valid_from: date = given("administration", _FROM)
    valid_to: date | None = given("administration", _TO)
    rates: list[FeeScheduleRateInput] = given("administration", "The rates; more can follow.", default_factory=list)
    idempotency_key: str | None = key("administration")


@strawberry.input(
    description="What changes of a fee schedule: what is left out stays. Invoices keep what they were written with."
)
class UpdateFeeScheduleInput:
    fee_schedule_id: strawberry.ID = given("administration", _SCHEDULE)
    name: str | None = given("administration", _NAME)
    valid_from: date | None = given("administration", _FROM)
    valid_to: date | None = given("administration", _TO)
    rates: list[FeeScheduleRateInput] | None = given("administration", "Rates that are new, or other than before.")
    removed_codes: list[str] | None = given("administration", "Codes that have no rate in it any more.")
    effective_from: date | None = given(
        "administration",
        "The day from which other rates hold, today when nothing is said; days before keep the old ones. "
        "The first day of its validity corrects them.",
    )
    idempotency_key: str | None = key("administration")


@strawberry.input(description="A fee schedule that ends today; days before keep its prices.")
class RetireFeeScheduleInput:
    fee_schedule_id: strawberry.ID = given("administration", _SCHEDULE)
    idempotency_key: str | None = key("administration")


@strawberry.type
class FeeScheduleSteps:
    """The mutations of fee schedules."""

    @done(ACTIONS["create_fee_schedule"], "Record a fee schedule.")
    async def create_fee_schedule(
        self,
        info: Info,
        input: Annotated[CreateFeeScheduleInput, takes("The schedule, and its rates.", "administration")],
    ) -> FeeSchedulePayload:
        return FeeSchedulePayload(done=await run(info, "create_fee_schedule", input, fee_schedules.create))

    @done(ACTIONS["update_fee_schedule"], "Change a fee schedule.")
    async def update_fee_schedule(
        self,
        info: Info,
        input: Annotated[UpdateFeeScheduleInput, takes("The schedule, and what changes.", "administration")],
    ) -> FeeSchedulePayload:
        return FeeSchedulePayload(done=await run(info, "update_fee_schedule", input, fee_schedules.update))

    @done(ACTIONS["retire_fee_schedule"], "End a fee schedule today.")
    async def retire_fee_schedule(
        self, info: Info, input: Annotated[RetireFeeScheduleInput, takes("The schedule.", "administration")]
    ) -> FeeSchedulePayload:
        return FeeSchedulePayload(done=await run(info, "retire_fee_schedule", input, fee_schedules.retire))
