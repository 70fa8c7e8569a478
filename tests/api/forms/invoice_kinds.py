"""Invoices in situations that the demo clinic does not contain."""

from domain.billing.invoices import InvoiceStatus
from tests.support.api.scenarios import Clinic


def add_kinds(clinic: Clinic) -> None:
    """Add an invoice of each such kind."""
    clinic.invoice()
    partly = clinic.agreed()
    clinic.pays("10.00", {partly: "10.00"})
    clinic.in_state(InvoiceStatus.CHEQUE_RECEIVED)
    bounced = clinic.agreed()
    clinic.bounces(clinic.pays("10.00", {bounced: "10.00"})["id"])
    for name in ("reopenReduction", "declineReduction"):
        clinic.step(name, bounced, reason="To negotiate again")
    clinic.step("writeOffInvoice", clinic.submitted(), clinic.admin, reason="Lost")
    received = clinic.submitted()
    clinic.pays("1.00", {received: "1.00"})
    clinic.invoice("0.00")
    small = clinic.agreed()
    clinic.pays("999.50", {small: "999.50"})
    for _ in range(3):
        remitted = clinic.look(clinic.agreed())
        clinic.remittance(remitted, remitted["payer"]["id"], "5.00")
