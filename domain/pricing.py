"""Decides what a line of an invoice costs: which price is taken, and what both sides of the body do to it."""

from enum import StrEnum


class BilateralPolicy(StrEnum):
    """What the bilateral toggle does to a code's price."""

    DOUBLE = "double"
    ONE_AND_A_HALF = "one_and_a_half"
    NOT_ALLOWED = "not_allowed"


class SelectionRule(StrEnum):
    """How many sub-exams of a main exam may be selected."""

    ANY = "any"
    EXACTLY_ONE = "exactly_one"
    AT_LEAST_ONE = "at_least_one"


class PriceSource(StrEnum):
    """Where a unit price came from, the first that exists on the service date."""

    PAYER_FACILITY_RATE = "payer_facility_rate"
    PAYER_RATE = "payer_rate"
    FACILITY_SCHEDULE = "facility_schedule"
    CLINIC_SCHEDULE = "clinic_schedule"
    BASE_PRICE = "base_price"
    OVERRIDE = "override"
