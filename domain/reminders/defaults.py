"""The default reminder policy (dunning schedule) of a clinic, and its message templates.

Messages contain numbers of cases and invoices and no other data of them: e-mail is not confidential.
"""

from dataclasses import dataclass

from domain.billing.invoices import InvoiceStatus
from domain.reminders.reminders import ReminderRecipient


@dataclass(frozen=True, slots=True)
class DefaultLevel:
    """A level of the default dunning schedule and the template that it uses."""

    template: str
    in_status: InvoiceStatus
    after_days: int
    copy_to: ReminderRecipient | None = None
    repeat_days: int | None = None
    repeat_times: int = 0


_MANY = "{% if invoice_count > 1 %}s{% endif %}"
_END = "\n\nPlease answer this message or call us with any question.\n\n{{ clinic }}\nBilling"
POLICY_NAME = "Standard"
# Name → subject and body.
TEMPLATES = {
    "First reminder": (
        f"Status of open invoice{_MANY} of {{{{ clinic }}}}",
        "Good day,\n\nwe have sent you the following and have not received a decision yet:\n\n{{ invoices }}\n\n"
        f"Please let us know where the case{_MANY} stand" + "{% if invoice_count == 1 %}s{% endif %}, "
        f"and when payment may be expected.{_END}",
    ),
    "Second reminder": (
        f"Second request: open invoice{_MANY} of {{{{ clinic }}}}",
        (
            "Good day,\n\nwe have asked before about the following, which is still open:\n\n{{ invoices }}\n\n"
            f"Please send us the status within ten days, or the name of the person who can give it.{_END}"
        ),
    ),
    "Third reminder": (
        f"Third request: open invoice{_MANY} of {{{{ clinic }}}}",
        (
            "Good day,\n\nin spite of two requests we have not received the status of the following:\n\n{{ invoices }}\n\n"
            f"We will call you about it in the next days, unless we receive your answer before.{_END}"
        ),
    ),
    "Agreed payment": (
        f"Agreed payment: invoice{_MANY} of {{{{ clinic }}}}",
        (
            "Good day,\n\nthank you for the agreement about the following, for which no payment has come in yet:\n\n"
            f"{{{{ invoices }}}}\n\nPlease tell us when the cheque was or will be sent.{_END}"
        ),
    ),
}
LEVELS = (
    DefaultLevel("First reminder", InvoiceStatus.PENDING_INVOICE, 30),
    DefaultLevel("Second reminder", InvoiceStatus.PENDING_INVOICE, 60),
    DefaultLevel("Third reminder", InvoiceStatus.PENDING_INVOICE, 90, ReminderRecipient.BILLING_LEAD),
    DefaultLevel("Agreed payment", InvoiceStatus.PENDING_CHEQUE, 30, repeat_days=30, repeat_times=3),
)
