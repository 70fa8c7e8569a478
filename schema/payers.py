"""Decides what is said of those who pay, and how they are chosen."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from permissions.classes import asked, given, shown, takes
from schema.connections import After, Connection, First, Node
from schema.enums import PayerKind
from schema.invoices import InvoiceConnection, InvoiceFilter, InvoiceOrder
from schema.reading import compiled
from schema.references import PayerRef
from schema.reminders import Hold

PayerConnection = Connection[PayerRef]


@strawberry.type(description="Whoever is to pay an invoice.")
class Payer(Node):
    id: strawberry.ID = shown("parties", "The payer's id.")
    name: str = shown("parties", "The payer's name.")
    kind: PayerKind = shown("staff", "What kind of payer it is.")
    email: str | None = shown("staff", "The e-mail address that invoices and messages go to.")
    phone: str | None = shown("staff", "The payer's telephone number.")
    address: str | None = shown("staff", "The payer's postal address.")
    active: bool = shown("staff", "Whether new invoices may be addressed to the payer.")
    hold: Hold | None = shown("negotiation", "The pause that keeps the payer's invoices quiet now.")

    @asked("staff", "The payer's invoices.")
    def invoices(
        self,
        filter: Annotated[InvoiceFilter | None, takes("Which of them are wanted.", "signed_in")] = UNSET,
        order_by: Annotated[
            InvoiceOrder | None, takes("How they are sorted; newest first when nothing is said.", "signed_in")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> InvoiceConnection:
        return compiled()


@strawberry.input(description="Which payers are wanted; every condition narrows further.")
class PayerFilter:
    kind: list[PayerKind] | None = given(("Payer.kind",), "Only payers of these kinds.")
    # A payer may be a patient: who may not know patients by name may not look for payers by name.
    search: str | None = given(("Payer.name", "Patient.name"), "The beginning of any word of the payer's name.")
