"""GraphQL mutations of remittances besides posting: importing a file, recording from paper, and deciding about what waits."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import Info
from strawberry.tools import create_type

from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation
from resolvers.commands.remittances import importing, queue, recording
from schema.commands import command
from schema.keys import key
from schema.payments.enums import PaymentMethod
from schema.payments.remittances import RemittanceClaimPayload, RemittancePayload
from schema.records.enums import AdjustmentGroup

_RULE = "staff"


@strawberry.input(description="An uploaded remittance file (X12 835) to import. Nothing of it is posted.")
class ImportRemittanceInput:
    upload_id: strawberry.ID = input_field(
        _RULE, "The id of the uploaded file. Only the user who uploaded it can import it, and only once."
    )
    dry_run: bool = input_field(
        _RULE,
        "If true, only show what would be found; nothing is kept, and the file can be imported afterwards.",
        default=False,
    )
    payer_id: strawberry.ID | None = input_field(
        _RULE, "The payer, where the file names one that is not known; later files of the payer will be known."
    )
    idempotency_key: str | None = key(_RULE)


@strawberry.input(description="By how much a paid amount is below what was charged, and why.")
class RemittedAdjustmentInput:
    group: AdjustmentGroup = input_field(_RULE, "Who is responsible for the amount.")
    reason_code: str = input_field(_RULE, "The claim adjustment reason code.")
    amount: Decimal = input_field(_RULE, "The amount in US dollars; negative where more is paid than was charged.")


@strawberry.input(description="What a payer says of a line of an invoice.")
class RemittedLineInput:
    line_id: strawberry.ID = input_field(_RULE, "The line of the invoice.")
    paid: Decimal = input_field(_RULE, "What is paid of the line, in US dollars.")
    adjustments: list[RemittedAdjustmentInput] = input_field(
        _RULE, "Why less is paid than was charged.", default_factory=list
    )
    remark_codes: list[str] = input_field(_RULE, "The remark codes.", default_factory=list)


@strawberry.input(
    description="What a payer says of an invoice. What is paid and all adjustments have to add up to what was billed."
)
class RemittedClaimInput:
    invoice_id: strawberry.ID = input_field(_RULE, "The invoice.")
    paid: Decimal = input_field(_RULE, "What is paid, in US dollars; negative where money is taken back.")
    patient_amount: Decimal | None = input_field(_RULE, "What the patient is responsible for, in US dollars.")
    status_code: str | None = input_field(
        _RULE,
        "The payer's status of the claim: 1, 2, 3, 19, 20 or 21 for processed (1 by default), 4 denied, 22 reversal.",
    )
    payer_number: str | None = input_field(_RULE, "The payer's own number of the claim.")
    lines: list[RemittedLineInput] = input_field(
        _RULE, "The lines, each with what is paid of it and its adjustments.", default_factory=list
    )
    adjustments: list[RemittedAdjustmentInput] = input_field(
        _RULE, "The adjustments that concern the invoice as a whole.", default_factory=list
    )
    remark_codes: list[str] = input_field(
        _RULE, "The remark codes that concern the invoice as a whole.", default_factory=list
    )


@strawberry.input(description="An adjustment of a payment that concerns no claim (provider level).")
class RemittedProviderAdjustmentInput:
    code: str = input_field(_RULE, "The reason code.")
    amount: Decimal = input_field(_RULE, "The amount in US dollars; a positive amount lowers the payment.")
    reference: str | None = input_field(_RULE, "The payer's reference.")


@strawberry.input(
    description="A remittance on paper (EOB). The payment has to be what is paid of the claims, less the provider adjustments."
)
class RecordRemittanceInput:
    payer_id: strawberry.ID = input_field(_RULE, "The payer.")
    method: PaymentMethod | None = input_field(_RULE, "How it is paid; PAPER by default.")
    number: str = input_field(_RULE, "The number of the cheque, or the trace number of the payment.")
    amount: Decimal = input_field(_RULE, "The amount of the payment in US dollars.")
    cheque_date: date | None = input_field(_RULE, "The day written on the cheque; the day of its receipt by default.")
    received_on: date = input_field(_RULE, "The day on which the clinic received the payment.")
    document_id: strawberry.ID | None = input_field(_RULE, "The id of the uploaded scan; a paper cheque requires it.")
    claims: list[RemittedClaimInput] = input_field(_RULE, "The claims that it pays.")
    provider_adjustments: list[RemittedProviderAdjustmentInput] = input_field(
        _RULE, "The adjustments that concern no claim.", default_factory=list
    )
    idempotency_key: str | None = key(_RULE)


@strawberry.input(description="The payer of a payment whose payer is not known.")
class IdentifyRemittancePayerInput:
    payment_id: strawberry.ID = input_field(_RULE, "The id of the payment of the remittance.")
    payer_id: strawberry.ID = input_field(_RULE, "The payer.")
    idempotency_key: str | None = key(_RULE)


@strawberry.input(description="The invoice of a claim that waits.")
class MatchRemittanceClaimInput:
    claim_id: strawberry.ID = input_field(_RULE, "The id of the claim.")
    invoice_id: strawberry.ID = input_field(_RULE, "The invoice.")
    coverage_id: strawberry.ID | None = input_field(
        _RULE, "The coverage under which it pays, where the payer has several in the case of the invoice."
    )
    idempotency_key: str | None = key(_RULE)


@strawberry.input(description="A claim that will not be posted.")
class CloseRemittanceClaimInput:
    claim_id: strawberry.ID = input_field(_RULE, "The id of the claim.")
    reason: str = input_field(_RULE, "Why it is not posted.")
    idempotency_key: str | None = key(_RULE)


@strawberry.type
class ImportRemittanceMutations:
    """The mutation that imports a remittance file."""

    @mutation(
        ACTIONS["import_remittance"],
        "Import a remittance file (X12 835): read it, and find the payers, invoices and lines that it is about. Nothing is posted.",
    )
    async def import_remittance(
        self,
        info: Info,
        input: Annotated[ImportRemittanceInput, argument("The uploaded file.", _RULE)],
    ) -> RemittancePayload:
        return RemittancePayload(result=await importing.import_remittance(info, input))


RemittanceMutations: Any = create_type(
    "RemittanceMutations",
    [
        command(
            "record_remittance",
            recording.record,
            "Record a remittance from paper with its payment, and post it at once. Nothing is recorded if its amounts do not add up, or "
            "if a claim cannot be posted.",
            RecordRemittanceInput,
            "The remittance.",
            RemittancePayload,
        ),
        command(
            "identify_remittance_payer",
            queue.identify_payer,
            "Choose the payer of a payment of a remittance, and match its claims again. Later files of this payer will be known.",
            IdentifyRemittancePayerInput,
            "The payment and its payer.",
            RemittancePayload,
        ),
        command(
            "match_remittance_claim",
            queue.match_claim,
            "Choose the invoice of a claim that waits; then it can be posted.",
            MatchRemittanceClaimInput,
            "The claim and its invoice.",
            RemittanceClaimPayload,
        ),
        command(
            "close_remittance_claim",
            queue.close_claim,
            "Close a claim that will not be posted.",
            CloseRemittanceClaimInput,
            "The claim and the reason.",
            RemittanceClaimPayload,
        ),
    ],
)
