"""GraphQL types and mutations of CPT codes, and the types of invoice lines and price traces."""

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import strawberry

from domain.pricing.price_lists import CPT_CODE
from permissions.classes import input_field, output_field
from resolvers.commands.records import cpt_codes, parties
from schema.connections import Node
from schema.enums import BilateralPolicy, PriceSource
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations
from schema.references import UserRef


@strawberry.type(description="A CPT code that can be billed, with its price.")
class CptCode(Node):
    id: strawberry.ID = output_field("master_reading", "The code's id.")
    code: str = output_field("master_reading", "The code.")
    label: str = output_field("master_reading", "The description of the code.")
    base_price: Decimal = output_field(
        "staff", "The price of one unit in US dollars if no fee schedule has a rate for the code."
    )
    bilateral_policy: BilateralPolicy = output_field(
        "staff", "How bilateral treatment (both sides of the body) changes the price."
    )
    active: bool = output_field("staff", "Whether the code can still be billed.")
    valid_from: date = output_field("staff", "The first day on which the code is valid.")
    valid_to: date | None = output_field("staff", "The first day on which the code is no longer valid.")


@strawberry.input(description="Only codes that match this filter.")
class CptCodeFilter:
    code: str | None = input_field(("CptCode.code",), "The start of the code.")
    active_only: bool | None = input_field(("CptCode.active",), "If true, only codes that can still be billed.")
    valid_on: date | None = input_field(
        ("CptCode.validFrom", "CptCode.validTo"), "Only codes that are valid on this day."
    )


@strawberry.type(description="How the price of a line was determined, kept as it was when the line was created.")
class PriceTrace:
    source: PriceSource = output_field("pricing", "The source of the price.")
    rate: Decimal = output_field("pricing", "The price from this source in US dollars, before any factor.")
    geographic_factor: str = output_field(
        "pricing", "The geographic factor of the facility, by which the price was multiplied."
    )
    bilateral_factor: str = output_field(
        "pricing", "The factor for bilateral treatment, by which the price was multiplied."
    )
    override_reason: str | None = output_field("pricing", "Why the price was overridden.")
    schedule: str | None = output_field(
        "pricing", "The name of the fee schedule from which the price came, at that time."
    )
    valid_from: date | None = output_field(
        "pricing", "The first day on which this price was valid; null if the price was overridden."
    )
    valid_to: date | None = output_field(
        "pricing", "The first day on which it was no longer valid; null if it has no end."
    )


@strawberry.type(description="One line of an invoice.")
class InvoiceLine:
    id: strawberry.ID = output_field("staff", "The line's id.")
    position: int = output_field("staff", "The position of the line on the invoice, from 1.")
    cpt_code: str = output_field("existence", "The billed CPT code.")
    label: str = output_field("existence", "The description of the service.")
    units: int = output_field("existence", "The number of units.")
    bilateral: bool = output_field("existence", "Whether it was done on both sides.")
    unit_price: Decimal = output_field("pricing", "The price of one unit in US dollars.")
    amount: Decimal = output_field("existence", "The amount of the line in US dollars.")
    price_trace: PriceTrace = output_field("pricing", "How the price was determined.")
    is_repeated: bool = output_field(
        "workflow", "Whether it repeats a line of another invoice, or of this one, and is billed all the same."
    )
    repeat_confirmed_by: UserRef | None = output_field(
        "workflow", "The user who confirmed that the line is billed again; null where nobody was asked."
    )


CptCodeMutations: Any = record_mutations(
    CptCode,
    "code",
    (
        RecordField("code", str, "The code, as it is billed.", is_required=True, is_create_only=True),
        RecordField("label", str, "A description of the code in your own words.", is_required=True),
        RecordField(
            "base_price",
            Decimal,
            "The price of one unit in US dollars if no fee schedule has a rate for the code.",
            is_required=True,
        ),
        RecordField(
            "bilateral_policy",
            BilateralPolicy,
            "How bilateral treatment (both sides of the body) changes the price.",
            default=BilateralPolicy.DOUBLE,
        ),
        RecordField(
            "effective_from",
            date,
            "The day from which a new price or policy applies, today by default; earlier days keep the old "
            "one. If it is the first day of the code's validity, the existing entry is corrected.",
            is_update_only=True,
        ),
        RecordField("valid_from", date, "The first day on which it is valid.", is_required=True),
        RecordField("valid_to", date, "The first day on which it is no longer valid; null for no end."),
        active("code", "Whether it can be billed; true reactivates a retired code."),
    ),
    RecordCommands(partial(parties.create, kind=CPT_CODE), cpt_codes.update, partial(parties.retire, kind=CPT_CODE)),
    RecordTexts(
        identity="The id of the code; each validity period of a code has its own id.",
        new="A new code for the master list, or a new validity period of an existing code; it must not "
        "overlap existing periods.",
        new_argument="The code and its price.",
        create="Add a code to the master list.",
        changes="Changes to a code; omitted fields stay as they are. Existing invoices keep their prices.",
        update="Change a code of the master list.",
        retired="The code to retire. A retired code cannot be billed on new lines.",
        retire="Retire a code. It cannot be billed on new lines; existing lines stay as they are.",
    ),
)
