"""The text in a set of files for QuickBooks that says how to import it."""

README = """\
How to import this set into QuickBooks Online (Settings, Import data), in this order:

1. Chart of accounts: 1-accounts.csv (once).
2. Customers: each 2-customers file. Customers that QuickBooks has already are not added again.
3. Invoices: each 3-invoices file (at most 100 invoices). Turn on custom transaction numbers first, and turn off sales tax
   for the import. Let QuickBooks add the product "Medical services". Date format: MM/DD/YYYY.
4. Journal entries: each 4-adjustments file, then each 5-payments file. Turn off account numbers first, and turn on the warning
   of duplicate journal numbers. Date format: MM/DD/YYYY.

QuickBooks then shows each customer's open balance as in balances.csv (Reports, Accounts receivable aging summary), and their sum as
openBalance in manifest.json. Payments and adjustments are credits of the customer; QuickBooks applies them to invoices in
"Receive payment".

Customers are payers. names.csv lists those whose names QuickBooks refuses, and the name that each has in these files.
Move "Clinic payments received" to the bank account with the deposits.
"""
