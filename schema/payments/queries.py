"""The queries of payments: cheques, deposits, remittances, and the requests of payers to pay money back."""

# A compiled read returns encoded JSON, not a Python object of the published type.
# mypy: disable-error-code="no-any-return"

from typing import Annotated

import strawberry
from strawberry import UNSET, Info

from permissions.classes import argument
from schema.connections import After, Before, First, Last
from schema.enums import Direction
from schema.payments.cheques import ChequeConnection, ChequeFilter
from schema.payments.deposits import DepositConnection, DepositFilter
from schema.payments.enums import RecoupmentRequestOrderField
from schema.payments.recoupment import RecoupmentRequestConnection, RecoupmentRequestFilter, RecoupmentRequestOrder
from schema.payments.remittances import (
    Remittance,
    RemittanceClaimConnection,
    RemittanceClaimFilter,
    RemittanceConnection,
    RemittanceFilter,
)
from schema.reading import compiled_root, read

Id = Annotated[strawberry.ID, argument("The id of the record.", "signed_in")]
ChequesWanted = Annotated[ChequeFilter | None, argument("Only cheques that match this filter.", "records")]
DepositsWanted = Annotated[DepositFilter | None, argument("Only deposits that match this filter.", "records")]
RemittancesWanted = Annotated[RemittanceFilter | None, argument("Only remittances that match this filter.", "records")]
ClaimsWanted = Annotated[RemittanceClaimFilter | None, argument("Only claims that match this filter.", "records")]
RecoupmentWanted = Annotated[
    RecoupmentRequestFilter | None, argument("Only requests that match this filter.", "records")
]
RecoupmentSorted = Annotated[RecoupmentRequestOrder | None, argument("A sort order of recoupment requests.", "records")]
NEWEST_REQUESTS_FIRST = RecoupmentRequestOrder(field=RecoupmentRequestOrderField.REQUESTED_ON, direction=Direction.DESC)


@strawberry.type
class PaymentQueries:
    """The queries of payments."""

    @compiled_root("records", "The received payments (cheques), newest first.")
    async def cheques(
        self,
        info: Info,
        filter: ChequesWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> ChequeConnection:
        return await read(info)

    @compiled_root("records", "The deposits of payments in bank accounts, newest first.")
    async def deposits(
        self,
        info: Info,
        filter: DepositsWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> DepositConnection:
        return await read(info)

    @compiled_root("records", "The requests of payers to pay money back, newest first by default.")
    async def recoupment_requests(
        self,
        info: Info,
        filter: RecoupmentWanted = UNSET,
        order_by: RecoupmentSorted = NEWEST_REQUESTS_FIRST,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> RecoupmentRequestConnection:
        return await read(info)

    @compiled_root("records", "One remittance by its id; null if it does not exist.")
    async def remittance(self, info: Info, id: Id) -> Remittance | None:
        return await read(info)

    @compiled_root("records", "The remittances of payers, newest first.")
    async def remittances(
        self,
        info: Info,
        filter: RemittancesWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> RemittanceConnection:
        return await read(info)

    @compiled_root(
        "records", "The claims of all remittances, oldest first; with isWaiting, the queue of those to decide about."
    )
    async def remittance_claims(
        self,
        info: Info,
        filter: ClaimsWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> RemittanceClaimConnection:
        return await read(info)
