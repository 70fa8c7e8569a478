"""Decides how a price is asked for before anything is saved, and what is said of it."""

from datetime import date
from decimal import Decimal

import strawberry

from permissions.classes import given, shown
from schema.errors import UserError
from schema.invoice_steps import InvoiceLineInput
from schema.pricing import PriceTrace


@strawberry.input(description="An exam that was done, or is to be priced.")
class ExamLineInput:
    exam_type_id: strawberry.ID = given("treatment", "Which exam.")
    bilateral: bool = given("treatment", "Whether on both sides.", default=False)
    units: int = given("treatment", "How often, 1 to 999.", default=1)


@strawberry.input(description="What is to be priced, and under which circumstances.")
class PriceQuoteInput:
    payer_id: strawberry.ID = given("treatment", "Who would pay.")
    facility_id: strawberry.ID | None = given("treatment", "Where the treatment is; prices depend on it.")
    service_date: date = given("treatment", "The day of treatment, on which prices depend.")
    lines: list[InvoiceLineInput] | None = given("treatment", "What would be billed, line by line.")
    exam_lines: list[ExamLineInput] | None = given(
        "treatment", "Exams that would be billed; selecting one does not select its sub-exams."
    )


@strawberry.type(description="One line of a quote: what it costs, and how that comes about.")
class QuotedLine:
    code: str = shown("pricing", "The code.")
    label: str = shown("pricing", "What the code stands for.")
    units: int = shown("pricing", "How often it is done.")
    bilateral: bool = shown("pricing", "Whether it is done on both sides.")
    unit_price: Decimal = shown("pricing", "The price of one unit.")
    amount: Decimal = shown("pricing", "What the line costs.")
    trace: PriceTrace = shown("pricing", "How the price comes about.")


@strawberry.type(description="What something would be billed at.")
class PriceQuote:
    lines: list[QuotedLine] = shown(
        "pricing", "The lines: first those that were given, then one for each exam with a code."
    )
    total: Decimal = shown("treatment", "What the lines come to.")


@strawberry.type(description="The answer to a question for a price.")
class PriceQuotePayload:
    quote: PriceQuote | None = shown("treatment", "The quote; nothing when something in the input is wrong.")
    errors: list[UserError] = shown("treatment", "Why there is no quote; empty when there is one.")
