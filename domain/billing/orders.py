"""The sort orders of lists of invoices and of encounters: the field and the direction."""

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


class EncounterOrderField(StrEnum):
    """The field by which encounters are sorted."""

    SERVICE_DATE = "service_date"
    RECORDED_AT = "recorded_at"
