"""Decides what is said of codes, of billed lines, and of how a price came about."""

from datetime import date
from decimal import Decimal

import strawberry

from permissions.classes import given, shown
from schema.connections import Node
from schema.enums import BilateralPolicy, PriceSource


@strawberry.type(description="A code that can be billed, with its price.")
class CptCode(Node):
    id: strawberry.ID = shown("master_reading", "The code's id.")
    code: str = shown("master_reading", "The code.")
    label: str = shown("master_reading", "What the code stands for.")
    base_price: Decimal = shown("staff", "The price of one unit where no fee schedule says otherwise.")
    bilateral_policy: BilateralPolicy = shown("staff", "What treating both sides of the body does to the price.")
    active: bool = shown("staff", "Whether the code may still be billed.")
    valid_from: date = shown("staff", "The first day on which the code is valid.")
    valid_to: date | None = shown("staff", "The first day on which the code is no longer valid.")


@strawberry.input(description="Which codes are wanted.")
class CptCodeFilter:
    code: str | None = given(("CptCode.code",), "The beginning of the code.")
    active_only: bool | None = given(("CptCode.active",), "Only codes that may still be billed.")
    valid_on: date | None = given(("CptCode.validFrom", "CptCode.validTo"), "Only codes that are valid on this day.")


@strawberry.type(description="How the price of a line came about, kept as it was when the line was written.")
class PriceTrace:
    source: PriceSource = shown("pricing", "Where the price came from.")
    rate: Decimal = shown("pricing", "The price found there, before any factor.")
    geographic_factor: str = shown("pricing", "What the price was multiplied by for the place of treatment.")
    bilateral_factor: str = shown("pricing", "What the price was multiplied by for both sides of the body.")
    override_reason: str | None = shown("pricing", "Why the price was set by hand.")
    schedule: str | None = shown("pricing", "What the fee schedule that the price came from was called.")
    valid_from: date | None = shown(
        "pricing", "The first day on which the price found there was valid; nothing when it was set by hand."
    )
    valid_to: date | None = shown("pricing", "The first day on which it was no longer valid; nothing without end.")


@strawberry.type(description="One line of an invoice: what was done, how often, and what it costs.")
class InvoiceLine:
    id: strawberry.ID = shown("staff", "The line's id.")
    position: int = shown("staff", "The line's place on the invoice, from 1.")
    cpt_code: str = shown("existence", "The code that is billed.")
    label: str = shown("existence", "What was done.")
    units: int = shown("existence", "How often it was done.")
    bilateral: bool = shown("existence", "Whether it was done on both sides.")
    unit_price: Decimal = shown("pricing", "The price of one unit.")
    amount: Decimal = shown("existence", "What the line costs.")
    price_trace: PriceTrace = shown("pricing", "How the price came about.")
