"""GraphQL types, filters and mutations of payers."""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from permissions.classes import argument, input_field, output_field, query_field
from resolvers.commands.records import payers
from schema.billing.invoices import InvoiceConnection, InvoiceFilter, InvoiceOrder
from schema.connections import After, Connection, First, Node
from schema.enums import PayerKind
from schema.reading import compiled
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations
from schema.records.addresses import ADDRESS, ADDRESS_INPUTS
from schema.references import FirmRef, PayerRef
from schema.reminders.reminders import Hold

PayerConnection = Connection[PayerRef]


@strawberry.type(description="A payer: the attorney, the insurer or the patient who is to pay an invoice.")
class Payer(Node):
    id: strawberry.ID = output_field("parties", "The payer's id.")
    name: str = output_field("parties", "The payer's name.")
    kind: PayerKind = output_field("staff", "The kind of payer.")
    email: str | None = output_field("staff", "The e-mail address for invoices and reminders.")
    phone: str | None = output_field("staff", "The payer's telephone number.")
    fax: str | None = output_field("staff", "The payer's fax number.")
    address: str | None = output_field("staff", "The payer's postal address.")
    address_line1: str | None = output_field("staff", ADDRESS["address_line1"])
    address_line2: str | None = output_field("staff", ADDRESS["address_line2"])
    address_city: str | None = output_field("staff", ADDRESS["address_city"])
    address_state: str | None = output_field("staff", ADDRESS["address_state"])
    address_postal_code: str | None = output_field("staff", ADDRESS["address_postal_code"])
    active: bool = output_field("staff", "Whether new invoices can be addressed to the payer.")
    firm: FirmRef | None = output_field(
        "staff", "The law firm that pays; null for a payer of another kind, and where none is given."
    )
    hold: Hold | None = output_field(
        "negotiation", "The hold that stops reminders to the payer now; null if there is none."
    )

    @query_field("staff", "The payer's invoices.")
    def invoices(
        self,
        filter: Annotated[InvoiceFilter | None, argument("Only invoices that match this filter.", "signed_in")] = UNSET,
        order_by: Annotated[
            InvoiceOrder | None, argument("The sort order; newest first by default.", "signed_in")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> InvoiceConnection:
        return compiled()


@strawberry.input(description="Filter for payers; all conditions must be met.")
class PayerFilter:
    kind: list[PayerKind] | None = input_field(("Payer.kind",), "Only payers of these kinds.")
    firm_id: list[strawberry.ID] | None = input_field(
        ("Payer.firm", "Firm.id"), "Only payers that are one of these law firms."
    )
    # A payer may be a patient: roles that may not search patients by name may not search payers by name.
    search: str | None = input_field(("Payer.name", "Patient.name"), "The start of any word of the payer's name.")


PayerMutations: Any = record_mutations(
    Payer,
    "payer",
    (
        RecordField("name", str, "The name.", is_required=True),
        RecordField("kind", PayerKind, "The kind of payer.", is_required=True),
        RecordField("email", str, "The e-mail address for invoices and reminders."),
        RecordField("phone", str, "The telephone number."),
        RecordField("fax", str, "The fax number."),
        RecordField("address", str, "The postal address."),
        *ADDRESS_INPUTS,
        RecordField("patient_id", strawberry.ID, "The patient, for a payer of the kind PATIENT."),
        RecordField("attorney_id", strawberry.ID, "The attorney, for a payer of the kind ATTORNEY."),
        RecordField(
            "firm_id",
            strawberry.ID,
            "The law firm, for a payer of the kind ATTORNEY; by default the firm of the attorney.",
            change_description="The law firm, for a payer of the kind ATTORNEY; null for none.",
        ),
        active("payer"),
    ),
    RecordCommands(payers.create, payers.update, payers.retire),
    RecordTexts(
        retire="Retire a payer of whom nothing is open: no balance, no negotiation, no money that is unapplied or held, no coverage in force "
        "of an open case. Existing records of the payer stay as they are."
    ),
    warns=True,
)
