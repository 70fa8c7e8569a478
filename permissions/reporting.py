"""The roles whose reports show whole months: from figures of single days, days that these roles do not see could be worked out.

A figure of a few invoices, asked for day by day, tells the day on which it changes; two such figures, of sets that differ in one
invoice, tell it of that invoice, however large the sets. What such a role is told is therefore coarse itself: where it stood at the end of
a month, and the month in which an invoice was paid.
"""

from domain.access.people import Role

# Their reports run under a database role of their own, which reads the whole clinic: as these roles do.
BY_MONTH = frozenset({Role.ANALYST})
# The fields whose rules decide who filters reports by anything, and who only by the payer, the physician and the facility.
HIDDEN_DAYS = ("Invoice.submittedOn", "Invoice.denials", "Invoice.cheques")
