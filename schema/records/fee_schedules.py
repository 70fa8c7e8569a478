"""GraphQL types and mutations of fee schedules: their payer, facility, validity and rates."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from permissions.classes import argument, input_field, output_field, query_field
from resolvers.commands.records import fee_schedules
from schema.connections import After, Before, Connection, First, Last, Node
from schema.reading import compiled
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, record_mutations
from schema.records.facilities import Facility
from schema.references import PayerRef


@strawberry.type(description="The rate of one code in a fee schedule.")
class FeeScheduleRate:
    code: str = output_field("pricing", "The code.")
    rate: Decimal = output_field("pricing", "The price of one unit in US dollars.")


@strawberry.type(
    description="A fee schedule: rates with a validity period, either the clinic's own or negotiated with a payer."
)
class FeeSchedule(Node):
    id: strawberry.ID = output_field("pricing", "The schedule's id.")
    name: str = output_field("pricing", "The name of the schedule.")
    payer: PayerRef | None = output_field(
        "pricing", "The payer with whom it was negotiated; null for the clinic's own schedule."
    )
    facility: Facility | None = output_field(
        "pricing", "The facility to which the policy applies; null for all facilities."
    )
    valid_from: date = output_field("pricing", "The first day of service to which it applies.")
    valid_to: date | None = output_field(
        "pricing", "The first day of service to which it no longer applies; null if it has no end."
    )

    @query_field("pricing", "The rates, by code.")
    def rates(
        self,
        code: Annotated[str | None, argument("The start of the code.", ("FeeScheduleRate.code",))] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[FeeScheduleRate]:
        return compiled()


@strawberry.input(description="The price of one code in a fee schedule.")
class FeeScheduleRateInput:
    code: str = input_field("administration", "The code, as in the master list of CPT codes.")
    rate: Decimal = input_field("administration", "The price of one unit in US dollars.")


FeeScheduleMutations: Any = record_mutations(
    FeeSchedule,
    "fee schedule",
    (
        RecordField("name", str, "The name of the schedule.", is_required=True),
        RecordField("payer_id", strawberry.ID, "The payer with whom the rates were negotiated.", is_create_only=True),
        RecordField(
            "facility_id",
            strawberry.ID,
            "The facility to which it applies; all facilities by default.",
            is_create_only=True,
        ),
        RecordField("valid_from", date, "The first day of service to which it applies.", is_required=True),
        RecordField("valid_to", date, "The first day of service to which it no longer applies; null for no end."),
        RecordField(
            "rates",
            list[FeeScheduleRateInput],
            "The rates; more can be added later.",
            default=list,
            change_description="Rates to add or change.",
        ),
        RecordField("removed_codes", list[str], "The codes whose rates are removed.", is_update_only=True),
        RecordField(
            "effective_from",
            date,
            "The day from which the changed rates apply, today by default; earlier days keep the old rates. "
            "If it is the first day of the schedule's validity, the existing rates are corrected.",
            is_update_only=True,
        ),
    ),
    RecordCommands(fee_schedules.create, fee_schedules.update, fee_schedules.retire),
    RecordTexts(
        new="A new fee schedule: the clinic's own or negotiated with a payer, for all facilities or for one.",
        new_argument="The schedule and its rates.",
        changes="Changes to a fee schedule; omitted fields stay as they are. Existing invoices keep their prices.",
        retired="The fee schedule to retire as of today; earlier days of service keep its rates.",
        retire="Retire a fee schedule as of today.",
    ),
)
