"""Decides what recording, allocating and taking back a cheque asks of billing staff."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import done, given, takes
from resolvers import cheques
from resolvers.writing import run
from schema.payloads import ChequePayload

_KEY = "A text of your own that makes it safe to send the same step again within 24 hours."
_CHEQUE = "The cheque that is meant."
_ALLOCATIONS = "Which invoices it pays, and how much of each."


@strawberry.input(description="How much of a cheque pays one invoice.")
class AllocationInput:
    invoice_id: strawberry.ID = given("staff", "The invoice that is paid.")
    amount: Decimal = given("staff", "How much of it is paid.")


@strawberry.input(description="A cheque that came in.")
class RecordChequeInput:
    payer_id: strawberry.ID = given("staff", "Who sent it.")
    number: str = given("staff", "The number printed on it.")
    amount: Decimal = given("staff", "What it is worth.")
    cheque_date: date = given("staff", "The day written on it.")
    received_on: date = given("staff", "The day on which it came in.")
    document_id: strawberry.ID = given("staff", "The uploaded scan of it.")
    allocations: list[AllocationInput] = given("staff", _ALLOCATIONS)
    idempotency_key: str | None = given("staff", _KEY)


@strawberry.input(description="What the rest of a cheque pays.")
class AllocateChequeInput:
    cheque_id: strawberry.ID = given("staff", _CHEQUE)
    allocations: list[AllocationInput] = given("staff", _ALLOCATIONS)
    idempotency_key: str | None = given("staff", _KEY)


@strawberry.input(description="That the bank returned a cheque unpaid.")
class ReturnChequeInput:
    cheque_id: strawberry.ID = given("staff", _CHEQUE)
    returned_on: date = given("staff", "The day on which it was returned.")
    reason: str = given("staff", "Why it was returned.")
    idempotency_key: str | None = given("staff", _KEY)


@strawberry.type
class ChequeSteps:
    """The mutations of cheques."""

    @done(ACTIONS["record_cheque"], "Record a cheque that came in, and which invoices it pays.")
    async def record_cheque(
        self, info: Info, input: Annotated[RecordChequeInput, takes("The cheque.", "staff")]
    ) -> ChequePayload:
        return ChequePayload(done=await run(info, "record_cheque", input, cheques.record))

    @done(ACTIONS["allocate_cheque"], "Let what is left of a cheque pay further invoices.")
    async def allocate_cheque(
        self, info: Info, input: Annotated[AllocateChequeInput, takes("The cheque, and what it pays.", "staff")]
    ) -> ChequePayload:
        return ChequePayload(done=await run(info, "allocate_cheque", input, cheques.allocate))

    @done(ACTIONS["return_cheque"], "Say that the bank returned a cheque unpaid: what it paid is owed again.")
    async def return_cheque(
        self, info: Info, input: Annotated[ReturnChequeInput, takes("The cheque, and why it came back.", "staff")]
    ) -> ChequePayload:
        return ChequePayload(done=await run(info, "return_cheque", input, cheques.take_back))
