"""What a set of files for QuickBooks is made from: the columns that are read of invoices, adjustments and payments."""

from exports.columns import Cell, Column

# Customers are the payers: no patient is named but those who pay themselves.
INVOICES = (
    Column("number", "number"),
    Column("customer_id", "payer.id"),
    Column("customer", "payer.name"),
    Column("created_on", "createdOn", Cell.DATE),
    Column("service_date", "serviceDate", Cell.DATE),
    Column("case", "case.number"),
    Column("billed", "billedAmount", Cell.AMOUNT),
    Column("balance", "balance", Cell.AMOUNT),
)
ADJUSTMENTS = (
    Column("id", "invoice.id"),
    Column("number", "invoice.number"),
    Column("customer_id", "invoice.payer.id"),
    Column("customer", "invoice.payer.name"),
    Column("on", "adjustedOn", Cell.DATE),
    Column("kind", "kind", Cell.WORD),
    Column("amount", "amount", Cell.AMOUNT),
)
PAYMENTS = (
    Column("id", "id"),
    Column("number", "invoice.number"),
    Column("customer_id", "invoice.payer.id"),
    Column("customer", "invoice.payer.name"),
    Column("on", "effectiveOn", Cell.DATE),
    Column("method", "cheque.method", Cell.WORD),
    Column("cheque", "cheque.number"),
    Column("amount", "amount", Cell.AMOUNT),
)
