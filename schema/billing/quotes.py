"""GraphQL types of price quotes: prices are computed, and nothing is saved."""

from datetime import date
from decimal import Decimal

import strawberry

from permissions.classes import input_field, output_field
from schema.billing.lines import InvoiceLineInput
from schema.errors import UserError
from schema.records.cpt_codes import PriceTrace
from schema.records.exam_types import ExamLineInput


@strawberry.input(description="What to price, and for which payer, facility and day.")
class PriceQuoteInput:
    payer_id: strawberry.ID = input_field("treatment", "The payer.")
    facility_id: strawberry.ID | None = input_field("treatment", "The facility of the treatment; prices depend on it.")
    service_date: date = input_field("treatment", "The day of service; prices depend on it.")
    lines: list[InvoiceLineInput] | None = input_field("treatment", "The lines to price.")
    exam_lines: list[ExamLineInput] | None = input_field(
        "treatment", "The exams to price; selecting an exam does not select its sub-exams."
    )


@strawberry.type(description="One line of a price quote, with its price trace.")
class QuotedLine:
    code: str = output_field("pricing", "The code.")
    label: str = output_field("pricing", "The description of the code.")
    units: int = output_field("pricing", "The number of units.")
    bilateral: bool = output_field("pricing", "Whether it is done on both sides.")
    unit_price: Decimal = output_field("pricing", "The price of one unit in US dollars.")
    amount: Decimal = output_field("pricing", "The amount of the line in US dollars.")
    trace: PriceTrace = output_field("pricing", "How the price was determined.")


@strawberry.type(description="A price quote: the prices that an invoice would have.")
class PriceQuote:
    lines: list[QuotedLine] = output_field(
        "pricing", "The lines: first the given lines, then one line for each exam with a code."
    )
    total: Decimal = output_field("treatment", "The total of the lines in US dollars.")


@strawberry.type(description="The result of a price quote.")
class PriceQuotePayload:
    quote: PriceQuote | None = output_field("treatment", "The quote; null if the input is invalid.")
    errors: list[UserError] = output_field("treatment", "Why there is no quote; empty on success.")
