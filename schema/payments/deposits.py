"""The GraphQL type of deposits, and the mutations that follow a payment after its receipt: deposit, clearing and refund."""

from datetime import date
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.payments import deposits, refunds
from schema.access.users import User
from schema.commands import command, payload_of
from schema.connections import Connection, Node
from schema.keys import key
from schema.payments.cheques import Cheque, ChequePayload
from schema.payments.enums import PaymentMethod


@strawberry.type(description="Payments that were deposited together in a bank account.")
class Deposit(Node):
    id: strawberry.ID = output_field("records", "The deposit's id.")
    bank_account: str = output_field("records", "The name of the clinic's bank account.")
    deposited_on: date = output_field("records", "The day of the deposit.")
    payment_count: int = output_field("records", "The number of its payments.")
    total: Decimal = output_field(
        "records", "The sum of its payments in US dollars, including those that were returned later."
    )
    cheques: list[Cheque] = output_field("records", "Its payments, in the order of receipt.")
    recorded_by: User | None = output_field("records", "The user who recorded it; null if it was imported.")


DepositConnection = Connection[Deposit]


@strawberry.input(description="Filter for deposits; all conditions must be met.")
class DepositFilter:
    deposited_from: date | None = input_field(("Deposit.depositedOn",), "Only deposits on or after this day.")
    deposited_to: date | None = input_field(("Deposit.depositedOn",), "Only deposits on or before this day.")


_CHEQUES = "The payments to deposit; a held cheque becomes money, received on the day of the deposit."


@strawberry.input(description="A new deposit.")
class CreateDepositInput:
    bank_account: str = input_field("staff", "The name of the clinic's bank account.")
    deposited_on: date = input_field("staff", "The day of the deposit.")
    cheque_ids: list[strawberry.ID] = input_field("staff", _CHEQUES)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="Further payments of a deposit.")
class DepositChequesInput:
    deposit_id: strawberry.ID = input_field("staff", "The id of the deposit.")
    cheque_ids: list[strawberry.ID] = input_field("staff", _CHEQUES)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="The day on which the bank cleared a payment.")
class ClearChequeInput:
    cheque_id: strawberry.ID = input_field("staff", "The id of the payment.")
    cleared_on: date = input_field("staff", "The day on which the bank cleared it.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A refund of the unapplied part of a payment.")
class RefundChequeInput:
    cheque_id: strawberry.ID = input_field("administration", "The id of the payment.")
    amount: Decimal = input_field(
        "administration", "The amount in US dollars, at most what is unapplied of the payment."
    )
    payee: str = input_field("administration", "Who gets it.")
    reason: str = input_field("administration", "Why it is refunded.")
    refunded_on: date = input_field("administration", "The day of the refund.")
    method: PaymentMethod = input_field("administration", "How it is paid.")
    document_id: strawberry.ID | None = input_field("administration", "The id of an uploaded document about it.")
    provider_adjustment_id: strawberry.ID | None = input_field(
        "administration",
        "The row of a later payment by which the payer withheld the money: no money is sent. At most as much as the row.",
    )
    idempotency_key: str | None = key("administration")


@strawberry.input(description="A refund that came back.")
class ReturnRefundInput:
    refund_id: strawberry.ID = input_field("administration", "The id of the refund.")
    returned_on: date = input_field("administration", "The day on which it came back.")
    reason: str = input_field("administration", "Why it came back.")
    idempotency_key: str | None = key("administration")


@strawberry.input(
    description="A refund whose payment was returned, and the payment by which the payer makes up for it."
)
class CoverRefundInput:
    refund_id: strawberry.ID = input_field("administration", "The id of the refund.")
    cheque_id: strawberry.ID = input_field("administration", "The id of another payment of the payer.")
    amount: Decimal | None = input_field(
        "administration",
        "The amount in US dollars, by default as much as possible: at most what is owed for the refund, and what is unapplied of "
        "the payment.",
    )
    reason: str = input_field("administration", "Why it counts on the payment.")
    idempotency_key: str | None = key("administration")


@strawberry.input(
    description="A refund that the payer will not pay back, although its payment was returned; or what it took back of a payment that "
    "was returned."
)
class GiveUpRefundInput:
    refund_id: strawberry.ID | None = input_field("administration", "The id of the refund.")
    cheque_id: strawberry.ID | None = input_field(
        "administration",
        "In place of the refund, the id of a payment of which more is used than there is, because its payer took money back of a "
        "payment that was returned.",
    )
    reason: str = input_field("administration", "Why it is given up.")
    idempotency_key: str | None = key("administration")


DepositPayload: Any = payload_of(Deposit, "staff", "deposit")


DepositMutations: Any = create_type(
    "DepositMutations",
    [
        command(
            "create_deposit",
            deposits.create,
            "Record a deposit of payments in a bank account.",
            CreateDepositInput,
            "The new deposit.",
            DepositPayload,
        ),
        command(
            "deposit_cheques",
            deposits.add,
            "Add payments to a deposit.",
            DepositChequesInput,
            "The deposit and the payments.",
            DepositPayload,
        ),
        command(
            "clear_cheque",
            deposits.clear,
            "Record that the bank cleared a payment, or correct the day.",
            ClearChequeInput,
            "The payment and the day.",
            ChequePayload,
        ),
        command(
            "refund_cheque",
            refunds.refund,
            "Refund what is unapplied of a payment, or a part of it.",
            RefundChequeInput,
            "The payment and the refund.",
            ChequePayload,
        ),
        command(
            "return_refund",
            refunds.return_refund,
            "Record that a refund came back: its money is unapplied again, and a recoupment request that it had answered is open again.",
            ReturnRefundInput,
            "The refund and the day.",
            ChequePayload,
        ),
        command(
            "cover_refund",
            refunds.cover_refund,
            "Let a refund whose payment was returned count on another payment of the payer, which so pays back what it owes; the "
            "payload is that payment.",
            CoverRefundInput,
            "The refund and the payment.",
            ChequePayload,
        ),
        command(
            "give_up_refund",
            refunds.give_up_refund,
            "Give up what a payer owes for a refund whose payment was returned; coverRefund takes it back when the payer pays. Or give "
            "up what it took back of a payment that was returned.",
            GiveUpRefundInput,
            "The refund and the reason.",
            ChequePayload,
        ),
    ],
)
