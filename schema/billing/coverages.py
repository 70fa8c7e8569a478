"""GraphQL types and mutations of coverages: what obliges payers to pay for a case, what remains of it, and its history."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.billing import coverages
from schema.access.users import User
from schema.billing.coverage_enums import (
    BalanceBilling,
    CoverageAction,
    CoverageClosing,
    CoverageKind,
    CoverageStatus,
    InsuredRelationship,
)
from schema.commands import command, payload_of
from schema.connections import Node
from schema.history import Change
from schema.keys import key
from schema.references import CaseRef, PayerRef

_RULE = "staff"


@strawberry.type(description="An event in the history of a coverage.")
class CoverageEvent:
    id: strawberry.ID = output_field("records", "The event's id.")
    at: datetime = output_field("records", "When it happened.")
    by: User | None = output_field("records", "The user who did it; null for the system.")
    action: CoverageAction = output_field("records", "What was done.")
    changes: list[Change] = output_field("records", "The changed fields, before and after.")


@strawberry.type(
    description="A coverage of a case: an insurance policy, a letter of protection or the patient's own promise, under which a "
    "payer pays for the treatment."
)
class Coverage(Node):
    id: strawberry.ID = output_field("records", "The coverage's id.")
    case: CaseRef = output_field("records", "The case that it covers.")
    payer: PayerRef = output_field("records", "The payer.")
    kind: CoverageKind = output_field("records", "The kind of coverage.")
    priority: int = output_field("records", "The order in which the coverages of a case are billed; 1 is the first.")
    policy_number: str | None = output_field("records", "The number of the policy.")
    claim_number: str | None = output_field("records", "The payer's number of the claim.")
    insured_name: str | None = output_field("records", "The name of the insured person.")
    insured_relationship: InsuredRelationship | None = output_field(
        "records", "What the patient is to the insured person."
    )
    adjuster_name: str | None = output_field("records", "The name of the payer's adjuster.")
    adjuster_phone: str | None = output_field("records", "The adjuster's telephone number.")
    adjuster_email: str | None = output_field("records", "The adjuster's e-mail address.")
    effective_from: date | None = output_field("records", "The first day of the coverage; null if it is not known.")
    effective_to: date | None = output_field(
        "records", "The day before which the coverage ends; null if it has no end, or none that is known."
    )
    limit: Decimal | None = output_field(
        "records", "The limit per person in US dollars; null if there is none, or none that is known."
    )
    deductible: Decimal | None = output_field("records", "The deductible in US dollars; null for none.")
    pays_percent: str | None = output_field(
        "records",
        'What it pays of each line after the deductible, in percent as a decimal string such as "80.00"; null if it is not known.',
    )
    other_payments: Decimal | None = output_field(
        "records",
        "What the payer says that it paid to others under the coverage, in US dollars; null if it is not known.",
    )
    other_payments_on: date | None = output_field("records", "The day of that figure.")
    received_amount: Decimal = output_field(
        "records", "What the clinic has received under the coverage, net of returned payments, in US dollars."
    )
    remaining: Decimal | None = output_field(
        "records",
        "What remains of the limit after the payments to the clinic and to others, in US dollars, at least 0.00; "
        "null without a limit.",
    )
    file_within_days: int | None = output_field(
        "records", "Within how many days after the service an invoice must be filed; null if no limit is known."
    )
    balance_billing: BalanceBilling = output_field(
        "records", "Whether somebody else may be billed what the coverage does not pay."
    )
    status: CoverageStatus = output_field("records", "Whether the coverage pays.")
    exhausted_on: date | None = output_field("records", "The day on which the limit was used up.")
    closed_on: date | None = output_field(
        "records", "The day on which the payer refused it, or on which it was closed."
    )
    closing_reason: str | None = output_field("records", "Why it ended.")
    letter_url: str | None = output_field(
        "records",
        "A signed URL of the letter, such as the letter of protection, valid for 15 minutes and until the session ends; "
        "null if there is none.",
    )
    closing_letter_url: str | None = output_field(
        "records", "The same for the letter with which the payer exhausted or refused it; null if there is none."
    )
    added_at: datetime = output_field("records", "When it was recorded.")
    verified_by: User | None = output_field("records", "The user who verified it last; null if nobody has.")
    verified_at: datetime | None = output_field("records", "When it was verified last; null if it was not.")
    version: int = output_field("records", "The version, for optimistic locking.")
    history: list[CoverageEvent] = output_field("records", "What happened to the coverage, oldest first.")


@strawberry.type(description="What a coverage is expected to pay of an invoice.")
class ExpectedPayment:
    coverage: Coverage = output_field("records", "The coverage.")
    amount: Decimal | None = output_field(
        "records",
        "What is still expected in US dollars: the calculated amount less what was received under the coverage for this "
        "invoice, at most what remains of the coverage and the balance of the invoice; null if the percentage is not known.",
    )
    calculated_amount: Decimal | None = output_field(
        "records",
        "The percentage of each line after the deductible, rounded half up to the cent, summed, in US dollars; null if the "
        "percentage is not known.",
    )
    deductible_amount: Decimal = output_field(
        "records",
        "What of the deductible this invoice bears, in US dollars: all of it until the payer has paid something else under the "
        "coverage, and then nothing. The first lines bear it.",
    )


# The fields of a coverage that are inputs of adding and changing one: type and description.
_FIELDS: dict[str, tuple[Any, str]] = {
    "priority": (int, "The order in which the coverages of the case are billed; 1 is the first."),
    "policy_number": (str, "The number of the policy."),
    "claim_number": (str, "The payer's number of the claim."),
    "insured_name": (str, "The name of the insured person."),
    "insured_relationship": (InsuredRelationship, "What the patient is to the insured person."),
    "adjuster_name": (str, "The name of the payer's adjuster."),
    "adjuster_phone": (str, "The adjuster's telephone number."),
    "adjuster_email": (str, "The adjuster's e-mail address."),
    "effective_from": (date, "The first day of the coverage."),
    "effective_to": (date, "The day before which the coverage ends."),
    "limit": (Decimal, "The limit per person in US dollars."),
    "deductible": (Decimal, "The deductible in US dollars."),
    "pays_percent": (str, 'What it pays of each line after the deductible, in percent, such as "80" or "82.50".'),
    "other_payments": (Decimal, "What the payer says that it paid to others under the coverage, in US dollars."),
    "other_payments_on": (date, "The day of that figure; today by default."),
    "file_within_days": (int, "Within how many days after the service an invoice must be filed."),
    "balance_billing": (
        BalanceBilling,
        "Whether somebody else may be billed what it does not pay; FORBIDDEN by default for the kinds HEALTH and WORKERS_COMP.",
    ),
    "document_id": (strawberry.ID, "The id of the uploaded letter, such as the letter of protection."),
}
_CLOSED: dict[str, tuple[Any, str]] = {
    "closed_on": (date, "The day on which the limit was used up, or on which it ended; today by default."),
    "reason": (str, "Why it ends; required unless it is exhausted."),
    "document_id": (strawberry.ID, "The id of the uploaded letter with which the payer exhausted or refused it."),
}
_ID = {"coverage_id": (strawberry.ID, "The id of the coverage.")}
_KIND_AND_PAYER = {"kind": (CoverageKind, "The kind of coverage."), "payer_id": (strawberry.ID, "The payer.")}
_VERSION = {
    "version": (
        int,
        "Optimistic locking: the version that was read. The request is rejected if the coverage has been changed since.",
    )
}


def _input(name: str, description: str, required: dict[str, Any], optional: dict[str, Any]) -> type:
    """An input type of some required and some optional fields, with an idempotency key."""
    members = {field: input_field(_RULE, words) for field, (_, words) in {**required, **optional}.items()}
    types = {field: type_ for field, (type_, _) in required.items()}
    types |= {field: type_ | None for field, (type_, _) in optional.items()} | {"idempotency_key": str | None}
    members["idempotency_key"] = key(_RULE)
    made = type(name, (), {"__annotations__": types, "__module__": __name__, **members})
    return strawberry.input(description=description)(made)


AddCoverageInput: Any = _input(
    "AddCoverageInput",
    "A coverage of a case; it is UNVERIFIED until the payer has confirmed it.",
    {"case_id": (strawberry.ID, "The id of the case."), **_KIND_AND_PAYER},
    {**_FIELDS, "priority": (int, "The order in which the coverages of the case are billed; the last by default.")},
)
UpdateCoverageInput: Any = _input(
    "UpdateCoverageInput",
    "Changes to a coverage; omitted fields stay as they are, null clears a field.",
    {**_ID, **_VERSION},
    {
        **_KIND_AND_PAYER,
        **_FIELDS,
        "reason": (
            str,
            "Why it changes; required where a coverage that invoices are billed to is no longer to forbid balance billing.",
        ),
    },
)
VerifyCoverageInput: Any = _input(
    "VerifyCoverageInput",
    "A coverage that the payer has confirmed.",
    _ID,
    {"reason": (str, "Why it pays again; required for a coverage that had ended."), **_VERSION},
)
CloseCoverageInput: Any = _input(
    "CloseCoverageInput",
    "A coverage that ends.",
    {**_ID, "status": (CoverageClosing, "How it ends.")},
    {**_CLOSED, **_VERSION},
)
CoveragePayload: Any = payload_of(Coverage, _RULE, "coverage", warns=True)
CoverageMutations: Any = create_type(
    "CoverageMutations",
    [
        command(
            "add_coverage",
            coverages.add,
            "Add a coverage to a case.",
            AddCoverageInput,
            "The new coverage.",
            CoveragePayload,
        ),
        command(
            "update_coverage",
            coverages.update,
            "Change a coverage. No payment that is recorded changes; a limit below what was paid is a warning.",
            UpdateCoverageInput,
            "The coverage and the changes.",
            CoveragePayload,
        ),
        command(
            "verify_coverage",
            coverages.verify,
            "Record that the payer has confirmed a coverage: it becomes ACTIVE, and pays again if it had ended.",
            VerifyCoverageInput,
            "The coverage.",
            CoveragePayload,
        ),
        command(
            "close_coverage",
            coverages.close,
            "Record that a coverage is exhausted, refused by the payer, or closed. The invoices of its payer stay as they are.",
            CloseCoverageInput,
            "The coverage, and how it ends.",
            CoveragePayload,
        ),
    ],
)
