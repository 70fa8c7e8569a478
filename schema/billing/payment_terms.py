"""GraphQL types and the mutation of a clinic's terms of payment."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.billing.payment_terms import set_payment_terms
from resolvers.commands.unit_of_work import run_command
from schema.errors import UserError, user_errors


@strawberry.input(description="The terms of payment of a clinic.")
class SetPaymentTermsInput:
    payment_terms_days: int = input_field(
        "administration", "The number of days from an invoice to its due day, at most 365."
    )


@strawberry.type(description="The result of changing the terms of payment.")
class SetPaymentTermsPayload:
    is_changed: bool = output_field("administration", "Whether the change was made.")
    errors: list[UserError] = output_field("administration", "Why the request was rejected; empty on success.")


@strawberry.type
class PaymentTermsMutations:
    """The mutation of the terms of payment."""

    @mutation(
        ACTIONS["set_payment_terms"],
        "Change the clinic's terms of payment, by which exports for accounting programs state due days.",
    )
    async def set_payment_terms(
        self, info: Info, input: Annotated[SetPaymentTermsInput, argument("The new terms.", "administration")]
    ) -> SetPaymentTermsPayload:
        done = await run_command(info, "set_payment_terms", input, set_payment_terms)
        return SetPaymentTermsPayload(is_changed=not done.errors, errors=user_errors(done.errors))
