"""The sort orders of invoice lists: the field and the direction."""

from enum import StrEnum


class Direction(StrEnum):
    """The direction of a sort order."""

    ASC = "asc"
    DESC = "desc"


class InvoiceOrderField(StrEnum):
    """The field by which invoices are sorted."""

    CREATED_ON = "created_on"
    SERVICE_DATE = "service_date"
    NUMBER = "number"
    BILLED_AMOUNT = "billed_amount"
    BALANCE = "balance"
    AGE = "age"
