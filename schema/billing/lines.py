"""The GraphQL input of a line to bill, and its descriptions."""

from decimal import Decimal

import strawberry

from permissions.classes import input_field

DUPLICATE = (
    "Confirms that lines are billed although they repeat others: the same code for the same patient, day, physician and side, in "
    "another invoice that is not void or in this one."
)
DUPLICATE_REASON = "Why lines that repeat those of another payer are billed although a coverage forbids balance billing; only administrators can."


@strawberry.input(
    description="One line to bill. Its price is that of the day of service, unless the price is overridden."
)
class InvoiceLineInput:
    code: str = input_field("treatment", "The code, as in the master list of CPT codes.")
    units: int = input_field("treatment", "The number of units, 1 to 999.", default=1)
    bilateral: bool = input_field("treatment", "Whether it was done on both sides.", default=False)
    override_price: Decimal | None = input_field(
        "staff", "A unit price in US dollars that replaces the computed one; it requires a reason."
    )
    override_reason: str | None = input_field("staff", "Why the price is overridden.")
