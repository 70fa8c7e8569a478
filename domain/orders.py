"""Decides what a page of invoices can be sorted by, and in which direction."""

from enum import StrEnum


class Direction(StrEnum):
    """Which end of an order comes first."""

    ASC = "asc"
    DESC = "desc"


class InvoiceOrderField(StrEnum):
    """What invoices are sorted by."""

    CREATED_ON = "created_on"
    SERVICE_DATE = "service_date"
    NUMBER = "number"
    BILLED_AMOUNT = "billed_amount"
    BALANCE = "balance"
    AGE = "age"
