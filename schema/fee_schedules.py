"""Decides what is said of fee schedules: for whom and where they hold, since when, and at which rates."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import UNSET

from permissions.classes import asked, shown, takes
from schema.connections import After, Before, Connection, First, Last, Node
from schema.facilities import Facility
from schema.reading import compiled
from schema.references import PayerRef


@strawberry.type(description="What a fee schedule says of one code.")
class FeeScheduleRate:
    code: str = shown("pricing", "The code.")
    rate: Decimal = shown("pricing", "The price of one unit.")


@strawberry.type(description="Prices that hold for a while: the clinic's own, or what was negotiated with a payer.")
class FeeSchedule(Node):
    id: strawberry.ID = shown("pricing", "The schedule's id.")
    name: str = shown("pricing", "What the schedule is called.")
    payer: PayerRef | None = shown("pricing", "With whom it was negotiated; nothing for the clinic's own prices.")
    facility: Facility | None = shown("pricing", "The one facility that it is for; nothing when it is for all.")
    valid_from: date = shown("pricing", "The first day of treatment that it prices.")
    valid_to: date | None = shown("pricing", "The first day that it no longer prices; nothing without end.")

    @asked("pricing", "The rates, by code.")
    def rates(
        self,
        code: Annotated[str | None, takes("The beginning of the code.", ("FeeScheduleRate.code",))] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[FeeScheduleRate]:
        return compiled()
