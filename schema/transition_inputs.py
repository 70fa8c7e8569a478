"""Decides what each step of an invoice asks of billing staff."""

from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

from permissions.classes import given
from schema.enums import Party, SubmissionMethod

_INVOICE = "The invoice that is meant."
_VERSION = "The version that was read; the step is refused when somebody has changed the invoice since."
_KEY = "A text of your own that makes it safe to send the same step again within 24 hours."


def _version() -> Any:
    return given("staff", _VERSION)


def _key() -> Any:
    return given("staff", _KEY)


@strawberry.input(description="That an invoice was sent to its payer.")
class SubmitInvoiceInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    submitted_on: date = given("staff", "The day on which it was sent.")
    method: SubmissionMethod = given("staff", "How it was sent.")
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="That the payer pays the billed amount.")
class AcceptInFullInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="That the payer asks for a reduction.")
class RequestReductionInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    amount: Decimal = given("staff", "What the payer offers to pay.")
    reason: str | None = given("staff", "Why the payer wants to pay less.")
    expires_on: date | None = given("staff", "The last day of the offer.")
    document_id: strawberry.ID | None = given("staff", "The uploaded letter with the offer.")
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="The next offer of a negotiation.")
class CounterReductionInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    party: Party = given("staff", "Who makes the offer.")
    amount: Decimal = given("staff", "What is offered.")
    note: str | None = given("staff", "What was said with the offer.")
    expires_on: date | None = given("staff", "The last day of the offer.")
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="That both sides agreed on an amount.")
class AgreeReductionInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    amount: Decimal | None = given("staff", "The amount agreed on; without it, the latest open offer.")
    conditional_until: date | None = given("staff", "The day by which it must be paid, or the agreement lapses.")
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="That the clinic ends a negotiation without a reduction.")
class DeclineReductionInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    reason: str = given("staff", "Why no reduction is given.")
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="That an agreement is negotiated again.")
class ReopenReductionInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    reason: str = given("staff", "Why it is negotiated again.")
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="That the payer refuses to pay.")
class RecordDenialInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    denied_on: date = given("staff", "The day of the refusal.")
    reason_code: str = given("staff", "The payer's code for the reason.")
    amount: Decimal | None = given("staff", "How much of the bill is refused.")
    note: str | None = given("staff", "What was said with the refusal.")
    appeal_due_on: date | None = given("staff", "The last day for an appeal.")
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="That somebody else is to pay.")
class ChangePayerInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    payer_id: strawberry.ID = given("staff", "Who is to pay from now on.")
    reason: str = given("staff", "Why the payer changes.")
    version: int | None = _version()
    idempotency_key: str | None = _key()


@strawberry.input(description="That an invoice was issued in error.")
class VoidInvoiceInput:
    invoice_id: strawberry.ID = given("administration", _INVOICE)
    reason: str = given("administration", "What was wrong with it.")
    version: int | None = given("administration", _VERSION)
    idempotency_key: str | None = given("administration", _KEY)


@strawberry.input(description="That the rest of an invoice will not be paid.")
class WriteOffInvoiceInput:
    invoice_id: strawberry.ID = given("administration", _INVOICE)
    reason: str = given("administration", "Why it will not be paid.")
    version: int | None = given("administration", _VERSION)
    idempotency_key: str | None = given("administration", _KEY)
