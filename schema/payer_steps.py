"""Decides what creating, changing and retiring a payer asks of billing staff."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.parties import PAYER
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import parties
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.enums import PayerKind
from schema.errors import UserError
from schema.keys import key
from schema.payers import Payer
from schema.payloads import told

_PAYER = "The payer that is meant."


@strawberry.type(description="The answer to a change of a payer.")
class PayerPayload:
    done: Private[Done]

    @asked("staff", "The payer as it is now; nothing when the change was refused.")
    async def payer(self, info: Info) -> Payer | None:
        return await follow(info, "Payer", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="Whoever is to pay, to be recorded.")
class CreatePayerInput:
    name: str = given("staff", "The name.")
    kind: PayerKind = given("staff", "What kind of payer it is.")
    email: str | None = given("staff", "The e-mail address that invoices and messages go to.")
    phone: str | None = given("staff", "The telephone number.")
    address: str | None = given("staff", "The postal address.")
    patient_id: strawberry.ID | None = given("staff", "The patient who pays in person.")
    attorney_id: strawberry.ID | None = given("staff", "The attorney who pays from the settlement.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="What changes of a payer: what is left out stays, null clears.")
class UpdatePayerInput:
    payer_id: strawberry.ID = given("staff", _PAYER)
    name: str | None = given("staff", "The name.")
    kind: PayerKind | None = given("staff", "What kind of payer it is.")
    email: str | None = given("staff", "The e-mail address that invoices and messages go to.")
    phone: str | None = given("staff", "The telephone number.")
    address: str | None = given("staff", "The postal address.")
    patient_id: strawberry.ID | None = given("staff", "The patient who pays in person.")
    attorney_id: strawberry.ID | None = given("staff", "The attorney who pays from the settlement.")
    active: bool | None = given(
        "staff", "Whether the payer may be chosen for new records; true brings back who or what was retired."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A payer who is not for new records any more.")
class RetirePayerInput:
    payer_id: strawberry.ID = given("staff", _PAYER)
    idempotency_key: str | None = key("staff")


@strawberry.type
class PayerSteps:
    """The mutations of payers."""

    @done(ACTIONS["create_payer"], "Record a payer.")
    async def create_payer(
        self, info: Info, input: Annotated[CreatePayerInput, takes("What is known of the payer.", "staff")]
    ) -> PayerPayload:
        outcome = await run(info, "create_payer", input, lambda work: parties.create(work, PAYER))
        return PayerPayload(done=outcome)

    @done(ACTIONS["update_payer"], "Change what is recorded of a payer.")
    async def update_payer(
        self, info: Info, input: Annotated[UpdatePayerInput, takes("The payer, and what changes.", "staff")]
    ) -> PayerPayload:
        outcome = await run(info, "update_payer", input, lambda work: parties.update(work, PAYER))
        return PayerPayload(done=outcome)

    @done(ACTIONS["retire_payer"], "Retire a payer: what names the payer stays as it is.")
    async def retire_payer(
        self, info: Info, input: Annotated[RetirePayerInput, takes("The payer.", "staff")]
    ) -> PayerPayload:
        outcome = await run(info, "retire_payer", input, lambda work: parties.retire(work, PAYER))
        return PayerPayload(done=outcome)
